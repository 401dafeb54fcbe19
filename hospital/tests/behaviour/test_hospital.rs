//! A hospital to test: its own certificate, its own free port, and studies from TOML.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use wardsum_hospital::announcement::Announce;
use wardsum_hospital::control::{self, ControlSocket, ResearcherCommand};
use wardsum_hospital::limits::Limits;
use wardsum_hospital::native_peer::{Connector, NativePeer};
use wardsum_hospital::server::{Hospital, ServerConfig};
use wardsum_hospital::store::{DataDir, Role, Store, StoreError};
use wardsum_hospital::studies_file::StudiesFile;
use wardsum_hospital::tls::{self, CertificateFiles};
use wardsum_protocol::Aggregate;
use wardsum_protocol::peer::{Event, Published};

/// The longest that anything in these tests may take; reached only when something hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for `future`, but not for ever.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("this should long be over")
}

/// A study in TOML that `people` people complete: committee and manifest are fixed when all are there.
pub(crate) fn study_of(id: &str, people: u32) -> String {
    format!(
        "[[study]]\nid = \"{id}\"\ntitle = \"Title of {id}\"\norganisation = \"Test Hospital\"\n\
         question = \"How many?\"\nunit = \"pieces\"\nmin = -100\nmax = 100\nmaximum_cohort = 50\n\
         [study.enrolment]\ncount = {people}\n[study.contributing]\ncount = {people}\n"
    )
}

/// The smallest answer to a study of [`study_of`].
const MIN: i128 = -100;

/// The sum of the answers to such a study.
pub(crate) fn sum(aggregate: &Aggregate) -> i128 {
    let above = aggregate.cells[0].expect("it is not suppressed");
    MIN * i128::from(aggregate.count) + i128::try_from(above).unwrap()
}

/// The result of such a study.
pub(crate) fn of_sum(count: u32, sum: i128) -> Aggregate {
    let above = u128::try_from(sum - MIN * i128::from(count)).unwrap();
    Aggregate { count, cells: [Some(above)].into() }
}

/// What a hospital leaves behind when it stops, so that it can be started again.
pub(crate) struct Home {
    dir: TempDir,
    /// Port 0 before the first start.
    address: SocketAddr,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), address: (Ipv4Addr::LOCALHOST, 0).into() }
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

/// A running hospital; it stops when it is dropped.
pub(crate) struct TestHospital {
    pub(crate) address: SocketAddr,
    pub(crate) connector: Connector,
    pub(crate) authority: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    stopped: JoinHandle<()>,
    pub(crate) home: Home,
}

/// One HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// The body as it came.
    pub(crate) content: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body should be JSON")
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl TestHospital {
    /// A hospital with these studies (TOML) and the default limits.
    pub(crate) async fn start(studies: &str) -> Self {
        Self::start_with(studies, |_| {}).await
    }

    /// A hospital whose configuration `change` changes first.
    pub(crate) async fn start_with(studies: &str, change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start_at(Home::new(), studies, change).await
    }

    /// A hospital that goes on where the one that has left this home was, at the same address.
    pub(crate) async fn start_again(home: Home, studies: &str) -> Self {
        Self::start_at(home, studies, |_| {}).await
    }

    /// The same with a configuration that `change` changes first.
    pub(crate) async fn start_at(
        mut home: Home,
        studies: &str,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let certs = home.dir.path().join("certs");
        let (certs, _) = wardsum_certs::ensure(&certs, SystemTime::now()).unwrap();
        let files = CertificateFiles { cert: certs.leaf_cert, key: certs.leaf_key };
        let StudiesFile { plans, .. } = StudiesFile::parse(studies, Path::new("test")).unwrap();
        let mut config = ServerConfig {
            tls: tls::server_config(&files, SystemTime::now()).unwrap(),
            store: Store::open(open_when_free(&home.data()).await).unwrap(),
            plans,
            page: None,
            researcher_page: None,
            allowed_origins: Vec::new(),
            limits: Limits::default(),
            announce: Announce::nobody(),
            retention: ServerConfig::RETENTION,
            ops: None,
            control: None,
            certificate: None,
        };
        config.control = Some(ControlSocket::bind(&home.data()).unwrap());
        change(&mut config);
        let listener = TcpListener::bind(home.address).await.unwrap();
        let address = listener.local_addr().unwrap();
        home.address = address;
        let (stop, told) = oneshot::channel::<()>();
        let hospital = Hospital::open(listener, config).await.unwrap();
        let stopped = tokio::spawn(hospital.serve(async {
            let _ = told.await;
        }));
        Self {
            address,
            connector: Connector::new(address, tls::client_config(&certs.ca_cert).unwrap()),
            authority: certs.ca_cert,
            stop: Some(stop),
            stopped,
            home,
        }
    }

    /// Tells the hospital to stop and waits until it has.
    pub(crate) async fn stop(mut self) -> Home {
        self.tell_to_stop();
        within(&mut self.stopped).await.unwrap();
        self.home
    }

    /// Tells the hospital to stop.
    pub(crate) fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// A patient who has received the study and not answered yet.
    pub(crate) async fn patient(&self, study: &str) -> NativePeer {
        connect(&self.connector, study).await
    }

    /// Has one patient for each answer take part; returns what each of them learnt.
    pub(crate) async fn round(&self, study: &str, answers: &[i128]) -> Vec<Published> {
        published(self.answered(study, answers).await).await
    }

    /// One patient for each answer, who has just given it.
    pub(crate) async fn answered(&self, study: &str, answers: &[i128]) -> Vec<NativePeer> {
        let mut peers = Vec::new();
        for answer in answers {
            let mut peer = self.patient(study).await;
            peer.answer_number(*answer).await.unwrap();
            peers.push(peer);
        }
        peers
    }

    /// A GET request with further header lines.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("Host", "localhost"), ("Connection", "close")], headers].concat();
        self.request(path, &headers).await
    }

    /// A GET request with exactly these header lines.
    pub(crate) async fn request(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let stream = self.connector.open_tls().await.unwrap();
        request(stream, path, headers).await
    }

    /// Tells the running hospital something about researchers, as `hospital researcher` does.
    pub(crate) async fn tell(&self, command: ResearcherCommand) -> String {
        let data = self.home.data();
        let told =
            tokio::task::spawn_blocking(move || control::tell_about_researchers(&data, command));
        within(told).await.unwrap().unwrap()
    }

    /// A new researcher's token.
    pub(crate) async fn researcher(&self, name: &str, role: Role) -> String {
        let name = name.parse().unwrap();
        let said = self.tell(ResearcherCommand::Add { name, role, days: None }).await;
        said.lines().next().unwrap().to_owned()
    }

    /// A request to the researcher's API with this token.
    pub(crate) async fn ask(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str())];
        self.call(method, &format!("/api/v1/researcher/{path}"), &headers, body).await
    }

    /// A request of any method, with further header lines, and with a body in JSON if there is one.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        let len = body.len().to_string();
        let mut all =
            vec![("Host", "localhost"), ("Connection", "close"), ("Content-Length", &len)];
        if !body.is_empty() {
            all.push(("Content-Type", "application/json"));
        }
        all.extend(headers);
        let stream = self.connector.open_tls().await.unwrap();
        exchange(stream, &format!("{method} {path}"), &all, body.as_bytes()).await
    }

    /// One study as the API shows it.
    pub(crate) async fn status(&self, study: &str) -> Value {
        status(&self.connector, study).await
    }
}

