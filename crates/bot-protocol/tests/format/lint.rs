//! What there is to say about a block, line by line.

use bot_protocol::block::{Act, Kind, PARTS_MAX, Severity, lint, parse, split};

/// A request in so many lines, of which one is replaced or others are added.
fn request(change: impl FnOnce(&mut Vec<&str>)) -> String {
    let mut lines = vec![
        "```",
        "[REQUEST → @ben]",
        "From: ann",
        "RequestId: ann-1",
        "Task: wave",
        "Depth: 1/5",
        "```",
    ];
    change(&mut lines);
    lines.join("\n")
}

fn check(text: &str, expected: &[(usize, &str)]) {
    let findings = lint(text);
    let found: Vec<(usize, &str)> = findings.iter().map(|it| (it.line, it.name)).collect();
    assert_eq!(found, expected, "{text}");
    for it in &findings {
        assert_eq!(it.severity == Severity::Error, parse(text).is_err(), "{it:?}");
        assert!(!it.message.is_empty() && !it.hint.is_empty(), "{it:?}");
    }
}

#[test]
fn a_block_as_it_should_be_needs_no_word() {
    check(&request(|_| ()), &[]);
    check(&request(|lines| lines.insert(2, "")), &[]);
    check(&request(|lines| lines.insert(5, "twice, please")), &[]);
}

#[test]
fn what_platforms_and_people_did_to_a_block_is_named_with_its_line() {
    check(&request(|lines| lines[0] = "```text"), &[(1, "tag")]);
    check(&request(|lines| lines[1] = "[REQUEST -> @ben]"), &[(2, "arrow")]);
    check(&request(|lines| lines[1] = "[REQUEST → <@U1|ben>]"), &[(2, "mention")]);
    check(&request(|lines| lines[1] = "[REQUEST -&gt; @ben]"), &[(2, "arrow"), (2, "html")]);
    check(&request(|lines| lines.insert(2, "hello")), &[(3, "stray")]);
    check(&request(|lines| lines.insert(5, "Task: again")), &[(6, "repeated")]);
    check(&request(|lines| lines.insert(5, "From: eve")), &[(6, "repeated")]);
    check(&request(|lines| lines.insert(5, "Priority: soon")), &[(6, "ignored")]);
    check(&request(|lines| lines.insert(5, "Priority: high")), &[]);
    check(&request(|lines| lines.insert(5, "Question: why?")), &[(6, "off_kind")]);
    check(&request(|_| ()).replace("\n", "\r\n"), &[(1, "crlf")]);
    check(&request(|_| ()).replace("```", "~~~"), &[(1, "lookalike_fence")]);
    let quoted = request(|_| ()).replace("\n", "\n> ");
    check(&format!("> {quoted}"), &[(1, "quoted")]);
}

#[test]
fn every_kind_has_its_own_fields() {
    let check_field =
        |header: &'static str, body: &'static str, field: &'static str, belongs: bool| {
            let text = request(|lines| {
                (lines[1], lines[4]) = (header, body);
                lines.insert(5, field);
            });
            check(&text, if belongs { &[] } else { &[(6, "off_kind")] });
        };
    let in_request = |field: &'static str, belongs| {
        check_field("[REQUEST → @ben]", "Task: wave", field, belongs);
    };
    in_request("Context: it is late", true);
    in_request("Callback: @ann", true);
    in_request("Status: done", false);
    in_request("Result: waved", false);
    in_request("Message: hello", false);
    let in_response = |field: &'static str, belongs| {
        check_field("[RESPONSE → @ben]", "Result: waved", field, belongs);
    };
    in_response("Status: done", true);
    in_response("Context: it is late", true);
    in_response("Callback: @ann", false);
    in_response("Priority: high", false);
    in_response("Task: wave", false);
    let in_question = |field: &'static str, belongs| {
        check_field("[CLARIFY → @ben]", "Question: when?", field, belongs);
    };
    in_question("Context: it is late", false);
    in_question("Status: done", false);
}

#[test]
fn a_conversation_without_an_end_is_warned_of() {
    let without = request(|lines| {
        lines.remove(5);
    });
    check(&without, &[(1, "no_depth")]);
    check(&request(|lines| lines[5] = "Depth: 4/5"), &[]);
    check(&request(|lines| lines[5] = "Depth: 5/5"), &[(1, "depth_reached")]);
    let response = request(|lines| {
        (lines[1], lines[4], lines[5]) = ("[RESPONSE → @ben]", "Result: done", "Depth: 5/5");
    });
    check(&response, &[]);
}

#[test]
fn what_is_not_the_whole_or_not_alone_is_said() {
    let one = request(|_| ());
    check(&format!("{one}\n{one}"), &[(7, "second_block")]);
    check(&format!("{one}\n```\ncode\n```"), &[]);
    let long = Act::new(Kind::Request, "ben", "ann", "ann-1", "wave ".repeat(200));
    let parts = split(&long, 500).unwrap();
    check(&parts[0], &[(1, "part")]);
}

#[test]
fn a_part_has_a_place_among_so_many() {
    let part = |value: &str| request(|_| ()).replace("Depth", &format!("Part: {value}\nDepth"));
    let last = format!("{PARTS_MAX}/{PARTS_MAX}");
    for value in ["1/1", "1/3", "3/3", &last] {
        check(&part(value), &[(1, "part")]);
    }
    let more = format!("1/{}", PARTS_MAX + 1);
    for value in ["0/3", "4/3", "1/0", "1", &more] {
        check(&part(value), &[]);
    }
}

#[test]
fn a_text_without_a_block_has_one_finding() {
    check("hello", &[(1, "not_a_block")]);
    check(&request(|lines| lines[1] = "[WAVE → @ben]"), &[(2, "unknown_kind")]);
    check("```\n[note → later]\n```", &[(2, "not_a_block")]);
    check("```\n[cc @ben]\n```", &[(2, "not_a_block")]);
}

#[test]
fn a_report_has_at_most_a_hundred_notes() {
    let long = request(|lines| {
        lines.splice(5..5, ["Task: again"; 150]);
    });
    assert_eq!(lint(&long).iter().filter(|it| it.name == "repeated").count(), 100);
}
