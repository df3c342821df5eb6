//! What is recorded of what operators do, and what is not.
//!
//! Owns a store that is full when it is told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bot_hub_core::change::Outcome;
use bot_hub_core::io::{Caps, Hello, Input};
use bot_protocol::frame::ClientFrame;
use bot_protocol::frame::operator::Operate;
use bot_protocol::limits::Limits;
use bot_protocol::name::BotId;

use super::*;
use crate::engine::tests::operated;
use bot_hub_store::driver::Driver;
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::record::{RecordKind, RecordQuery};
use bot_hub_store::{Loaded, Reader, Store, StoreError};

struct Disk(MemoryStore, Arc<AtomicBool>);

impl Store for Disk {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.0.load()
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        if self.1.load(Ordering::Relaxed) {
            return Err(StoreError::Full { path: "hub.db".to_owned() });
        }
        self.0.commit(batch)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.0.reader()
    }
}

struct Stage {
    engine: Engine,
    reader: Box<dyn Reader>,
    is_full: Arc<AtomicBool>,
}

impl Stage {
    /// Ana operates the hub.
    fn new() -> Self {
        let is_full = Arc::<AtomicBool>::default();
        let store = Disk(MemoryStore::new().unwrap(), Arc::clone(&is_full));
        let reader = store.reader().unwrap();
        let (mut engine, _outbox) = operated(store, |store| Driver::inline(store).unwrap());
        let ana = BotId::new("ana").unwrap();
        engine.rejudge([&ana]);
        let (caps, resume) = (Caps::default(), None);
        let hello = Hello { bot: ana, operator: true, plain: false, side: true, caps, resume };
        engine.input(Input::Opened { conn: ConnId(1), hello });
        Self { engine, reader, is_full }
    }

