//! The parts of an invite's link.
//!
//! Owns which links are valid and the errors about others. Never opens a link, and never repeats the code
//! after `#`.

use bot_protocol::secret::Secret;

use bot_hub_server::config::PublicUrl;

/// A parsed link.
#[derive(Debug, PartialEq)]
pub(crate) struct Link {
    /// `https://hub.example`.
    pub(crate) base: PublicUrl,
    pub(crate) code: Secret,
}

/// Why a text is no valid link.
#[derive(Debug, PartialEq)]
pub(crate) struct NoLink {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

impl Link {
    pub(crate) fn parse(text: &str) -> Result<Self, NoLink> {
        let hint = "copy the whole link, in quotes: 'https://hub.example/join#K7QF-2M9D-XR4T-8W3A'";
        let wrong = |what: &str| NoLink { message: what.to_owned(), hint };
        if !text.contains(['/', '#', ':']) {
            return Err(wrong("that is no link: its address is missing"));
        }
        let (address, code) = text.trim().split_once('#').ok_or_else(|| {
            wrong(
                "the link has no code: the part behind `#` is missing, perhaps for want of quotes",
            )
        })?;
        if code.trim().is_empty() {
            return Err(wrong("the link has no code: nothing stands behind `#`"));
        }
        let base =
            address.strip_suffix("/join").or(address.strip_suffix("/join/")).unwrap_or(address);
        let base: PublicUrl =
            base.parse().map_err(|error| wrong(&format!("the link's address {error}")))?;
        if !base.is_encrypted() && !base.is_loopback() {
            let hint = "ask for a link that begins with `https://`";
            return Err(NoLink { hint, ..wrong("a code does not travel unencrypted") });
        }
        Ok(Self { base, code: Secret::new(code.trim()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &str), &str>) {
        let link = Link::parse(text);
        let link = link.map(|it| (it.base.to_string(), it.code.expose().to_owned()));
        let link = link.as_ref().map(|(base, code)| (base.as_str(), code.as_str()));
        assert_eq!(link.map_err(|error| error.message.as_str()), expected, "{text}");
    }

    #[test]
    fn a_link_has_an_address_and_a_code() {
        check("https://hub.example/join#K7QF-2M9D", Ok(("https://hub.example", "K7QF-2M9D")));
        check(" https://hub.example:8443/join/#x\n", Ok(("https://hub.example:8443", "x")));
        check("https://hub.example#x", Ok(("https://hub.example", "x")));
        check("http://127.0.0.1:18795/join#x", Ok(("http://127.0.0.1:18795", "x")));
        check(
            "https://hub.example/join",
            Err("the link has no code: the part behind `#` is missing, perhaps for want of quotes"),
        );
        check("https://hub.example/join#", Err("the link has no code: nothing stands behind `#`"));
        check("http://hub.example/join#x", Err("a code does not travel unencrypted"));
        check("hub.example/join#x", Err("the link's address has no scheme"));
        check("https://hub.example/other/join#x", Err("the link's address must end with its host"));
    }
}
