//! The parts of RFC 6455 that the protocol names. Autobahn|Testsuite looks at the rest.

use bot_hub_proof::wire::{Heard, Socket, first, header};
use serde_json::json;

use crate::stage::{Rule, Stage, Verdict, holds, rule, same};

pub const RULES: &[Rule] = &[
    rule("WebSocket pings are answered, also before authentication", "The seed: pings", pings),
    rule("binary data closes the connection with 1003", "errors.md: close codes", binary),
    rule("an unmasked frame closes the connection with 1002", "errors.md: close codes", unmasked),
    rule(
        "text that is not UTF-8 closes the connection with 1007",
        "errors.md: close codes",
        not_utf8,
    ),
    rule("a message in fragments is one message", "JSON objects in text frames", fragments),
    rule("a close is answered with its code", "errors.md: close codes", closing),
    rule("a web page that is not allowed is refused", "config.md: allowedOrigins", origin),
];

fn io(error: std::io::Error) -> String {
    error.to_string()
}

fn pings(stage: &Stage) -> Verdict {
    let mut socket = Socket::open(&stage.url).map_err(io)?;
    socket.send(first::PING, b"are you there").map_err(io)?;
    let heard = socket.hear(bot_hub_proof::peer::PATIENCE).map_err(io)?;
    holds(heard == Heard::Pong(b"are you there".to_vec()), || format!("{heard:?}"))
}

fn closes(stage: &Stage, bytes: &[u8], code: u16) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    ana.socket.write(bytes).map_err(io)?;
    same("close", &json!(ana.hear_close()?), &json!(code))
}

fn binary(stage: &Stage) -> Verdict {
    closes(stage, &bot_hub_proof::wire::frame(first::BINARY, b"{\"type\":\"ping\"}"), 1003)
}

fn unmasked(stage: &Stage) -> Verdict {
    closes(stage, b"\x81\x0f{\"type\":\"ping\"}", 1002)
}

fn not_utf8(stage: &Stage) -> Verdict {
    closes(stage, &bot_hub_proof::wire::frame(first::TEXT, b"\xc0\xaf"), 1007)
}

fn fragments(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    for (first, part) in
        [(0x01, "{\"type\":"), (first::PING, "between"), (0x00, ""), (0x80, "\"ping\",\"at\":5}")]
    {
        ana.socket.send(first, part.as_bytes()).map_err(io)?;
    }
    same("answer", &ana.hear()?, &json!({"type": "pong", "at": 5}))
}

fn closing(stage: &Stage) -> Verdict {
    let mut ana = stage.seed(stage.ana())?;
    ana.socket.send(first::CLOSE, &[&1000_u16.to_be_bytes()[..], b"bye"].concat()).map_err(io)?;
    same("close", &json!(ana.hear_close()?), &json!(1000))?;
    let mut ana = stage.seed(stage.ana())?;
    ana.socket.write(&header(first::CLOSE, 126)).map_err(io)?;
    same("a long one", &json!(ana.hear_close()?), &json!(1002))
}

fn origin(stage: &Stage) -> Verdict {
    let mut socket = Socket::dial(&stage.url).map_err(io)?;
    let head = socket.upgrade("/", "Origin: https://evil.example\r\n").map_err(io)?;
    holds(head.starts_with("HTTP/1.1 403"), || head.clone())
}
