//! Invites over real sockets: what a code is traded for, and everything that it is not.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bot_hub_client::bot_protocol::frame::operator::{InviteWish, Operation, Page};
use bot_hub_client::bot_protocol::name::{BotId, RoomName};
use bot_hub_client::bot_protocol::right::Rights;
use bot_hub_client::bot_protocol::secret::Secret;
use bot_hub_client::{Client, End, Events};
use serde_json::{Value, json};

use super::stage::{Answer, Stage, WITHIN, config};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const CLAIM: &str = "/api/v1/invites/claim";
const OPERATED: &str = "operators: [\"ana\"]";

fn bot(name: &str) -> BotId {
    BotId::new(name).unwrap()
}

fn lab(name: &str) -> Operation {
    invite(name, &["lab"], None)
}

fn invite(name: &str, rooms: &[&str], can: Option<&str>) -> Operation {
    let rooms = rooms.iter().map(|name| RoomName::new(name).unwrap()).collect();
    let can: Option<Rights> = can.map(|can| can.parse().unwrap());
    Operation::InviteCreate(InviteWish { name: bot(name), rooms, can, expires_in_ms: None })
}

async fn code(ana: &Client, operation: Operation) -> String {
    let made = ana.operate(operation).await.unwrap();
    made["code"].as_str().expect("the answer holds the code").to_owned()
}

impl Stage {
    async fn claim(&self, code: &str) -> Answer {
        self.request("POST", CLAIM, &[], &json!({ "code": code, "client": "test/1" }).to_string())
            .await
    }

    /// Under another name than the one that was invited.
    async fn claim_as(&self, code: &str, name: &str) -> Answer {
        let body = json!({ "code": code, "name": name }).to_string();
        self.request("POST", CLAIM, &[], &body).await
    }

    /// Through a proxy that is trusted.
    async fn claim_from(&self, address: &str, code: &str) -> Answer {
        let headers = [("X-Forwarded-For", address), ("X-Forwarded-Proto", "https")];
        self.request("POST", CLAIM, &headers, &json!({ "code": code }).to_string()).await
    }

    async fn come(&self, token: &str) -> (Client, Events) {
        let mut options = self.options("ana");
        options.token = Secret::new(token);
        Client::connect(options).await.expect("the token opens the door")
    }
}

fn check(answer: &Answer, status: u16, kind: &str) {
    let error = &answer.json()["error"];
    assert_eq!((answer.status, error["type"].as_str()), (status, Some(kind)), "{}", answer.body);
    assert!(error["message"].is_string() && answer.json()["ok"] == false, "{}", answer.body);
}

#[tokio::test]
async fn a_code_is_traded_once_for_a_bot_in_its_rooms_and_nowhere_else() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.member("ana").await;
    let code = code(&ana, invite("fern", &["lab", "den"], None)).await;
    let claimed = stage.claim(&code).await;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    let claimed = claimed.json();
    let token = claimed["token"].as_str().unwrap().to_owned();
    let base = format!("http://{}", stage.address);
    let expected = json!({
        "contract_version": 1,
        "api_base_url": base,
        "ws_url": format!("ws://{}/ws", stage.address),
        "token": token,
        "bot": { "id": "fern" },
        "rooms": ["den", "lab"],
        "can": ["read", "post", "request"],
        "defaults": {},
    });
    assert_eq!(claimed, expected);
    assert!(token.starts_with("bh_bot_") && token.len() == 56);
    check(&stage.claim(&code).await, 410, "used_code");

    let (fern, _events) = stage.come(&token).await;
    fern.join(RoomName::new("den").unwrap()).await.unwrap();
    let rooms = fern.rooms().await.unwrap().rooms;
    assert_eq!(rooms.iter().map(|it| it.room.as_str()).collect::<Vec<_>>(), ["den", "lab"]);
    let elsewhere = fern.join(RoomName::new("elsewhere").unwrap()).await.unwrap_err();
    assert!(elsewhere.to_string().contains("guest"), "{elsewhere}");

    let invites = ana.operate(Operation::InviteList(Page::default())).await.unwrap();
    let claim = &invites["invites"][0]["claim"];
    assert_eq!((&claim["bot"], &claim["client"]), (&json!("fern"), &json!("test/1")));
    assert_eq!(claim["address"], "127.0.0.1");
}

