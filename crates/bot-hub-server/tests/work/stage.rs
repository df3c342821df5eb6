//! A hub in which there are `size` of everything: bots, members of one room, rooms, waiting entries,
//! receipts, tokens and invites.
//!
//! Owns the real engine, brain and SQLite store, all on one thread, so that everything counts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use bot_hub_core::Hub;
use bot_hub_core::access::Access;
use bot_hub_core::change::{Change, ReceiptRecord};
use bot_hub_core::entry::Draft;
use bot_hub_core::settings::Settings;
use bot_hub_server::door::{
    Answer, Ask, Asker, Buffers, ConnId, Ended, Intent, Outbox, OutboxLimits, Question, RawFrame,
};
use bot_hub_server::engine::audit::Acts;
use bot_hub_server::engine::credential::hash_token;
use bot_hub_server::engine::{Engine, INTENTS_MAX, Order, Reconfiguration};
use bot_hub_store::driver::Driver;
use bot_hub_store::sqlite::SqliteStore;
use bot_hub_store::{AccessWrite, BotRecord, ClaimRecord, InviteRecord, Store, TokenRecord, Write};
use bot_protocol::frame::operator::Retention;
use bot_protocol::id::MessageId;
use bot_protocol::limits::Limits;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::cases::{Case, OTHERS, Who};
use crate::count::{self, Work};

const NOON: Timestamp = Timestamp(1_800_000_000_000);

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

fn member(number: u64) -> BotId {
    bot(&format!("bot-{number}"))
}

fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

fn join(to: &str, who: BotId) -> Change {
    Change::Join { room: room(to), bot: who }
}

fn said(from: BotId, as_id: &str) -> Change {
    said_in("big", from, as_id)
}

fn said_in(where_to: &str, from: BotId, as_id: &str) -> Change {
    Change::Append(Arc::new(Draft {
        room: room(where_to),
        from,
        id: id(as_id),
        text: "something".to_owned(),
        sent_at: NOON,
        extras: None,
    }))
}

/// Everything that the brain wrote, in a room of `size` members in which `size` entries wait for all but
/// `ana`, one of which has a receipt of each member.
fn changes(size: u64) -> Vec<Change> {
    let create = |name: &str| Change::CreateRoom { room: room(name), closed: false };
    let mut changes = vec![create("big"), join("big", bot("ana"))];
    changes.extend((1..size).map(|n| join("big", member(n))));
    changes.extend(["alone", "left", "gone"].map(create));
    changes.extend((1..size).map(|n| join("gone", member(n))));
    changes.extend((0..size).map(|n| said_in("gone", bot("ana"), &format!("gone-{n}"))));
    changes.extend(["alone", "left"].map(|name| join(name, bot("ana"))));
    for n in 0..size {
        let name = format!("room-{n}");
        changes.push(create(&name));
        changes.push(join(&name, member(n)));
        // Of so many rooms one may be a member.
        if n < u64::from(Limits::default().rooms_per_bot) - 5 {
            changes.push(join(&name, bot("ana")));
        }
    }
    changes.push(said(bot("ana"), "mine"));
    changes.extend((1..size).map(|n| said(member(1), &format!("theirs-{n}"))));
    changes.extend((1..size).map(|n| {
        Change::Receipt(ReceiptRecord {
            room: room("big"),
            seq: 1,
            bot: member(n),
            state: ReceiptState::Started,
            at: NOON,
            reason: None,
            reply: None,
        })
    }));
    let state = ReceiptState::Received;
    let cursor =
        Change::Cursor { room: room("big"), bot: bot("ana"), seq: size - 1, state, at: NOON };
    changes.push(cursor);
    changes
}

fn record(name: BotId) -> Write {
    let (operator, disabled, guest) = (name == bot("ops"), false, false);
    let (created_at, last_seen) = (NOON, None);
    Write::Access(AccessWrite::Bot(BotRecord {
        bot: name,
        operator,
        disabled,
        guest,
        created_at,
        last_seen,
    }))
}

fn token(of: BotId, secret: &str) -> Write {
    let (hash, created_at) = (hash_token(secret), NOON);
    Write::Access(AccessWrite::Token(TokenRecord { bot: of, hash, created_at, expires_at: None }))
}

fn invite(number: u64) -> Write {
    let claim = (number > 5).then(|| ClaimRecord {
        at: NOON,
        bot: member(number),
        client: "x".into(),
        address: "y".into(),
    });
    Write::Access(AccessWrite::Invite(Box::new(InviteRecord {
        id: format!("inv-{number}").into(),
        hash: hash_token(&format!("code-{number}")),
        name: bot(&format!("guest-{number}")),
        rooms: vec![room("big")],
        rights: Rights::USUAL,
        by: bot("ops"),
        created_at: NOON,
        expires_at: NOON + 3_600_000,
        revoked_at: None,
        claim,
    })))
}

/// A store in which there is `size` of everything.
pub(crate) fn store(size: u64) -> (tempfile::TempDir, SqliteStore) {
    count::watch_sqlite();
    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(directory.path()).unwrap();
    let mut writes: Vec<Write> = changes(size).into_iter().map(Write::Change).collect();
    for name in [bot("ana"), bot("ops"), bot("dora")] {
        writes.push(token(name.clone(), name.as_str()));
        writes.push(record(name));
    }
    for n in 0..size {
        writes.push(record(member(n)));
        writes.push(token(member(n), &format!("token-{n}")));
        writes.push(token(bot("dora"), &format!("dora-{n}")));
        writes.push(invite(n));
    }
    for batch in writes.chunks(1_000) {
        store.commit(batch).unwrap();
    }
    (directory, store)
}

