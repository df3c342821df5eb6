//! Checks single values, with a hint for each mistake.
//!
//! Owns these checks. Rules between settings are in [`super::meaning`].

use std::net::{IpAddr, SocketAddr};

use bot_protocol::name::{BotId, RoomName};

use super::public_url::{PublicUrl, PublicUrlError};
use super::quantity::{ByteSize, Period, QuantityError};
use super::schema::Format;
use crate::net::{self, Network};

/// What is wrong with a value, and a hint.
pub(super) struct Flaw {
    pub(super) message: String,
    pub(super) hint: String,
}

fn flaw(message: impl Into<String>, hint: impl Into<String>) -> Flaw {
    Flaw { message: message.into(), hint: hint.into() }
}

const HINT_PERIOD: &str =
    "write a number with `ms`, `s`, `m`, `h` or `d`, for example \"30s\" or \"1h30m\"";
const HINT_SIZE: &str = "write bytes or a size with `KiB`, `MiB` or `GiB`, for example \"256KiB\"";
const HINT_NAME: &str = "write a name like `marlbot` or `lab-2`";

/// The text in its canonical form (names in lower case), or what is wrong with it.
pub(super) fn judge(format: Format, text: &str) -> Result<String, Flaw> {
    let kept = || text.to_owned();
    match format {
        Format::Free => Ok(kept()),
        Format::Token => token(text).map(|()| kept()),
        Format::Bot => BotId::new(text)
            .map(|bot| bot.as_str().to_owned())
            .map_err(|error| flaw(error.to_string(), HINT_NAME)),
        Format::Room => room(text),
        Format::Period => period(text).map(|()| kept()),
        Format::Address => address(text).map(|()| kept()),
        Format::Origin => origin(text).map(|()| kept()),
        Format::Domain => domain(text),
        Format::WebAddress => web_address(text).map(|()| kept()),
        Format::PublicUrl => public_url(text),
        Format::Network => network(text),
        Format::Path if text.trim().is_empty() => {
            Err(flaw("a path must not be empty", "write a folder, or null for the default"))
        }
        Format::Path if text.contains('\0') => {
            Err(flaw("a path cannot hold a zero byte", "in JSON5 a backslash is written `\\\\`"))
        }
        Format::Path => Ok(kept()),
    }
}

fn token(text: &str) -> Result<(), Flaw> {
    if text.trim().is_empty() {
        return Err(flaw("a token must not be empty", "`bot-hub bot add NAME` makes a strong one"));
    }
    Ok(())
}

fn room(text: &str) -> Result<String, Flaw> {
    let room = RoomName::new(text).map_err(|error| match text.strip_prefix('#') {
        Some(bare) => flaw("`#` is not part of a room's name", format!("write `{}`", safe(bare))),
        None => flaw(error.to_string(), HINT_NAME),
    })?;
    if room.direct_pair().is_some() {
        let hint =
            "direct messages need no room: send with `to`; `retention` says how long they are kept";
        return Err(flaw("a direct-message room cannot be declared", hint));
    }
    Ok(room.as_str().to_owned())
}

fn period(text: &str) -> Result<(), Flaw> {
    match text.parse::<Period>() {
        Ok(period) if period.get().is_zero() => Err(flaw(
            "a period of zero",
            "write at least \"1ms\", or null where a bound may be lifted",
        )),
        Ok(_) => Ok(()),
        Err(QuantityError::NoUnit) => {
            let hint = format!("write \"{}s\" for seconds; {HINT_PERIOD}", safe(text.trim()));
            Err(flaw("a period needs a unit", hint))
        }
        Err(error) => Err(flaw(format!("a period that {error}"), HINT_PERIOD)),
    }
}

/// Parses a number of bytes.
pub(super) fn size(text: &str) -> Result<u64, Flaw> {
    let parsed = text.parse::<ByteSize>().map(ByteSize::get);
    parsed.map_err(|error| flaw(format!("a size that {error}"), HINT_SIZE))
}

fn address(text: &str) -> Result<(), Flaw> {
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    if text.trim().is_empty() {
        return Err(flaw("an empty address", address_hint(":18795")));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        let hint = format!("write \"{}\"", SocketAddr::new(ip, super::settings::PORT_DEFAULT));
        return Err(flaw("an address without a port", hint));
    }
    Err(flaw(format!("`{}` is not an address", safe(text)), address_hint(text)))
}

fn address_hint(text: &str) -> String {
    if text.parse::<u16>().is_ok() {
        return format!("write \"127.0.0.1:{text}\", or `port: {text}` without `listen`");
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "18795"));
    if text.contains("://") {
        return "write only address and port, for example \"127.0.0.1:18795\"".into();
    }
    if port.parse::<u16>().is_err() {
        return "a port is a number from 0 to 65535".into();
    }
    match host {
        "" | "*" => format!("for every interface write \"0.0.0.0:{port}\" or \"[::]:{port}\""),
        "localhost" => format!("write \"127.0.0.1:{port}\""),
        _ if host.contains(':') => format!("an IPv6 address stands in brackets: \"[::1]:{port}\""),
        _ => "write a numeric address and a port, for example \"127.0.0.1:18795\"; host names are \
              not looked up"
            .into(),
    }
}

