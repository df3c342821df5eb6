//! How deeply a JSON text is nested, counted without parsing it.
//!
//! Owns the bound that protects those who read what the hub relays: `serde_json` refuses deep values
//! that it builds but passes deep ones that it skips or keeps raw, and other languages' parsers
//! overflow their stacks on them.

/// Whether no value in `json` is nested deeper than `depth_max` arrays and objects.
///
/// Counts brackets outside strings; on text that is not JSON the answer means nothing, and the parser
/// that runs next says so.
pub fn within(json: &[u8], depth_max: usize) -> bool {
    crate::work::spend(json.len());
    // Most frames have one or two brackets in all: counting is a few vector instructions, while
    // following the strings is a branch per byte.
    if memchr::memchr2_iter(b'{', b'[', json).take(depth_max + 1).count() <= depth_max {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > depth_max {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::within;

    fn check(json: &str, depth_max: usize, expected: bool) {
        assert_eq!(within(json.as_bytes(), depth_max), expected, "{json:.60}");
    }

    #[test]
    fn brackets_count_outside_strings_only() {
        check(r#"{"a":[1,2]}"#, 2, true);
        check(r#"{"a":[[1]]}"#, 2, false);
        check(r#"{"a":"[[[[["}"#, 1, true);
        check(r#"{"a":"\"[[[[["}"#, 1, true);
        check(r#"[{},{},{},{}]"#, 2, true);
        check(&"[".repeat(200_000), 32, false);
    }
}
