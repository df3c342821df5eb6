//! A receiver that is stopped in its tracks receives nothing, and nobody is told that it did.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bot_hub_client::bot_protocol::frame::client::Message;
use bot_hub_client::bot_protocol::receipt::ReceiptState;
use bot_hub_client::bot_protocol::word::Open;
use bot_hub_client::{Client, Event, Events};

use super::hub::{Hub, home};
use super::load::{options, room};

/// So long a stopped receiver is watched: many times what a receipt takes.
const WATCHED: Duration = Duration::from_millis(1_500);

struct Receiver(Child);

impl Receiver {
    /// This test's own binary again, as the receiver's process.
    fn start(url: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("a test is a program"))
            .args(["--exact", "receipts::receiver_process", "--ignored", "--nocapture"])
            .env("RECEIVER_URL", url)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test's binary starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let joined = stdout.lines().map_while(Result::ok).any(|line| line.ends_with("joined"));
        assert!(joined, "the receiver ended early");
        Self(child)
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(status.expect("`kill` is there").success());
    }

    /// Stops it, and waits until it stands still: the signal goes to one thread, and until that one has
    /// had its turn on a busy machine, the others run on.
    async fn stop(&self) {
        self.signal("-STOP");
        while !self.stands_still() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn stands_still(&self) -> bool {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("it lives");
        let is_stopped = |task: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
            Some(stat.rsplit_once(") ")?.1.starts_with('T'))
        };
        tasks.map(is_stopped).all(|stopped| stopped == Some(true))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // SIGKILL works on stopped processes too.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
#[ignore = "the receiver's process, started by the test below"]
async fn receiver_process() {
    let Ok(url) = std::env::var("RECEIVER_URL") else { return };
    let (client, mut events) = Client::connect(options(&url, "rhea")).await.unwrap();
    client.join(room()).await.unwrap();
    println!("joined");
    while events.next().await.is_some() {}
}

/// The states that the sender hears of within some time.
async fn heard(
    events: &mut Events,
    until: ReceiptState,
    within: Duration,
) -> Vec<Open<ReceiptState>> {
    let mut states = Vec::new();
    let listen = async {
        while let Some(event) = events.next().await {
            if let Event::Receipt(receipt) = event {
                states.push(receipt.state);
                if states.last().is_some_and(|state| *state == until) {
                    return;
                }
            }
        }
    };
    // Silence is an answer too.
    drop(tokio::time::timeout(within, listen).await);
    states
}

#[tokio::test]
async fn a_stopped_receiver_never_counts_as_received() {
    let home = home(&["wanda", "rhea"]);
    let hub = Hub::start(home.path(), "127.0.0.1:0");
    let (sender, mut events) = Client::connect(options(&hub.url, "wanda")).await.unwrap();
    sender.join(room()).await.unwrap();
    let receiver = Receiver::start(&hub.url);

    let say = |text: &str| {
        let message = Message { room: Some(room()), text: text.into(), ..Message::default() };
        let sender = sender.clone();
        async move { sender.send(message).await.unwrap().await.unwrap() }
    };
    say("awake").await;
    let states = heard(&mut events, ReceiptState::Received, Duration::from_secs(10)).await;
    // A quick answer may overtake the word that it was written.
    assert!(states.last().is_some_and(|it| *it == ReceiptState::Received), "{states:?}");

    receiver.stop().await;
    let ack = say("asleep").await;
    assert_eq!(ack.delivered, 1, "its socket still takes what is written");
    let states = heard(&mut events, ReceiptState::Received, WATCHED).await;
    assert_eq!(states, [ReceiptState::Delivered]);
    let report = sender.status(ack.id.unwrap(), None).await.unwrap();
    assert_eq!(report.recipients[0].state, ReceiptState::Delivered);

    receiver.signal("-CONT");
    let states = heard(&mut events, ReceiptState::Received, Duration::from_secs(10)).await;
    assert_eq!(states, [ReceiptState::Received]);
}