/// A connection, as a door would have it.
struct Line {
    conn: ConnId,
    outbox: Rc<Outbox>,
}

pub(crate) struct Stage {
    intents: mpsc::Sender<Intent>,
    lines: BTreeMap<Who, Line>,
    last: u64,
    orders: mpsc::Sender<Order>,
    _directory: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new(size: u64) -> Self {
        let (directory, mut store) = store(size);
        let loaded = store.load().unwrap();
        let hub = Hub::new(NOON, &[1; 32], Settings::default(), loaded.snapshot);
        let mut access = Access::default();
        access.restore(loaded.bots, loaded.tokens, loaded.invites);
        let driver = Driver::inline(Box::new(store)).unwrap();
        let mut engine = Engine::new(hub, access, driver, Rc::new(|| NOON));
        engine.configure(configuration());
        let (intents, mut taken) = mpsc::channel(INTENTS_MAX);
        let (orders, orders_taken) = mpsc::channel(1);
        tokio::task::spawn_local(async move {
            let (_told, events) = mpsc::channel(1);
            drop(engine.run(&mut taken, events, orders_taken).await);
        });
        let lines = BTreeMap::new();
        Self { intents, lines, last: 0, orders, _directory: directory }
    }

    /// The work that each case causes, in their order.
    pub(crate) async fn measure(mut self, cases: &[Case]) -> BTreeMap<String, Work> {
        for (who, hello) in [
            (Who::Ana, r#"{"type":"auth","token":"ana","caps":["ack","receipts"],"resume":{}}"#),
            (Who::Ops, r#"{"type":"auth","token":"ops","caps":["ack"],"side":true}"#),
        ] {
            self.open(who).await;
            self.tell(who, hello).await;
        }
        let mut measured = BTreeMap::new();
        for case in cases {
            if case.who == Who::Newcomer {
                self.open(case.who).await;
            }
            self.tell(case.who, &case.before).await;
            measured.insert(case.name.clone(), self.tell(case.who, &case.frame).await);
        }
        for (name, _) in OTHERS {
            let work = match *name {
                "healthz" => self.ask(Question::Health).await,
                "metrics" => self.ask(Question::Metrics).await,
                "an operator that watches goes" => self.close(Who::Ops).await,
                "a reload" => self.reload().await,
                other => panic!("what is `{other}`?"),
            };
            measured.insert((*name).into(), work);
        }
        measured
    }

    /// Somebody on this machine asks over HTTP.
    async fn ask(&self, what: Question) -> Work {
        let (reply, mut answer) = oneshot::channel();
        count::take();
        self.send(Intent::Ask(Ask { what, asker: Asker::Local, reply })).await;
        let Ok(Answer::Good(text)) = answer.try_recv() else { panic!("no good answer") };
        Work { answer: text.len() as u64, ..count::take() }
    }

    async fn close(&mut self, who: Who) -> Work {
        let line = self.lines.remove(&who).unwrap();
        count::take();
        self.send(Intent::Closed { conn: line.conn, why: Ended::Lost }).await;
        count::take()
    }

    async fn reload(&self) -> Work {
        let order = Order::Configure(Box::new(configuration()));
        count::take();
        self.orders.try_send(order).unwrap();
        self.turns().await;
        count::take()
    }

    async fn open(&mut self, who: Who) {
        self.last += 1;
        let limits = OutboxLimits { bytes_max: 1 << 30, high_water_bytes: 1 << 30 };
        let outbox = Rc::new(Outbox::new(limits, Rc::new(Buffers::new())));
        let conn = ConnId(self.last);
        let (peer, bearer) = (IpAddr::V4(Ipv4Addr::LOCALHOST), None);
        let shared = Rc::clone(&outbox);
        self.lines.insert(who, Line { conn, outbox });
        self.send(Intent::Opened { conn, peer, bearer, outbox: shared }).await;
    }

    /// A frame, and all that follows from it.
    async fn tell(&self, who: Who, text: &str) -> Work {
        if text.is_empty() {
            return Work::default();
        }
        let line = &self.lines[&who];
        let before = line.outbox.len();
        count::take();
        self.send(Intent::Frames { conn: line.conn, frames: vec![RawFrame::from(text)] }).await;
        let answer = (line.outbox.len() - before) as u64;
        Work { answer, ..count::take() }
    }

    /// The store answers at once, so a few turns of the runtime are enough for everything.
    async fn send(&self, intent: Intent) {
        self.intents.try_send(intent).unwrap();
        self.turns().await;
    }

    async fn turns(&self) {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

fn configuration() -> Reconfiguration {
    Reconfiguration {
        settings: Settings {
            retention: Retention { age_ms: None, ..Retention::default() },
            ..Settings::default()
        },
        tokens: Vec::new(),
        operators: Vec::new(),
        public_url: None,
        free_disk_reserve: 0,
        auth_failures_per_minute: 1_000,
        rooms: Vec::new(),
        acts: Acts::default(),
        stored: None,
    }
}
