//! What the vectors cannot hold: the bounds of a block, and conversations that go astray.

use std::borrow::Cow;

use bot_protocol::block::{
    Act, BuildError, Conversation, DEPTH_MAX_LIMIT, Depth, Draft, FIELDS_MAX, Key, Kind, Message,
    Problem, State, TEXT_BYTES_MAX, build, parse, parse_all, request_id,
};
use bot_protocol::time::Timestamp;
use serde_json::{Value, json};

fn request(task: String) -> Act<'static> {
    Act::new(Kind::Request, "ben", "ann", "ann-1", task)
}

fn with_meta(keys: &[&str]) -> Act<'static> {
    let meta = keys.iter().map(|key| (Cow::Owned((*key).to_owned()), Cow::Borrowed("x")));
    Act { meta: meta.collect(), ..request("wave".to_owned()) }
}

#[test]
fn a_block_is_as_long_as_a_parser_reads_and_no_longer() {
    let around = build(&request("x".to_owned())).unwrap().len() - 1;
    let longest = request("x".repeat(TEXT_BYTES_MAX - around));
    let text = build(&longest).unwrap();
    assert_eq!((text.len(), parse(&text).as_ref()), (TEXT_BYTES_MAX, Ok(&longest)));
    let longer = request("x".repeat(TEXT_BYTES_MAX - around + 1));
    assert_eq!(build(&longer), Err(BuildError::TooLong));
    assert!(parse(&(text + " ")).is_err());
}

#[test]
fn a_block_has_room_for_fields_that_the_format_does_not_know() {
    let letters = "abcdefghijklmnop".chars();
    let keys: Vec<String> = letters
        .clone()
        .flat_map(|one| letters.clone().map(move |other| format!("{one}{other}")))
        .collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let most = with_meta(&keys[..FIELDS_MAX - 11]);
    assert_eq!(parse(&build(&most).unwrap()).as_ref(), Ok(&most));
    let more = with_meta(&keys[..FIELDS_MAX - 10]);
    assert_eq!(build(&more), Err(BuildError::TooManyFields));
}

#[test]
fn a_meta_key_is_one_new_word_of_small_letters() {
    let check = |keys: &[&str], wrong: Option<&str>| {
        let refused = build(&with_meta(keys)).err();
        assert_eq!(refused, wrong.map(|key| BuildError::MetaKey(key.to_owned())), "{keys:?}");
    };
    check(&["mood", "weather"], None);
    check(&[""], Some(""));
    check(&["Mood"], Some("Mood"));
    check(&["mood1"], Some("mood1"));
    check(&["mood", "mood"], Some("mood"));
    check(&["task"], Some("task"));
    check(&["requestid"], Some("requestid"));
}

#[test]
fn every_refusal_to_build_says_what_to_do() {
    let nonsense = Depth { current: 0, max: 5 };
    let reached = BuildError::DepthReached { depth: nonsense, kind: Kind::Request };
    let all = [
        (BuildError::Missing(Kind::Request, "to"), "correct the field", false),
        (BuildError::EmptyResponse, "", false),
        (reached, "answer with a RESPONSE", true),
        (BuildError::DepthNonsense(nonsense), "plus one", true),
        (BuildError::ToNotAWord(Kind::Request, "a b".to_owned()), "one bot by its name", false),
        (BuildError::NotOneOf("x".to_owned(), "status", "done"), "correct the field", false),
        (BuildError::MetaKey("x".to_owned()), "correct the field", false),
        (BuildError::TooManyFields, "correct the field", false),
        (BuildError::TooLong, "send a link", false),
    ];
    for (error, says, is_depth) in all {
        let hint = error.hint();
        assert!(hint.len() > 10 && hint.contains(says), "{error}: {hint}");
        assert_eq!(error.is_depth(), is_depth, "{error}");
    }
}

/// The status of a conversation in which this was said, one minute after the other.
fn status_after(steps: &[Value]) -> String {
    let mut state = State::default();
    for (minute, step) in (0..).zip(steps) {
        let mut message: Message = serde_json::from_value(step.clone()).unwrap();
        message.request_id = "ann-1".into();
        state.track(&message, Timestamp(minute * 60_000)).unwrap();
    }
    state.get("ann-1").unwrap().unwrap().status
}

