//! Under which names the hub answers, and whose pages may connect: one rule for every way in.

use super::stage::{Answer, Stage, config, token};

const UPGRADE: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

impl Stage {
    async fn asked_as(&self, host: &str, path: &str, more: &[(&str, &str)]) -> Answer {
        self.request("GET", path, &[&[("Host", host)], more].concat(), "").await
    }

    /// The status of an upgrade; with 101 nothing follows.
    async fn upgraded(&self, host: &str, origin: Option<&str>) -> u16 {
        let origin = origin.map(|origin| ("Origin", origin));
        let headers: Vec<(&str, &str)> =
            UPGRADE.into_iter().chain([("Host", host)]).chain(origin).collect();
        self.head("GET", "/ws", &headers).await
    }
}

const OPERATED: &str = "operators: [\"ana\"], publicUrl: \"https://hub.example.org\"";

#[tokio::test]
async fn a_foreign_host_is_refused_on_every_way_in_with_the_name_of_the_setting() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    for path in ["/metrics", "/", "/healthz", "/join", "/version", "/api/v1/invites", "/nothing"] {
        let answer = stage.asked_as("evil.com:18795", path, &[]).await;
        assert_eq!(answer.status, 421, "{path}: {answer:?}");
        assert!(answer.body.contains("publicUrl"), "{answer:?}");
    }
    assert_eq!(stage.upgraded("evil.com:18795", None).await, 421);
    assert_eq!(stage.upgraded("evil.com:18795", Some("http://evil.com:18795")).await, 421);
}

#[tokio::test]
async fn a_foreign_host_is_refused_whatever_a_page_writes_into_the_authorization_header() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let good = format!("Bearer {}", token("ana"));
    // Made up by the rules: the last six are a checksum that everybody can compute.
    let made_up = "Bearer bh_bot_0000000000000000000000000000000000000000000000000";
    for authorization in ["x", "Basic dTpw", "Bearer", made_up, &good] {
        let header = [("Authorization", authorization)];
        for path in ["/", "/skill.md", "/llms.txt", "/join", "/healthz", "/version", "/nothing"] {
            let answer = stage.asked_as("evil.com:1234", path, &header).await;
            assert_eq!(answer.status, 421, "{path} with {authorization}: {answer:?}");
        }
        let claim = [("Host", "evil.com"), ("Content-Type", "application/json"), header[0]];
        let answer = stage.request("POST", "/api/v1/invites/claim", &claim, "{}").await;
        assert_eq!(answer.status, 421, "a claim with {authorization}: {answer:?}");
    }
    for refused in ["x", "Basic dTpw"] {
        let answer = stage.asked_as("evil.com", "/metrics", &[("Authorization", refused)]).await;
        assert_eq!(answer.status, 421, "{refused}: {answer:?}");
    }
    let answer = stage.asked_as("evil.com", "/metrics", &[("Authorization", made_up)]).await;
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn metrics_are_given_without_a_token_only_to_this_machine_under_a_name_of_its_own() {
    let stage = Stage::start(&config(&["ana", "bob"], OPERATED));
    let port = stage.address.port();
    let [ana, bob] = ["ana", "bob"].map(|bot| format!("Bearer {}", token(bot)));
    let check = async |host: &str, bearer: Option<&str>, expected: u16| {
        let more: Vec<_> = bearer.map(|bearer| ("Authorization", bearer)).into_iter().collect();
        let answer = stage.asked_as(host, "/metrics", &more).await;
        assert_eq!(answer.status, expected, "{host} {bearer:?}: {}", answer.body);
    };
    for own in ["127.0.0.1", "localhost", "[::1]", "192.168.1.20"] {
        check(&format!("{own}:{port}"), None, 200).await;
    }
    check("hub.example.org", None, 200).await;
    // As a scraper asks by the name of a service.
    for service in ["bot-hub:18795", "bot-hub.bots.svc:18795", "evil.com"] {
        check(service, Some(&ana), 200).await;
        check(service, Some(&bob), 401).await;
    }
    check("bot-hub:18795", None, 401).await;
    check("evil.com", None, 421).await;
}

