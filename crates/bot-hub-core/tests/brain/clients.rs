//! Clients that read, acknowledge and crash, for scripts that nobody wrote.
//!
//! Owns what a bot knows for itself, over all its connections: which entries it has taken, and of
//! which gaps it has read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bot_hub_core::entry::Draft;
use bot_hub_core::io::Input;
use bot_protocol::frame::client::Receipt;
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;

use crate::bench::{Bench, Seen};

/// Every bot of a run, by name.
#[derive(Debug, Default)]
pub(crate) struct Clients(BTreeMap<String, Client>);

#[derive(Debug, Default)]
struct Client {
    /// The connection that it reads, by its index, and how much of it.
    reading: (usize, usize),
    /// Entries taken; with how many others were said to be lost before each.
    taken: BTreeMap<(RoomName, u64), (Arc<Draft>, u64)>,
    gaps: BTreeSet<(RoomName, u64, u64)>,
}

impl Clients {
    /// A bot reads the next `count` things of its connection. It acknowledges entries as it goes, the
    /// last ones first if it is `hasty`, and answers a probe when it has read everything before it.
    pub(crate) fn read(&mut self, bench: &mut Bench, label: &str, count: usize, hasty: bool) {
        let Some(at) = bench.peers.iter().rposition(|peer| peer.label == label) else { return };
        let peer = &bench.peers[at];
        if !peer.is_open {
            return;
        }
        let client = self.0.entry(label.to_owned()).or_default();
        if client.reading.0 != at {
            client.reading = (at, 0);
        }
        let unread: Vec<Seen> =
            peer.inbox.iter().skip(client.reading.1).take(count).cloned().collect();
        client.reading.1 += unread.len();
        let has_read_all = client.reading.1 == peer.inbox.len();
        let (acknowledges, conn) = (peer.hello.caps.ack, peer.conn);
        let mut receipts = Vec::new();
        for seen in unread {
            receipts.extend(client.take(seen).filter(|_| acknowledges));
        }
        if hasty {
            receipts.reverse();
        }
        for receipt in receipts {
            bench.input(Input::Frame { conn, frame: ClientFrame::Receipt(receipt) });
        }
        if has_read_all && let Some(probe) = bench.peers[at].probe.take() {
            bench.input(Input::Proven { conn, probe });
        }
    }

    /// What a member has neither taken nor read to be missing: none of it may have been lost.
    pub(crate) fn check(&self, bench: &Bench) {
        for (room, bot, since) in bench.store.members() {
            let peer = bench.peers.iter().rfind(|peer| peer.label == bot.as_str());
            let Some(peer) = peer.filter(|peer| peer.is_open) else { continue };
            let Some(client) = self.0.get(bot.as_str()) else { continue };
            let mut missing = 0;
            for (&seq, draft) in bench.store.committed(room).range(since + 1..) {
                let expired = draft.expires_at().is_some_and(|at| at <= bench.now);
                let taken = client.taken.get(&(room.clone(), seq));
                // What had that place in a room that was removed is another entry.
                let taken = taken.filter(|(taken, _)| match taken.redaction() {
                    Some(redaction) => draft.redact(redaction.clone()) == **taken,
                    None => Arc::ptr_eq(taken, draft),
                });
                if let Some((_, lost)) = taken {
                    assert!(
                        !peer.hello.plain || *lost >= missing,
                        "{bot} was told of {lost}, not {missing}"
                    );
                    missing = 0;
                } else if draft.from != *bot
                    && !expired
                    && !client.knows(room, seq)
                    && !bench.store.is_taken_elsewhere(room, bot, seq)
                {
                    assert!(peer.hello.plain, "{bot} neither got {seq} of {room} nor heard of it");
                    missing += 1;
                }
            }
            assert_eq!(missing, 0, "{bot} heard nothing of the last ones of {room}");
        }
    }
}

impl Client {
    /// Takes one thing; returns the receipt for it, if it is an entry.
    fn take(&mut self, seen: Seen) -> Option<Receipt> {
        match seen {
            Seen::Entry(entry, circumstances) => {
                let (room, lost) = (entry.draft.room.clone(), circumstances.lost.unwrap_or(0));
                let before = self.taken.get(&(room.clone(), entry.seq));
                let before = before.filter(|(taken, _)| Arc::ptr_eq(taken, &entry.draft));
                let lost = before.map_or(lost, |(_, before)| lost.max(*before));
                self.taken.insert((room.clone(), entry.seq), (entry.draft.clone(), lost));
                Some(Receipt {
                    room,
                    id: Some(entry.draft.id.clone()),
                    from: Some(entry.draft.from.clone()),
                    seq: None,
                    state: ReceiptState::Received,
                    reason: None,
                    reply: None,
                })
            }
            Seen::Frame(frame) => {
                match *frame {
                    ServerFrame::Gap(gap) => {
                        self.gaps.insert((gap.room, gap.from_seq, gap.to_seq));
                    }
                    ServerFrame::Left(left) => self.gaps.retain(|(room, ..)| *room != left.room),
                    _ => {}
                }
                None
            }
        }
    }

    fn knows(&self, room: &RoomName, seq: u64) -> bool {
        self.gaps.iter().any(|(of, from, to)| of == room && (*from..=*to).contains(&seq))
    }
}

/// Every message was answered exactly once, by an `ack` or a refusal; those on connections that ended
/// at most once.
pub(crate) fn check_answers(bench: &Bench) {
    for peer in &bench.peers {
        let mut answers: BTreeMap<&str, u32> = BTreeMap::new();
        for seen in &peer.inbox {
            let Seen::Frame(frame) = seen else { continue };
            let id = match &**frame {
                ServerFrame::Ack(ack) => ack.id.as_ref().map(|id| id.as_str()),
                ServerFrame::Error(error) => error.reference.as_deref(),
                _ => None,
            };
            *answers.entry(id.unwrap_or_default()).or_default() += 1;
        }
        for (id, said) in &peer.said {
            let answered = answers.get(id.as_str()).copied().unwrap_or(0);
            let is_fine = if peer.is_open { answered == *said } else { answered <= *said };
            assert!(is_fine, "{} said {id} {said} times, and got {answered} answers", peer.label);
        }
    }
}

/// Nothing that was acknowledged is missing in the log.
pub(crate) fn check_acks(bench: &Bench) {
    for peer in &bench.peers {
        for seen in &peer.inbox {
            let Seen::Frame(frame) = seen else { continue };
            let ServerFrame::Ack(ack) = &**frame else { continue };
            let (Some(id), Some(seq)) = (&ack.id, ack.seq) else { continue };
            let is_there = |(by, from): (&MessageId, &BotId)| by == id && *from == peer.hello.bot;
            let mut lives = bench.store.lives(&ack.room);
            let has = |life: &BTreeMap<u64, Arc<Draft>>| {
                life.get(&seq).is_some_and(|it| is_there((&it.id, &it.from)))
            };
            assert!(lives.any(has), "{id} is not at {seq} of {}", ack.room);
        }
    }
}

/// The bots of a run.
pub(crate) fn bots() -> impl Iterator<Item = BotId> {
    ["ana", "bob", "carl", "dora"].into_iter().map(|name| BotId::new(name).expect("a name"))
}