    fn ask(&mut self, operation: &str) {
        let request = format!(r#"{{"ref":"r1","do":{operation},"why":"so it is"}}"#);
        let request: Operate = serde_json::from_str(&request).expect(operation);
        self.engine.operate(ConnId(1), request);
        self.engine.submit();
    }

    fn lines(&mut self) -> Vec<AuditLine> {
        let page = self.reader.records(&RecordQuery::all(RecordKind::AUDIT)).unwrap();
        page.records.iter().map(|record| acts::line_of(record).expect("it can be read")).collect()
    }

    /// What is recorded, in short.
    fn acts(&mut self) -> Vec<String> {
        let bot = |line: &AuditLine| line.bot.as_ref().map_or("-".into(), ToString::to_string);
        self.lines().iter().map(|it| format!("{} {}", it.operation, bot(it))).collect()
    }
}

const ACTS: &[&str] = &[
    r#"{"bot_add":{"bot":"dora"}}"#,
    r#"{"bot_set":{"bot":"dora","about":"reads the news","skills":["news"]}}"#,
    r#"{"room_create":{"room":"lab","closed":true}}"#,
    r#"{"room_add":{"room":"lab","bot":"dora","can":["read"]}}"#,
    r#"{"room_retain":{"room":"lab","retain":{"entries":5}}}"#,
    r#"{"invite_create":{"name":"fern","rooms":["lab"]}}"#,
    r#"{"bot_disable":{"bot":"dora"}}"#,
    r#"{"room_kick":{"room":"lab","bot":"dora"}}"#,
    r#"{"room_remove":{"room":"lab"}}"#,
    r#"{"bot_remove":{"bot":"dora"}}"#,
];

#[test]
fn an_act_and_its_record_are_stored_together_or_not_at_all() {
    let mut stage = Stage::new();
    for (done, act) in ACTS.iter().enumerate() {
        stage.is_full.store(true, Ordering::Relaxed);
        stage.ask(act);
        assert_eq!(stage.lines().len(), done, "refused: {act}");
        stage.is_full.store(false, Ordering::Relaxed);
        stage.ask(act);
        assert_eq!(stage.lines().len(), done + 1, "done: {act}");
    }
    let lines = stage.lines();
    for (line, act) in lines.iter().zip(ACTS) {
        assert!(act.contains(&format!("\"{}\"", line.operation)), "{line:?}");
        assert_eq!(line.by, "ana");
        assert_eq!(line.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(line.why.as_deref(), Some("so it is"));
        assert!(line.outcome == ActOutcome::Done && line.via == ActWay::Frame, "{line:?}");
    }
    assert!(lines[5].invite.as_deref().is_some_and(|id| id.starts_with("inv_")), "{lines:?}");
    assert_eq!(lines[3].can.as_ref().map(ToString::to_string).as_deref(), Some("read"));
}

#[test]
fn what_only_reads_or_changes_nothing_or_is_refused_leaves_no_record() {
    let mut stage = Stage::new();
    ACTS[..4].iter().for_each(|act| stage.ask(act));
    let done = stage.acts();
    for nothing in [
        r#"{"bot_list":{}}"#,
        r#"{"room_show":{"room":"lab"}}"#,
        r#"{"audit":{}}"#,
        r#"{"bot_add":{"bot":"dora"}}"#,
        r#"{"bot_remove":{"bot":"nobody"}}"#,
        r#"{"room_add":{"room":"lab","bot":"dora","can":["read"]}}"#,
        r#"{"room_kick":{"room":"lab","bot":"nobody"}}"#,
        r#"{"room_remove":{"room":"nowhere"}}"#,
        r#"{"bot_set":{"bot":"dora","about":" reads the news "}}"#,
    ] {
        stage.ask(nothing);
        assert_eq!(stage.acts(), done, "{nothing}");
    }
    // Nor is it taken for a part of what comes next.
    stage.ask(r#"{"bot_enable":{"bot":"dora"}}"#);
    assert_eq!(stage.acts().last().map(String::as_str), Some("bot_enable dora"));
    assert_eq!(stage.acts().len(), done.len() + 1);
}

#[test]
fn a_redaction_is_recorded_once_however_often_it_is_asked_for() {
    const REDACT: &str = r#"{"redact":{"room":"lab","seq":1}}"#;
    let mut stage = Stage::new();
    stage.ask(r#"{"room_create":{"room":"lab"}}"#);
    let frame = br#"{"type":"message","room":"lab","text":"the key is 1234"}"#;
    let frame = ClientFrame::decode(frame, &Limits::default()).unwrap();
    stage.engine.input(Input::Frame { conn: ConnId(1), frame });
    stage.engine.submit();
    stage.is_full.store(true, Ordering::Relaxed);
    stage.ask(REDACT);
    assert_eq!(stage.acts(), ["room_create -"], "it was refused");
    stage.is_full.store(false, Ordering::Relaxed);
    stage.ask(r#"{"redact":{"room":"lab","seq":2}}"#);
    assert_eq!(stage.acts(), ["room_create -"], "there is no such entry");
    for _ in 0..3 {
        stage.ask(REDACT);
        assert_eq!(stage.acts(), ["room_create -", "redact -"]);
    }
    let line = stage.lines().remove(1);
    assert_eq!((line.by.as_str(), line.why.as_deref()), ("ana", Some("so it is")));
    assert_eq!((line.rooms[0].as_str(), line.detail.as_deref()), ("lab", Some("entry 1")));
    // What was held for an answer is not taken for a part of what comes next.
    stage.ask(r#"{"room_show":{"room":"lab"}}"#);
    assert_eq!(stage.acts().len(), 2);
    assert!(stage.engine.audit.held.is_empty() && stage.engine.audit.asked.is_none());
}

#[test]
fn a_bot_that_is_no_operator_leaves_no_record() {
    let mut stage = Stage::new();
    let known = stage.engine.peers.get_mut(&ConnId(1)).and_then(|peer| peer.known.as_mut());
    known.unwrap().pass.bot = BotId::new("bob").unwrap();
    ACTS.iter().for_each(|act| stage.ask(act));
    assert_eq!(stage.acts(), [""; 0]);
}

#[test]
fn a_reload_is_recorded_and_again_when_there_was_no_space_for_its_record() {
    let mut stage = Stage::new();
    let changed = || Acts { kept: Kept::default(), changed: vec!["operators".to_owned()] };
    stage.engine.note_configuration(Acts::default());
    assert_eq!(stage.acts(), [""; 0]);
    stage.is_full.store(true, Ordering::Relaxed);
    stage.engine.note_configuration(changed());
    assert_eq!(stage.acts(), [""; 0]);
    stage.is_full.store(false, Ordering::Relaxed);
    stage.engine.sweep_acts();
    assert_eq!(stage.acts(), [""; 0], "a minute is not over yet");
    stage.engine.now = stage.engine.now + 60_000;
    stage.engine.sweep_acts();
    let lines = stage.lines();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((line.by.as_str(), line.operation.as_str()), ("config", "config_reload"));
    assert_eq!(line.detail.as_deref(), Some("operators"));
    assert!(line.outcome == ActOutcome::Applied && line.via == ActWay::Config, "{line:?}");
}

#[test]
fn records_go_when_they_are_too_many_or_too_old() {
    let mut stage = Stage::new();
    for number in 0..200 {
        stage.ask(&format!(r#"{{"room_create":{{"room":"r{number}"}}}}"#));
    }
    let rooms = |lines: &[AuditLine]| {
        lines.iter().map(|line| line.rooms[0].to_string()).collect::<Vec<_>>()
    };
    let keep = |age_ms, entries| Acts { kept: Kept { age_ms, entries }, changed: Vec::new() };
    stage.engine.note_configuration(keep(Some(1_000), Some(3)));
    stage.engine.sweep_acts();
    assert_eq!(rooms(&stage.lines()), ["r197", "r198", "r199"]);
    stage.engine.now = stage.engine.now + 2_000;
    stage.ask(r#"{"room_create":{"room":"new"}}"#);
    stage.engine.age_waits = true;
    stage.engine.audit.sweep_at = stage.engine.now;
    stage.engine.sweep_acts();
    assert_eq!(rooms(&stage.lines()), ["r198", "r199", "new"], "the clock cannot be trusted");
    stage.engine.age_waits = false;
    stage.engine.audit.sweep_at = stage.engine.now;
    stage.engine.sweep_acts();
    assert_eq!(rooms(&stage.lines()), ["new"]);
}