#[tokio::test]
async fn what_is_no_code_says_why_and_uses_none() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let good = code(&ana, lab("fern")).await;
    let made = ana.operate(lab("gone")).await.unwrap();
    ana.operate(Operation::InviteRevoke { id: made["id"].as_str().unwrap().into() }).await.unwrap();
    check(&stage.claim(made["code"].as_str().unwrap()).await, 410, "revoked_code");
    check(&stage.claim("K7QF-2M9D-XR4T-8W3A").await, 404, "unknown_code");
    check(&stage.claim("K7QF").await, 400, "bad_code");
    for body in ["", "no json", "[]", "{\"kode\":\"x\"}", "{\"code\":7}"] {
        check(&stage.request("POST", CLAIM, &[], body).await, 400, "bad_request");
    }
    let long = format!("{{\"code\":\"{}\"}}", "x".repeat(5_000));
    check(&stage.request("POST", CLAIM, &[], &long).await, 413, "too_large");
    for method in ["GET", "PUT", "DELETE"] {
        let answer = stage.request(method, CLAIM, &[], "").await;
        check(&answer, 405, "method_not_allowed");
        assert!(answer.head.to_lowercase().contains("allow: post"), "{}", answer.head);
    }
    check(&stage.request("GET", "/api/v1/nothing", &[], "").await, 404, "not_found");
    let foreign = [("Origin", "https://elsewhere.example")];
    let body = json!({ "code": good }).to_string();
    check(&stage.request("POST", CLAIM, &foreign, &body).await, 403, "foreign_origin");
    check(&stage.claim_as(&good, "no name!").await, 400, "bad_name");
    assert_eq!(
        stage.claim(&good).await.status,
        200,
        "after all that the code is as good as before"
    );
}

#[tokio::test]
async fn guessing_codes_is_rate_limited_per_address_and_overall() {
    let stage =
        Stage::start(&config(&["ana"], "operators: [\"ana\"], trustProxies: [\"127.0.0.1\"]"));
    let (ana, _events) = stage.client("ana").await;
    let (mine, other) = (code(&ana, lab("fern")).await, code(&ana, lab("moss")).await);
    let guess = |number: u32| format!("K7QF-2M9D-XR4T-{number:04}");
    for number in 0..5 {
        check(&stage.claim_from("203.0.113.9", &guess(number)).await, 404, "unknown_code");
    }
    // Nobody else is held up by that: the right code helps, also from there.
    let limited = stage.claim_from("203.0.113.9", &guess(9)).await;
    check(&limited, 429, "throttled");
    assert!(limited.head.to_lowercase().contains("retry-after: "), "{}", limited.head);
    assert_eq!(stage.claim_from("203.0.113.9", &mine).await.status, 200);
    // One network of many addresses: an IPv6 /64 counts as one, and the hub has a bound for all.
    let mut answers = Vec::new();
    for number in 0..340_u32 {
        let address = format!("10.{}.{}.1", number / 200, number % 200);
        answers.push(stage.claim_from(&address, &guess(number)).await);
    }
    assert_eq!(tally(&answers), BTreeMap::from([(404, 295), (429, 45)]));
    check(&stage.claim_from("192.0.2.200", &guess(9)).await, 429, "throttled");
    assert_eq!(stage.claim_from("192.0.2.200", &other).await.status, 200);
}

#[tokio::test]
async fn a_code_travels_encrypted_or_on_this_machine_only() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let mine = code(&ana, lab("fern")).await;
    // Nobody said that this proxy is one: what it says about the client is worth nothing.
    check(&stage.claim_from("203.0.113.9", &mine).await, 403, "https_required");
    let trusting =
        "operators: [\"ana\"], trustProxies: [\"127.0.0.1\"], publicUrl: \"https://hub.example\"";
    stage.reload(&config(&["ana"], trusting), "applied").await;
    let plain = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http")];
    let body = json!({ "code": mine }).to_string();
    check(&stage.request("POST", CLAIM, &plain, &body).await, 403, "https_required");
    let claimed = stage.claim_from("203.0.113.9", &mine).await.json();
    assert_eq!(claimed["api_base_url"], "https://hub.example");
    assert_eq!(claimed["ws_url"], "wss://hub.example/ws");
}

