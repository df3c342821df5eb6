//! A whole hub on a thread of its own, with a certificate.
//!
//! Owns starting and stopping: port 0, a temporary directory, an end that is waited for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bot_hub_client::{Client, Events, Options};
use bot_hub_server::config::{Environment, Loaded, Override, Sources, load};
use bot_hub_server::server::Server;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::Authority;

/// How long anything may take that is not measured.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

pub(crate) const BOTH: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS12, &rustls::version::TLS13];

pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    sources: Sources,
    ca_file: PathBuf,
    running: Option<Running>,
    dir: tempfile::TempDir,
}

/// The hub's thread, and the ways to it.
struct Running {
    reload: mpsc::Sender<()>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Stage {
    /// Long enough that nobody is warned of it.
    pub(crate) fn token(bot: &str) -> String {
        format!("a-secret-of-{bot}-0123456789")
    }

    pub(crate) fn listener() -> std::net::TcpListener {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap()
    }

    /// A hub with a certificate of a private authority, and with `more` among its settings.
    pub(crate) fn start(more: &str) -> Self {
        let tls = "certFile: 'cert.pem', keyFile: 'key.pem'";
        Self::start_with(Self::listener(), &format!("tls: {{ {tls} }}, {more}"))
    }

    /// A hub that asks an authority.
    pub(crate) fn start_acme(listener: std::net::TcpListener, acme: &str) -> Self {
        Self::start_with(listener, &format!("tls: {{ {acme} }}"))
    }

    fn start_with(listener: std::net::TcpListener, settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("a private authority");
        authority.issue().write(dir.path());
        let ca_file = authority.write(dir.path());
        let file = dir.path().join("config.json5");
        std::fs::write(&file, config(settings)).unwrap();
        let data = dir.path().join("data").display().to_string();
        let flags = vec![Override::new("--data", "store.path", data)];
        let sources = Sources { file: Some(file), env: Environment::default(), flags };
        let address = listener.local_addr().unwrap();
        let running = Some(serve(listener, sources.clone()));
        Self { address, authority, sources, ca_file, running, dir }
    }

    /// Ends the hub and starts it again at the same place.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let listener = std::net::TcpListener::bind(self.address).unwrap();
        self.running = Some(serve(listener, self.sources.clone()));
    }

    fn stop(&mut self) {
        let Some(Running { stop, thread, .. }) = self.running.take() else { return };
        drop(stop);
        let is_well = thread.join().is_ok();
        // A test that has failed already says more than its hub.
        assert!(std::thread::panicking() || is_well, "the hub panicked");
    }

    /// Its settings, as another program reads them.
    pub(crate) fn loaded(&self) -> Loaded {
        load(&self.sources).unwrap()
    }

    /// Believes this authority, in PEM, beside the private one.
    pub(crate) fn trust(&mut self, pem: &str) {
        self.authority.pem.push_str(pem);
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn options(&self, scheme: &str, bot: &str) -> Options {
        let mut options = Options::new(format!("{scheme}://{}", self.address), Self::token(bot));
        options.ca_file = Some(self.ca_file.clone());
        options
    }

    pub(crate) async fn client(&self, bot: &str) -> (Client, Events) {
        Client::connect(self.options("wss", bot)).await.expect("the bot comes in")
    }

    /// TLS as somebody else does it: these versions, this name, these protocols.
    pub(crate) async fn handshake(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        name: &str,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.authority.pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// The certificate that new connections are shown.
    pub(crate) async fn shown(&self) -> CertificateDer<'static> {
        self.shown_for("localhost").await
    }

    pub(crate) async fn shown_for(&self, name: &str) -> CertificateDer<'static> {
        let stream = self.handshake(BOTH, name, &[]).await.expect("a handshake");
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// Asks the hub to read everything again, and waits until it has, or has refused it.
    pub(crate) async fn reload(&self, outcome: &str) {
        let name = format!("bothub_config_reload_total{{outcome=\"{outcome}\"}}");
        let before = self.metric(&name).await;
        self.running.as_ref().unwrap().reload.send(()).await.expect("the hub runs");
        self.until(async || self.metric(&name).await > before, &name).await;
    }

    /// Replaces the settings, and reloads.
    pub(crate) async fn configure(&self, settings: &str, outcome: &str) {
        std::fs::write(self.dir().join("config.json5"), config(settings)).unwrap();
        self.reload(outcome).await;
    }

    pub(crate) async fn until(&self, mut is_so: impl AsyncFnMut() -> bool, what: &str) {
        let deadline = Instant::now() + WITHIN;
        while !is_so().await {
            assert!(Instant::now() < deadline, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics", "").await;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no `{name}` in\n{page}")).parse().expect("a number")
    }

    /// A page, asked for without TLS from this machine, with more headers.
    pub(crate) async fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("the hub listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        answer
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop();
    }
}

fn config(settings: &str) -> String {
    let [ana, ben] = ["ana", "ben"].map(Stage::token);
    format!(
        "{{ tokens: {{ '{ana}': {{ botId: 'ana' }}, '{ben}': {{ botId: 'ben' }} }}, {settings} }}"
    )
}

/// Runs a hub on a thread of its own, and waits until it listens.
fn serve(listener: std::net::TcpListener, sources: Sources) -> Running {
    let (reload, reloads) = mpsc::channel(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, told) = std::sync::mpsc::channel();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async move {
            listener.set_nonblocking(true).unwrap();
            let listeners = vec![TcpListener::from_std(listener).unwrap()];
            let loaded = load(&sources).unwrap();
            let server = Server::open(loaded, sources).unwrap();
            tell.send(()).unwrap();
            let shutdown = async move { drop(stopped.await) };
            server.run(listeners, reloads, shutdown).await.unwrap();
        });
    };
    let thread = std::thread::spawn(serve);
    told.recv().expect("the hub starts");
    Running { reload, stop, thread }
}
