//! A real authority (Pebble, the one that Let's Encrypt tests clients with), on this machine.
//!
//! Owns starting and stopping it, the names that it looks up, and its own certificate. `tests/acme`
//! fetches the program; without it these tests say `SKIPPED`.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use bot_hub_server::tls::Https;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;

use super::authority::Authority;
use super::stage::WITHIN;

/// The name of the hub in these tests; every name is 127.0.0.1.
pub(crate) const DOMAIN: &str = "hub.example.test";

pub(crate) struct Pebble {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
    management: u16,
}

impl Pebble {
    /// An authority that looks for proof at `proof_port` and issues for so many seconds.
    pub(crate) async fn start(proof_port: u16, valid_s: u32) -> Option<Self> {
        let Some(program) = program() else {
            println!("SKIPPED (no pebble: run tests/acme, or set BOT_HUB_PEBBLE)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("the authority's own");
        authority.write(dir.path());
        authority.issue().write(dir.path());
        let (port, management) = (free_port(), free_port());
        let config = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": dir.path().join("cert.pem"),
            "privateKey": dir.path().join("key.pem"),
            "httpPort": 1,
            "tlsPort": proof_port,
            "certificateValidityPeriod": valid_s,
        }});
        let config_file = dir.path().join("pebble.json");
        fs::write(&config_file, config.to_string()).unwrap();
        let log = fs::File::create(dir.path().join("pebble.log")).unwrap();
        let child = Command::new(program)
            .arg("-config")
            .arg(config_file)
            .args(["-dnsserver", &answer_names()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("pebble starts");
        let this = Self { child, dir, port, management };
        this.wait().await;
        Some(this)
    }

    async fn wait(&self) {
        let deadline = Instant::now() + WITHIN;
        while tokio::net::TcpStream::connect(("127.0.0.1", self.management)).await.is_err()
            || tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err()
        {
            assert!(Instant::now() < deadline, "{}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("pebble.log")).unwrap()
    }

    /// The section `acme` of a hub that asks this authority.
    pub(crate) fn settings(&self) -> String {
        let ca_file = self.dir.path().join("ca.pem");
        let directory = format!("https://127.0.0.1:{}/dir", self.port);
        format!(
            "acme: {{ domains: ['{DOMAIN}'], email: 'me@example.com',
                directoryUrl: '{directory}', caFile: '{}' }}",
            ca_file.display()
        )
    }

    /// What clients check its certificates with, in PEM.
    pub(crate) async fn root(&self) -> String {
        let https = Https::new(Some(&self.dir.path().join("ca.pem"))).unwrap();
        let url = format!("https://127.0.0.1:{}/roots/0", self.management);
        let request = Request::get(url).body(Empty::<Bytes>::new()).unwrap();
        let answer = https.send(request).await.expect("it tells");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("BOT_HUB_PEBBLE") {
        return Some(named.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let fetched = root.join(".tools/pebble/usr/bin/pebble");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|dir| dir.join("pebble"));
    Some(fetched).filter(|it| it.exists()).or_else(|| places.find(|it| it.exists()))
}

/// Free a moment ago: pebble does not say which one it got.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Answers every question for an address with 127.0.0.1, for as long as the test runs.
fn answer_names() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, asker)) = socket.recv_from(&mut buffer) {
            let answer = answer_name(&buffer[..length]);
            socket.send_to(&answer, asker).unwrap();
        }
    });
    address
}

/// RFC 1035 section 4: the question with its header turned into an answer.
fn answer_name(question: &[u8]) -> Vec<u8> {
    let name_end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap();
    let question_end = name_end + 5;
    let is_ipv4 = question[name_end + 1..name_end + 3] == [0, 1];
    let mut answer = question[..question_end].to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[6..12].copy_from_slice(&[0, u8::from(is_ipv4), 0, 0, 0, 0]);
    if is_ipv4 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    answer
}
