//! The queue alone: what it takes, what it refuses, what it holds.

use super::*;

fn outbox() -> Outbox {
    let limits = OutboxLimits { bytes_max: 100, high_water_bytes: 20 };
    Outbox::new(limits, Rc::new(Buffers::new()))
}

#[test]
fn the_mark_counts_deliveries_and_a_batch_carries_the_mark_of_its_end() {
    let outbox = outbox();
    assert_eq!(outbox.append(b"one", 1), Ok(1));
    assert_eq!(outbox.append(b"ack", 0), Ok(1));
    assert_eq!(outbox.append_text(b"two", 2), Ok(3));
    let batch = outbox.take();
    assert_eq!(batch.rest(), b"oneack\x81\x03two");
    assert_eq!((batch.mark, outbox.mark()), (3, 3));
    assert_eq!(outbox.append(b"later", 1), Ok(4));
    assert_eq!(outbox.take().mark, 4);
}

#[test]
fn a_full_outbox_refuses_and_counts_what_is_in_flight() {
    let outbox = outbox();
    outbox.append(&[0; 80], 1).expect("room");
    let batch = outbox.take();
    assert_eq!(outbox.len(), 80);
    assert_eq!(outbox.append(&[0; 21], 1), Err(Refused::Full));
    assert_eq!(outbox.mark(), 1, "what was refused is not counted");
    assert_eq!(outbox.append(&[0; 20], 1), Ok(2));
    outbox.wrote(batch.bytes.len());
    assert_eq!(outbox.len(), 20);
}

#[test]
fn one_large_frame_does_not_count_as_long_as_it_waits() {
    let outbox = outbox();
    outbox.append(&[0; 90], 1).expect("room");
    assert_eq!(outbox.append(&[0; 500], 1), Ok(2));
    assert_eq!(outbox.append(&[0; 10], 0), Ok(2), "an answer beside it is taken");
    assert_eq!(outbox.append(&[0; 1], 0), Err(Refused::Full));
    assert_eq!(outbox.append(&[0; 500], 1), Err(Refused::Full), "a second one is not");
    let batch = outbox.take();
    outbox.wrote(batch.bytes.len());
    assert_eq!(outbox.append(&[0; 99], 1), Ok(3));
    assert_eq!(outbox.append(&[0; 500], 1), Ok(4), "after it the next one is");
}

#[test]
fn an_empty_outbox_takes_a_frame_of_any_size() {
    assert_eq!(outbox().append(&[0; 1000], 1), Ok(1));
}

#[test]
fn a_closing_outbox_takes_nothing_and_the_first_reason_stays() {
    let outbox = outbox();
    outbox.close(CloseCode::RESTART, "restart");
    outbox.close(CloseCode::TOO_SLOW, "slow");
    assert_eq!(outbox.append(b"x", 1), Err(Refused::Closing));
    assert_eq!(outbox.probe(1), Err(Refused::Closing));
    let closing = Closing { code: CloseCode::RESTART, reason: "restart".into() };
    assert_eq!(outbox.closing(), Some(closing));
}

#[test]
fn a_probe_is_a_ping_that_carries_its_number() {
    let outbox = outbox();
    outbox.probe(0x0102).expect("room");
    let batch = outbox.take();
    assert_eq!(batch.rest(), b"\x89\x08\0\0\0\0\0\0\x01\x02");
    assert_eq!(batch.probe, Some(0x0102));
}

#[test]
fn above_the_high_water_only_the_latest_ping_is_answered() {
    let outbox = outbox();
    outbox.pong(b"first");
    assert_eq!(outbox.take().rest(), b"\x8a\x05first");
    outbox.wrote(7);
    outbox.append(&[b'.'; 30], 0).expect("room");
    for number in 0..100_000u32 {
        outbox.pong(&number.to_be_bytes());
    }
    assert!(outbox.held_bytes() < 8 << 10, "held: {}", outbox.held_bytes());
    let batch = outbox.take();
    assert_eq!(batch.rest()[30..], *b"\x8a\x04\x00\x01\x86\x9f");
    assert!(batch.was_high);
}

#[test]
fn an_empty_outbox_holds_no_memory() {
    let outbox = outbox();
    outbox.append(b"x", 1).expect("room");
    outbox.wrote(outbox.take().bytes.len());
    assert_eq!(outbox.held_bytes(), 0);
}

#[test]
fn what_is_made_in_the_outbox_is_refused_like_what_is_copied() {
    let outbox = outbox();
    let made = |bytes| outbox.append_text_by(1, |out| out.resize(out.len() + bytes, b'.'));
    assert_eq!(made(80), Ok(1));
    assert_eq!(made(17), Err(Refused::Full));
    assert_eq!((outbox.len(), outbox.mark()), (82, 1), "nothing of it is left");
    assert_eq!(made(16), Ok(2));
    outbox.close(CloseCode::RESTART, "restart");
    assert_eq!(made(0), Err(Refused::Closing));
}

#[test]
fn an_outbox_with_another_framing_keeps_the_same_bounds_and_marks() {
    let limits = OutboxLimits { bytes_max: 100, high_water_bytes: 20 };
    let outbox = Outbox::framed(Framing::Sse, limits, Rc::new(Buffers::new()));
    assert_eq!(outbox.append_text(b"{}", 1), Ok(1));
    assert_eq!(outbox.append_text_by(1, |out| out.extend_from_slice(b"[1]")), Ok(2));
    assert_eq!(outbox.probe(1), Ok(()));
    outbox.heartbeat();
    let batch = outbox.take();
    assert_eq!(batch.rest(), b"data: {}\n\ndata: [1]\n\n:\n\n");
    assert_eq!((batch.mark, batch.probe), (2, None), "what cannot be proven is not probed");
    outbox.wrote(batch.bytes.len());
    assert_eq!(outbox.append_text(&[b'.'; 92], 1), Ok(3));
    assert_eq!(outbox.append_text(b"", 0), Err(Refused::Full), "what stands around it counts");
    outbox.close(CloseCode::REPLACED, "a newer reader");
    outbox.last(Some(CloseCode::REPLACED), "a newer reader");
    let last = outbox.take();
    assert!(
        last.rest()
            .ends_with(b"event: close\ndata: {\"code\":4009,\"reason\":\"a newer reader\"}\n\n")
    );
    assert_eq!(outbox.probe(2), Err(Refused::Closing));
}

#[test]
fn lines_of_json_end_with_the_stream() {
    let limits = OutboxLimits { bytes_max: 100, high_water_bytes: 20 };
    let outbox = Outbox::framed(Framing::JsonLines, limits, Rc::new(Buffers::new()));
    assert_eq!(outbox.append_text(b"{}", 1), Ok(1));
    outbox.heartbeat();
    outbox.close(CloseCode::RESTART, "restart");
    outbox.last(Some(CloseCode::RESTART), "restart");
    assert_eq!(outbox.take().rest(), b"{}\n\n");
}