#[tokio::test]
async fn of_two_names_in_one_request_the_one_that_is_less_the_hubs_own_counts() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let check = async |host: &str, target: &str, expected: u16| {
        let answer = stage.asked_as(host, &format!("http://{target}/metrics"), &[]).await;
        assert_eq!(answer.status, expected, "{target} at {host}: {}", answer.body);
    };
    check("127.0.0.1", "localhost", 200).await;
    check("bot-hub", "127.0.0.1", 401).await;
    check("127.0.0.1", "bot-hub", 401).await;
    check("evil.com", "127.0.0.1", 421).await;
    check("127.0.0.1", "evil.com", 421).await;
}

#[tokio::test]
async fn a_host_that_can_be_no_name_is_refused_and_not_repeated() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    for (host, repeated) in [("", "``"), ("<script>", "script"), ("evil com", "evil")] {
        let answer = stage.asked_as(host, "/", &[]).await;
        assert_eq!(answer.status, 400, "{host}: {answer:?}");
        assert!(!answer.body.contains(repeated), "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn a_page_of_the_hub_itself_may_connect_and_a_foreign_one_may_not() {
    let stage = Stage::start(&config(&["ana"], OPERATED));
    let check = async |host: &str, origin: &str, expected: u16| {
        assert_eq!(stage.upgraded(host, Some(origin)).await, expected, "{origin} at {host}");
    };
    // As Python's websocket-client and ws4py say it, and a page of ours on a phone.
    check("127.0.0.1:18795", "http://127.0.0.1:18795", 101).await;
    check("localhost:18795", "http://localhost:18795", 101).await;
    check("192.168.1.20:18795", "http://192.168.1.20:18795", 101).await;
    check("[::1]:18795", "http://[::1]:18795", 101).await;
    check("hub.example.org", "https://hub.example.org", 101).await;
    check("hub.example.org:443", "http://hub.example.org", 101).await;
    check("127.0.0.1:18795", "https://hub.example.org", 101).await;

    check("127.0.0.1:18795", "http://127.0.0.1:8080", 403).await;
    check("127.0.0.1:18795", "http://127.0.0.1", 403).await;
    check("127.0.0.1:18795", "http://localhost:18795", 403).await;
    check("127.0.0.1:18795", "https://evil.com", 403).await;
    check("hub.example.org", "https://hub.example.org.evil.com", 403).await;
    check("127.0.0.1:18795", "null", 403).await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_any_name_is_the_proxys_business_and_nobody_is_local() {
    let text = config(&["ana"], "operators: [\"ana\"], trustProxies: [\"127.0.0.1\"]");
    let stage = Stage::start(&text);
    let forwarded = [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https")];
    assert_eq!(stage.asked_as("bots.example.net", "/healthz", &forwarded).await.status, 200);
    assert_eq!(stage.asked_as("bots.example.net", "/metrics", &forwarded).await.status, 401);
    assert_eq!(stage.asked_as("bots.example.net", "/metrics", &[]).await.status, 401);
    assert_eq!(stage.upgraded("bots.example.net", None).await, 101);
    assert_eq!(stage.upgraded("evil.com", Some("http://evil.com")).await, 403);
}

#[tokio::test]
async fn a_token_in_a_url_is_refused_however_it_is_escaped_and_a_page_token_is_none() {
    let stage = Stage::start(&config(&["ana"], ""));
    for secret in ["t%6fken=abc", "%74oken=abc", "access_token=abc", "x=%62h_bot_abc"] {
        let answer = stage.request("GET", &format!("/healthz?{secret}"), &[], "").await;
        assert_eq!(answer.status, 400, "{secret}: {answer:?}");
    }
    for innocent in ["pageToken=2", "author=ana", "monkey=1"] {
        let answer = stage.request("GET", &format!("/healthz?{innocent}"), &[], "").await;
        assert_eq!(answer.status, 200, "{innocent}: {answer:?}");
    }
}
