//! What operators did, as they list it: over restarts, and whoever did it.

use serde_json::{Value, json};

use super::stage::{Plain, Stage, config, token};

const OPERATED: &str = "operators: [\"ana\"]";

async fn listed(operator: &mut Plain, wish: &str) -> Vec<Value> {
    let (mut acts, mut after) = (Vec::new(), String::new());
    loop {
        let page = operator.operate(&format!(r#"{{"audit":{{{wish}{after}}}}}"#)).await.unwrap();
        acts.extend(page["acts"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { return acts };
        let comma = if wish.is_empty() { "" } else { "," };
        after = format!(r#"{comma}"after":"{next}""#);
    }
}

/// `by operation bot`.
fn short(acts: &[Value]) -> Vec<String> {
    let text = |act: &Value, field: &str| act[field].as_str().unwrap_or("-").to_owned();
    let line = |act: &Value| ["by", "operation", "bot"].map(|field| text(act, field)).join(" ");
    acts.iter().map(line).collect()
}

#[tokio::test]
async fn what_was_done_is_listed_also_after_a_restart_and_holds_no_secret() {
    let [dir, again, data] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let text = config(&["ana", "bob"], OPERATED);
    let stage = Stage::start_at(&text, dir, data.path(), None);
    let mut ana = stage.entered(&token("ana"), r#","client":"pen/1""#).await;
    ana.operate(r#"{"room_create":{"room":"lab"}}"#).await.unwrap();
    let made = ana.operate(r#"{"bot_add":{"bot":"dora"}}"#).await.unwrap();
    let wish = r#"{"invite_create":{"name":"fern","rooms":["lab"]}}"#;
    let invited = ana.operate(wish).await.unwrap();
    let code = invited["code"].as_str().unwrap().to_owned();
    let claim = json!({ "code": code, "client": "leaf/2" }).to_string();
    let claimed = stage.request("POST", "/api/v1/invites/claim", &[], &claim).await;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    stage.reload(&config(&["ana", "bob", "eve"], OPERATED), "applied").await;
    ana.operate(r#"{"bot_disable":{"bot":"dora"}}"#).await.unwrap();

    let acts = listed(&mut ana, "").await;
    let expected = [
        "ana room_create -",
        "ana bot_add dora",
        "ana invite_create fern",
        "fern invite_claim fern",
        "config config_reload -",
        "ana bot_disable dora",
    ];
    assert_eq!(short(&acts), expected);
    assert_eq!(acts[1]["client"], "pen/1");
    assert_eq!((&acts[3]["client"], &acts[3]["via"]), (&json!("leaf/2"), &json!("invite")));
    assert_eq!((&acts[3]["invite"], &acts[2]["invite"]), (&invited["id"], &invited["id"]));
    assert_eq!(acts[4]["detail"], "tokens");
    let all = json!(acts).to_string();
    for secret in [made["token"].as_str().unwrap(), &code, &token("eve")[..6]] {
        assert!(!all.contains(secret), "{all}");
    }

    // From either end, page by page, and only some of them.
    assert_eq!(listed(&mut ana, r#""limit":1"#).await, acts);
    let mut newest = listed(&mut ana, r#""newest":true,"limit":2"#).await;
    newest.reverse();
    assert_eq!(newest, acts);
    let about = listed(&mut ana, r#""bot":"dora","limit":1"#).await;
    assert_eq!(short(&about), ["ana bot_add dora", "ana bot_disable dora"]);
    let by = listed(&mut ana, r#""by":"config""#).await;
    assert_eq!(short(&by), ["config config_reload -"]);
    let at = acts[5]["at"].as_u64().unwrap();
    let since = listed(&mut ana, &format!(r#""since":{}"#, at + 1)).await;
    assert_eq!(short(&since), [""; 0]);

    drop((ana, stage));
    let stage =
        Stage::start_at(&config(&["ana", "bob", "eve"], OPERATED), again, data.path(), None);
    let mut ana = stage.entered(&token("ana"), "").await;
    assert_eq!(listed(&mut ana, "").await, acts);
    ana.operate(r#"{"bot_enable":{"bot":"dora"}}"#).await.unwrap();
    let more = listed(&mut ana, "").await;
    assert_eq!(more[..6], acts);
    assert_eq!(short(&more[6..]), ["ana bot_enable dora"]);
}

#[tokio::test]
async fn only_operators_are_told_what_was_done() {
    let stage = Stage::start(&config(&["ana", "bob"], OPERATED));
    let mut bob = stage.entered(&token("bob"), "").await;
    assert_eq!(bob.operate(r#"{"audit":{}}"#).await.unwrap_err(), "not_allowed");
    let error = bob.operate(r#"{"bot_add":{"bot":"dora"}}"#).await.unwrap_err();
    assert_eq!(error, "not_allowed");
    let mut ana = stage.entered(&token("ana"), "").await;
    assert_eq!(listed(&mut ana, "").await, [Value::Null; 0]);
}

#[tokio::test]
async fn no_more_records_stay_than_the_configuration_says() {
    let keep = |entries: u32| format!("{OPERATED}, audit: {{ entries: {entries} }}");
    let stage = Stage::start(&config(&["ana"], &keep(1_000)));
    let mut ana = stage.entered(&token("ana"), "").await;
    for number in 0..70 {
        let room = format!(r#"{{"room_create":{{"room":"r{number}"}}}}"#);
        ana.operate(&room).await.unwrap();
    }
    assert_eq!(listed(&mut ana, "").await.len(), 70);
    stage.reload(&config(&["ana"], &keep(2)), "applied").await;
    let mut left = listed(&mut ana, "").await;
    while left.len() > 2 {
        left = listed(&mut ana, "").await;
    }
    assert_eq!(short(&left), ["ana room_create -", "config config_reload -"]);
    assert_eq!(left[1]["detail"], "audit.entries");
}
