//! The pages for invited people and agents: that what they say is true.

use bot_hub_client::Event;
use bot_hub_client::bot_protocol::frame::operator::{InviteWish, Operation};
use bot_hub_client::bot_protocol::name::{BotId, RoomName};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::stage::{Stage, WITHIN, config};

#[tokio::test]
async fn the_page_for_people_runs_nothing_from_elsewhere_and_works_without_its_script() {
    let stage = Stage::start(&config(&["ana"], "publicUrl: \"https://hub.example\""));
    let page = stage.request("GET", "/join", &[], "").await;
    assert_eq!(page.status, 200);
    let head = page.head.to_lowercase();
    for part in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; ",
        "frame-ancestors 'none'",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "content-type: text/html",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    let body = &page.body;
    for inline in ["<script>", "<style", " style=", " onclick=", "javascript:", "http://"] {
        assert!(!body.contains(inline), "{inline}");
    }
    for line in [
        "openclaw channels add --channel bot-hub --code 'https://hub.example/join#CODE'",
        "Read https://hub.example/skill.md and join with code CODE",
        "bot-hub join 'https://hub.example/join#CODE'",
        "<html lang=\"en\">",
    ] {
        assert!(body.contains(line), "{line}");
    }
    for (path, kind) in [("/assets/join.js", "text/javascript"), ("/assets/join.css", "text/css")] {
        let file = stage.request("GET", path, &[], "").await;
        assert!(file.status == 200 && file.head.contains(kind), "{path}: {}", file.head);
        assert!(!file.body.contains("{{"), "{path}");
    }
}

#[tokio::test]
async fn the_pages_name_the_hub_as_it_was_asked_for_and_believe_no_nonsense() {
    let stage = Stage::start(&config(&["ana"], ""));
    for path in ["/join", "/skill.md", "/llms.txt"] {
        let page = stage.request("GET", path, &[("Host", "hub.lan:18795")], "").await;
        assert!(page.body.contains("http://hub.lan:18795"), "{path}");
        assert!(!page.body.contains("{{"), "{path}");
        for bad in ["<script>alert(1)</script>", "a'b", "hub.lan/x", "0.0.0.0"] {
            let page = stage.request("GET", path, &[("Host", bad)], "").await;
            assert_eq!(page.status, 400, "{path} {bad}");
            assert!(!page.body.contains(bad), "{path} {bad}");
        }
    }
}

#[tokio::test]
async fn the_package_of_the_plugin_is_handed_out_if_it_is_a_file_of_a_bounded_size() {
    let stage = Stage::start(&config(&["ana"], ""));
    let package = stage.config.with_file_name("data").join("plugin.tgz");
    let check = async |status: u16, part: &str, is_offered: bool| {
        let found = stage.request("GET", "/plugin.tgz", &[], "").await;
        assert_eq!(found.status, status, "{found:?}");
        assert!(found.body.contains(part), "{found:?}");
        assert_eq!(stage.request("HEAD", "/plugin.tgz", &[], "").await.status, status);
        let page = stage.request("GET", "/join", &[], "").await.body;
        assert_eq!(!page.contains("has no package of the plugin"), is_offered);
        assert!(page.contains("/plugin.tgz' -o bot-hub-openclaw.tgz &amp;&amp;"), "{page}");
    };
    check(404, "hint: whoever runs this hub makes the file with `plugins/openclaw/pack`", false)
        .await;
    std::fs::create_dir(&package).unwrap();
    check(404, "cannot be handed out", false).await;
    std::fs::remove_dir(&package).unwrap();
    std::fs::write(&package, "a package").unwrap();
    check(200, "a package", true).await;
    std::fs::File::create(&package).unwrap().set_len((8 << 20) + 1).unwrap();
    check(404, "cannot be handed out", false).await;
    #[cfg(unix)]
    {
        std::fs::remove_file(&package).unwrap();
        std::os::unix::fs::symlink(&stage.config, &package).unwrap();
        check(404, "cannot be handed out", false).await;
    }
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

/// Between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len();
    let length = text[from..].find(end).unwrap_or_else(|| panic!("no {end} after {start}"));
    &text[from..from + length]
}

#[tokio::test]
async fn an_agent_that_does_what_the_skill_says_is_in() {
    let stage = Stage::start(&config(&["ana"], "operators: [\"ana\"]"));
    let (ana, mut heard) = stage.member("ana").await;
    let (name, rooms) = (BotId::new("fern").unwrap(), vec![RoomName::new("lab").unwrap()]);
    let wish = InviteWish { name, rooms, can: None, expires_in_ms: None };
    let made = ana.operate(Operation::InviteCreate(wish)).await.unwrap();

    // From here on: nothing but the page and the code.
    let page = stage.request("GET", "/skill.md", &[], "").await.body;
    let blocks = blocks(&page);
    let (shell, curl) = blocks[0];
    assert_eq!(shell, "sh");
    let url = between(curl, "-X POST ", " ");
    let path =
        url.strip_prefix(&format!("http://{}", stage.address)).expect("the hub's own address");
    let header = between(curl, "-H '", "'").split_once(": ").unwrap();
    let body = between(curl, "-d '", "'").replace("CODE", made["code"].as_str().unwrap());
    let claimed = stage.request("POST", path, &[header], &body).await;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    let claimed = claimed.json();
    let promised: Value = serde_json::from_str(blocks[1].1).expect("the example is JSON");
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&claimed), keys(&promised), "the answer is as the page shows it");

    let socket = between(&page, "Open a WebSocket to `", "`");
    assert_eq!(socket, claimed["ws_url"].as_str().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(socket).await.expect("an upgrade");
    let frames: Vec<&str> = blocks[2..5].iter().map(|(_, text)| text.trim()).collect();
    for (frame, answer) in frames.iter().zip(["auth_ok", "joined", "ack"]) {
        let frame = frame.replace("bh_bot_…", claimed["token"].as_str().unwrap());
        let frame = frame.replace("\"room\":\"lab\"", &format!("\"room\":{}", claimed["rooms"][0]));
        socket.send(Message::text(frame)).await.unwrap();
        let heard = tokio::time::timeout(WITHIN, socket.next()).await.expect("an answer");
        let heard: Value =
            serde_json::from_str(heard.unwrap().unwrap().to_text().unwrap()).unwrap();
        assert_eq!(heard["type"], answer, "{heard}");
        assert!(page.contains(&format!("\"type\":\"{answer}\"")), "the page says so");
    }
    let text = between(frames[2], "\"text\":\"", "\"");
    let said = tokio::time::timeout(WITHIN, async {
        loop {
            if let Event::Message(said) = heard.next().await.expect("the hub runs") {
                break said;
            }
        }
    });
    let said = said.await.expect("the other bot hears it");
    assert_eq!((said.from.as_str(), &*said.text), ("fern", text));
}
