//! The calls that are rare enough for JSON: `[verb, …]` in; `{"ok": …}` or `{"error": …}` out.
//!
//! Owns the verbs. Contains no rule of the format.

use bot_protocol::block::{
    CLEANUP_AGE_MS_DEFAULT, Conversation, Filter, Message, Severity, State, join, lint, parse,
    parse_all, split, to_json,
};
use bot_protocol::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A verb's arguments.
struct Call<'a>(Vec<&'a RawValue>);

/// JSON, or a sentence about what is wrong.
type Answer = Result<String, String>;

/// The answer to one call, always JSON.
pub(crate) fn answer(text: &str) -> String {
    let call = serde_json::from_str(text).map(Call).map_err(sentence);
    match call.and_then(|call| call.act()) {
        Ok(value) => ["{\"ok\":", &value, "}"].concat(),
        Err(message) => ["{\"error\":", &json(&message), "}"].concat(),
    }
}

fn sentence(error: impl ToString) -> String {
    error.to_string()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and maps of strings are JSON")
}

impl Call<'_> {
    fn get<T: DeserializeOwned>(&self, at: usize) -> Result<T, String> {
        let text = self.0.get(at).map_or("null", |value| value.get());
        serde_json::from_str(text).map_err(sentence)
    }

    fn text(&self, at: usize) -> Result<String, String> {
        self.get(at)
    }

    fn now(&self, at: usize) -> Result<Timestamp, String> {
        self.get(at).map(Timestamp)
    }

    fn act(&self) -> Answer {
        match self.text(0)?.as_str() {
            "explain" => Ok(json(&explain(&self.text(1)?))),
            "lint" => Ok(findings(&self.text(1)?)),
            "split" => {
                let text = self.text(1)?;
                let act = parse(&text).map_err(sentence)?;
                split(&act, self.get(2)?).map(|parts| json(&parts)).map_err(sentence)
            }
            "join" => whole(&self.get::<Vec<String>>(1)?),
            "track" => self.track(),
            "get" => self.state()?.get(&self.text(2)?).map(|found| json(&found)).map_err(sentence),
            "list" => self.list(),
            "timeout" => self.time_out(),
            "checkTimeouts" => self.check_timeouts(),
            "cleanup" => self.cleanup(),
            other => Err(["there is no verb `", other, "`"].concat()),
        }
    }

    /// The first argument of the verbs about conversations is the text of the state file.
    fn state(&self) -> Result<State, String> {
        let text: Option<String> = self.get(1)?;
        text.map_or_else(|| Ok(State::default()), |text| State::from_json(&text)).map_err(sentence)
    }

    fn track(&self) -> Answer {
        let mut state = self.state()?;
        let message: Message = self.get(2)?;
        let tracked = state.track(&message, self.now(3)?).map_err(sentence)?;
        let warning = tracked.warning.map(sentence);
        Ok(changed(Some(&state), json(&tracked.conversation), warning))
    }

    fn list(&self) -> Answer {
        let filter = self.get::<Option<Filter>>(2)?.unwrap_or_default();
        let state = self.state()?;
        let entry = |(id, conversation): (&str, Conversation)| {
            ["{\"requestId\":", &json(&id), ",", &json(&conversation)[1..]].concat()
        };
        let entries: Vec<String> = state.list(&filter).map(entry).collect();
        Ok(["[", &entries.join(","), "]"].concat())
    }

    fn time_out(&self) -> Answer {
        let mut state = self.state()?;
        let (id, reason) = (self.text(2)?, self.text(3)?);
        let found = state.time_out(&id, &reason, self.now(4)?).map_err(sentence)?;
        Ok(changed(found.is_some().then_some(&state), json(&found), None))
    }

    fn check_timeouts(&self) -> Answer {
        let mut state = self.state()?;
        let late = state.check_timeouts(self.now(2)?);
        let ids: Vec<&str> = late.iter().map(|late| late.id.as_str()).collect();
        Ok(changed((!ids.is_empty()).then_some(&state), json(&ids), None))
    }

    fn cleanup(&self) -> Answer {
        let mut state = self.state()?;
        let age_ms = self.get::<Option<u64>>(2)?.unwrap_or(CLEANUP_AGE_MS_DEFAULT);
        let removed = state.cleanup(age_ms, self.now(3)?);
        Ok(changed((removed > 0).then_some(&state), json(&removed), None))
    }
}

/// What a verb that writes has done; `state` is `null` when there is nothing to write.
fn changed(state: Option<&State>, result: String, warning: Option<String>) -> String {
    let state = json(&state.map(State::to_json));
    let warning = json(&warning);
    ["{\"state\":", &state, ",\"warning\":", &warning, ",\"result\":", &result, "}"].concat()
}

/// One thing to say about a text.
#[derive(Serialize)]
struct Remark {
    severity: &'static str,
    #[serde(rename = "type")]
    name: &'static str,
    line: usize,
    column: usize,
    message: String,
    hint: &'static str,
}

fn explain(text: &str) -> Option<Remark> {
    let error = parse(text).err()?;
    Some(Remark {
        severity: "error",
        name: error.problem.name(),
        line: error.line,
        column: error.column,
        message: error.problem.to_string(),
        hint: error.problem.hint(),
    })
}

fn findings(text: &str) -> String {
    let remark = |finding: bot_protocol::block::Finding| Remark {
        severity: if finding.severity == Severity::Error { "error" } else { "warning" },
        name: finding.name,
        line: finding.line,
        column: finding.column,
        message: finding.message,
        hint: finding.hint,
    };
    json(&lint(text).into_iter().map(remark).collect::<Vec<_>>())
}

fn whole(texts: &[String]) -> Answer {
    let acts: Vec<_> = texts.iter().flat_map(|text| parse_all(text)).collect();
    let act = join(&acts).map_err(sentence)?;
    let text = bot_protocol::block::build(&act).map_err(sentence)?;
    Ok(to_json(&act, &text))
}
