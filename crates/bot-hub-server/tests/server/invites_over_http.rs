//! What is asked of invites over HTTP: by which method, in what form, from which page.

use bot_hub_client::Client;
use bot_hub_client::bot_protocol::frame::operator::{InviteWish, Operation, Page};
use bot_hub_client::bot_protocol::name::{BotId, RoomName};

use super::stage::{Stage, config, token};

async fn states(ana: &Client) -> Vec<String> {
    let listed = ana.operate(Operation::InviteList(Page::default())).await.unwrap();
    let invites = listed["invites"].as_array().unwrap().iter();
    invites.map(|it| it["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_invite_is_ended_by_delete_at_its_own_path_and_by_nothing_else() {
    let stage = Stage::start(&config(&["ana"], "operators: [\"ana\"]"));
    let (ana, _events) = stage.client("ana").await;
    let (name, rooms) = (BotId::new("fern").unwrap(), vec![RoomName::new("lab").unwrap()]);
    let wish = InviteWish { name, rooms, can: None, expires_in_ms: None };
    let made = ana.operate(Operation::InviteCreate(wish)).await.unwrap();
    let path = format!("/api/v1/invites/{}", made["id"].as_str().unwrap());
    let bearer = format!("Bearer {}", token("ana"));
    let auth = [("Authorization", bearer.as_str())];

    for (method, path) in [
        ("GET", path.clone()),
        ("POST", path.clone()),
        ("PUT", path.clone()),
        ("DELETE", format!("{path}/")),
        ("DELETE", format!("{path}/claim")),
    ] {
        let answer = stage.request(method, &path, &auth, "").await;
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
        assert!(answer.head.to_lowercase().contains("allow: delete"), "{}", answer.head);
    }
    assert_eq!(states(&ana).await, ["open"]);
    assert_eq!(stage.request("DELETE", &path, &[], "").await.status, 401);
    assert_eq!(states(&ana).await, ["open"]);
    assert_eq!(stage.request("DELETE", &path, &auth, "").await.status, 200);
    assert_eq!(states(&ana).await, ["revoked"]);
}

#[tokio::test]
async fn a_list_of_invites_goes_on_after_the_place_that_is_asked_for() {
    let stage = Stage::start(&config(&["ana"], "operators: [\"ana\"]"));
    let bearer = format!("Bearer {}", token("ana"));
    let auth = [("Authorization", bearer.as_str())];
    for name in ["fern", "moss"] {
        let body = format!(r#"{{"name":"{name}","rooms":["lab"]}}"#);
        assert_eq!(stage.request("POST", "/api/v1/invites", &auth, &body).await.status, 200);
    }
    let list = async |query: &str| {
        stage.request("GET", &format!("/api/v1/invites{query}"), &auth, "").await.json()
    };
    let all = list("").await;
    let newest = &all["invites"][0];
    let place = format!("{}.{}", newest["created_at"], newest["id"].as_str().unwrap());
    let rest = list(&format!("?after={place}")).await;
    assert_eq!(rest["invites"].as_array().unwrap().len(), 1);
    assert_eq!(rest["invites"][0], all["invites"][1]);
    // Nothing else says where a list goes on.
    assert_eq!(list(&format!("?before={place}")).await["invites"], all["invites"]);
}

const CLAIM: &str = "/api/v1/invites/claim";

#[tokio::test]
async fn a_page_may_claim_if_it_is_the_hubs_own_or_was_named() {
    let stage = Stage::start(&config(&["ana"], "allowedOrigins: [\"https://named.example\"]"));
    let own = format!("http://{}", stage.address);
    let body = r#"{"code":"K7QF-2M9D-XR4T-8W3A"}"#;
    for (origin, status) in
        [(own.as_str(), 404), ("https://named.example", 404), ("https://other.example", 403)]
    {
        let answer = stage.request("POST", CLAIM, &[("Origin", origin)], body).await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_body_may_be_as_long_as_it_may_and_what_is_wrong_with_it_is_told() {
    let stage = Stage::start(&config(&["ana"], ""));
    let check = async |body: String, status: u16, says: &str| {
        let answer = stage.request("POST", CLAIM, &[], &body).await;
        assert_eq!(answer.status, status, "{} bytes: {}", body.len(), answer.body);
        assert!(answer.body.contains(says), "{}", answer.body);
    };
    let claim = |pad: usize| format!(r#"{{"code":"K7QF","client":"{}"}}"#, "x".repeat(pad));
    let rest = 4_096 - claim(0).len();
    check(claim(rest), 400, "bad_code").await;
    check(claim(rest + 1), 413, "too_large").await;
    check(r#"{"kode":"x"}"#.to_owned(), 400, "lacks a field").await;
    check(r#"{"code":"#.to_owned(), 400, "is no JSON object").await;
}

#[tokio::test]
async fn a_refusal_over_http_names_no_frame_as_the_next_step() {
    let stage = Stage::start(&config(&["ana", "ben"], ""));
    let (ben, _events) = stage.client("ben").await;
    ben.join(RoomName::new("den").unwrap()).await.unwrap();
    let bearer = format!("Bearer {}", token("ana"));
    let auth = [("Authorization", bearer.as_str())];
    for room in ["den", "nowhere", "ben"] {
        let body = format!(r#"{{"name":"fern","rooms":["{room}"]}}"#);
        let answer = stage.request("POST", "/api/v1/invites", &auth, &body).await;
        assert!(answer.status >= 400, "{room}: {}", answer.body);
        assert!(answer.body.contains("hint"), "{room}: {}", answer.body);
        for frame in ["{\\\"type", "send `", "send {"] {
            assert!(!answer.body.contains(frame), "{room}: {}", answer.body);
        }
    }
}
