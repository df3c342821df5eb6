//! Inviting, joining and being somebody on another hub.

use crate::fixture::{Place, Running, Told};

/// A friend's machine: another home, and no hub.
fn friend() -> Place {
    Place::new()
}

fn hub() -> (Place, Running) {
    let place = Place::new();
    let hub = place.serve();
    (place, hub)
}

fn link(place: &Place, arguments: &[&str]) -> String {
    let made = place.json(&[&["invite"], arguments].concat());
    made["url"].as_str().unwrap_or_else(|| panic!("no link in {made}")).to_owned()
}

/// The text with codes, ids and addresses taken out.
fn redacted(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(['\'', ',']);
        match bare.rsplit_once('#').unwrap_or(("", bare)) {
            (_, code) if code.len() == 19 && code.matches('-').count() == 3 => {
                word.replace(code, "CODE")
            }
            (_, id) if id.starts_with("inv_") => word.replace(id, "INVITE"),
            _ => word.to_owned(),
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn failed(told: &Told, code: i32, part: &str) {
    assert_eq!(told.code, code, "{told:?}");
    assert!(told.err.contains(part) && told.err.contains("hint: "), "{told:?}");
}

#[test]
fn whoever_makes_a_bot_is_told_where_it_connects() {
    let place = Place::new();
    let config = "{ publicUrl: 'https://hub.example' }";
    std::fs::write(place.path("config.json5"), config).unwrap();
    let _hub = place.serve_with(&["--listen", "127.0.0.1:0", "--config", "config.json5"]);
    for verb in ["add", "rotate-token"] {
        let made = place.run(&["bot", verb, "fern"]);
        let line = made.err.lines().find(|line| line.starts_with("A bot connects")).unwrap();
        let both = "wss://hub.example (on this machine also ws://ADDRESS)";
        assert_eq!(line, format!("A bot connects to {both} and sends first"), "{verb}");
    }
    assert_eq!(place.json(&["bot", "rotate-token", "fern"])["url"], "wss://hub.example");
}

#[test]
fn an_invite_is_one_line_for_each_kind_of_client() {
    let (place, _hub) = hub();
    let told = place.run(&["invite", "pelouse", "--room", "marlbot-pelouse"]);
    insta::assert_snapshot!(redacted(&told.out), @r"
    Invite for pelouse into #marlbot-pelouse · one use · expires in 1 d · revoke: bot-hub invite revoke INVITE

      OpenClaw      curl -fsS 'http://ADDRESS/plugin.tgz' -o bot-hub-openclaw.tgz && openclaw plugins install npm-pack:./bot-hub-openclaw.tgz --force --accept-capabilities && openclaw channels add --channel bot-hub --code 'http://ADDRESS/join#CODE'
      any bot       Read http://ADDRESS/skill.md and join with code CODE
      command line  bot-hub join 'http://ADDRESS/join#CODE'
      a person      open http://ADDRESS/join#CODE

    An OpenClaw agent answers nobody until its owner names who may talk to it: ` --bots NAME` at the end of its line.

    #marlbot-pelouse was made, closed: only who is invited gets in.
    ");
    assert!(told.err.trim_start().starts_with("warning: `publicUrl` is not set"), "{}", told.err);
    let listed = place.run(&["invite", "list"]).out;
    assert!(
        listed.contains("pelouse  #marlbot-pelouse  read,post,request  operator  open until"),
        "{listed}"
    );
    let id = place.json(&["invite", "list"])["invites"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(place.run(&["invite", "revoke", &id]).code, 0);
    assert!(place.run(&["invite", "list"]).out.contains("revoked"));
    failed(&place.run(&["invite", "revoke", "inv_none"]), 3, "there is no invite `inv_none`");
    assert_eq!(place.run(&["invite", "pelouse"]).code, 2, "a room is needed");
    failed(&place.run(&["invite", "operator", "--room", "lab"]), 5, "`operator` is the name of");
}

#[test]
fn the_line_for_openclaw_admits_the_inviters_bots_and_says_so() {
    let (place, _hub) = hub();
    place.bot("marlbot");
    place.data(&["room", "create", "lab"]);
    place.data(&["room", "add", "lab", "marlbot"]);
    let check = |invited: &str, bots: &[&str], line: &str, words: &str| {
        let made = place.json(&["invite", invited, "--room", "lab"]);
        assert_eq!(made["bots"], serde_json::json!(bots));
        let found = made["lines"]["openclaw"].as_str().unwrap();
        assert!(found.ends_with(line), "{found}");
        let told = place.run(&["invite", invited, "--room", "lab"]);
        assert!(told.out.contains(words), "{told:?}");
    };
    let words =
        "lets marlbot talk to that agent (`--bots`), and nobody else. Without `--bots` nobody may.";
    check("pelouse", &["marlbot"], "' --bots marlbot", words);
    // A friend's bot does not belong to the inviter; the invited person decides about it.
    assert_eq!(friend().run(&["join", &link(&place, &["pelouse", "--room", "lab"])]).code, 0);
    check("moss", &["marlbot"], "' --bots marlbot", words);
    place.bot("fern");
    place.data(&["room", "add", "lab", "fern"]);
    let words = "lets fern and marlbot talk to that agent";
    check("moss", &["fern", "marlbot"], "' --bots fern,marlbot", words);
}

#[test]
fn whoever_invites_is_told_that_the_hub_has_no_plugin_to_hand_out() {
    let (place, _hub) = hub();
    let told = place.run(&["invite", "pelouse", "--room", "lab"]);
    assert!(told.err.contains("there is no plugin at http://ADDRESS/plugin.tgz yet"), "{told:?}");
    assert!(told.err.contains("hint: `plugins/openclaw/pack`"), "{told:?}");
    assert_eq!(place.json(&["invite", "pelouse", "--room", "lab"])["has_plugin"], false);
    std::fs::write(place.path(".local/share/bot-hub/plugin.tgz"), "a package").unwrap();
    let told = place.run(&["invite", "pelouse", "--room", "lab"]);
    assert!(!told.err.contains("there is no plugin"), "{told:?}");
}

#[test]
fn whoever_joins_keeps_who_it_is_and_talks_from_there() {
    let (place, _hub) = hub();
    place.bot("marlbot");
    let friend = friend();
    let joined = friend.run(&["join", &link(&place, &["pelouse", "--room", "lab"])]);
    assert_eq!(joined.code, 0, "{joined:?}");
    assert_eq!(joined.out, "You are pelouse on http://ADDRESS, a member of #lab.\n");
    assert!(joined.err.contains("Kept as context `pelouse`") && joined.err.contains("in use"));
    assert!(!joined.out.contains("TOKEN") && !joined.err.contains("TOKEN"), "{joined:?}");
    place.data(&["room", "add", "lab", "marlbot"]);

    assert_eq!(friend.run(&["ping"]).code, 0);
    assert_eq!(friend.run(&["send", "#lab", "hello"]).code, 0);
    assert!(place.data(&["history", "#lab"]).contains("pelouse: hello"));
    assert_eq!(friend.run(&["send", "@marlbot", "psst"]).code, 0);
    failed(&friend.run(&["send", "#vault", "hello"]), 3, "there is no room `vault`");
    assert_eq!(friend.json(&["status"])["complete"], false, "the rest is for operators");
    let mut tail = friend.tail(&["#lab", "--count", "1"]);
    assert!(tail.line.contains("#lab"), "{}", tail.line);
    place.data(&["send", "#lab", "welcome"]);
    drop(tail.said());
    assert!(tail.told().out.contains("operator: welcome"));
    let invites = place.run(&["invite", "list"]).out;
    assert!(invites.contains("pelouse joined TIME from 127.0.0.1 with bot-hub-cli/"), "{invites}");
    assert!(place.log().contains("a bot came by an invite"));
}

#[test]
fn contexts_are_listed_chosen_shown_and_forgotten() {
    let (place, _hub) = hub();
    let friend = friend();
    for (name, room) in [("ann", "lab"), ("ben", "den")] {
        assert_eq!(friend.run(&["join", &link(&place, &[name, "--room", room])]).code, 0);
    }
    insta::assert_snapshot!(friend.run(&["context", "list"]).out, @r"
    CONTEXT  IN USE  BOT  HUB
    local            -    the hub of this machine
    ann      yes     ann  http://ADDRESS
    ben              ben  http://ADDRESS
    ");
    let me = |told: Told| {
        told.out.split(" answered ").nth(1).unwrap_or_default().split(' ').next().map(str::to_owned)
    };
    assert_eq!(me(friend.run(&["ping"])).as_deref(), Some("ann"));
    assert_eq!(me(friend.run(&["ping", "--context", "ben"])).as_deref(), Some("ben"));
    let mut command = friend.command(&["ping"]);
    command.env("BOT_HUB_CONTEXT", "ben");
    assert!(String::from_utf8(command.output().unwrap().stdout).unwrap().contains(" ben in "));
    assert_eq!(friend.run(&["context", "use", "ben"]).out, "ben is in use\n");
    insta::assert_snapshot!(friend.run(&["context", "show"]).out, @r"
    ben, in use
      bot    ben
      hub    http://ADDRESS
      rooms  #den
      file   ~/.config/bot-hub/contexts/ben.json
    ");
    let shown = friend.json(&["context", "show", "ben"]);
    assert_eq!((shown["bot"].as_str(), shown.get("token")), (Some("ben"), None));
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        |path: &str| std::fs::metadata(friend.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".config/bot-hub/contexts/ben.json"), 0o600);
    assert_eq!(mode(".config/bot-hub/contexts"), 0o700);
    assert_eq!(friend.run(&["context", "remove", "ben", "--yes"]).code, 0);
    failed(&friend.run(&["ping", "--context", "ben"]), 3, "there is no context `ben`");
    failed(&friend.run(&["ping"]), 7, "no hub runs on");
    failed(&friend.run(&["context", "show", "../ann"]), 3, "there is no context");
    let both = friend.run(&["ping", "--context", "ann", "--url", "ws://127.0.0.1:1"]);
    failed(&both, 2, "both a hub");
}

#[test]
fn a_link_that_leads_nowhere_says_so_and_leaves_nothing_behind() {
    let (place, _hub) = hub();
    let friend = friend();
    let good = link(&place, &["fern", "--room", "lab"]);
    let (address, _) = good.split_once('#').unwrap();
    failed(&friend.run(&["join", address]), 2, "the link has no code");
    failed(
        &friend.run(&["join", &format!("{address}#K7QF-2M9D-XR4T-8W3A")]),
        3,
        "nobody made that code",
    );
    failed(&friend.run(&["join", &format!("{address}#short")]), 5, "that is no code");
    failed(
        &friend.run(&["join", "http://hub.example/join#K7QF"]),
        2,
        "does not travel unencrypted",
    );
    failed(&friend.run(&["join", &good, "--as", "operator"]), 5, "`operator` is the name of");
    let left: Vec<_> =
        std::fs::read_dir(friend.path(".config/bot-hub/contexts")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let joined = friend.run(&["join", &good, "--as", "moss"]);
    assert!(joined.out.starts_with("You are moss on "), "{joined:?}");
    failed(&friend.run(&["join", &good]), 3, "that code was used");
}

#[test]
fn a_context_does_not_push_the_hub_of_this_machine_aside() {
    let (place, _hub) = hub();
    let joined = place.run(&["join", &link(&place, &["fern", "--room", "lab"])]);
    assert!(joined.err.contains("bot-hub --context fern send '#lab'"), "{joined:?}");
    assert_eq!(place.json(&["ping"])["bot"], "operator");
    assert_eq!(place.json(&["ping", "--context", "fern"])["bot"], "fern");
}

#[test]
fn rights_are_given_and_shown_on_the_command_line() {
    let (place, _hub) = hub();
    for bot in ["ann", "ben"] {
        place.bot(bot);
    }
    place.data(&["room", "create", "lab", "--closed"]);
    place.data(&["room", "add", "lab", "ann", "--can", "read,post,invite"]);
    place.data(&["room", "add", "lab", "ben", "--can", "read"]);
    insta::assert_snapshot!(place.run(&["room", "show", "lab"]).out, @r"
    #lab
      admits    whom an operator adds, and whom ann invites
      messages  0
      keeps     at most 30 d, 100000 messages, 256 MiB
      MEMBER  STATE    CAN               RECEIVED  WAITING
      ann     offline  read,post,invite  0         0
      ben     offline  read              0         0
    ");
    let wrong = place.run(&["room", "add", "lab", "ben", "--can", "write"]);
    assert!(
        wrong.code == 2 && wrong.err.contains("`write` is none of read, post, request, invite")
    );
}

#[test]
fn a_token_is_rotated_with_an_overlap_and_revoked() {
    let (place, _hub) = hub();
    let old = place.bot("ann");
    let rotated = place.run(&["bot", "rotate-token", "ann", "--overlap", "24h"]);
    assert!(rotated.err.contains("The tokens made before are good until TIME."), "{rotated:?}");
    assert_eq!(place.run_as(&old, &["ping"]).code, 0);
    assert_eq!(place.json(&["bot", "show", "ann"])["tokens"], 2);
    let revoked = place.run(&["bot", "revoke-token", "ann"]);
    assert!(revoked.out.starts_with("ann has no token any more"), "{revoked:?}");
    assert_eq!(place.run_as(&old, &["ping"]).code, 4);
    let mistyped = place.run_as(&old[..old.len() - 1], &["ping"]);
    failed(&mistyped, 4, "the token is mistyped");
}

#[test]
fn a_verb_is_no_name_of_somebody_who_is_invited() {
    let (place, _hub) = hub();
    for verb in ["create", "list", "revoke"] {
        failed(&place.run(&["invite", "--room", "front", "--", verb]), 2, "");
    }
    failed(
        &place.run(&["invite", "create", "--room", "front"]),
        2,
        "bot-hub invite NAME --room ROOM",
    );
    assert_eq!(place.json(&["invite", "list"])["invites"], serde_json::json!([]));
}
