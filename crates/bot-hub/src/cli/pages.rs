//! Joins answers that come in several pages.
//!
//! Owns how the lists of two pages are joined. Never sends a request.

use std::collections::BTreeSet;

use serde_json::Value;
use smol_str::SmolStr;

/// The pages that were requested. Without this record, a hub whose pages form a circle would be asked
/// forever.
#[derive(Debug, Default)]
pub(super) struct Walk(BTreeSet<SmolStr>);

impl Walk {
    /// Whether this page was not requested before. Records it.
    pub(super) fn is_new(&mut self, next: &SmolStr) -> bool {
        self.0.insert(next.clone())
    }
}

/// Removes the name of the next page, if there is one.
pub(super) fn take_next(page: &mut Value) -> Option<SmolStr> {
    let next = page.as_object_mut()?.remove("next")?;
    next.as_str().map(SmolStr::new)
}

/// Appends the lists of the following page, and takes over its other fields.
pub(super) fn append(whole: &mut Value, page: Value) {
    let Value::Object(page) = page else { return };
    for (name, value) in page {
        match (whole.get_mut(&name), value) {
            (Some(Value::Array(whole)), Value::Array(rest)) => append_list(whole, rest),
            (_, value) => whole[name] = value,
        }
    }
}

/// Joins the last and the first room if both are parts of the same one, which did not fit into a page.
fn append_list(whole: &mut Vec<Value>, rest: Vec<Value>) {
    let mut rest = rest.into_iter().peekable();
    let is_same = |one: &Value, other: &Value| {
        one["members"].is_array() && other["members"].is_array() && one["room"] == other["room"]
    };
    if let (Some(begun), Some(first)) = (whole.last_mut(), rest.peek())
        && is_same(begun, first)
        && let Some(first) = rest.next()
    {
        append(begun, first);
    }
    whole.extend(rest);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(pages: &[Value], expected: Value) {
        let mut pages = pages.iter().cloned();
        let mut whole = pages.next().unwrap();
        pages.for_each(|page| append(&mut whole, page));
        assert_eq!(whole, expected);
    }

    #[test]
    fn a_page_is_asked_for_once() {
        let mut walk = Walk::default();
        let is_new = ["b", "a", "b"].map(|next| walk.is_new(&next.into()));
        assert_eq!(is_new, [true, true, false]);
    }

    #[test]
    fn lists_of_several_pages_are_one_list() {
        check(
            &[json!({ "bots": [1, 2], "x": 1 }), json!({ "bots": [3], "x": 2 })],
            json!({ "bots": [1, 2, 3], "x": 2 }),
        );
        check(&[json!({ "bots": [] }), json!({ "bots": [] })], json!({ "bots": [] }));
    }

    #[test]
    fn a_room_that_goes_on_in_the_next_page_is_one_room() {
        let room = |name: &str, members: &[u32]| json!({ "room": name, "members": members });
        check(
            &[
                json!({ "rooms": [room("a", &[1]), room("b", &[2, 3])] }),
                json!({ "rooms": [room("b", &[4]), room("c", &[])] }),
            ],
            json!({ "rooms": [room("a", &[1]), room("b", &[2, 3, 4]), room("c", &[])] }),
        );
    }

    #[test]
    fn what_waits_in_one_room_for_two_bots_stays_two_lines() {
        let waits = |bot: &str| json!({ "room": "a", "bot": bot });
        check(
            &[json!({ "pending": [waits("x")] }), json!({ "pending": [waits("y")] })],
            json!({ "pending": [waits("x"), waits("y")] }),
        );
    }
}
