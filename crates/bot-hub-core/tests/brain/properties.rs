//! Scripts that nobody wrote. Beside what is checked here, `Bench` and `Store` hold their invariants
//! in every step. `PROPTEST_CASES` asks for more of them.

use bot_hub_core::change::{Answer, Page};
use bot_hub_core::io::{ConnId, Input, Ticket};
use bot_hub_core::settings::Settings;
use bot_protocol::frame::ClientFrame;
use bot_protocol::limits::Limits;
use proptest::prelude::*;

use crate::bench::Bench;
use crate::clients::{self, Clients};
use crate::script;

/// How each bot connects.
pub(crate) const KINDS: [(&str, &str); 4] = [
    ("ana", "ack,receipts,redactions resume"),
    ("bob", "ack,presence resume"),
    ("carl", "seed"),
    ("dora", "receipts resume"),
];

/// One line of a script, or a bot that reads.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Line(String),
    Open(usize),
    Say { bot: usize, to: &'static str, again: bool, expires: bool },
    Read { bot: usize, count: usize, hasty: bool },
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let bot = 0..KINDS.len();
    let room = prop_oneof![Just("lab"), Just("den")];
    let place =
        prop_oneof![4 => Just("#lab"), 2 => Just("#den"), 1 => Just("@bob"), 1 => Just("@carl")];
    let lines = [
        "hold store",
        "free store",
        "commit 1",
        "commit 3",
        "refuse storage_full 1",
        "refuse storage_full",
        "hold reads",
        "free reads",
        "read",
        "answer",
        "fail",
        "tick 50ms",
        "tick 300ms",
        "tick 70s",
        "leap 2s",
        "restart",
        "set buffer 2",
        "set buffer 1000",
        "set keep 3",
        "set keep 1000",
        "set window 2",
        "set window 64",
        "set outstanding 4",
        "set outstanding 4000",
        "ops do {\"redact\":{\"room\":\"lab\",\"seq\":2}}",
        "ops do {\"redact\":{\"room\":\"lab\",\"seq\":3}}",
        "ops do {\"redact\":{\"room\":\"den\",\"seq\":1}}",
        "damage lab 2",
        "damage lab 5",
        "open ops side operator",
        r#"ops do {"room_remove":{"room":"lab"}}"#,
        r#"ops do {"room_remove":{"room":"den"}}"#,
    ];
    let line = prop::sample::select(lines.to_vec()).prop_map(|line| Step::Line(line.to_owned()));
    let named = |verb: &'static str| {
        (bot.clone(), room.clone())
            .prop_map(move |(bot, room)| Step::Line(format!("{} {verb} {room}", KINDS[bot].0)))
    };
    prop_oneof![
        6 => line,
        4 => elsewhere(),
        3 => bot.clone().prop_map(Step::Open),
        2 => bot.clone().prop_map(|bot| Step::Line(format!("close {}", KINDS[bot].0))),
        2 => bot.clone().prop_map(|bot| Step::Line(format!("written {}", KINDS[bot].0))),
        4 => named("join"),
        1 => named("leave"),
        10 => (bot.clone(), place, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(bot, to, again, expires)| Step::Say { bot, to, again, expires }),
        6 => (bot, 1_usize..8, any::<bool>())
            .prop_map(|(bot, count, hasty)| Step::Read { bot, count, hasty }),
    ]
}

/// What somebody else does.
fn elsewhere() -> impl Strategy<Value = Step> {
    let lines = [
        "say lab eve hello",
        "say den eve hello",
        "say lab ana hello",
        "say den bob hello",
        "say lab eve soon expires=1s",
        "join lab dora",
        "join den ana",
        "leave lab bob",
        "kick lab ana",
        "kick den carl; join den carl",
        "grant lab bob post",
        "grant lab bob read,post,request",
        "cursor lab bob 3",
        "cursor lab carl 4 delivered",
        "cursor lab ana 6",
        "mark lab ana 4",
        "receipt lab bob 2 received; receipt lab bob 2 done",
        "receipt lab ana 3 received",
        "drop lab dora 1..3",
        "drop lab ana 2..6",
        "retain lab 4; trim lab 4",
        "redact lab 1",
        "redact lab 3",
        "say lab eve a key; redact lab 2",
    ];
    let line = prop::sample::select(lines.to_vec());
    line.prop_map(|line| Step::Line(format!("elsewhere {line}")))
}

