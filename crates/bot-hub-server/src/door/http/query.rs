//! Finds secrets in the query of a URL, which ends up in logs, histories and referrers.
//!
//! Owns which parameters count as secrets. Never repeats the query.

/// Common names of parameters with secrets. Only whole names match: a `pageToken`, for example, is no
/// secret.
const SECRET_NAMES: [&str; 17] = [
    "token",
    "access_token",
    "auth_token",
    "bot_token",
    "id_token",
    "refresh_token",
    "bearer",
    "authorization",
    "auth",
    "api_key",
    "apikey",
    "api-key",
    "secret",
    "client_secret",
    "password",
    "passwd",
    "jwt",
];

/// Whether a query contains a secret, in any escaping.
pub(super) fn has_secret(query: &str) -> bool {
    query.split(['&', ';']).any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        let names = |text: &str| SECRET_NAMES.iter().any(|it| text.eq_ignore_ascii_case(it));
        names(name.trim()) || [name, value].iter().any(|it| is_ours(it.trim()))
    })
}

/// Whether a text begins like a token or a code of this hub.
fn is_ours(text: &str) -> bool {
    text.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("bh_"))
}

/// Decodes `%74` and `+` as servers do; invalid escapes stay.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| byte == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        match escaped {
            Some(escaped) => bytes.push(escaped),
            None => bytes.push(if byte == b'+' { b' ' } else { byte }),
        }
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_its_whole_name_or_its_form_however_it_is_escaped() {
        let check =
            |query: &str, expected: bool| assert_eq!(has_secret(query), expected, "{query}");
        for secret in [
            "token=x",
            "t%6fken=x",
            "%74%6F%6B%65%6E=x",
            "a=1&access_TOKEN=x",
            "api_key=x",
            "token",
            "x=bh_bot_1",
            "x=%62h_bot_1",
            "x=b%68_bot_1",
            "bh_bot_1",
            "+token=x",
            "a;token=x",
            "to%6ben=x&a=%",
            "x=+bh_adm_1",
        ] {
            check(secret, true);
        }
        for innocent in [
            "",
            "pageToken=x",
            "next_page_token=x",
            "tokens=3",
            "author=ana",
            "keyboard=de",
            "key=a",
            "t%6=x",
            "a=%zz",
            "q=token",
            "monkey=1",
            "secretary=bob",
            "a=%F0%9F%99%82",
        ] {
            check(innocent, false);
        }
    }
}
