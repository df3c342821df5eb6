//! What becomes of entries between the hub and a socket.
//!
//! Owns the two ways in which that is known: `Written` says that an entry is on the socket, a probe's
//! answer that the peer's stack has consumed it. The first is `delivered` for everybody; only the
//! second moves the cursor of a client that cannot acknowledge.

use std::ops::{Range, RangeInclusive};

use bot_protocol::receipt::ReceiptState;

use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{ConnId, Output};
use crate::world::{Conn, Flight, Slot};

/// Entries of one room that follow each other on their way to a connection.
#[derive(Clone, Debug)]
struct Stretch {
    room: RoomIx,
    /// From the first to the last; a window holds nothing in between that is not of the stretch.
    seqs: RangeInclusive<u64>,
}

impl Conn {
    /// An entry is handed over.
    pub(crate) fn launch(&mut self, flight: Flight) {
        self.outstanding += flight.bytes;
        self.flights.push_back(flight);
    }

    /// A room has to wait until this connection has drained.
    pub(crate) fn starve(&mut self, room: RoomIx) {
        if !self.starved.contains(&room) {
            self.starved.push(room);
        }
    }

    /// Entries handed over since it was opened.
    fn handed(&self) -> u64 {
        self.landed + self.flights.len() as u64
    }

    /// The entry that was handed over as number `number`, from 0, if it has not landed.
    fn flight(&self, number: u64) -> Option<Flight> {
        let at = usize::try_from(number.checked_sub(self.landed)?).ok()?;
        self.flights.get(at).copied()
    }

    /// Those entries, by number, as stretches.
    fn stretches(&self, numbers: Range<u64>) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for Flight { room, seq, .. } in numbers.map_while(|number| self.flight(number)) {
            match stretches.last_mut() {
                Some(last) if last.room == room => last.seqs = *last.seqs.start()..=seq,
                _ => stretches.push(Stretch { room, seqs: seq..=seq }),
            }
        }
        stretches
    }

    pub(crate) fn wants_probe(&self) -> bool {
        self.proves() && self.probe.is_none() && !self.flights.is_empty()
    }

    /// Whether the cursors of its rooms move by proof instead of by receipts. A side connection has
    /// no cursors: what is on its socket has landed.
    pub(crate) fn proves(&self) -> bool {
        !self.caps.ack && !self.side
    }
}

impl Hub {
    /// Entries are on the socket: `delivered`, and room for more.
    pub(crate) fn written(&mut self, conn: ConnId, deliveries: u64) {
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        let (bot, proves, side) = (state.bot, state.proves(), state.side);
        let news = state.written.max(state.landed)..deliveries.min(state.handed());
        if news.is_empty() {
            return;
        }
        state.written = news.end;
        let stretches = if side { Vec::new() } else { state.stretches(news.clone()) };
        for stretch in stretches {
            self.delivered(bot, &stretch);
            self.note_place(stretch.room, bot);
        }
        if !proves {
            self.land(conn, news.end);
        }
    }

    /// The peer's stack consumed everything up to the probe: the cursor of a seed client moves.
    pub(crate) fn proven(&mut self, conn: ConnId, probe: u64) {
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        let Some((_, handed)) = state.probe.filter(|(number, _)| *number == probe) else { return };
        state.probe = None;
        let (bot, landed) = (state.bot, state.landed);
        for stretch in state.stretches(landed..handed) {
            self.delivered(bot, &stretch);
            if let Some(member) = self.world.member_mut(stretch.room, bot) {
                member.prove(&stretch.seqs);
            }
            self.note_place(stretch.room, bot);
        }
        self.land(conn, handed);
        self.probe(conn);
    }

    /// Asks a client that cannot acknowledge to prove that it consumed what it was sent.
    pub(crate) fn probe(&mut self, conn: ConnId) {
        let number = self.probes + 1;
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        if state.wants_probe() {
            state.probe = Some((number, state.handed()));
            self.probes = number;
            self.output(Output::Probe { conn, number });
        }
    }

    fn delivered(&mut self, bot: BotIx, stretch: &Stretch) {
        let somebody_asks = self.receipt_conns > 0;
        let Some(member) = self.world.member_mut(stretch.room, bot) else { return };
        let mut news: Vec<Slot> = Vec::new();
        member.mark_delivered(&stretch.seqs, |slot| {
            if somebody_asks {
                news.push(slot.clone());
            }
        });
        for slot in news
            .iter()
            .filter(|slot| self.wants_receipts(slot.from, slot.sent_at))
            .collect::<Vec<_>>()
        {
            self.notify(self.notification(stretch.room, bot, slot, ReceiptState::Delivered));
        }
    }

    /// Forgets flights up to a number, and serves the rooms that waited for the space.
    fn land(&mut self, conn: ConnId, number: u64) {
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        let (bot, opens_windows) = (state.bot, state.proves());
        let mut rooms = std::mem::take(&mut state.starved);
        while state.landed < number
            && let Some(flight) = state.flights.pop_front()
        {
            state.landed += 1;
            state.outstanding -= flight.bytes;
            // A proof opened the window of this room; receipts open it for the others.
            if opens_windows && rooms.last() != Some(&flight.room) {
                rooms.push(flight.room);
            }
        }
        for room in rooms {
            self.pump(room, bot);
        }
    }
}
