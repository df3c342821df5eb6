//! `bot-hub compact`: write the store anew, so that nothing is left of what was removed.
//!
//! Owns what is printed about it; the store does the work. Works on the data directory while no hub runs on it.

use serde_json::json;

use super::Global;
use super::again::here;
use super::backup::in_use;
use super::failure::Failure;
use super::hub::store_dir;
use super::out::Out;
use super::progress::during;
use super::words::size;
use bot_hub_store::StoreError;
use bot_hub_store::sqlite::compact;

pub(super) fn run(global: &Global, out: Out) -> Result<(), Failure> {
    let dir = store_dir(global)?;
    let compacted = during("compacting", || compact(&dir));
    let compacted = compacted.map_err(|error| match error {
        StoreError::InUse { .. } => in_use(&dir).hint(here(
            "nobody is served for that moment: bot-hub stop, then bot-hub compact, and start it again",
        )),
        other => other.into(),
    })?;
    let value = json!({ "bytes_before": compacted.before, "bytes": compacted.after });
    out.done(&value, || {
        let (before, after) = (size(compacted.before), size(compacted.after));
        format!("the store is written anew: {before} before, {after} now; nothing removed or redacted is in it")
    })
}