#[tokio::test]
async fn of_many_claims_at_once_one_is_honoured() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let mine = code(&ana, lab("fern")).await;
    let claims = (0..12).map(|_| stage.claim(&mine));
    let answers = futures_util::future::join_all(claims).await;
    let won = answers.iter().filter(|it| it.status == 200).count();
    let lost = answers.iter().filter(|it| [410, 429].contains(&it.status)).count();
    assert_eq!((won, lost), (1, 11));
}

#[tokio::test]
async fn of_many_claims_of_one_name_at_once_one_makes_a_bot_and_the_others_keep_their_codes() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let mut codes = Vec::new();
    for number in 0..16 {
        // Half of them are for one name, the others for a name each.
        let name = if number % 2 == 0 { "fern".to_owned() } else { format!("fern-{number}") };
        codes.push(code(&ana, lab(&name)).await);
    }
    let claims = codes.iter().step_by(2).map(|code| stage.claim(code));
    let answers = futures_util::future::join_all(claims).await;
    assert_eq!(tally(&answers), BTreeMap::from([(200, 1), (409, 7)]));
    for lost in answers.iter().filter(|it| it.status != 200) {
        check(lost, 409, "name_taken");
    }
    assert_eq!(tokens(&ana, "fern").await, 1);

    // A name that nobody was invited under is for everybody who asks.
    let claims = codes.iter().skip(1).step_by(2).map(|code| stage.claim_as(code, "ivy"));
    let answers = futures_util::future::join_all(claims).await;
    assert_eq!(tally(&answers), BTreeMap::from([(200, 1), (409, 7)]));
    assert_eq!(tokens(&ana, "ivy").await, 1);

    let mut open = 0;
    for (number, code) in codes.iter().enumerate() {
        match stage.claim_as(code, &format!("other-{number}")).await {
            answer if answer.status == 200 => open += 1,
            answer => check(&answer, 410, "used_code"),
        }
    }
    assert_eq!(open, 14, "what was refused is as good as before");
}

#[tokio::test]
async fn of_a_claim_and_an_operator_with_one_name_one_makes_the_bot() {
    let stage = Stage::start(&config(&["ana", "bea"], "operators: [\"ana\", \"bea\"]"));
    let ((ana, _for_ana), (bea, _for_bea)) = (stage.client("ana").await, stage.client("bea").await);
    for round in 0..8 {
        let name = format!("fern-{round}");
        let mine = code(&ana, lab(&name)).await;
        let add = || Operation::BotAdd { bot: bot(&name), operator: false };
        let (claimed, one, other) =
            tokio::join!(stage.claim(&mine), ana.operate(add()), bea.operate(add()));
        let made = [claimed.status == 200, one.is_ok(), other.is_ok()];
        assert_eq!(made.iter().filter(|it| **it).count(), 1, "{made:?} {}", claimed.body);
        assert_eq!(tokens(&ana, &name).await, 1, "{made:?}");
        if claimed.status != 200 {
            check(&claimed, 409, "name_taken");
            assert_eq!(stage.claim_as(&mine, &format!("other-{round}")).await.status, 200);
        }
    }
}

fn tally(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_insert(0) += 1;
    }
    counts
}

/// With how many tokens one can come in as that bot.
async fn tokens(ana: &Client, name: &str) -> u64 {
    let shown = ana.operate(Operation::BotShow { bot: bot(name) }).await.unwrap();
    shown["tokens"].as_u64().unwrap()
}

#[tokio::test]
async fn whoever_chooses_a_name_becomes_nobody_who_is_known() {
    let more = "operators: [\"ana\"], rooms: { vault: { members: [\"heir\"] } }";
    let stage = Stage::start(&config(&["ana"], more));
    let (ana, _events) = stage.client("ana").await;
    let mine = code(&ana, lab("fern")).await;
    let reserved = code(&ana, lab("moss")).await;
    // A bot, the local operator, a member whom the file expects, a room, and whom another invite expects.
    for taken in ["ana", "operator", "heir", "lab", "moss"] {
        check(&stage.claim_as(&mine, taken).await, 409, "name_taken");
    }
    // And nobody whom a reader would take for one of the bots.
    for alike in ["a-na", "operat0r"] {
        check(&stage.claim_as(&mine, alike).await, 409, "name_taken");
    }
    let answer = stage.claim_as(&mine, "fern-of-mine").await;
    assert_eq!(answer.json()["bot"]["id"], "fern-of-mine");
    assert_eq!(stage.claim(&reserved).await.json()["bot"]["id"], "moss");
    let refused = ana.operate(lab("moss")).await.unwrap_err();
    assert!(refused.to_string().contains("moss"), "{refused}");
}

