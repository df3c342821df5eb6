//! What the brain wants done to connections.
//!
//! **Invariant:** an output that a connection cannot take is never dropped in silence: the connection is
//! closed, the brain learns of it, and the bot resumes from its cursor.

use bot_hub_core::change::{Change, Removal};
use bot_hub_core::entry::Entry;
use bot_hub_core::io::{Circumstances, CloseReason, Input, Output};
use bot_protocol::block::write_stamp;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::pause::PauseLine;

use super::encode::{Form, write_message};
use super::{Engine, Todo};
use crate::door::ConnId;
use crate::door::ws::CloseCode;
use bot_hub_store::Write;

impl Engine {
    pub(super) fn carry_out(&mut self) {
        while let Some(output) = self.hub.poll() {
            match output {
                Output::Change(change) => {
                    note_removal(&change);
                    self.batch.push(Write::Change(change));
                }
                Output::Act { .. } => self.audit.accept(),
                Output::ActAwaits { ticket } => self.audit.hold(ticket),
                Output::Pause { line, on } => tell_pause(&line, on),
                Output::Query { ticket, query } => self.query(ticket, query),
                Output::Send { conn, mut frame } => {
                    self.tell_cost(conn, &mut frame);
                    self.send(conn, &frame);
                }
                Output::Ack { conn, ack } => self.send_json(conn, |out| ack.write(out)),
                Output::Deliver { entry, to, circumstances } => {
                    self.deliver(&entry, &to, &circumstances);
                }
                Output::Probe { conn, number } => {
                    if self.peers.get(&conn).is_some_and(|it| it.outbox.probe(number).is_err()) {
                        self.overflowed(conn);
                    }
                }
                Output::Close { conn, reason } => self.close(conn, reason),
            }
        }
    }

    fn deliver(&mut self, entry: &Entry, to: &[ConnId], how: &Circumstances) {
        self.metrics.handed_over(how.age_ms, to.len());
        self.traces.handed_over(entry, to.len());
        self.encoder.begin();
        for &conn in to {
            let Some(peer) = self.peers.get(&conn) else { continue };
            let form = peer.known.as_ref().map_or(Form::Seed, |known| known.form);
            let appended = match to {
                [_] => peer.outbox.append_text_by(1, |out| write_message(out, entry, how, form)),
                _ => peer
                    .outbox
                    .append(self.encoder.bytes(entry, how, form, peer.outbox.framing()), 1),
            };
            if appended.is_err() {
                self.overflowed(conn);
            }
        }
    }

    pub(super) fn send(&mut self, conn: ConnId, frame: &ServerFrame) {
        if let ServerFrame::Error(error) = frame {
            self.metrics.refused(error.code);
        }
        self.send_json(conn, |out| frame.write(out));
    }

    fn send_json(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.outbox.append_text_by(0, write).is_err() {
            self.overflowed(conn);
        }
    }

    /// The peer does not read what it is owed: it is cut off, and resumes from its cursor.
    pub(super) fn overflowed(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get(&conn) else { return };
        if peer.outbox.is_open() {
            self.metrics.too_slow += 1;
            peer.outbox.close(CloseCode::TOO_SLOW, "too slow");
        }
        // A connection that cannot take an output is gone for the brain, and that is an input too.
        self.todo.push_back(Todo::Input(Input::Closed { conn }));
    }

    pub(super) fn close(&self, conn: ConnId, reason: CloseReason) {
        let Some(peer) = self.peers.get(&conn) else { return };
        match reason {
            CloseReason::Replaced => peer.outbox.close(CloseCode::REPLACED, "replaced"),
            CloseReason::Revoked => peer.outbox.close(CloseCode::REVOKED, "revoked"),
            CloseReason::TooSlow => peer.outbox.close(CloseCode::TOO_SLOW, "too slow"),
        }
    }
}

/// Says in the log that a room is about to go.
fn note_removal(change: &Change) {
    match change {
        Change::RemoveRoom { room, why: Removal::Asked } => {
            tracing::info!(%room, "an operator removes a room");
        }
        Change::RemoveRoom { room, why: Removal::Empty } => {
            tracing::debug!(%room, "a room is empty, and nobody declared it: it goes");
        }
        _ => {}
    }
}

/// Who looks into the log at night finds why it is quiet, and what to do.
fn tell_pause(line: &PauseLine, on: bool) {
    let (what, why, until) = (line.subject(), line.reason(), line.until.map(write_stamp));
    if on {
        tracing::warn!(
            %what, %why, until = until.as_deref().unwrap_or("somebody resumes"),
            "paused: what is said waits\nhint: what ends it says bot-hub pauses"
        );
    } else {
        tracing::warn!(%what, %why, "resumed: what waited is handed over");
    }
}