fn origin(text: &str) -> Result<(), Flaw> {
    if text == "*" {
        return Err(flaw("a wildcard would let every web page in", "name each page's origin"));
    }
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme));
    let Some(host) = scheme.map(|scheme| &text[scheme.len()..]) else {
        let hint = "an origin starts with `https://` or `http://`, for example \"https://bots.example.com\"";
        return Err(flaw(format!("`{}` is not an origin", safe(text)), hint));
    };
    if let Some((before, _)) = host.split_once('/') {
        let hint = format!("write \"{}{}\"", scheme.unwrap_or_default(), safe(before));
        return Err(flaw("an origin has no path", hint));
    }
    // The door's own parser decides, because an origin that it cannot compare would silently allow nobody.
    // The door would treat a wildcard as an ordinary host, which no page has, and drop an invalid port.
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    let comparable = text.parse::<net::Origin>().is_ok()
        && !host.contains('*')
        && port.is_none_or(|port| port.parse::<u16>().is_ok());
    if !comparable {
        let message = format!("`{}` is not an origin", safe(text));
        let hint = "browsers send scheme, host and port: \"https://bots.example.com:8443\"";
        return Err(flaw(message, hint));
    }
    if host.chars().any(|c| c.is_ascii_uppercase()) {
        let hint = format!("write \"{}\"", text.to_ascii_lowercase());
        return Err(flaw("browsers send origins in lower case", hint));
    }
    Ok(())
}

/// Checks a domain that an authority can verify by connecting to it; returns it in lower case.
fn domain(text: &str) -> Result<String, Flaw> {
    let no = |message: &str, hint: &str| Err(flaw(message, hint));
    let hint = "write the bare name, for example \"hub.example.com\"";
    if text.contains("://") || text.contains('/') {
        return no("a domain has no scheme and no path", hint);
    }
    if text.starts_with("*.") {
        let hint = "name each domain; a wildcard needs a certificate of your own (`tls.certFile`)";
        return no("a wildcard cannot be proven by connecting to it", hint);
    }
    if text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        let hint = "name a domain that leads to this address, or use `tls.certFile`";
        return no("an IP address is not a domain", hint);
    }
    if text.contains(':') {
        return no("a domain has no port", hint);
    }
    let is_label = |label: &str| {
        let fits = (1..=63).contains(&label.len());
        let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        fits && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    if text.len() > 253 || !text.contains('.') || !text.split('.').all(is_label) {
        return Err(flaw(format!("`{}` is not a public domain", safe(text)), hint));
    }
    Ok(text.to_ascii_lowercase())
}

fn web_address(text: &str) -> Result<(), Flaw> {
    let hint = "write it with `https://`, for example \"https://ca.example.com/directory\"";
    let is_https = text.starts_with("https://") && !text.contains(char::is_whitespace);
    let has_host = text.parse::<hyper::Uri>().is_ok_and(|uri| uri.host().is_some());
    if is_https && has_host {
        return Ok(());
    }
    Err(flaw(format!("`{}` is not an address that begins with `https://`", safe(text)), hint))
}

fn public_url(text: &str) -> Result<String, Flaw> {
    let error = match text.parse::<PublicUrl>() {
        Ok(url) => return Ok(url.to_string()),
        Err(error) => error,
    };
    // Separates what precedes and what follows the host.
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
    let host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = safe(host.rsplit('@').next().unwrap_or_default());
    let hint = match error {
        PublicUrlError::NoScheme if !host.is_empty() => format!("write \"https://{host}\""),
        PublicUrlError::Socket => {
            let scheme = scheme.to_ascii_lowercase().replace("ws", "http");
            format!("write \"{scheme}://{host}\"; where bots connect is derived from it")
        }
        PublicUrlError::User => format!("write \"{}://{host}\"", safe(scheme)),
        PublicUrlError::Path => {
            format!("write \"{}://{host}\"; the hub needs a host name of its own", safe(scheme))
        }
        PublicUrlError::Everywhere => "write the name that others use for this machine".to_owned(),
        PublicUrlError::NotAscii => "write the name as the DNS has it, with `xn--`".to_owned(),
        PublicUrlError::Port => "write a port from 1 to 65535, or none".to_owned(),
        PublicUrlError::NoScheme | PublicUrlError::OtherScheme | PublicUrlError::Host => {
            "write \"https://hub.example.org\", with your own host name".to_owned()
        }
    };
    // The part before `@` may be a password. The rest of the text helps to find the mistake.
    let shown = if error == PublicUrlError::User {
        "the address".into()
    } else {
        format!("`{}`", safe(text))
    };
    Err(flaw(format!("{shown} {error}"), hint))
}

/// Parses a network in its shortest form. An empty network is a typing error. A network of all addresses is
/// refused, because then every client could claim any address.
fn network(text: &str) -> Result<String, Flaw> {
    let Ok(network) = text.parse::<Network>() else {
        let hint =
            "write an address, or a network like \"10.42.0.0/16\"; host names are not looked up";
        return Err(flaw(format!("`{}` is not a network", safe(text)), hint));
    };
    if network.is_everything() {
        let hint = "name the addresses that your proxy connects from, like \"10.42.0.0/16\"";
        return Err(flaw("this would let every client claim any address", hint));
    }
    let base = network.base();
    if base != network {
        return Err(flaw("an address inside of a network", format!("write \"{base}\"")));
    }
    Ok(network.to_string())
}

/// Shortens a value for a message and escapes control characters.
pub(super) fn safe(text: &str) -> String {
    let short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() { short + "…" } else { short }
}
