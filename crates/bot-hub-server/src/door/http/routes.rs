//! The table of routes: methods, paths and limits.
//!
//! Owns the table and finding the row for a request. Endpoints are in other files.

use std::pin::Pin;
use std::time::Duration;

use hyper::Method;
use hyper::header::{self, HeaderValue};

use super::call::Call;
use super::refusal::{Face, Refusal};
use super::{Reply, api, package, pages, upgrade};
use crate::door::code::HttpCode;

/// The largest body of the current endpoints. The largest invite, for 32 rooms with the longest names, uses
/// more than half of it.
const SMALL_BODY_BYTES_MAX: usize = 4 << 10;

/// The largest body that any route may take.
pub(super) const LARGE_BODY_BYTES_MAX: usize = 1 << 20;

/// Enough for a download of some megabytes over a slow line.
const DOWNLOAD: Duration = Duration::from_secs(300);

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + 'a>>;
pub(in crate::door) type Endpoint = for<'a> fn(Call<'a>) -> Answering<'a>;

/// An answer that needs no waiting.
pub(super) fn now<'a>(answer: Result<Reply, Refusal>) -> Answering<'a> {
    Box::pin(std::future::ready(answer))
}

/// Whether the answer depends on the token in the request's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::door) enum Token {
    /// The answer is public.
    Ignored,
    /// It depends, so a page that invents a token gains nothing ([`Asked::judged`](super::host::Asked)).
    Judged,
}

/// The kind of requests that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Those with an `Upgrade` header.
    Upgrade,
}

/// One row of the table.
#[derive(Debug)]
pub(in crate::door) struct Route {
    kind: Kind,
    /// Empty means all methods.
    methods: &'static [Method],
    /// `…/{}` at the end matches one segment with any text.
    path: &'static str,
    /// The hint for a request with another method.
    instead: &'static str,
    /// The limit of the request's body; with 0, a request with a body is refused.
    pub(super) body_bytes_max: usize,
    /// The time for the request and its answer, if it is not `DoorLimits::request`.
    pub(super) time: Option<Duration>,
    token: Token,
    pub(super) endpoint: Endpoint,
}

const READ: &[Method] = &[Method::GET, Method::HEAD];

impl Route {
    const fn get(path: &'static str, endpoint: Endpoint) -> Self {
        let (kind, methods, instead) = (Kind::Plain, READ, "use `GET`");
        let (body_bytes_max, time, token) = (0, None, Token::Ignored);
        Self { kind, methods, path, instead, body_bytes_max, time, token, endpoint }
    }

    /// A route for opening a WebSocket, or for a failed attempt.
    const fn socket(kind: Kind, path: &'static str, endpoint: Endpoint) -> Self {
        Self { kind, methods: &[], ..Self::get(path, endpoint) }
    }

    const fn api(
        methods: &'static [Method],
        path: &'static str,
        instead: &'static str,
        endpoint: Endpoint,
    ) -> Self {
        Self { methods, instead, ..Self::get(path, endpoint) }
    }

    /// The same, with a body of at most so many bytes.
    pub(in crate::door) const fn body(self, bytes_max: usize) -> Self {
        assert!(bytes_max <= LARGE_BODY_BYTES_MAX, "no route may take more");
        Self { body_bytes_max: bytes_max, ..self }
    }

    /// The same, with a time of its own.
    pub(in crate::door) const fn within(self, time: Duration) -> Self {
        Self { time: Some(time), ..self }
    }

    const fn judged(self) -> Self {
        Self { token: Token::Judged, ..self }
    }

    pub(super) fn judges_token(&self) -> bool {
        self.token == Token::Judged
    }

    /// The segment that matches `{}`; `None` if the path does not match.
    fn tail<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.strip_suffix("{}") {
            Some(before) => path.strip_prefix(before),
            None => (path == self.path).then_some(""),
        }
    }

    fn takes(&self, method: &Method, tail: &str) -> bool {
        (self.methods.is_empty() || self.methods.contains(method)) && !tail.contains('/')
    }
}

/// All routes.
pub(in crate::door) const ROUTES: &[Route] = &[
    Route::socket(Kind::Upgrade, "/", |call| now(upgrade::open(&call))).judged(),
    Route::socket(Kind::Upgrade, "/ws", |call| now(upgrade::open(&call))).judged(),
    Route::socket(Kind::Plain, "/ws", |_| now(Err(upgrade::required()))),
    Route::get("/", |_| now(Ok(pages::welcome()))),
    Route::get("/livez", |call| now(pages::alive(&call))),
    Route::get("/readyz", |call| Box::pin(pages::ready(call))),
    Route::get("/healthz", |call| Box::pin(pages::health(call))),
    Route::get("/version", |call| Box::pin(pages::version(call))),
    Route::get("/metrics", |call| Box::pin(pages::metrics(call))).judged(),
    Route::get("/join", |call| Box::pin(pages::guide(call))),
    Route::get("/assets/join.css", |call| Box::pin(pages::guide(call))),
    Route::get("/assets/join.js", |call| Box::pin(pages::guide(call))),
    Route::get("/skill.md", |call| Box::pin(pages::guide(call))),
    Route::get("/llms.txt", |call| Box::pin(pages::guide(call))),
    Route::get("/plugin.tgz", |call| Box::pin(package::hand_out(call))).within(DOWNLOAD),
    Route::api(&[Method::POST], "/api/v1/invites/claim", "`GET` never uses a code", |call| {
        Box::pin(api::claim(call))
    })
    .body(SMALL_BODY_BYTES_MAX),
    Route::api(&[Method::GET], "/api/v1/invites", "`POST` makes an invite", |call| {
        Box::pin(api::list(call))
    })
    .judged(),
    Route::api(&[Method::POST], "/api/v1/invites", "`POST` makes an invite", |call| {
        Box::pin(api::create(call))
    })
    .body(SMALL_BODY_BYTES_MAX)
    .judged(),
    Route::api(&[Method::DELETE], "/api/v1/invites/{}", "`DELETE` revokes an invite", |call| {
        Box::pin(api::revoke(call))
    })
    .judged(),
];