#[test]
fn the_asker_answers_a_question_and_nothing_else() {
    let ask = json!({"type": "REQUEST", "from": "ann", "to": "ben", "task": "wave"});
    let question = json!({"type": "CLARIFY", "from": "ben", "to": "ann", "question": "when?"});
    let answer = json!({"type": "RESPONSE", "from": "ann", "to": "ben", "result": "now"});
    let done = json!({"type": "RESPONSE", "from": "ben", "to": "ann", "result": "waved"});
    let check = |steps: &[&Value], expected: &str| {
        let steps: Vec<Value> = steps.iter().map(|step| (*step).clone()).collect();
        assert_eq!(status_after(&steps), expected, "{steps:?}");
    };
    check(&[&ask, &question, &answer], "open");
    check(&[&ask, &question, &ask], "clarifying");
    check(&[&ask, &done, &answer], "done");
    check(&[&ask, &answer], "open");
}

#[test]
fn a_request_id_is_the_name_in_plain_letters_and_six_drawn_digits() {
    assert_eq!(request_id("Ann-B!é9", [0, 1, 35, 36, 37, 255]), "annb9-01z013");
}

#[test]
fn a_conversation_is_as_old_as_what_was_said_last() {
    let step = json!({"type": "REQUEST", "from": "ann", "to": "ben", "task": "wave"});
    let mut message: Message = serde_json::from_value(step).unwrap();
    message.request_id = "ann-1".into();
    let mut conversation = Conversation::open(&message, Timestamp(60_000));
    assert_eq!(conversation.age_ms(Timestamp(90_000)), Some(30_000));
    conversation.updated_at = "yesterday".to_owned();
    assert_eq!(conversation.age_ms(Timestamp(90_000)), None);
}

#[test]
fn an_answer_may_stand_one_above_the_highest_limit() {
    let check = |kind: Kind, current: u32, expected: Option<BuildError>| {
        let depth = Depth { current, max: DEPTH_MAX_LIMIT };
        let act = Act { depth: Some(depth), ..Act::new(kind, "ben", "ann", "ann-1", "x") };
        assert_eq!(build(&act).err(), expected, "{kind} {depth}");
    };
    let at = |current: u32| Depth { current, max: DEPTH_MAX_LIMIT };
    let reached = |current| BuildError::DepthReached { depth: at(current), kind: Kind::Request };
    check(Kind::Request, 98, None);
    check(Kind::Request, 99, Some(reached(99)));
    check(Kind::Response, 99, None);
    check(Kind::Response, 100, None);
    check(Kind::Response, 101, Some(BuildError::DepthNonsense(at(101))));
}

#[test]
fn every_problem_has_a_word_for_scripts_and_a_next_step() {
    let all = [
        (Problem::NoFence, "not_a_block"),
        (Problem::NoHeader, "not_a_block"),
        (Problem::TooLong, "too_long"),
        (Problem::NotClosed, "fence_not_closed"),
        (Problem::UnknownKind, "unknown_kind"),
        (Problem::NoArrow, "no_arrow"),
        (Problem::NoRecipient, "no_recipient"),
        (Problem::HeaderNotClosed, "header_not_closed"),
        (Problem::Missing(Kind::Request, Key::Task), "missing_field"),
        (Problem::TooManyFields, "too_many_fields"),
    ];
    for (problem, name) in all {
        assert_eq!((problem.name(), problem.is_not_a_block()), (name, name == "not_a_block"));
        assert!(problem.hint().len() > 10, "{problem}");
    }
    let hint = |kind, key| Problem::Missing(kind, key).hint();
    assert!(hint(Kind::Request, Key::From).contains("`From: "));
    assert!(hint(Kind::Response, Key::RequestId).contains("`RequestId: "));
    assert!(hint(Kind::Response, Key::Result).contains("`Result: "));
    assert!(hint(Kind::Request, Key::Task).contains("start of its line"));
}

#[test]
fn blocks_are_found_between_other_fenced_texts_and_only_in_fences() {
    let block = |task: &str| build(&request(task.to_owned())).unwrap();
    let tasks = |text: &str| -> Vec<String> {
        parse_all(text).map(|act| act.task.expect("a request has one").into_owned()).collect()
    };
    let (one, two) = (block("one"), block("two"));
    let text = format!("```js\ncode\n```\n{one}\n```\nmore\n```\nchat\n{two}\n```\nrest");
    assert_eq!(tasks(&text), ["one", "two"]);
    // What stands between two fenced texts stands in none.
    let between = one.trim_matches('`');
    assert_eq!(tasks(&format!("```\ncode\n```{between}```\nmore\n```")), [""; 0]);
}

