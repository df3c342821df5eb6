//! Every kind of error that a request over HTTP can be answered with: its name, its status and its sentence.
//!
//! Owns the one table of kinds, and the status that a code of the protocol has over HTTP. `docs/errors.md`
//! shows the table, and a test holds the two together. Never decides how an error is shown.

use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use smol_str::SmolStr;

macro_rules! codes {
    ($($variant:ident = $status:literal, $name:literal, $sentence:literal;)*) => {
        /// Why a request is refused, where no [`Code`] of the protocol says it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the sentences say it")]
        pub enum HttpCode {
            $($variant,)*
        }

        impl HttpCode {
            /// Every code, in the order of its status.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name: `error.type` of the answer.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The status of the answer.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What happened, in one sentence without a full stop.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

codes! {
    BadRequest = 400, "bad_request", "the request or its body has the wrong form; the message says what";
    BadHost = 400, "bad_host", "the request names no host by which this hub could be known";
    BadName = 400, "bad_name", "the name that was wished is none";
    BadCode = 400, "bad_code", "the code is misspelt";
    NoToken = 401, "no_token", "this needs a bot's token";
    OperatorsOnly = 401, "operators_only", "this is for operators, or for the machine of the hub";
    HttpsRequired = 403, "https_required", "codes and tokens do not travel unencrypted";
    ForeignOrigin = 403, "foreign_origin", "a web page from elsewhere asked";
    NotFound = 404, "not_found", "there is nothing at this path";
    UnknownCode = 404, "unknown_code", "nobody made that code";
    MethodNotAllowed = 405, "method_not_allowed", "not asked in that way: see `Allow`";
    UsedCode = 410, "used_code", "the code was used: it is good for one bot, once";
    ExpiredCode = 410, "expired_code", "the code has expired";
    RevokedCode = 410, "revoked_code", "the code was revoked";
    TooLarge = 413, "too_large", "the body is larger than this path takes";
    ForeignHost = 421, "foreign_host", "the request names a host that is not this hub";
    UpgradeRequired = 426, "upgrade_required", "this takes a WebSocket, or TLS";
    AddressFull = 429, "address_full", "too many connections from one address";
    Busy = 429, "busy", "somebody else is claiming that code just now: again after `Retry-After`";
    Throttled = 429, "throttled", "too many wrong codes or tokens from one address: again after `Retry-After`";
    Unavailable = 503, "unavailable", "the hub does not answer";
}

/// An error as the answer to a request. Its form depends on who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// The name of an [`HttpCode`] or of a [`Code`].
    pub kind: SmolStr,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, for people.
    pub message: String,
    /// A hint for people; may be empty.
    pub hint: String,
    /// How many seconds to wait before the request can succeed.
    pub retry_after_s: Option<u64>,
}

impl HttpError {
    /// An error without a hint.
    pub fn new(code: HttpCode, message: impl Into<String>) -> Self {
        let (kind, status) = (SmolStr::new_static(code.name()), code.status());
        let (message, hint) = (message.into(), String::new());
        Self { kind, status, message, hint, retry_after_s: None }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// The same, with the seconds to wait.
    #[must_use]
    pub fn retry_after_s(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }
}

/// An error that the protocol has a code for.
impl From<ErrorFrame> for HttpError {
    fn from(error: ErrorFrame) -> Self {
        let ErrorFrame { code, name, message, hint, retry_after_ms, .. } = error;
        let retry_after_s = retry_after_ms.map(|ms| ms.div_ceil(1_000));
        let hint = hint.unwrap_or_default();
        Self { kind: name, status: status_of(code), message, hint, retry_after_s }
    }
}

/// The status of a code of the protocol over HTTP.
#[must_use]
pub fn status_of(number: u16) -> u16 {
    let code = Code::ALL.iter().find(|code| code.number() == number);
    match (number, code) {
        (_, Some(Code::BadFrame)) => 400,
        (_, Some(Code::BadToken)) => 401,
        (_, Some(Code::NoSuchRoom | Code::NotAMember | Code::NoSuchInvite)) => 404,
        (_, Some(Code::NameTaken | Code::RoomFull | Code::TooManyInvites | Code::WrongKind)) => 409,
        (5000.., _) => 503,
        _ => 403,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_over_http_stands_in_the_document_and_no_other_does() {
        let document = include_str!("../../../../docs/errors.md");
        let (_, section) = document.split_once("\n## HTTP\n").expect("the section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let row = |code: &HttpCode| {
            format!("| `{}` | {} | {} |", code.name(), code.status(), code.sentence())
        };
        let expected: Vec<String> = HttpCode::ALL.iter().map(row).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_kind_stands_for_one_thing_and_the_table_is_in_the_order_of_statuses() {
        assert!(HttpCode::ALL.is_sorted_by_key(|code| code.status()));
        let mut names: Vec<_> = HttpCode::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), HttpCode::ALL.len());
    }

    #[test]
    fn a_code_of_the_protocol_has_the_status_that_fits() {
        let check = |code: Code, status: u16| {
            let error = HttpError::from(ErrorFrame::new(code).hint("do this"));
            assert_eq!((error.kind.as_str(), error.status), (code.name(), status));
            assert_eq!((error.message.as_str(), error.hint.as_str()), (code.sentence(), "do this"));
        };
        check(Code::BadFrame, 400);
        check(Code::BadToken, 401);
        check(Code::BotDisabled, 403);
        check(Code::NoRight, 403);
        check(Code::NoSuchInvite, 404);
        check(Code::NameTaken, 409);
        check(Code::StorageFull, 503);
    }
}
