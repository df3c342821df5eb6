//! Parts of answers that other frames write in another order of fields.
//!
//! Owns the order that they have in an answer, which is that of their names.

use serde::{Serialize, Serializer};

use crate::frame::operator::Retention;
use crate::frame::server::Slowed;

pub(super) fn retention<S: Serializer>(rule: &Retention, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct ByName {
        #[serde(skip_serializing_if = "Option::is_none")]
        age_ms: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        entries: Option<u64>,
    }
    let Retention { age_ms, entries, bytes } = *rule;
    ByName { age_ms, bytes, entries }.serialize(serializer)
}

pub(super) fn slowed<S: Serializer>(
    slowed: &Option<Slowed>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct ByName {
        busy_ms: u64,
        ms: u64,
        times: u64,
    }
    let by_name = slowed.map(|Slowed { times, ms, busy_ms }| ByName { busy_ms, ms, times });
    by_name.serialize(serializer)
}
