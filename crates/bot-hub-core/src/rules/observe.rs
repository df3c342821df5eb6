//! Operators' connections that watch rooms without being members.
//!
//! Owns who watches what. An observer is handed entries at their commit and has no cursor: one that
//! cannot keep up is closed, not lied to.

use std::collections::BTreeMap;

use bot_protocol::code::Code;
use bot_protocol::frame::answer::{EveryRoom, Observed, Observing};
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::name::RoomName;

use crate::entry::Entry;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;
use crate::world::Flight;

impl Hub {
    /// Begins to show new entries of these rooms, or of all, to a connection.
    pub(crate) fn watch(
        &mut self,
        conn: ConnId,
        asker: BotIx,
        rooms: Option<Vec<RoomName>>,
    ) -> Result<Observing, ErrorFrame> {
        if !self.conn(conn).is_some_and(|state| state.side) {
            return Err(ErrorFrame::new(Code::NotAllowed)
                .message("only a side connection can observe")
                .hint("send \"side\":true in `auth`"));
        }
        self.begin_to_watch(conn);
        let Some(names) = rooms else {
            if !self.observers.contains(&conn) {
                self.observers.push(conn);
            }
            return Ok(Observing { observing: Observed::All(EveryRoom::All.into()) });
        };
        let rooms: Result<Vec<RoomIx>, ErrorFrame> =
            names.iter().map(|name| self.known_room(asker, name)).collect();
        let mut heads = BTreeMap::new();
        for room in rooms? {
            let state = self.world.room_mut(room);
            heads.insert(state.name.clone(), state.head);
            if !state.observers.contains(&conn) {
                state.observers.push(conn);
                let watcher = self.world.conns.get_mut(&conn);
                watcher.into_iter().for_each(|it| it.watched.push(room));
            }
        }
        Ok(Observing { observing: Observed::Rooms(heads) })
    }

    fn begin_to_watch(&mut self, conn: ConnId) {
        if let Some(state) = self.world.conns.get_mut(&conn) {
            state.watching = true;
        }
    }

    /// Adds those who watch the room to the connections that an entry goes to.
    pub(crate) fn show_observers(&mut self, room: RoomIx, entry: &Entry, to: &mut Vec<ConnId>) {
        let of_room = &self.world.room(room).observers;
        if self.observers.is_empty() && of_room.is_empty() {
            return;
        }
        let others = self.observers.iter().filter(|conn| !of_room.contains(conn));
        let watching: Vec<ConnId> = of_room.iter().chain(others).copied().collect();
        let bytes = entry.draft.wire_size();
        for conn in watching {
            let Some(state) = self.world.conns.get_mut(&conn) else { continue };
            if state.outstanding >= self.settings.outstanding_bytes_max {
                self.too_slow(conn);
                continue;
            }
            state.launch(Flight { room, seq: entry.seq, bytes });
            to.push(conn);
        }
    }
}
