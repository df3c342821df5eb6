//! A hub whose log nobody reads.

use std::io::{PipeReader, Read as _, Write as _};
use std::process::Stdio;

use crate::fixture::{Place, Running};

/// A pipe holds this much; all but a few bytes of it are taken before the hub writes its first line.
const PIPE_BYTES: usize = 65_536;

/// A hub on whose stderr no line fits any more, and the other end of that.
fn unread(place: &Place) -> (Running, PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'\n'; PIPE_BYTES - 64]).unwrap();
    let command = place.command(&["serve", "--listen", "127.0.0.1:0", "--log-level", "trace"]);
    (place.started_with(command, Stdio::from(writer)), reader)
}

#[test]
fn a_hub_whose_log_nobody_reads_serves_and_ends_all_the_same() {
    let place = Place::new();
    let (hub, reader) = unread(&place);
    let token = place.bot("ann");
    for _ in 0..40 {
        let told = place.run_as(&token, &["ping", "--url", &hub.url()]);
        assert_eq!(told.code, 0, "{told:?}");
    }
    assert!(hub.stop_within_a_minute().success());
    drop(reader);
}

#[test]
fn what_was_logged_is_there_when_somebody_reads_again() {
    let place = Place::new();
    let (hub, mut reader) = unread(&place);
    place.bot("ann");
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    assert!(hub.stop_within_a_minute().success());
    let log = reading.join().unwrap();
    assert!(log.contains("the hub is ready"), "{log}");
    assert!(log.contains("a bot connected"), "{log}");
}

#[test]
fn a_log_whose_reader_has_gone_holds_up_nobody() {
    let place = Place::new();
    let (hub, reader) = unread(&place);
    drop(reader);
    let token = place.bot("ann");
    assert_eq!(place.run_as(&token, &["ping", "--url", &hub.url()]).code, 0);
    assert!(hub.stop_within_a_minute().success());
}