/// The route for a request, and the segment that matches its `{}`.
pub(super) fn find<'a>(
    routes: &'static [Route],
    method: &Method,
    path: &'a str,
    is_upgrade: bool,
) -> Result<(&'static Route, &'a str), Refusal> {
    let is_fitting = |route: &&Route| route.kind == Kind::Plain || is_upgrade;
    let mut others: Vec<&Route> = Vec::new();
    for route in routes.iter().filter(is_fitting) {
        let Some(tail) = route.tail(path) else { continue };
        // The first matching path counts; later rows do not matter.
        if others.first().is_some_and(|first| first.path != route.path) {
            break;
        }
        if route.takes(method, tail) {
            return Ok((route, tail));
        }
        others.push(route);
    }
    Err(match others.first() {
        Some(first) => asked_otherwise(path, &others, first.instead),
        None => nothing_here(path),
    })
}

fn asked_otherwise(path: &str, routes: &[&Route], instead: &str) -> Refusal {
    let methods = routes.iter().flat_map(|route| route.methods).map(Method::as_str);
    let methods = methods.collect::<Vec<_>>().join(", ");
    let message = match Face::of(path) {
        Face::Text => "only `GET` and `HEAD` are answered here".to_owned(),
        Face::Json => format!("this is asked with {methods}"),
    };
    let refusal = Refusal::new(HttpCode::MethodNotAllowed, message).hint(instead);
    match HeaderValue::from_str(&methods) {
        Ok(methods) => refusal.header(header::ALLOW, methods),
        Err(_) => refusal,
    }
}

fn nothing_here(path: &str) -> Refusal {
    let hint = match Face::of(path) {
        Face::Text => "bots connect to `/ws`; `/` says what else there is",
        Face::Json => "docs/invites.md says what there is",
    };
    Refusal::new(HttpCode::NotFound, "there is nothing at this path").hint(hint)
}

#[cfg(test)]
pub(in crate::door) mod tests {
    use super::*;

    /// A row for the tests of the connection.
    pub(in crate::door) const fn route(
        methods: &'static [Method],
        path: &'static str,
        endpoint: Endpoint,
    ) -> Route {
        Route::api(methods, path, "do it otherwise", endpoint)
    }

    fn found(method: &Method, path: &str, is_upgrade: bool) -> String {
        match find(ROUTES, method, path, is_upgrade) {
            Ok((route, tail)) => format!("{:?} {} {tail}", route.kind, route.path),
            Err(refusal) => {
                let reply = refusal.reply(Face::Text);
                let allow = reply.headers().get(header::ALLOW);
                let allow = allow.map_or("", |allow| allow.to_str().expect("words"));
                format!("{} {allow}", reply.status().as_u16())
            }
        }
    }

    #[test]
    fn a_request_finds_its_route_by_method_and_path() {
        let check = |method: Method, path: &str, is_upgrade: bool, expected: &str| {
            assert_eq!(found(&method, path, is_upgrade).trim_end(), expected, "{method} {path}");
        };
        check(Method::GET, "/", false, "Plain /");
        check(Method::GET, "/", true, "Upgrade /");
        check(Method::POST, "/ws", true, "Upgrade /ws");
        check(Method::GET, "/ws", false, "Plain /ws");
        check(Method::HEAD, "/livez", false, "Plain /livez");
        check(Method::HEAD, "/livez", true, "Plain /livez");
        check(Method::DELETE, "/healthz", false, "405 GET, HEAD");
        check(Method::GET, "/healthz/", false, "404");
        check(Method::GET, "/api/v1/invites", false, "Plain /api/v1/invites");
        check(Method::PUT, "/api/v1/invites", false, "405 GET, POST");
        check(Method::POST, "/api/v1/invites/claim", false, "Plain /api/v1/invites/claim");
        check(Method::DELETE, "/api/v1/invites/claim", false, "405 POST");
        check(Method::DELETE, "/api/v1/invites/inv_1", false, "Plain /api/v1/invites/{} inv_1");
        check(Method::GET, "/api/v1/invites/inv_1", false, "405 DELETE");
        check(Method::DELETE, "/api/v1/invites/inv_1/", false, "405 DELETE");
        check(Method::GET, "/api/v1/nothing", false, "404");
    }

    #[test]
    fn a_token_is_judged_where_the_answer_depends_on_it_and_nowhere_else() {
        let judged = ROUTES.iter().filter(|route| route.judges_token());
        let judged: Vec<&str> = judged.map(|route| route.path).collect();
        let invites = ["/api/v1/invites", "/api/v1/invites", "/api/v1/invites/{}"];
        assert_eq!(judged, [&["/", "/ws", "/metrics"][..], &invites].concat());
    }
}
