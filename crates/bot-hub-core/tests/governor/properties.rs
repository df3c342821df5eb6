//! Bounds that hold for any bots, however they talk, and over restarts.
//!
//! The bots here read everything that is new to them and say one thing to it, as agents do: what they say is what they
//! take turns.

use std::collections::BTreeSet;

use bot_hub_core::governor::{
    BotIx, By, Cause, Decision, Governor, Heard, Limits, Names, Preset, RoomIx, Said,
};
use bot_protocol::time::Timestamp;
use proptest::prelude::*;

const ROOM: RoomIx = RoomIx { place: 7, life: 0 };

/// So many entries are on their way to a bot at most.
const WINDOW: u64 = 64;

/// How one bot behaves.
#[derive(Clone, Debug)]
struct Nature {
    /// It answers after so many seconds, one more or less by turns.
    latency_s: u64,
    /// Every so many seconds it says something by itself.
    beats_s: Option<u64>,
    /// It answers what these say.
    answers: Vec<bool>,
    names_causes: bool,
    /// It repeats itself.
    is_worn: bool,
}

fn natures() -> impl Strategy<Value = Vec<Nature>> {
    let nature = (
        1_u64..500,
        prop::option::weighted(0.3, 20_u64..4_000),
        prop::collection::vec(prop::bool::weighted(0.8), 6),
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    let nature = nature.prop_map(|(latency_s, beats_s, answers, names_causes, is_worn)| Nature {
        latency_s,
        beats_s,
        answers,
        names_causes,
        is_worn,
    });
    prop::collection::vec(nature, 2..6)
}

#[derive(Debug)]
struct World {
    natures: Vec<Nature>,
    governor: Governor,
    now: Timestamp,
    /// Who said each entry.
    log: Vec<usize>,
    /// By bot: up to where it has read, and when it will speak, to which entry.
    read: Vec<u64>,
    wakes: Vec<Option<(Timestamp, u64)>>,
    beats: Vec<Option<Timestamp>>,
    paused: BTreeSet<BotIx>,
    answers: u64,
    releases: u64,
    decisions: Vec<Decision>,
}

impl World {
    fn new(natures: Vec<Nature>, preset: Preset) -> Self {
        let now = Timestamp(1_800_000_000_000);
        let beats = natures.iter().map(|it| it.beats_s.map(|it| now + it * 1_000)).collect();
        Self {
            governor: Governor::new(Limits::default(), preset),
            now,
            log: Vec::new(),
            read: vec![0; natures.len()],
            wakes: vec![None; natures.len()],
            beats,
            paused: BTreeSet::new(),
            answers: 0,
            releases: 0,
            decisions: Vec::new(),
            natures,
        }
    }

    /// The next thing happens. Returns whether there is one.
    fn step(&mut self) -> bool {
        let bots = 0..self.natures.len();
        let wake = bots.clone().filter_map(|it| Some((self.wakes[it]?.0, 0, it))).min();
        let beat = bots.filter_map(|it| Some((self.beats[it]?, 1, it))).min();
        let tick = self.governor.deadline().map(|at| (at, 2, 0));
        let Some((at, what, bot)) = [wake, beat, tick].into_iter().flatten().min() else {
            return false;
        };
        self.now = at.max(self.now);
        match what {
            0 => {
                let (_, cause) = self.wakes[bot].take().expect("it wakes");
                self.answers += 1;
                self.say(bot, Some(cause));
            }
            1 => {
                let next = self.natures[bot].beats_s.expect("it has a heart");
                self.beats[bot] = Some(self.now + next * 1_000);
                self.say(bot, None);
            }
            _ => {
                let decisions = self.governor.tick(self.now);
                self.note(decisions);
            }
        }
        true
    }

    fn say(&mut self, bot: usize, cause: Option<u64>) {
        self.log.push(bot);
        let (seq, heard) = (self.log.len() as u64, Heard { after: 0, to: self.read[bot] });
        let nature = &self.natures[bot];
        let text = if nature.is_worn { "so it is".to_owned() } else { news(seq) };
        let cause = match cause.filter(|_| nature.names_causes) {
            Some(seq) => Cause::Entry { room: ROOM, seq, heard },
            None => Cause::Unknown,
        };
        let id = format!("m{seq}");
        let from = ix(bot);
        let said = Said {
            room: ROOM,
            seq,
            from,
            by: By::Bot { payer: from },
            heard: Some(heard),
            others: self.natures.len() as u32 - 1,
            id: &id,
            reply_to: None,
            cause,
            notice: false,
            text: &text,
        };
        let decisions = self.governor.said(self.now, &said, std::iter::empty());
        self.note(decisions);
        (0..self.natures.len()).for_each(|it| self.deliver(it, false));
    }

    /// A bot reads what it has not read, and thinks about it.
    fn deliver(&mut self, bot: usize, late: bool) {
        let head = self.log.len() as u64;
        if self.paused.contains(&ix(bot)) || self.read[bot] == head {
            return;
        }
        if late {
            self.governor.handed_late(self.now, ROOM, ix(bot), self.read[bot], head);
        }
        let nature = &self.natures[bot];
        let new = self.read[bot] + 1..=head;
        let mut answered = new
            .filter(|seq| *seq != 0 && self.answers_to(nature, bot, self.log[(*seq - 1) as usize]));
        if self.wakes[bot].is_none()
            && let Some(seq) = answered.next()
        {
            let latency = nature.latency_s * 1_000 + head % 2 * 700;
            self.wakes[bot] = Some((self.now + latency, seq));
        }
        self.read[bot] = head;
    }

    fn answers_to(&self, nature: &Nature, bot: usize, from: usize) -> bool {
        from != bot && nature.answers[from]
    }

    fn note(&mut self, decisions: Vec<Decision>) {
        for decision in decisions {
            match &decision {
                Decision::Pause(trip) => self.paused.extend(trip.bots.iter().map(|it| it.bot)),
                Decision::Resume(release) => {
                    self.releases += 1;
                    self.paused.remove(&release.bot);
                    let bot = release.bot.0 as usize;
                    self.decisions.push(decision);
                    self.deliver(bot, true);
                    continue;
                }
                Decision::Warn(_) => {}
            }
            self.decisions.push(decision);
        }
    }

    /// The hub starts again: what was counted is read from what was kept.
    fn restart(&mut self, preset: Preset) {
        let mut governor = Governor::new(Limits::default(), preset);
        let mut names = Numbers;
        let room = self.governor.save_room(ROOM, &mut names);
        if !room.is_empty() {
            governor.restore_room(ROOM, &room, &mut names).expect("it was just written");
        }
        for bot in (0..self.natures.len()).map(ix) {
            let bytes = self.governor.save_bot(bot, &mut names);
            if !bytes.is_empty() {
                governor.restore_bot(bot, &bytes, &mut names).expect("it was just written");
            }
        }
        self.governor = governor;
    }
}

fn ix(bot: usize) -> BotIx {
    BotIx(u32::try_from(bot).expect("few bots"))
}

fn news(seq: u64) -> String {
    let letter = |it: u64| char::from(b'a' + u8::try_from(it % 26).expect("a letter"));
    (0..6).map(|it| format!("{}{}{} ", letter(seq), letter(seq / 26), letter(it))).collect()
}

/// Rooms and bots that are called by their numbers.
#[derive(Debug)]
struct Numbers;

impl Names for Numbers {
    fn bot_name(&self, bot: BotIx) -> String {
        bot.0.to_string()
    }

    fn room_name(&self, room: RoomIx) -> String {
        room.place.to_string()
    }

    fn bot(&mut self, name: &str) -> Option<BotIx> {
        name.parse().ok().map(BotIx)
    }

    fn room(&mut self, name: &str) -> Option<RoomIx> {
        Some(RoomIx { place: name.parse().ok()?, life: 0 })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_run_without_a_person_is_longer_than_its_bots_may_make_it(
        natures in natures(),
        careful in any::<bool>(),
    ) {
        let preset = if careful { Preset::Careful } else { Preset::Normal };
        let hearts = natures.iter().any(|it| it.beats_s.is_some());
        let mut world = World::new(natures, preset);
        world.say(0, None);
        let (bots, day) = (world.natures.len() as u64, u64::from(Limits::default().day));
        for _ in 0..6_000 {
            if !world.step() {
                break;
            }
            if hearts {
                // No pause keeps a heart from beating; the conversations in `traces` have hearts.
                continue;
            }
            let turns = u64::from(preset.turns()) + WINDOW;
            prop_assert!(world.answers <= turns * (bots + world.releases));
            for bot in 0..world.natures.len() {
                let used = world.governor.standing(world.now, ROOM, ix(bot)).day.0;
                prop_assert!(used <= day + (1 + world.releases), "{used} on one day");
            }
        }
    }

    #[test]
    fn a_restart_changes_no_decision(natures in natures(), at in prop::collection::vec(1_usize..800, 1..4)) {
        let mut world = World::new(natures.clone(), Preset::Normal);
        let mut other = World::new(natures, Preset::Normal);
        world.say(0, None);
        other.say(0, None);
        for step in 0..800 {
            if at.contains(&step) {
                other.restart(Preset::Normal);
            }
            prop_assert_eq!(world.step(), other.step());
        }
        prop_assert_eq!(world.decisions, other.decisions);
        prop_assert_eq!(world.log, other.log);
    }
}