#[tokio::test]
async fn an_operators_invite_names_the_hubs_own_bots_of_the_room_and_a_bots_invite_itself() {
    let more = "operators: [\"ana\"], rooms: { lab: { members: [\"bob\", \"moss\"] } }";
    let stage = Stage::start(&config(&["ana", "bob"], more));
    let ((ana, _for_ana), (bob, _for_bob)) = (stage.client("ana").await, stage.client("bob").await);
    let guest = code(&ana, lab("fern")).await;
    assert_eq!(stage.claim(&guest).await.status, 200);
    // The guest is nobody's to name, and whoever is invited knows itself.
    let made = ana.operate(lab("moss")).await.unwrap();
    assert_eq!(made["bots"], json!(["bob"]));
    let can: Option<Rights> = Some("read,post,request,invite".parse().unwrap());
    let room = RoomName::new("lab").unwrap();
    ana.operate(Operation::RoomAdd { room, bot: bot("bob"), can }).await.unwrap();
    let made = bob.operate(lab("ivy")).await.unwrap();
    assert_eq!(made["bots"], json!(["bob"]));
}

#[tokio::test]
async fn a_bot_with_the_right_invites_into_its_room_and_no_further() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let first = code(&ana, invite("fern", &["lab"], Some("read,post,invite"))).await;
    let token = stage.claim(&first).await.json()["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let auth = [("Authorization", bearer.as_str())];
    let wish = |rooms: &[&str], can: &str| {
        let can: Vec<&str> = can.split(',').collect();
        json!({ "name": "moss", "rooms": rooms, "can": can }).to_string()
    };
    let path = "/api/v1/invites";
    check(&stage.request("POST", path, &[], &wish(&["lab"], "read")).await, 401, "no_token");
    let wrong = [("Authorization", "Bearer bh_bot_wrong")];
    check(&stage.request("POST", path, &wrong, &wish(&["lab"], "read")).await, 401, "bad_token");
    let more = stage.request("POST", path, &auth, &wish(&["lab"], "read,request")).await;
    check(&more, 403, "no_right");
    check(
        &stage.request("POST", path, &auth, &wish(&["vault"], "read")).await,
        404,
        "no_such_room",
    );
    check(&stage.request("POST", path, &auth, &wish(&[], "read")).await, 400, "bad_frame");
    let made = stage.request("POST", path, &auth, &wish(&["lab"], "read,post")).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let mine = made.json();
    code(&ana, lab("other")).await;
    let listed = stage.request("GET", path, &auth, "").await.json();
    let ids: Vec<&Value> =
        listed["invites"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&mine["id"]], "its own only");
    let claimed = stage.claim(mine["code"].as_str().unwrap()).await.json();
    assert_eq!(claimed["can"], json!(["read", "post"]));
    let late =
        stage.request("POST", path, &auth, &wish(&["lab"], "read").replace("moss", "ivy")).await;
    let late = late.json();
    let own = format!("{path}/{}", late["id"].as_str().unwrap());
    // The invites of a bot that lost the right to invite are void.
    let can: Option<Rights> = Some("read,post".parse().unwrap());
    let room = RoomName::new("lab").unwrap();
    ana.operate(Operation::RoomAdd { room, bot: bot("fern"), can }).await.unwrap();
    check(&stage.claim(late["code"].as_str().unwrap()).await, 403, "no_right");
    assert_eq!(stage.request("DELETE", &own, &auth, "").await.status, 200);
    check(
        &stage.request("DELETE", &format!("{path}/inv_none"), &auth, "").await,
        404,
        "no_such_invite",
    );
}