pub(crate) struct Run {
    pub(crate) bench: Bench,
    clients: Clients,
    said: u32,
}

impl Run {
    pub(crate) fn new() -> Self {
        let settings = Settings { redeliveries_max: 2, ..Settings::default() };
        let mut run = Self { bench: Bench::new(settings), clients: Clients::default(), said: 0 };
        clients::bots().for_each(|bot| run.bench.bot(bot));
        script::execute(&mut run.bench, "open ops side operator");
        run
    }

    pub(crate) fn is_open(&self, label: &str) -> bool {
        self.bench.peers.iter().rfind(|peer| peer.label == label).is_some_and(|peer| peer.is_open)
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Line(line) => {
                // Nothing happens on a connection that is not open.
                let mut words = line.split(' ');
                let (verb, next) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                if verb == "ops" && !self.is_open("ops") {
                    script::execute(&mut self.bench, "open ops side operator redactions");
                }
                let label = if matches!(verb, "close" | "written") { next } else { verb };
                if verb == "elsewhere"
                    && !self.bench.store.has_room(&script::room(words.next().unwrap_or("")))
                {
                    // The store would refuse it.
                } else if !KINDS.iter().any(|(bot, _)| *bot == label) || self.is_open(label) {
                    script::execute(&mut self.bench, &line);
                }
            }
            Step::Open(bot) => {
                let (label, kind) = KINDS[bot];
                script::execute(&mut self.bench, &format!("open {label} {kind}"));
            }
            Step::Say { bot, to, again, expires } => {
                let label = KINDS[bot].0;
                if self.is_open(label) {
                    self.say(label, to, again, expires);
                }
            }
            Step::Read { bot, count, hasty } => {
                self.clients.read(&mut self.bench, KINDS[bot].0, count, hasty);
            }
        }
    }

    fn say(&mut self, label: &str, to: &str, again: bool, expires: bool) {
        if !again || self.said == 0 {
            self.said += 1;
        }
        let id = format!("{label}-{}", self.said);
        let expiry = if expires { " expires=1s" } else { "" };
        *self.bench.peer(label).said.entry(id.clone()).or_default() += 1;
        let line = format!("{label} say {to} {id} id={id}{expiry}");
        script::execute(&mut self.bench, &line);
    }

    /// Everybody is back, the store works, and everything is read.
    pub(crate) fn settle(&mut self) {
        for line in
            ["free store", "free reads", "set outstanding 4000", "set buffer 1000", "tick 20s"]
        {
            script::execute(&mut self.bench, line);
        }
        for bot in 0..KINDS.len() {
            self.step(Step::Open(bot));
        }
        self.read_all();
        // A seed client hears of what it lost with the next message.
        script::execute(&mut self.bench, "open zed ack");
        for room in ["lab", "den"] {
            for bot in ["carl", "zed"] {
                script::execute(&mut self.bench, &format!("{bot} join {room}"));
            }
            script::execute(&mut self.bench, &format!("zed say #{room} goodbye"));
        }
        for bot in ["ana", "bob", "carl", "dora"] {
            script::execute(&mut self.bench, &format!("zed say @{bot} goodbye"));
        }
        for (one, other) in
            [("bob", "@carl"), ("ana", "@carl"), ("dora", "@carl"), ("carl", "@carl")]
        {
            script::execute(&mut self.bench, &format!("{one} say {other} goodbye"));
        }
        script::execute(&mut self.bench, "carl say @bob goodbye");
        self.read_all();
    }

    fn read_all(&mut self) {
        for _ in 0..20 {
            for (label, _) in KINDS {
                self.clients.read(&mut self.bench, label, usize::MAX, false);
            }
            script::execute(&mut self.bench, "tick 1s");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_in_silence_whatever_happens(steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run::new();
        for (bot, (label, _)) in KINDS.into_iter().enumerate() {
            run.step(Step::Open(bot));
            run.step(Step::Line(format!("{label} join lab")));
        }
        for step in steps {
            run.step(step);
        }
        run.settle();
        run.clients.check(&run.bench);
        clients::check_answers(&run.bench);
        clients::check_acks(&run.bench);
    }

    #[test]
    fn no_frame_and_no_report_brings_the_hub_down(
        inputs in prop::collection::vec((0_u64..4, 0_usize..FRAMES.len(), any::<prop::sample::Index>(), mutation()), 1..80),
    ) {
        let mut bench = Bench::new(Settings::default());
        for line in ["open ana ack,receipts,presence,acts resume", "open bob seed", "open ops side operator"] {
            script::execute(&mut bench, line);
        }
        for (conn, at, place, mutation) in inputs {
            let conn = ConnId(conn);
            match garbled(FRAMES[at], place, &mutation) {
                Some(frame) => bench.input(Input::Frame { conn, frame }),
                None => nonsense(&mut bench, conn, at as u64),
            }
        }
    }
}

/// Reports that fit to nothing.
fn nonsense(bench: &mut Bench, conn: ConnId, number: u64) {
    bench.input(Input::Written { conn, deliveries: number });
    bench.input(Input::Proven { conn, probe: number });
    bench.input(Input::Answered { ticket: Ticket(number), answer: Answer::Page(Page::default()) });
    bench.input(Input::Answered { ticket: Ticket(number), answer: Answer::Found(Vec::new()) });
}

/// Well-formed frames to start from.
const FRAMES: [&str; 24] = [
    r#"{"type":"join","room":"lab"}"#,
    r#"{"type":"join","room":"dm:ana:bob"}"#,
    r#"{"type":"leave","room":"lab"}"#,
    r#"{"type":"message","room":"lab","text":"x","id":"m1"}"#,
    r#"{"type":"message","to":"bob","text":"x","expires_at":1000001}"#,
    r#"{"type":"message","room":"dm:ana:ops","text":"x","meta":[{}],"act":{}}"#,
    r#"{"type":"receipt","room":"lab","id":"m1","state":"done","reason":"x","reply":"m2"}"#,
    r#"{"type":"receipt","room":"lab","seq":1,"state":"received"}"#,
    r#"{"type":"receipt","room":"lab","seq":18446744073709551615,"state":"received"}"#,
    r#"{"type":"presence","state":"busy","note":"x"}"#,
    r#"{"type":"typing","room":"lab"}"#,
    r#"{"type":"history","room":"lab","before":18446744073709551615,"limit":0}"#,
    r#"{"type":"history","room":"lab","after":18446744073709551615,"before":0}"#,
    r#"{"type":"status","id":"m1","from":"ana"}"#,
    r#"{"type":"rooms"}"#,
    r#"{"type":"who","room":"lab"}"#,
    r#"{"type":"ping","at":18446744073709551615}"#,
    r#"{"type":"operate","ref":"1","do":{"room_retain":{"room":"lab","retain":{"age_ms":0,"entries":0,"bytes":0}}}}"#,
    r#"{"type":"operate","ref":"1","do":{"room_retain":{"room":"lab","retain":{"age_ms":18446744073709551615}}}}"#,
    r#"{"type":"operate","ref":"1","do":{"room_add":{"room":"lab","bot":"bob"}}}"#,
    r#"{"type":"operate","ref":"1","do":{"room_kick":{"room":"lab","bot":"bob"}}}"#,
    r#"{"type":"operate","ref":"1","do":{"redact":{"room":"lab","seq":1}}}"#,
    r#"{"type":"operate","ref":"1","do":{"room_remove":{"room":"lab"}}}"#,
    r#"{"type":"operate","ref":"1","do":{"observe":{"rooms":["lab"]}}}"#,
];

/// What stands in the place of some bytes.
fn mutation() -> impl Strategy<Value = Option<(usize, String)>> {
    prop::option::of((0_usize..6, prop_oneof!["[a-z0-9:]{0,4}", "[\\PC]{0,3}"]))
}

/// The frame, or what a mutation leaves of it, if that still is one.
fn garbled(
    json: &str,
    place: prop::sample::Index,
    mutation: &Option<(usize, String)>,
) -> Option<ClientFrame> {
    let mut bytes = json.as_bytes().to_vec();
    if let Some((removed, inserted)) = mutation {
        let from = place.index(bytes.len());
        let to = (from + removed).min(bytes.len());
        bytes.splice(from..to, inserted.bytes());
    }
    ClientFrame::decode(&bytes, &Limits::default()).ok()
}
