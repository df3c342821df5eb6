//! Whoever has a name after somebody else reads, receives and answers nothing that was not its own.
//!
//! Owns a row for each way in which a name comes to be used again, and one transcript of what the bot of that
//! name finds then: that of another bot, or that of the same one. How names are decided about is in the
//! transcripts of `access`, what the brain says in those of `brain`.

use std::path::{Path, PathBuf};

use bot_hub_client::bot_protocol::frame::ServerFrame;
use bot_hub_client::bot_protocol::id::MessageId;
use serde_json::Value;

use super::stage::{HERE, Plain, Stage, config, token};

/// How the first bot of the name comes to be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// An operator makes it.
    Made,
    /// It comes by an invite.
    Guest,
    /// The file names it.
    File,
}

/// What happens to its name.
#[derive(Clone, Copy, Debug)]
enum Step {
    Remove,
    /// The file names it, so that it cannot be removed.
    CannotRemove,
    /// Two operators remove it at once, and then both make it.
    TwoRemoveAndMake,
    Make,
    /// Somebody is invited by that name.
    CannotInvite,
    /// The file names it from now on.
    In,
    /// The file does not name it any more.
    Out,
    Restart,
}

use First::{File, Guest, Made};
use Step::{CannotInvite, CannotRemove, In, Make, Out, Remove, Restart, TwoRemoveAndMake};

const ROWS: &[(First, &[Step], &[&str])] = &[
    // Removed, and made again by an operator.
    (Made, &[Remove, Make], ANOTHER),
    (Made, &[Remove, Restart, Make, Restart], ANOTHER),
    (Made, &[Remove, Make, Remove, Make], ANOTHER),
    (Made, &[TwoRemoveAndMake], ANOTHER),
    // A guest, and nobody comes by that name again.
    (Guest, &[Remove, CannotInvite, Restart, CannotInvite, Make], ANOTHER),
    (Guest, &[Remove, In], ANOTHER),
    // Taken out of the file is disabled, and named again the same.
    (File, &[Out, In], SAME),
    (File, &[Out, CannotInvite, Restart, In, Restart], SAME),
    (File, &[CannotRemove, Restart], SAME),
    // Removed, and then named by the file.
    (File, &[Out, Remove, In], ANOTHER),
    (File, &[Out, Remove, CannotInvite, Restart, In, Restart], ANOTHER),
    (Made, &[Remove, In], ANOTHER),
    (File, &[Out, Remove, Make], ANOTHER),
];

/// What another bot of the name finds.
const ANOTHER: &[&str] = &[
    "about: -, seen never",
    "member of []",
    "waiting: ",
    "said in hall: no_such_message",
    "said to bob: no_such_message",
    "says that again: id_conflict",
    "hall: not_a_member",
    "joins: is in hall from 2",
    "hall: reads []",
    "with bob: is in dm:bob:zoe from 2",
    "with bob: reads []",
    "before: reads []",
    "of bob: no_such_message",
    "answers bob: no_such_message",
    "said in hall: no_such_message",
    "says that again: id_conflict",
    "invites: 0 of her own",
    "her code: 410",
    "earlier tokens that are good: 0",
];

/// What the bot finds that was here before.
const SAME: &[&str] = &[
    "about: the first, seen before",
    "member of [\"dm:bob:zoe\", \"hall\"]",
    "waiting: hears a1, hears b1",
    "said in hall: status of z1",
    "said to bob: status of z2",
    "says that again: said z2 before",
    "hall: reads [\"z1\", \"a1\"]",
    "joins: is in hall from 1",
    "hall: reads [\"z1\", \"a1\"]",
    "with bob: is in dm:bob:zoe from 1",
    "with bob: reads [\"z2\", \"b1\"]",
    "before: reads [\"z2\", \"b1\"]",
    "of bob: no_such_message",
    "answers bob: ",
    "said in hall: status of z1",
    "says that again: said z1 before",
    "invites: 1 of her own",
    "her code: 200",
    "earlier tokens that are good: 0",
];

