//! Inputs that grow from bytes: nearly right, so that they come past the first check.
//!
//! The same bytes give the same input, so a finding of a fuzzer and a seed of a soak can be replayed.

/// Bytes to decide by; when they are used up, everything is zero.
#[derive(Debug)]
pub(crate) struct Seeds<'a>(&'a [u8]);

impl<'a> Seeds<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn number(&mut self) -> u64 {
        // Small ones and those at the edges are met more often than they would be by chance.
        match self.byte() % 8 {
            0 => u64::MAX,
            1 => 0,
            2 => u64::from(u32::MAX) + u64::from(self.byte()),
            3 => (1 << 53) - 1 + u64::from(self.byte()),
            4 => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            _ => u64::from(self.byte()),
        }
    }

    pub(crate) fn pick<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[usize::from(self.byte()) % all.len()]
    }
}

/// A value of any kind, as JSON.
pub(crate) fn json(seeds: &mut Seeds<'_>, depth: usize) -> String {
    match seeds.byte() % 12 {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => format!("-{}", seeds.number()),
        3 => format!("{}.5e{}", seeds.number(), seeds.byte()),
        4 | 5 => seeds.number().to_string(),
        6 if depth < 40 => {
            let many = usize::from(seeds.byte() % 4);
            let all: Vec<String> = (0..many).map(|_| json(seeds, depth + 1)).collect();
            format!("[{}]", all.join(","))
        }
        7 if depth < 40 => {
            let many = usize::from(seeds.byte() % 4);
            let all: Vec<String> =
                (0..many).map(|_| format!("{}:{}", text(seeds), json(seeds, depth + 1))).collect();
            format!("{{{}}}", all.join(","))
        }
        8 => format!(
            "{}{}",
            "[".repeat(usize::from(seeds.byte())),
            "]".repeat(usize::from(seeds.byte()))
        ),
        _ => text(seeds),
    }
}

/// A text in quotes, now and then with what breaks readers.
pub(crate) fn text(seeds: &mut Seeds<'_>) -> String {
    let parts = [
        "lab",
        "marlbot",
        "a",
        "\\n",
        "\\u0000",
        "\\ud83d",
        "\\ud83e\\uddf5",
        "ü",
        "\\\"",
        "dm:a:b",
        "\u{202e}",
        "0123456789abcdef",
        ".",
        "-",
        "18446744073709551616",
        "received",
        "ack",
    ];
    let many = seeds.byte() % 5;
    let inside: String = (0..many).map(|_| seeds.pick(&parts)).collect();
    format!("\"{inside}\"")
}

/// An object with a `type` and fields of these names, values of mostly fitting kinds.
pub(crate) fn frame(seeds: &mut Seeds<'_>, types: &[&str], fields: &[&str]) -> String {
    let mut pairs = vec![format!("\"type\":\"{}\"", seeds.pick(types))];
    while !seeds.is_over() && pairs.len() < 24 {
        let name = seeds.pick(fields);
        let value = match name {
            "room" | "to" | "bot" | "from" if seeds.byte() % 4 > 0 => "\"lab\"".to_owned(),
            "id" | "reply" | "reply_to" if seeds.byte() % 4 > 0 => "\"m1\"".to_owned(),
            "text" | "token" | "client" if seeds.byte() % 4 > 0 => text(seeds),
            "state" if seeds.byte() % 4 > 0 => {
                format!("\"{}\"", seeds.pick(&["received", "done", "busy", "answered"]))
            }
            "seq" | "at" | "limit" | "before" | "after" if seeds.byte() % 4 > 0 => {
                seeds.number().to_string()
            }
            "resume" if seeds.byte() % 4 > 0 => resume(seeds),
            "caps" if seeds.byte() % 4 > 0 => "[\"ack\",\"x\"]".to_owned(),
            _ => json(seeds, 1),
        };
        pairs.push(format!("\"{name}\":{value}"));
    }
    // The type need not stand first.
    if seeds.byte() % 4 == 0 {
        pairs.rotate_left(1);
    }
    format!("{{{}}}", pairs.join(","))
}

/// Positions by room.
pub(crate) fn resume(seeds: &mut Seeds<'_>) -> String {
    let many = seeds.byte() % 6;
    let mut rooms = Vec::new();
    for _ in 0..many {
        let room = if seeds.byte() % 4 > 0 { "\"lab\"".to_owned() } else { text(seeds) };
        let epoch = match seeds.byte() % 4 {
            0 => text(seeds),
            1 => "\"0123456789ABCDEF\"".to_owned(),
            _ => format!("\"{:016x}\"", seeds.number()),
        };
        rooms.push(format!("{room}:{{\"epoch\":{epoch},\"seq\":{}}}", seeds.number()));
    }
    format!("{{{}}}", rooms.join(","))
}

