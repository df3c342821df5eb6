//! The records of acts, as operators list them.
//!
//! Owns which records a page is made of. Never removes one.

use bot_protocol::code::Code;
use bot_protocol::frame::answer::AuditList;
use bot_protocol::frame::audit::{AuditLine, AuditWish};
use bot_protocol::frame::server::ErrorFrame;
use smol_str::{SmolStr, format_smolstr};

use crate::acts::{self, ActKey};
use crate::door::ConnId;
use crate::engine::Engine;
use crate::engine::decided::ReplyTo;
use crate::engine::looked_up::Wanted;
use bot_hub_store::StoreError;
use bot_hub_store::record::{RecordKind, RecordOrder, RecordPage, RecordQuery};

/// With so many bytes a page ends: as JSON for a client it is about as long.
const LIST_BYTES: u32 = 256 * 1024;

/// A list that somebody waits for.
#[derive(Debug)]
pub(in crate::engine) struct Listing {
    to: ReplyTo,
    wish: AuditWish,
}

impl Engine {
    pub(in crate::engine) fn list_acts(
        &mut self,
        conn: ConnId,
        reference: SmolStr,
        wish: AuditWish,
    ) {
        let to = ReplyTo::Frame(conn, reference);
        if !self.bot_of(conn).is_some_and(|bot| self.access.registry().is_operator(&bot)) {
            let error = ErrorFrame::new(Code::NotAllowed).hint("this needs an operator's token");
            return self.reply(to, Err(error));
        }
        let query = query_of(&wish);
        self.look_up(query, Wanted::Acts(Box::new(Listing { to, wish })));
    }

    pub(in crate::engine) fn acts_read(
        &mut self,
        listing: Listing,
        page: Result<RecordPage, StoreError>,
    ) {
        let Listing { to, wish } = listing;
        let list = page.map(|page| list_of(&wish, page).into()).map_err(|error| {
            tracing::error!(%error, "what operators did cannot be read");
            ErrorFrame::new(Code::StorageFailed)
        });
        self.reply(to, list);
    }
}

fn query_of(wish: &AuditWish) -> RecordQuery {
    let all = RecordQuery::all(RecordKind::AUDIT);
    let since = wish.since.map(ActKey::from).unwrap_or_default();
    let order = if wish.newest { RecordOrder::Descending } else { RecordOrder::Ascending };
    let records_max = wish.limit.unwrap_or(u32::MAX);
    let query = RecordQuery { from: since, order, records_max, bytes_max: LIST_BYTES, ..all };
    match &wish.after {
        None => query.bounded(),
        Some(after) if wish.newest => {
            RecordQuery { to: after.clone().min(query.to.clone()), ..query }.bounded()
        }
        // Behind this name, and before every longer one.
        Some(after) => {
            let from = format_smolstr!("{after}\0").max(query.from.clone());
            RecordQuery { from, ..query }.bounded()
        }
    }
}

fn list_of(wish: &AuditWish, page: RecordPage) -> AuditList {
    let last = page.records.last().map(|record| record.key().clone());
    let next = last.filter(|_| page.next.is_some());
    let lines: Vec<Option<AuditLine>> = page.records.iter().map(acts::line_of).collect();
    let unread = lines.iter().filter(|line| line.is_none()).count();
    let is_meant = |line: &AuditLine| {
        wish.bot.as_ref().is_none_or(|bot| line.bot.as_ref() == Some(bot))
            && wish.by.as_ref().is_none_or(|by| line.by == *by)
    };
    AuditList {
        acts: lines.into_iter().flatten().filter(is_meant).collect(),
        damaged: (page.damaged.len() + unread) as u64,
        next,
    }
}