#[tokio::test]
async fn a_rotated_token_lasts_for_its_overlap_and_takes_its_sockets_along() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let made = ana.operate(Operation::BotAdd { bot: bot("cleo"), operator: false }).await.unwrap();
    let old = made["token"].as_str().unwrap().to_owned();
    let (first, _events) = stage.come(&old).await;
    let rotate = Operation::BotRotateToken { bot: bot("cleo"), overlap_ms: Some(700) };
    let started = Instant::now();
    let new = ana.operate(rotate).await.unwrap();
    let mut side = stage.socket(HERE).await;
    side.say(&format!("{{\"type\":\"auth\",\"token\":\"{old}\",\"caps\":[],\"side\":true}}")).await;
    assert_eq!(side.hear().await.unwrap().kind(), "auth_ok", "the old one is still good");
    let ended = tokio::time::timeout(WITHIN, first.ended()).await.unwrap();
    let took = started.elapsed();
    assert_eq!(ended, End::Revoked);
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert_eq!(side.hear().await.unwrap().kind(), "going_away");
    let mut late = stage.socket(HERE).await;
    assert_eq!(late.auth(&old).await.unwrap(), "bad_token");
    let (_second, _events) = stage.come(new["token"].as_str().unwrap()).await;
}

#[tokio::test]
async fn whoever_loses_its_token_loses_its_sockets_within_a_second() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let (ana, _events) = stage.client("ana").await;
    let name = || bot("cleo");
    for end in [
        Operation::BotRevokeToken { bot: name() },
        Operation::BotDisable { bot: name() },
        Operation::BotRemove { bot: name() },
    ] {
        let rotate = Operation::BotRotateToken { bot: name(), overlap_ms: None };
        let add = Operation::BotAdd { bot: name(), operator: false };
        let made = match ana.operate(add).await {
            Ok(made) => made,
            Err(_) => ana.operate(rotate).await.unwrap(),
        };
        drop(ana.operate(Operation::BotEnable { bot: name() }).await);
        let token = made["token"].as_str().unwrap();
        let (cleo, _events) = stage.come(token).await;
        // A token that came with the upgrade is not yet used up when it ends.
        let started = Instant::now();
        ana.operate(end.clone()).await.unwrap();
        assert_eq!(
            tokio::time::timeout(WITHIN, cleo.ended()).await.unwrap(),
            End::Revoked,
            "{end:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(1), "{end:?}: {:?}", started.elapsed());
        let refused = stage.socket(HERE).await.auth(token).await.unwrap();
        assert!(["bad_token", "bot_disabled"].contains(&refused.as_str()), "{end:?}: {refused}");
    }
}

/// Every file below a folder that holds one of the texts.
fn holding(dir: &std::path::Path, secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(dir).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap();
        let has = |secret: &&String| bytes.windows(secret.len()).any(|it| it == secret.as_bytes());
        let which = secrets.iter().filter(has);
        found.extend(which.map(|secret| format!("{:?} holds {secret}", file.path())));
    }
    found
}

#[tokio::test]
async fn nothing_secret_lies_in_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let stage = Stage::start_at(&config(&["ana"], OPERATED), dir, &data, None);
    let (ana, _events) = stage.client("ana").await;
    let mut secrets = vec![super::stage::token("ana")];
    for name in ["fern", "moss"] {
        let made = ana.operate(lab(name)).await.unwrap();
        let code = made["code"].as_str().unwrap();
        secrets.extend([
            code.to_owned(),
            code.replace('-', ""),
            made["secret"].as_str().unwrap().into(),
        ]);
        if name == "fern" {
            secrets.push(stage.claim(code).await.json()["token"].as_str().unwrap().to_owned());
        }
    }
    let rotate = Operation::BotRotateToken { bot: bot("fern"), overlap_ms: Some(60_000) };
    secrets.push(ana.operate(rotate).await.unwrap()["token"].as_str().unwrap().to_owned());
    // The local operator's token lies in its file while the hub runs, and is worth nothing afterwards.
    let operator = std::fs::read_to_string(data.join("operator.token")).unwrap();
    assert!(operator.starts_with("bh_adm_"), "{operator}");
    assert_eq!(holding(&data, &secrets), [""; 0]);
    drop(stage);
    secrets.push(operator.trim().to_owned());
    assert_eq!(holding(&data, &secrets), [""; 0]);
}