/// A configuration: keys that exist and some that do not.
pub(crate) fn config(seeds: &mut Seeds<'_>) -> String {
    const KEYS: &[&str] = &[
        "port",
        "listen",
        "tokens",
        "operators",
        "rooms",
        "createRoomsOnJoin",
        "create_rooms_on_join",
        "allowedOrigins",
        "store",
        "retention",
        "limits",
        "timeouts",
        "log",
        "publicUrl",
        "trustProxies",
        "kind",
        "path",
        "age",
        "entries",
        "bytes",
        "frameBytes",
        "jsonDepth",
        "handshake",
        "ping",
        "dead",
        "format",
        "level",
        "members",
        "open",
        "retain",
        "botId",
        "disabled",
        "__proto__",
        "\"a b\"",
        "lab",
    ];
    const VALUES: &[&str] = &[
        "18795",
        "-1",
        "1e9",
        "0x10",
        "+5",
        ".5",
        "Infinity",
        "NaN",
        "null",
        "true",
        "\"30d\"",
        "\"1h30m\"",
        "'256KiB'",
        "\"10\"",
        "\"sqlite\"",
        "\"json\"",
        "\"127.0.0.1:0\"",
        "\"[::]:80\"",
        "\"https://hub.example\"",
        "\"10.0.0.0/8\"",
        "\"${HOME}\"",
        "\"${\"",
        "\"\\u{\"",
        "'\\x41'",
        "\"\\\n\"",
        "[]",
        "{}",
        "['lab', \"lab\"]",
        "\"99999999999999999999d\"",
        "\"-5s\"",
        "\"\"",
    ];
    fn object(seeds: &mut Seeds<'_>, depth: usize) -> String {
        let mut text = "{".to_owned();
        for _ in 0..seeds.byte() % 7 {
            text.push_str(seeds.pick(&["", " ", "\n", "// note\n", "/* note */", "/*"]));
            text.push_str(seeds.pick(KEYS));
            text.push(':');
            if depth < 4 && seeds.byte() % 3 == 0 {
                text.push_str(&object(seeds, depth + 1));
            } else {
                text.push_str(seeds.pick(VALUES));
            }
            text.push_str(seeds.pick(&[",", ",", ",", "", ",,", "\n"]));
        }
        text + seeds.pick(&["}", "}", "}", "]", ""])
    }
    object(seeds, 0)
}

/// What a client may send: frames, whole and in pieces, with something broken now and then.
pub(crate) fn stream(seeds: &mut Seeds<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !seeds.is_over() {
        let first = match seeds.byte() % 16 {
            0 => seeds.byte(),
            1 | 2 => 0x01,
            3..=5 => 0x00,
            6 | 7 => 0x80,
            8 => 0x89,
            9 => 0x8A,
            10 => 0x88,
            11 => 0x82,
            _ => 0x81,
        };
        let len = match seeds.byte() % 8 {
            0 => 0,
            1 => 125 + usize::from(seeds.byte() % 3),
            2 if seeds.byte() % 16 == 0 => 65_534 + usize::from(seeds.byte() % 4),
            _ => usize::from(seeds.byte() % 40),
        };
        let mask: [u8; 4] = std::array::from_fn(|_| seeds.byte());
        let claimed = if seeds.byte() == 7 { seeds.number() } else { len as u64 };
        bytes.push(first);
        let masked = if seeds.byte() == 9 { 0 } else { 0x80 };
        match claimed {
            0..126 => bytes.push(masked | claimed as u8),
            126..65_536 => {
                bytes.push(masked | 126);
                bytes.extend_from_slice(&(claimed as u16).to_be_bytes());
            }
            _ => {
                bytes.push(masked | 127);
                bytes.extend_from_slice(&claimed.to_be_bytes());
            }
        }
        bytes.extend_from_slice(&mask);
        let letters = ["a", "ü", "\u{10FFFF}", "\u{0}"];
        let payload: Vec<u8> =
            letters[usize::from(seeds.byte()) % 4].bytes().cycle().take(len).collect();
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }
    bytes
}

/// The link of an invite, as it comes out of a mail, a chat or a shell.
pub(crate) fn link(seeds: &mut Seeds<'_>) -> String {
    const PARTS: &[&str] = &[
        "https://",
        "http://",
        "hub.example",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "192.0.2.1",
        ":18795",
        ":0",
        "/join",
        "/",
        "#",
        "%23",
        "?code=",
        "user@",
        "QQ7F-2M9D-XR4T-8W3B",
        "bh_inv_QQ7F2M9DXR4T8W3B1ObaF1",
        " ",
        "\n",
        "'",
        ">",
        "\u{a0}",
        "ü",
        "\u{202e}",
    ];
    let form = seeds.pick(&["https://hub.example/join#", "http://127.0.0.1:18795/join#", "", ""]);
    let mut link = form.to_owned();
    for _ in 0..seeds.byte() % 10 {
        link.push_str(seeds.pick(PARTS));
    }
    link
}

/// A code as somebody types it: in any case, with letters for digits, with dashes and spaces, in its link.
pub(crate) fn typed(seeds: &mut Seeds<'_>, letters: &str) -> String {
    let mut text = seeds.pick(&["", "https://hub.example/join#", " ", "a#b#"]).to_owned();
    for letter in letters.chars() {
        let twin = match letter {
            '0' => seeds.pick(&["0", "O", "o"]),
            '1' => seeds.pick(&["1", "I", "l", "L"]),
            _ => "",
        };
        match twin {
            "" if seeds.byte() % 2 == 0 => text.push(letter.to_ascii_lowercase()),
            "" => text.push(letter),
            twin => text.push_str(twin),
        }
        text.push_str(seeds.pick(&["", "", "", "-", " "]));
    }
    text + seeds.pick(&["", "\n", " "])
}
