//! Every frame is read and written as `tests/frames/frames.txt` says. The TypeScript client reads the same file.

use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::limits::Limits;

/// The frames of one side: `>` is the client, `<` the hub.
fn frames(side: &str) -> Vec<String> {
    let path = format!("{}/../../tests/frames/frames.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    text.lines().filter_map(|line| line.strip_prefix(side)).map(str::to_owned).collect()
}

fn assert_all(kinds: &[&str], found: &[&str]) {
    for kind in kinds {
        assert!(found.contains(kind), "`{kind}` has no example in tests/frames/frames.txt");
    }
}

#[test]
fn every_frame_of_clients_is_read_and_written_as_ever() {
    let limits = Limits::default();
    let mut kinds = Vec::new();
    for line in frames("> ") {
        let frame = ClientFrame::decode_text(&line, &limits).expect(&line);
        assert_eq!(frame.encode(), line);
        assert_eq!(ClientFrame::decode_any(line.as_bytes(), &limits).as_ref(), Ok(&frame));
        kinds.push(frame.kind());
    }
    assert_all(ClientFrame::KINDS, &kinds);
}

#[test]
fn every_frame_of_the_hub_is_read_and_written_as_ever() {
    let mut kinds = Vec::new();
    for line in frames("< ") {
        let frame = ServerFrame::decode(line.as_bytes()).expect(&line).expect("a known type");
        let mut written = Vec::new();
        frame.write(&mut written);
        assert_eq!(String::from_utf8(written).as_ref(), Ok(&line));
        assert_eq!(frame.encode(), line);
        kinds.push(frame.kind());
    }
    assert_all(ServerFrame::KINDS, &kinds);
}