#[test]
fn a_quoted_block_and_one_with_other_fences_are_found_behind_the_real_ones() {
    let tasks = |text: &str| -> Vec<String> {
        parse_all(text).map(|act| act.task.expect("a request has one").into_owned()).collect()
    };
    let block = |task: &str| build(&request(task.to_owned())).unwrap();
    let quote = |task: &str| {
        let lines: Vec<String> = block(task).lines().map(|line| format!("> {line}")).collect();
        lines.join("\n")
    };
    let other = |task: &str| block(task).replace("```", "~~~");
    let check = |parts: &[String], expected: &[&str]| {
        assert_eq!(tasks(&parts.join("\nchat\n")), expected, "{parts:?}");
    };
    check(&[quote("old"), quote("older")], &["old", "older"]);
    check(&[quote("old"), block("new")], &["new"]);
    check(&[block("new"), quote("old")], &["new", "old"]);
    check(&[block("one"), other("two"), other("three")], &["one", "two", "three"]);
    check(&[other("one"), block("two")], &["two"]);
}

#[test]
fn a_block_is_read_in_its_margin() {
    let lines = |margin: &str, fence: &str| {
        let block = build(&request("wave".to_owned())).unwrap().replace("```", fence);
        let lines: Vec<String> = block.lines().map(|line| format!("{margin}{line}")).collect();
        lines.join("\n")
    };
    let check = |text: &str, is_block: bool| {
        let task = parse(text).ok().and_then(|act| act.task.map(Cow::into_owned));
        assert_eq!(task.as_deref(), is_block.then_some("wave"), "{text}");
    };
    for fence in ["```", "~~~"] {
        check(&lines("", fence), true);
        check(&lines("  ", fence), true);
        check(&format!("hi\n{}", lines("  ", fence)), true);
    }
    check(&format!("hi\n{}", lines("> ", "```")), true);
    check(&lines("x ", "```"), false);
}

#[test]
fn a_draft_in_json_keeps_the_fields_that_the_format_does_not_know() {
    let act = |meta: &str| -> Result<Act<'static>, String> {
        let json = format!(
            r#"{{"type":"REQUEST","to":"ben","from":"ann","requestId":"a-1","task":"x","meta":{meta}}}"#
        );
        let draft: Draft<'_> = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        draft.into_act([0; 6]).map(Act::into_owned).map_err(|error| error.to_string())
    };
    let pairs = |meta: &str| {
        let pairs = act(meta).unwrap().meta.into_iter();
        pairs.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(pairs(r#"{"weather":"bad","mood":"good"}"#), "weather=bad mood=good");
    assert_eq!(pairs("{}"), "");
    assert_eq!(pairs("null"), "");
    assert!(act("[1]").unwrap_err().contains("an object of strings"));
}

#[test]
fn a_conversation_is_about_the_first_text_that_says_something() {
    let subject = |message: &Message| Conversation::open(message, Timestamp(0)).task;
    let message = |json: Value| serde_json::from_value::<Message>(json).unwrap();
    let request = message(json!({"type": "REQUEST", "task": "", "question": "when?"}));
    assert_eq!(subject(&request).as_deref(), Some("when?"));
    let nothing = message(json!({"type": "RESPONSE", "result": "done"}));
    assert_eq!(subject(&nothing), None);
    let said = Conversation::open(&nothing, Timestamp(0));
    assert_eq!(said.events().next().and_then(|event| event.content).as_deref(), Some("done"));

    let act = Act::new(Kind::Clarify, "ann", "ben", "ann-1", "when?");
    let message = Message::from(&act);
    let texts = (message.kind.as_str(), message.to.as_str(), message.from.as_str());
    assert_eq!(texts, ("CLARIFY", "ann", "ben"));
    assert_eq!(
        (message.request_id.as_str(), message.depth.map(|it| it.current)),
        ("ann-1", Some(1))
    );
    assert_eq!((message.question.as_deref(), message.task), (Some("when?"), None));
}
