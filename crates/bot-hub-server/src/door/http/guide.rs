//! Pages for invited people and agents: `/join`, `/skill.md` and `/llms.txt`.
//!
//! Owns how the files in `assets/` are served. They load nothing from other servers, and the page's script
//! sends nothing: the code stays in the fragment of the link.

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};

use super::reply::reply;
use super::{Refusal, Reply};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Own files only; no frame around the page, no form, no inline script or style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shown on the page of a hub without the package.
const NO_PACKAGE: &str = "<p>This hub has no package of the plugin to hand out, so the first command of the line \
    fails. Ask whoever invited you for the file <code>bot-hub-openclaw.tgz</code>, and leave that command out.</p>";

/// The file for a path. `base` is the hub's own address, for files that contain it.
pub(super) fn page(
    path: &str,
    has_package: bool,
    base: impl FnOnce() -> Result<String, Refusal>,
) -> Result<Reply, Refusal> {
    let (content_type, text) = match path {
        "/assets/join.css" => {
            return Ok(file(CSS, include_str!("../../../assets/join.css").into()));
        }
        "/assets/join.js" => {
            return Ok(file(SCRIPT, include_str!("../../../assets/join.js").into()));
        }
        "/skill.md" => (MARKDOWN, include_str!("../../../assets/skill.md")),
        "/llms.txt" => (PLAIN, include_str!("../../../assets/llms.txt")),
        _ => (HTML, include_str!("../../../assets/join.html")),
    };
    let package = if has_package { "" } else { NO_PACKAGE };
    Ok(file(content_type, filled(text, &base()?).replace("{{package}}", package)))
}

/// Inserts the hub's address. It consists of characters without a meaning in any of these formats.
fn filled(text: &str, base: &str) -> String {
    let socket = base.replacen("http", "ws", 1);
    text.replace("{{hub}}", base)
        .replace("{{ws}}", &format!("{socket}/ws"))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
}

fn file(content_type: &'static str, text: String) -> Reply {
    let mut reply = reply(StatusCode::OK, content_type, text);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // The link to this page has a code in its fragment; no part of the link may be sent as a referrer.
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}
