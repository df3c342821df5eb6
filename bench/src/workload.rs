//! The list of workloads: data, and who takes which part in them.

use crate::{dialect::Part, system::System};

/// One row of the table.
#[derive(Debug)]
pub struct Workload {
    /// Name on the command line.
    pub name: &'static str,
    /// What a reader of the table sees.
    pub title: &'static str,
    /// What happens.
    pub kind: Kind,
}

/// What happens in a workload.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Messages in rooms.
    Rooms(Rooms),
    /// The server starts with nothing stored and waits: milliseconds until it is ready, memory.
    Start,
    /// So many connections authenticate and then do nothing: memory.
    Idle(usize),
    /// So many connections connect, authenticate and join, a hundred at a time: rate.
    Storm(usize),
    /// So many clients are connected, the server is stopped and started, all come back: seconds.
    Return(usize),
}

/// Rooms with one speaker each (two for ping-pong) and those who listen.
#[derive(Clone, Copy, Debug)]
pub struct Rooms {
    /// Number of rooms.
    pub rooms: usize,
    /// Members beside the speaker.
    pub listeners: u16,
    /// Messages in flight per speaker.
    pub window: u64,
    /// Length of a text.
    pub text_bytes: usize,
    /// When the next message is said.
    pub pace: Pace,
    /// What the server has to carry besides.
    pub burden: Burden,
}

/// What a server knows and keeps beside the rooms that are talked in. Only Bot Hub is measured with any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Burden {
    /// Rooms that nobody talks in.
    pub rooms: usize,
    /// What was said before, in the same rooms, in MiB on the disk.
    pub stored_mib: u64,
}

/// When the next message is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As soon as the window has room.
    Pipelined,
    /// When the other's message has arrived.
    PingPong,
    /// At fixed moments, over all rooms in turn.
    Steady {
        /// Messages per second.
        per_second: u32,
    },
}

const NOTHING: Burden = Burden { rooms: 0, stored_mib: 0 };

/// Window of the steady workload: more than it can say in a run, so it never holds a message back.
const UNBOUNDED: u64 = 1 << 13;

/// All of them, in the order of the table.
pub const WORKLOADS: &[Workload] = &[
    pairs("pairs-200", "50 rooms of 2, pipelined (window 32), 200 B", 32, 200),
    pairs("pairs-1k", "50 rooms of 2, pipelined (window 32), 1 KB", 32, 1024),
    pairs("pairs-4k", "50 rooms of 2, pipelined (window 32), 4 KB", 32, 4096),
    pairs("pairs-one", "50 rooms of 2, one in flight per pair, 200 B", 1, 200),
    rooms("pingpong", "strict ping-pong, one pair, 200 B", 1, 1, 1, Pace::PingPong),
    rooms("fanout-10", "10 rooms, fan-out to 10, 200 B", 10, 10, 32, Pace::Pipelined),
    rooms("fanout-100", "1 room, fan-out to 100, 200 B", 1, 100, 32, Pace::Pipelined),
    rooms("fanout-1000", "1 room, fan-out to 1,000, 200 B", 1, 1000, 32, Pace::Pipelined),
    rooms(
        "steady-5000",
        "50 rooms of 2, 5,000 messages/s steady, 200 B",
        50,
        1,
        UNBOUNDED,
        Pace::Steady { per_second: 5000 },
    ),
    burdened(
        "rooms-100k",
        "50 rooms of 2 among 100,000 rooms, window 32, 200 B",
        Burden { rooms: 100_000, stored_mib: 0 },
    ),
    burdened(
        "history-1g",
        "50 rooms of 2 with 1 GiB of history, window 32, 200 B",
        Burden { rooms: 0, stored_mib: 1024 },
    ),
    burdened(
        "history-10g",
        "50 rooms of 2 with 10 GiB of history, window 32, 200 B",
        Burden { rooms: 0, stored_mib: 10 * 1024 },
    ),
    Workload { name: "start", title: "start with nothing stored", kind: Kind::Start },
    Workload {
        name: "idle",
        title: "5,000 idle authenticated connections",
        kind: Kind::Idle(5000),
    },
    Workload {
        name: "storm",
        title: "5,000 connect + authenticate + join, 100 at a time",
        kind: Kind::Storm(5000),
    },
    Workload {
        name: "return",
        title: "5,000 clients back after a restart",
        kind: Kind::Return(5000),
    },
];

