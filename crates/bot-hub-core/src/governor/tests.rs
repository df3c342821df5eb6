//! Rules of the governor, one by one, in one room where everybody hears everything at once.

use std::collections::BTreeMap;

use bot_protocol::time::Timestamp;

use super::*;

const LAB: RoomIx = RoomIx { place: 0, life: 0 };
const ANN: BotIx = BotIx(0);
const ANA: BotIx = BotIx(1);
const BOB: BotIx = BotIx(2);
const CARL: BotIx = BotIx(3);

/// A room, and who is paused in it.
#[derive(Debug)]
struct Bench {
    governor: Governor,
    now: Timestamp,
    head: u64,
    /// Up to where those have heard who are paused.
    paused: BTreeMap<BotIx, u64>,
    payers: BTreeMap<BotIx, BotIx>,
    log: Vec<Decision>,
}

impl Bench {
    fn new(preset: Preset) -> Self {
        Self {
            governor: Governor::new(Limits::default(), preset),
            now: Timestamp(1_000_000_000),
            head: 0,
            paused: BTreeMap::new(),
            payers: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + seconds * 1_000;
        let decisions = self.governor.tick(self.now);
        self.note(decisions);
    }

    fn says(&mut self, from: BotIx, change: impl FnOnce(&mut Said<'_>)) {
        self.head += 1;
        let to = self.paused.get(&from).copied().unwrap_or(self.head - 1);
        let payer = self.payers.get(&from).copied().unwrap_or(from);
        let (id, text) = (format!("m{}", self.head), news(self.head));
        let mut said = Said {
            room: LAB,
            seq: self.head,
            from,
            by: if from == ANN { By::Person } else { By::Bot { payer } },
            heard: Some(Heard { after: 0, to }),
            others: 2,
            id: &id,
            reply_to: None,
            cause: Cause::Unknown,
            notice: false,
            text: &text,
        };
        change(&mut said);
        let decisions = self.governor.said(self.now, &said, std::iter::empty());
        self.note(decisions);
    }

    /// Each answers the one before, so many messages.
    fn talk(&mut self, bots: &[BotIx], messages: usize) {
        for at in 0..messages {
            self.pass(10);
            let bot = bots[at % bots.len()];
            if !self.paused.contains_key(&bot) {
                self.says(bot, |_| ());
            }
        }
    }

    fn note(&mut self, decisions: Vec<Decision>) {
        for decision in decisions {
            match &decision {
                Decision::Pause(trip) => {
                    let heard = trip.bots.iter().map(|it| (it.bot, self.head));
                    self.paused.extend(heard);
                }
                Decision::Resume(release) => {
                    let heard = self.paused.remove(&release.bot).expect("it was paused");
                    self.governor.handed_late(self.now, LAB, release.bot, heard, self.head);
                }
                Decision::Warn(_) => {}
            }
            self.log.push(decision);
        }
    }

    /// What was decided since this was asked last, in short.
    fn decided(&mut self) -> Vec<String> {
        let show = |decision: Decision| match decision {
            Decision::Pause(Trip { bots, why, .. }) => {
                let bots: Vec<String> = bots
                    .iter()
                    .map(|it| {
                        let ends = it.until.map_or("", |_| " for a while");
                        format!("{}{ends}", it.bot.0)
                    })
                    .collect();
                format!(
                    "pause {}: {} {} of {}",
                    bots.join(", "),
                    why.rule.word(),
                    why.used,
                    why.limit
                )
            }
            Decision::Resume(it) => format!("resume {}: {:?}", it.bot.0, it.because),
            Decision::Warn(it) => {
                format!("warn {}: {} % of {}", it.bot.0, it.percent, it.why.rule.word())
            }
        };
        std::mem::take(&mut self.log).into_iter().map(show).collect()
    }

    fn pauses(&mut self) -> Vec<String> {
        self.decided().into_iter().filter(|it| it.starts_with("pause")).collect()
    }
}

/// Words that nobody has said before.
fn news(at: u64) -> String {
    let letter = |it: u64| char::from(b'a' + u8::try_from(it % 26).expect("a letter"));
    (0..8).map(|it| format!("{}{}{} ", letter(it), letter(at), letter(at / 26))).collect()
}

#[test]
fn a_conversation_is_warned_of_and_stopped_and_goes_on_with_few_turns_later() {
    let mut bench = Bench::new(Preset::Normal);
    bench.talk(&[ANA, BOB], 70);
    assert_eq!(
        bench.decided(),
        [
            "warn 2: 50 % of turns",
            "warn 1: 50 % of turns",
            "warn 2: 80 % of turns",
            "warn 1: 80 % of turns",
            "pause 1 for a while, 2 for a while: turns 30 of 30",
        ]
    );
    assert!(bench.governor.standing(bench.now, LAB, ANA).paused);
    bench.pass(6 * 3_600);
    assert_eq!(bench.decided(), ["resume 1: Time", "resume 2: Time"]);
    bench.talk(&[BOB, ANA], 30);
    assert_eq!(bench.pauses(), ["pause 1, 2: turns 10 of 10"], "until a person acts");
    assert_eq!(bench.governor.deadline(), None);
}

#[test]
fn a_person_who_speaks_sets_turns_back_and_the_day_not() {
    let mut bench = Bench::new(Preset::Normal);
    for _ in 0..10 {
        bench.says(ANN, |_| ());
        bench.talk(&[ANA, BOB], 40);
    }
    let standing = bench.governor.standing(bench.now, LAB, BOB);
    assert_eq!((standing.turns.1, standing.day.0), (30, 150));
    let pauses = bench.pauses();
    assert_eq!(pauses, ["pause 1 for a while, 2 for a while: day 150 of 150"]);
}

#[test]
fn a_person_who_resumes_gives_turns_and_makes_the_day_longer() {
    let mut bench = Bench::new(Preset::Normal);
    for _ in 0..10 {
        bench.says(ANN, |_| ());
        bench.talk(&[ANA, BOB], 40);
    }
    bench.decided();
    for bot in [ANA, BOB] {
        bench.governor.resume(bench.now, LAB, bot, Some(12));
        bench.paused.remove(&bot);
    }
    bench.talk(&[ANA, BOB], 40);
    assert_eq!(bench.pauses(), ["pause 1 for a while, 2 for a while: day 162 of 162"]);
}

#[test]
fn presets_are_10_30_100_and_none() {
    for (preset, turns) in [(Preset::Careful, 10), (Preset::Normal, 30), (Preset::Long, 100)] {
        let mut bench = Bench::new(preset);
        bench.talk(&[ANA, BOB], 220);
        assert!(bench.pauses()[0].ends_with(&format!("turns {turns} of {turns}")), "{preset:?}");
    }
    let mut bench = Bench::new(Preset::Off);
    bench.talk(&[ANA, BOB], 2_000);
    assert_eq!(bench.decided(), Vec::<String>::new());
    assert!((0..500).all(|_| bench.governor.may_say(bench.now, LAB, ANA).is_ok()));
}

#[test]
fn a_room_in_which_nothing_is_counted_any_more_pauses_nobody() {
    let mut bench = Bench::new(Preset::Normal);
    bench.talk(&[ANA, BOB], 70);
    bench.decided();
    let decisions = bench.governor.set_preset(LAB, Some(Preset::Off));
    bench.note(decisions);
    assert_eq!(bench.decided(), ["resume 1: Off", "resume 2: Off"]);
    bench.talk(&[ANA, BOB], 200);
    assert_eq!(bench.decided(), Vec::<String>::new());
}

#[test]
fn repetition_stops_early_and_only_warns_where_work_is_long() {
    for (preset, expected) in [
        (Preset::Normal, "pause 1 for a while, 2 for a while: repetition 6 of 6"),
        (Preset::Long, "warn 1: 100 % of repetition"),
    ] {
        let mut bench = Bench::new(preset);
        for at in 0..30 {
            bench.pass(10);
            bench.says([ANA, BOB][at % 2], |said| said.text = "I said so before");
        }
        assert_eq!(bench.decided()[0], expected);
    }
}

#[test]
fn guests_count_for_who_invited_them() {
    let mut bench = Bench::new(Preset::Normal);
    bench.payers.insert(CARL, BOB);
    bench.talk(&[ANA, BOB, ANA, CARL], 70);
    assert_eq!(
        bench.pauses(),
        ["pause 1 for a while, 2 for a while, 3 for a while: turns 30 of 30"]
    );
}

#[test]
fn whoever_always_says_that_nothing_caused_it_is_stopped_at_four_times_the_limit() {
    let mut bench = Bench::new(Preset::Normal);
    for at in 0..260 {
        bench.pass(60);
        bench.says([ANA, BOB][at % 2], |said| said.cause = Cause::Nothing);
    }
    let pauses = bench.pauses();
    assert_eq!(
        pauses,
        ["pause 2 for a while: unproven 120 of 120", "pause 1 for a while: unproven 120 of 120"]
    );
}

#[test]
fn a_cause_counts_if_it_reached_the_bot_since_it_last_spoke() {
    let mut bench = Bench::new(Preset::Normal);
    bench.says(ANA, |_| ());
    bench.pass(3_600);
    bench.says(BOB, |_| ());
    let names = |seq| {
        move |said: &mut Said<'_>| {
            said.cause = Cause::Entry { room: LAB, seq, heard: Heard { after: 0, to: 2 } };
        }
    };
    bench.says(CARL, names(1));
    let hops = |bench: &Bench, seq| bench.governor.note(LAB, seq, CARL).unwrap().hops;
    assert_eq!(hops(&bench, 3), 1);
    assert_eq!(bench.governor.standing(bench.now, LAB, CARL).turns.0, 1);
    bench.pass(60);
    bench.says(CARL, names(2));
    assert_eq!(hops(&bench, 4), 0, "it had reached it before its last message");
}

#[test]
fn a_message_of_a_person_may_be_answered_late_and_once() {
    let mut bench = Bench::new(Preset::Normal);
    bench.says(ANN, |_| ());
    bench.says(BOB, |_| ());
    for hops in [1, 1, 0] {
        bench.pass(60);
        bench.says(CARL, |said| said.reply_to = Some("m1"));
        let note = bench.governor.note(LAB, bench.head, CARL).unwrap();
        // The second time it is what it heard first, and the third time there is nothing.
        assert_eq!(note.hops, hops);
        if hops == 1 && bench.head == 3 {
            bench.says(BOB, |said| said.cause = Cause::Nothing);
        }
    }
}

#[test]
fn a_notice_and_who_may_not_read_cause_nothing_by_themselves() {
    let mut bench = Bench::new(Preset::Normal);
    bench.says(BOB, |said| said.notice = true);
    bench.says(CARL, |said| said.heard = None);
    bench.says(ANA, |_| ());
    assert_eq!(bench.governor.note(LAB, 3, ANA).unwrap().hops, 0);
    bench.pass(60);
    bench.says(BOB, |said| said.notice = true);
    bench.says(ANA, |said| said.reply_to = Some("m4"));
    assert_eq!(bench.governor.note(LAB, 5, ANA).unwrap().hops, 2);
}

#[test]
fn what_is_left_is_said_from_four_fifths_on() {
    let mut bench = Bench::new(Preset::Careful);
    bench.talk(&[ANA, BOB], 15);
    let left = |bench: &Bench, bot| bench.governor.note(LAB, bench.head, bot).unwrap().turns_left;
    assert_eq!((left(&bench, ANA), left(&bench, BOB)), (None, None));
    bench.talk(&[BOB, ANA], 2);
    assert_eq!((left(&bench, ANA), left(&bench, BOB)), (Some(2), Some(2)));
}

#[test]
fn too_fast_is_refused_and_not_paused() {
    let mut bench = Bench::new(Preset::Normal);
    for _ in 0..60 {
        bench.governor.may_say(bench.now, LAB, ANA).unwrap();
    }
    let slow = bench.governor.may_say(bench.now, LAB, ANA).unwrap_err();
    assert_eq!(slow, TooFast { retry_after_ms: 65_000 - bench.now.0 % 5_000 });
    bench.governor.may_say(bench.now + slow.retry_after_ms, LAB, ANA).unwrap();
}

#[test]
fn money_is_counted_and_stops_only_who_reported_it_where_there_is_a_limit() {
    let mut bench = Bench::new(Preset::Normal);
    assert_eq!(bench.governor.spent(bench.now, ANA, 5_000_000), []);
    assert_eq!(bench.governor.standing(bench.now, LAB, ANA).usd_micro, 5_000_000);
    let limits = Limits { usd_micro_per_day: Some(8_000_000), ..Limits::default() };
    bench.governor.configure(limits, Preset::Normal);
    for _ in 0..4 {
        let decisions = bench.governor.spent(bench.now, ANA, 1_000_000);
        bench.note(decisions);
    }
    assert_eq!(
        bench.decided(),
        [
            "warn 1: 50 % of money",
            "warn 1: 80 % of money",
            "pause 1 for a while: money 8000000 of 8000000"
        ]
    );
    bench.governor.resume_everywhere(bench.now, ANA);
    bench.paused.clear();
    assert_eq!(bench.governor.spent(bench.now, ANA, 1_000_000), []);
}

#[test]
fn a_bot_of_a_name_that_was_there_before_has_the_day_of_that_name() {
    let mut bench = Bench::new(Preset::Normal);
    bench.talk(&[ANA, BOB], 40);
    // Nothing tells the governor that a bot is another one: names are what it counts for.
    let mut saved = Names(Vec::new());
    let bytes = bench.governor.save_room(LAB, &mut saved);
    let mut other = Governor::new(Limits::default(), Preset::Normal);
    other.restore_room(LAB, &bytes, &mut saved).unwrap();
    let day = |governor: &Governor| governor.standing(bench.now, LAB, BOB).day;
    assert_eq!((day(&bench.governor).0, day(&other).0), (17, 17));
}

/// Names that are numbers.
#[derive(Debug)]
struct Names(Vec<String>);

impl super::Names for Names {
    fn bot_name(&self, bot: BotIx) -> String {
        format!("bot-{}", bot.0)
    }