const JOINED: &str = r#"{"type":"join","room":"hall"}"#;
const SPEAKS: &str = r#"{"type":"message","room":"hall","text":"hello","id":"z1"}"#;
const WHISPERS: &str = r#"{"type":"message","to":"bob","text":"a secret","id":"z2"}"#;

struct House {
    stage: Option<Stage>,
    place: tempfile::TempDir,
    names_zoe: bool,
    /// The tokens that zoe had, the last one last.
    tokens: Vec<String>,
    /// A code that she made.
    code: String,
}

fn text(result: &Value, field: &str) -> String {
    result[field].as_str().expect("a text").to_owned()
}

/// The id of an entry, or a dash.
fn id(id: Option<&MessageId>) -> String {
    id.map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn short(frame: &ServerFrame) -> Option<String> {
    Some(match frame {
        ServerFrame::Message(it) => format!("hears {}", id(it.id.as_ref())),
        ServerFrame::Receipt(it) => format!("is told that {} `{}` {}", it.bot, it.state, it.id),
        ServerFrame::Joined(it) => {
            format!("is in {} from {}", it.room, it.position.map_or(0, |it| it.seq))
        }
        ServerFrame::History(it) => {
            let ids: Vec<String> = it.entries.iter().map(|it| id(it.id.as_ref())).collect();
            format!("reads {ids:?}")
        }
        ServerFrame::Status(it) => format!("status of {}", it.id),
        ServerFrame::Ack(it) if it.duplicate => format!("said {} before", id(it.id.as_ref())),
        ServerFrame::Ack(it) => format!("says {}", id(it.id.as_ref())),
        ServerFrame::Error(it) => it.name.to_string(),
        ServerFrame::Operated(it) => it.result.clone().into_json().to_string(),
        _ => return None,
    })
}

/// How frames begin that have one answer.
const ANSWERED: [&str; 5] = [
    r#"{"type":"join""#,
    r#"{"type":"message""#,
    r#"{"type":"history""#,
    r#"{"type":"status""#,
    r#"{"type":"operate""#,
];

/// Says something, and returns all that is heard until everything is answered.
async fn all(socket: &mut Plain, frame: &str) -> String {
    socket.say(frame).await;
    let mut heard = Vec::new();
    let mut is_answered = !ANSWERED.iter().any(|kind| frame.starts_with(kind));
    while !is_answered {
        let answer = socket.hear().await.expect("the connection lives");
        is_answered = matches!(
            answer,
            ServerFrame::Joined(_)
                | ServerFrame::Ack(_)
                | ServerFrame::Error(_)
                | ServerFrame::History(_)
                | ServerFrame::Status(_)
                | ServerFrame::Operated(_)
        );
        heard.extend(short(&answer));
    }
    // What is looked up is answered behind the first pong.
    for _ in 0..3 {
        socket.say(r#"{"type":"ping"}"#).await;
        loop {
            match socket.hear().await.expect("the connection lives") {
                ServerFrame::Pong(_) => break,
                other => heard.extend(short(&other)),
            }
        }
        socket.say(r#"{"type":"status","id":"nothing"}"#).await;
        loop {
            match socket.hear().await.expect("the connection lives") {
                ServerFrame::Error(it) if it.reference.as_deref() == Some("nothing") => break,
                other => heard.extend(short(&other)),
            }
        }
    }
    heard.join(", ")
}

impl House {
    fn new(first: First) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (tokens, code) = (Vec::new(), String::new());
        let mut house = Self { stage: None, place, names_zoe: first == File, tokens, code };
        house.start();
        house
    }

    fn data(&self) -> PathBuf {
        Path::new(self.place.path()).join("data")
    }

    fn config(&self) -> String {
        let bots: &[&str] = if self.names_zoe { &["ana", "bob", "zoe"] } else { &["ana", "bob"] };
        config(
            bots,
            "operators: [\"ana\"], rooms: { hall: { open: true, members: [\"ana\", \"bob\"] } }",
        )
    }

    fn start(&mut self) {
        drop(self.stage.take());
        let dir = tempfile::tempdir().unwrap();
        self.stage = Some(Stage::start_at(&self.config(), dir, &self.data(), None));
    }

    fn stage(&self) -> &Stage {
        self.stage.as_ref().expect("it runs")
    }

    async fn ana(&self) -> Plain {
        self.stage().entered(&token("ana"), r#","side":true"#).await
    }

    async fn make(&mut self) -> Result<(), String> {
        let made = self.ana().await.operate(r#"{"bot_add":{"bot":"zoe"}}"#).await?;
        self.tokens.push(text(&made, "token"));
        Ok(())
    }

    async fn invited(&self) -> Result<String, String> {
        let wish = r#"{"invite_create":{"name":"zoe","rooms":["hall"]}}"#;
        self.ana().await.operate(wish).await.map(|made| text(&made, "code"))
    }

    async fn claim(&self, code: &str) -> (u16, Value) {
        let body = format!(r#"{{"code":"{code}"}}"#);
        let answer = self.stage().request("POST", "/api/v1/invites/claim", &[], &body).await;
        (answer.status, answer.json())
    }

    /// The first zoe comes, and does all that leaves something behind.
    async fn live(&mut self, first: First) {
        match first {
            Made => self.make().await.unwrap(),
            Guest => {
                let code = self.invited().await.unwrap();
                let (_, claimed) = self.claim(&code).await;
                self.tokens.push(text(&claimed, "token"));
            }
            File => self.tokens.push(token("zoe")),
        }
        let mut ana = self.ana().await;
        let mut zoe = self.stage().entered(&self.tokens[0], r#","resume":{}"#).await;
        all(&mut zoe, JOINED).await;
        all(&mut zoe, SPEAKS).await;
        all(&mut zoe, WHISPERS).await;
        all(&mut zoe, r#"{"type":"presence","state":"busy","note":"her own"}"#).await;
        zoe.operate(r#"{"bot_set":{"bot":"zoe","about":"the first"}}"#).await.unwrap();
        let can = r#"{"room_add":{"room":"hall","bot":"zoe","can":["read","post","invite"]}}"#;
        ana.operate(can).await.unwrap();
        let wish = r#"{"invite_create":{"name":"fern","rooms":["hall"],"can":["read"]}}"#;
        self.code = text(&zoe.operate(wish).await.unwrap(), "code");
        drop(zoe);
        // Both wait for her.
        let mut bob = self.stage().entered(&token("bob"), r#","side":true"#).await;
        all(&mut bob, r#"{"type":"message","to":"zoe","text":"for zoe","id":"b1"}"#).await;
        all(&mut ana, r#"{"type":"message","room":"hall","text":"for all","id":"a1"}"#).await;
    }

    async fn take(&mut self, step: Step) {
        let remove = r#"{"bot_remove":{"bot":"zoe"}}"#;
        match step {
            Remove => drop(self.ana().await.operate(remove).await.unwrap()),
            CannotRemove => {
                assert_eq!(self.ana().await.operate(remove).await.unwrap_err(), "not_allowed");
            }
            TwoRemoveAndMake => {
                let (mut one, mut other) = (self.ana().await, self.ana().await);
                let both = tokio::join!(one.operate(remove), other.operate(remove));
                assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
                let add = r#"{"bot_add":{"bot":"zoe"}}"#;
                let (one, other) = tokio::join!(one.operate(add), other.operate(add));
                assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
                self.tokens.push(text(&one.or(other).unwrap(), "token"));
            }
            Make => self.make().await.unwrap(),
            CannotInvite => assert_eq!(self.invited().await.unwrap_err(), "name_taken"),
            In | Out => {
                self.names_zoe = matches!(step, In);
                self.stage().reload(&self.config(), "applied").await;
                if self.names_zoe {
                    self.tokens.push(token("zoe"));
                }
            }
            Restart => self.start(),
        }
    }

    /// What zoe finds, and what others see of her.
    async fn found(&self) -> Vec<String> {
        let mut ana = self.ana().await;
        let shown = ana.operate(r#"{"bot_show":{"bot":"zoe"}}"#).await.unwrap();
        let about = shown["about"].as_str().unwrap_or("-");
        let seen = if shown["last_seen"].is_null() { "never" } else { "before" };
        let mut found = vec![format!("about: {about}, seen {seen}")];
        let mut zoe = self.stage().socket(HERE).await;
        let token = self.tokens.last().expect("she has one");
        zoe.say(&format!(
            r#"{{"type":"auth","token":"{token}","caps":["ack","receipts"],"resume":{{}}}}"#
        ))
        .await;
        let Some(ServerFrame::AuthOk(welcome)) = zoe.hear().await else { panic!("no welcome") };
        let mut rooms: Vec<String> =
            welcome.rooms.unwrap().iter().map(|it| it.room.to_string()).collect();
        rooms.sort();
        found.push(format!("member of {rooms:?}"));
        for (what, frame) in [
            ("waiting", r#"{"type":"ping"}"#),
            ("said in hall", r#"{"type":"status","id":"z1"}"#),
            ("said to bob", r#"{"type":"status","id":"z2"}"#),
            ("says that again", WHISPERS),
            ("hall", r#"{"type":"history","room":"hall","after":0}"#),
            ("joins", JOINED),
            ("hall", r#"{"type":"history","room":"hall","after":0}"#),
            ("with bob", r#"{"type":"join","room":"dm:bob:zoe"}"#),
            ("with bob", r#"{"type":"history","room":"dm:bob:zoe","after":0}"#),
            ("before", r#"{"type":"history","room":"dm:bob:zoe","before":9}"#),
            ("of bob", r#"{"type":"status","id":"b1"}"#),
            (
                "answers bob",
                r#"{"type":"receipt","state":"done","room":"dm:bob:zoe","id":"b1","from":"bob"}"#,
            ),
            ("said in hall", r#"{"type":"status","id":"z1"}"#),
            ("says that again", SPEAKS),
            ("invites", r#"{"type":"operate","ref":"r","do":{"invite_list":{}}}"#),
        ] {
            let mut heard = all(&mut zoe, frame).await;
            if what == "waiting" {
                let mut each: Vec<&str> = heard.split(", ").collect();
                each.sort_unstable();
                heard = each.join(", ");
            }
            if what == "invites" {
                heard = format!("{} of her own", heard.matches("\"id\"").count());
            }
            found.push(format!("{what}: {heard}"));
        }
        found.push(format!("her code: {}", self.claim(&self.code).await.0));
        let mut good = 0;
        for old in self.tokens.iter().filter(|it| *it != token) {
            good +=
                usize::from(self.stage().socket(HERE).await.auth(old).await.unwrap() == "auth_ok");
        }
        found.push(format!("earlier tokens that are good: {good}"));
        found
    }
}

#[tokio::test]
async fn every_way_in_which_a_name_is_used_again_leads_to_the_same_bot_or_to_another() {
    let mut wrong = Vec::new();
    for (first, steps, expected) in ROWS {
        let mut house = House::new(*first);
        house.live(*first).await;
        for step in *steps {
            house.take(*step).await;
        }
        let found = house.found().await;
        if found != *expected {
            wrong.push(format!("{first:?} {steps:?}:\n{}", found.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn of_two_guests_who_come_at_once_under_one_name_one_is_let_in() {
    let house = House::new(Made);
    let (one, other) = (house.invited().await.unwrap(), house.invited().await.unwrap());
    let (one, other) = tokio::join!(house.claim(&one), house.claim(&other));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let in_by = if one.0 == 200 { one.1 } else { other.1 };
    house.stage().entered(&text(&in_by, "token"), "").await;
    let bots = house.ana().await.operate(r#"{"bot_list":{}}"#).await.unwrap();
    assert_eq!(bots.to_string().matches("\"zoe\"").count(), 1, "{bots}");
}