const fn pairs(name: &'static str, title: &'static str, window: u64, text: usize) -> Workload {
    let pace = Pace::Pipelined;
    let rooms = Rooms { rooms: 50, listeners: 1, window, text_bytes: text, pace, burden: NOTHING };
    Workload { name, title, kind: Kind::Rooms(rooms) }
}

/// `pairs-200`, with something to carry.
const fn burdened(name: &'static str, title: &'static str, burden: Burden) -> Workload {
    let pace = Pace::Pipelined;
    let rooms = Rooms { rooms: 50, listeners: 1, window: 32, text_bytes: 200, pace, burden };
    Workload { name, title, kind: Kind::Rooms(rooms) }
}

const fn rooms(
    name: &'static str,
    title: &'static str,
    rooms: usize,
    listeners: u16,
    window: u64,
    pace: Pace,
) -> Workload {
    let rooms = Rooms { rooms, listeners, window, text_bytes: 200, pace, burden: NOTHING };
    Workload { name, title, kind: Kind::Rooms(rooms) }
}

impl Workload {
    /// Whether it says something about a system.
    pub fn suits(&self, system: System) -> bool {
        let burden = self.kind.burden();
        match system {
            System::HubSqlite => true,
            System::HubMemory => burden.stored_mib == 0,
            _ => burden.stored_mib == 0 && burden.rooms == 0,
        }
    }

    /// Whether it is run only when somebody names it: it takes minutes, and the disk.
    pub fn is_long(&self) -> bool {
        self.kind.burden().stored_mib > 1024
    }
}

impl Kind {
    /// See [`Burden`].
    pub fn burden(&self) -> Burden {
        match self {
            Self::Rooms(rooms) => rooms.burden,
            _ => NOTHING,
        }
    }

    /// Whether it counts something per second.
    pub fn has_rate(&self) -> bool {
        matches!(self, Self::Rooms(_) | Self::Storm(_))
    }

    /// How many bots the server must know.
    pub fn bots(&self) -> usize {
        match self {
            Self::Rooms(rooms) => rooms.parts().len(),
            Self::Start => 2,
            Self::Idle(count) | Self::Storm(count) | Self::Return(count) => *count,
        }
    }
}

impl Rooms {
    /// Who connects, in this order: those who listen first, so that nothing is said before they are there.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for room in (0..self.rooms).map(Some) {
            if self.pace == Pace::PingPong {
                let lane = room.map(|room| 2 * room);
                let other = lane.map(|lane| lane + 1);
                parts.push(Part { room, says: lane, hears: other, ..Part::default() });
                parts.push(Part { room, says: other, hears: lane, ..Part::default() });
                continue;
            }
            for _ in 0..self.listeners {
                parts.push(Part { room, hears: room, ..Part::default() });
            }
            parts.push(Part { room, says: room, ..Part::default() });
        }
        parts.iter_mut().enumerate().for_each(|(bot, part)| part.bot = bot);
        parts
    }
}

/// The parts of connections that only connect: in pairs when they `join`, without a room otherwise.
pub fn visitors(count: usize, join: bool) -> Vec<Part> {
    (0..count).map(|bot| Part { bot, room: join.then_some(bot / 2), ..Part::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_its_speaker_and_its_listeners() {
        for workload in WORKLOADS {
            let Kind::Rooms(rooms) = workload.kind else { continue };
            let parts = rooms.parts();
            let speakers: Vec<usize> = parts.iter().filter_map(|part| part.says).collect();
            assert!(speakers.iter().copied().eq(0..speakers.len()), "{}", workload.name);
            for lane in speakers {
                let listeners = parts.iter().filter(|part| part.hears == Some(lane)).count();
                assert_eq!(listeners, usize::from(rooms.listeners), "{}", workload.name);
            }
        }
    }
}
