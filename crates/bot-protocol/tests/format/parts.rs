//! Where a long act is cut.

use bot_protocol::block::{Act, Kind, join, parse, split};

/// The bodies of the parts of a request for that.
fn bodies(task: &str, limit: usize) -> Vec<String> {
    let act = Act::new(Kind::Request, "ben", "ann", "ann-1", task);
    let parts = split(&act, limit).unwrap();
    assert!(parts.iter().all(|part| part.encode_utf16().count() <= limit), "{parts:?}");
    let acts: Vec<Act<'_>> = parts.iter().map(|part| parse(part).unwrap()).collect();
    let bodies = acts.iter().map(|act| act.task.clone().unwrap_or_default().into_owned()).collect();
    assert_eq!(join(&acts).unwrap().task.as_deref(), Some(task));
    bodies
}

#[test]
fn a_long_text_is_cut_behind_lines() {
    let bodies = bodies(&"one two three four\n".repeat(60), 300);
    assert!(bodies.len() > 3, "{bodies:?}");
    assert!(bodies.iter().all(|body| body.ends_with("four\n")), "{bodies:?}");
}

#[test]
fn a_long_line_is_cut_behind_words() {
    let bodies = bodies(&"one two three four ".repeat(60), 300);
    assert!(bodies.len() > 3, "{bodies:?}");
    assert!(bodies.iter().all(|body| body.ends_with(' ')), "{bodies:?}");
}

#[test]
fn a_line_end_in_the_first_half_is_too_early_to_cut() {
    let task = format!("short\n{}", "word ".repeat(200));
    let bodies = bodies(&task, 300);
    assert!(bodies[0].len() > 50 && bodies[0].ends_with(' '), "{bodies:?}");
}

#[test]
fn a_long_word_is_cut_where_the_part_is_full() {
    let bodies = bodies(&"x".repeat(2_000), 300);
    let (last, full) = bodies.split_last().unwrap();
    assert!(full.iter().all(|body| body.len() + 2 >= full[0].len()), "{bodies:?}");
    assert!(last.len() <= full[0].len());
}
