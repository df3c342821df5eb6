//! Spans on their way to a collector. Only with the feature `otel`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::Value;

use crate::fixture::{Habit, Place, bot_in};

/// A collector that keeps what it is sent.
fn collector() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, spans) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).unwrap();
            assert!(line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
            while line.trim() != "" {
                line.clear();
                reader.read_line(&mut line).unwrap();
                if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                    length = bytes.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            sender.send(serde_json::from_slice(&body).unwrap()).unwrap();
        }
    });
    (url, spans)
}

fn attribute<'a>(of: &'a Value, key: &str) -> &'a str {
    let mut attributes = of["attributes"].as_array().unwrap().iter();
    let found = attributes.find(|it| it["key"] == key);
    found.map_or("", |it| it["value"]["stringValue"].as_str().unwrap())
}

#[test]
fn the_life_of_a_message_is_one_trace() {
    let (url, requests) = collector();
    let place = Place::new();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    command.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=other");
    command.env("OTEL_SERVICE_NAME", "the-hub");
    let mut hub = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_start_matches("listening ").trim();
    let token = place.bot("ann");
    bot_in(address, &token, "lab", Habit::Answer);
    let told = place.run(&["send", "lab", "a-secret-text", "--id", "m1", "--wait", "answered"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let stopped = std::process::Command::new("kill").arg(hub.id().to_string()).status();
    assert!(stopped.unwrap().success() && hub.wait().unwrap().success());

    let requests: Vec<Value> = requests.try_iter().collect();
    assert!(!requests.iter().any(|it| it.to_string().contains("a-secret-text")));
    let resource = &requests[0]["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name"), "the-hub");
    assert_eq!(attribute(resource, "deployment.environment"), "test");
    let spans: Vec<&Value> = requests
        .iter()
        .flat_map(|it| it["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap())
        .collect();
    let accept = spans.iter().find(|it| attribute(it, "messaging.message.id") == "m1").unwrap();
    let trace: Vec<&&Value> =
        spans.iter().filter(|it| it["traceId"] == accept["traceId"]).collect();
    let mut names: Vec<String> = trace
        .iter()
        .map(|it| format!("{} {}", it["name"].as_str().unwrap(), attribute(it, "bot_hub.receipt")))
        .collect();
    names.sort();
    names.dedup();
    let expected = ["accept ", "commit ", "deliver ", "receipt answered", "receipt received"];
    assert!(expected.iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}");
    for span in trace {
        let is_root = span["name"] == "accept";
        let parent = if is_root { "" } else { accept["spanId"].as_str().unwrap() };
        assert_eq!(span["parentSpanId"], parent, "{span}");
        let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
    }
}