    fn room_name(&self, room: RoomIx) -> String {
        format!("room-{}", room.place)
    }

    fn bot(&mut self, name: &str) -> Option<BotIx> {
        self.0.push(name.to_owned());
        name.strip_prefix("bot-")?.parse().ok().map(BotIx)
    }

    fn room(&mut self, name: &str) -> Option<RoomIx> {
        let place = name.strip_prefix("room-")?.parse().ok()?;
        Some(RoomIx { place, life: 0 })
    }
}

#[test]
fn damaged_bytes_are_no_counts() {
    let mut bench = Bench::new(Preset::Normal);
    bench.talk(&[ANA, BOB], 70);
    let mut names = Names(Vec::new());
    let bytes = bench.governor.save_room(LAB, &mut names);
    assert!(bytes.len() < 4_000, "{} bytes", bytes.len());
    let mut other = Governor::default();
    other.restore_room(LAB, &bytes, &mut names).unwrap();
    assert_eq!(other.save_room(LAB, &mut names), bytes);
    assert_eq!(other.deadline(), bench.governor.deadline());
    for cut in 0..bytes.len() {
        assert_eq!(Governor::default().restore_room(LAB, &bytes[..cut], &mut names), Err(Damaged));
        let mut changed = bytes.clone();
        changed[cut] ^= 0x55;
        // Whatever comes of it, it comes to an end.
        let restored = Governor::default().restore_room(LAB, &changed, &mut names);
        assert!(matches!(restored, Ok(()) | Err(Damaged)));
    }
}

#[test]
fn an_idle_room_costs_nothing() {
    let governor = Governor::new(Limits::default(), Preset::Normal);
    assert_eq!((governor.books.rooms.len(), governor.books.bots.len()), (0, 0));
    assert!(governor.save_room(LAB, &mut Names(Vec::new())).is_empty());
}
