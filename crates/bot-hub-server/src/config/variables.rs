//! `${NAME}` inside a token.
//!
//! Never reads the process environment: it is handed in.

/// Looks up an environment variable.
pub(super) type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Replaces `${NAME}`; anything else with a `$` stays as it is, because tokens are arbitrary.
/// `Err` names the variable that is not set.
pub(super) fn substitute(text: &str, environment: &Lookup<'_>) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        result.push_str(before);
        match from[2..].split_once('}').filter(|(name, _)| is_variable(name)) {
            Some((name, after)) => {
                let value = environment(name).filter(|value| !value.is_empty());
                result.push_str(&value.ok_or_else(|| name.to_owned())?);
                rest = after;
            }
            None => {
                result.push_str("${");
                rest = &from[2..];
            }
        }
    }
    result.push_str(rest);
    Ok(result)
}

fn is_variable(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_variable_is_substituted() {
        let environment = |name: &str| (name == "T").then(|| "secret".to_owned());
        let check = |text: &str, expected: Result<&str, &str>| {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(substitute(text, &environment), expected, "{text}");
        };
        check("${T}", Ok("secret"));
        check("a-${T}-b${T}", Ok("a-secret-bsecret"));
        check("$T ${} ${1} ${a-b} ${T", Ok("$T ${} ${1} ${a-b} ${T"));
        check("${U}", Err("U"));
        check("plain", Ok("plain"));
    }
}