/// One study as the API of the hospital at the other end of `connector` shows it.
pub(crate) async fn status(connector: &Connector, study: &str) -> Value {
    let stream = connector.open_tls().await.unwrap();
    let headers = [("Host", "localhost"), ("Connection", "close")];
    let answer = request(stream, &format!("/api/v1/studies/{study}"), &headers).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// A GET request over an open connection.
pub(crate) async fn request(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    exchange(stream, &format!("GET {path}"), headers, &[]).await
}

/// A request over an open connection, which the hospital closes when it has answered.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    asked: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = format!("{asked} HTTP/1.1\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    request.push_str("\r\n");
    stream.write_all(&[request.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    // After a refused upgrade the connection is cut where it should be closed; the answer is there.
    if let Err(error) = within(stream.read_to_end(&mut answer)).await {
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    }
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let content = answer.split_off(end.expect("an answer has a head and a body") + 4);
    let head = String::from_utf8(answer).unwrap().trim_end().to_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: String::from_utf8_lossy(&content).into_owned(), content }
}

/// A patient who has received the study and not answered yet.
pub(crate) async fn connect(connector: &Connector, study: &str) -> NativePeer {
    let mut peer = NativePeer::connect(connector, study).await.unwrap();
    wait_for(&mut peer, |event| matches!(event, Event::StudyReceived(_))).await;
    peer
}

/// Lets all peers go on to the result; returns what each of them learnt.
pub(crate) async fn published(peers: Vec<NativePeer>) -> Vec<Published> {
    let mut tasks = JoinSet::new();
    for mut peer in peers {
        tasks.spawn(async move {
            let event = wait_for(&mut peer, |event| matches!(event, Event::Published(_))).await;
            peer.close().await;
            match event {
                Event::Published(published) => published,
                other => panic!("{other:?} is no result"),
            }
        });
    }
    within(tasks.join_all()).await
}

/// Waits for an event, and fails the test if the peer fails first.
pub(crate) async fn wait_for(peer: &mut NativePeer, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = within(peer.next_event()).await.expect("the peer's part ended before");
        if wanted(&event) {
            return event;
        }
        assert!(!matches!(event, Event::Failed(_)), "the peer failed: {event:?}");
    }
}

/// Opens a directory that a hospital of this process has just left. Another test that starts a program at this moment
/// has a copy of everything that is open here, locks too, until the program runs.
async fn open_when_free(data: &Path) -> DataDir {
    let mut tries = 0;
    loop {
        match DataDir::open(data) {
            Err(StoreError::InUse { .. }) if tries < 100 => tries += 1,
            opened => return opened.unwrap(),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
