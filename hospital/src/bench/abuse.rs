//! A hospital that is abused while people take part in a round.
//!
//! The hospital is a process of its own, so that its memory can be told from that of those who abuse it.
//! Next to a round of honest people there are idle peers, connections that stall in each stage, and one
//! peer that sends without end; the same round is played with and without them.

use std::fmt::{self, Write as _};
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use tempfile::TempDir;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;
use tokio_tungstenite::tungstenite::{self, Message};
use wardsum_protocol::identity::{Identity, SignatureLabel, SignedBytes};
use wardsum_protocol::messages::{HospitalMessage, PeerMessage};
use wardsum_protocol::peer::{Event, OwnAnswer};
use wardsum_protocol::{Entropy, Study, wire};

use super::{median, micros};
use crate::native_peer::{ConnectError, Connector, NativePeer, Socket};
use crate::tls::{self, TlsError};

/// How often the round is played without abuse, and with it.
const ROUNDS: usize = 3;

/// How many connections are made at once. More only make every handshake slower.
const AT_ONCE: usize = 32;

/// How long the hospital is given to come to rest before its memory is read.
const REST: Duration = Duration::from_secs(1);

/// How long each step may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The budget for each idle peer.
const IDLE_BUDGET_KIB: f64 = 40.0;

/// The beginning of a TLS 1.3 `ClientHello` whose rest never comes.
const HALF_A_HELLO: [u8; 11] = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

/// The beginning of a request whose rest never comes.
const HALF_A_REQUEST: &[u8] = b"GET /ws/abused-0 HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso";

/// How many abuse a hospital, and how many do not: `2000,200,30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbuseSize {
    /// Idle peers.
    pub idle: usize,
    /// Connections that stall in each stage.
    pub stalled: usize,
    /// Honest people in the round, at least 3.
    pub patients: usize,
}

/// A size that is not of the form `IDLE,STALLED,PATIENTS`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{0:?} is no size of an abuse run; write IDLE,STALLED,PATIENTS, as in 2000,200,30, with 3 patients at least"
)]
pub struct NotAnAbuseSize(String);

impl FromStr for AbuseSize {
    type Err = NotAnAbuseSize;

    fn from_str(text: &str) -> Result<Self, NotAnAbuseSize> {
        let refused = || NotAnAbuseSize(text.to_owned());
        let numbers = text.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>();
        match numbers.as_deref() {
            Ok(&[idle, stalled, patients]) if (3..=1_000).contains(&patients) => {
                Ok(Self { idle, stalled, patients })
            }
            _ => Err(refused()),
        }
    }
}

/// Why a hospital could not be abused.
#[derive(Debug, Error)]
pub enum AbuseError {
    /// The hospital does not start.
    #[error("the hospital does not start: {0}")]
    Start(io::Error),
    /// Its certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The memory of another process cannot be read here.
    #[error("the hospital's memory cannot be read: {0}; this needs Linux's /proc")]
    Memory(io::Error),
    /// A connection was refused.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A connection broke.
    #[error("a connection to the hospital broke: {0}")]
    Broken(#[from] tungstenite::Error),
    /// Somebody's round failed, or somebody's task.
    #[error("a patient has no result: {0}")]
    NoResult(String),
    /// Something took far too long.
    #[error("it was not over after {} s", PATIENCE.as_secs())]
    TimeIsUp,
}

/// What abuse costs.
#[derive(Clone, Debug, Serialize)]
pub struct Abuse {
    /// Idle peers.
    pub idle: usize,
    /// Of them, how many were still connected at the end.
    pub idle_left: usize,
    /// Connections that stalled in each stage: nothing said, TLS half done, upgrade half done, no message.
    pub stalled_in_each_stage: usize,
    /// Messages of the peer that sends without end, over all rounds with abuse.
    pub flood_messages: u64,
    /// Honest people in each round.
    pub patients: usize,
    /// Whether every round found the exact sum, with everybody's answer in it.
    pub exact: bool,
    /// The hospital's resident memory without idle peers, in KiB.
    pub quiet_rss_kib: u64,
    /// And with them.
    pub idle_rss_kib: u64,
    /// Memory for each idle peer, in KiB.
    pub kib_per_idle_peer: f64,
    /// From the first answer until everybody has the result, without abuse, in microseconds: the median.
    pub quiet_round_us: u64,
    /// And with it.
    pub abused_round_us: u64,
}

impl Abuse {
    /// How many times as long the round takes.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of seconds")]
    pub fn slowdown(&self) -> f64 {
        self.abused_round_us as f64 / self.quiet_round_us.max(1) as f64
    }
}

impl fmt::Display for Abuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { idle, idle_left, stalled_in_each_stage: stalled, flood_messages, .. } = self;
        let within = if self.kib_per_idle_peer <= IDLE_BUDGET_KIB { "within" } else { "MISSED" };
        writeln!(
            f,
            "{idle} idle peers ({idle_left} left), {stalled} stalled in each of 4 stages, one that sent \
             {flood_messages} messages"
        )?;
        writeln!(
            f,
            "memory per idle peer    {:>9.1} KiB   budget <= {IDLE_BUDGET_KIB}   {within}",
            self.kib_per_idle_peer
        )?;
        let ms = |us: u64| Duration::from_micros(us).as_secs_f64() * 1_000.0;
        write!(
            f,
            "a round of {:<12} {:>9.1} ms alone, {:.1} ms abused: {:.2} times   {}",
            self.patients,
            ms(self.quiet_round_us),
            ms(self.abused_round_us),
            self.slowdown(),
            if self.exact { "exact" } else { "NOT EXACT" },
        )
    }
}

/// Abuses a hospital and measures what that costs. Must not be called on a Tokio runtime.
pub fn abuse(size: AbuseSize, mut say: impl FnMut(&str)) -> Result<Abuse, AbuseError> {
    let hospital = HospitalProcess::start(size)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(AbuseError::Start)?;
    let AbuseSize { idle, stalled, patients } = size;
    runtime.block_on(async {
        let mut exact = true;
        let mut play = async |study: String| -> Result<u64, AbuseError> {
            let (took, right) = in_time(round(&hospital.connector, &study, patients)).await?;
            exact &= right;
            Ok(micros(took))
        };
        say(&format!("a round of {patients} without abuse, {ROUNDS} times"));
        let mut quiet = Vec::new();
        for number in 0..ROUNDS {
            quiet.push(play(format!("quiet-{number}")).await?);
        }
        say(&format!("{idle} idle peers"));
        time::sleep(REST).await;
        let quiet_rss_kib = hospital.rss_kib()?;
        let mut sockets = in_time(connect(&hospital.connector, "waiting", idle)).await?;
        time::sleep(REST).await;
        let idle_rss_kib = hospital.rss_kib()?;

        say(&format!("the round among {} that stall and one that floods", 4 * stalled));
        let flooded = Arc::new(AtomicU64::new(0));
        let mut abused = Vec::new();
        for number in 0..ROUNDS {
            let study = format!("abused-{number}");
            let stalling = in_time(stall(&hospital, &study, stalled)).await?;
            let flood = flood(hospital.connector.clone(), study.clone(), Arc::clone(&flooded));
            let mut tasks = JoinSet::new();
            tasks.spawn(flood);
            abused.push(play(study).await?);
            drop((stalling, tasks));
        }
        let mut idle_left = 0;
        for socket in &mut sockets {
            idle_left += usize::from(is_open(socket).await);
        }
        #[expect(clippy::cast_precision_loss, reason = "KiB of a process, and thousands of peers")]
        let kib_per_idle_peer =
            idle_rss_kib.saturating_sub(quiet_rss_kib) as f64 / idle.max(1) as f64;
        Ok(Abuse {
            idle,
            idle_left,
            stalled_in_each_stage: stalled,
            flood_messages: flooded.load(Ordering::Relaxed),
            patients,
            exact,
            quiet_rss_kib,
            idle_rss_kib,
            kib_per_idle_peer,
            quiet_round_us: median(quiet, |took| *took),
            abused_round_us: median(abused, |took| *took),
        })
    })
}

/// `hospital serve` on a free loopback port.
struct HospitalProcess {
    child: Process,
    address: SocketAddr,
    connector: Connector,
    _dir: TempDir,
}

impl HospitalProcess {
    fn start(size: AbuseSize) -> Result<Self, AbuseError> {
        let dir = tempfile::tempdir().map_err(AbuseError::Start)?;
        let studies = dir.path().join("studies.toml");
        fs::write(&studies, studies_file(size)).map_err(AbuseError::Start)?;
        let child = Command::new(env::current_exe().map_err(AbuseError::Start)?)
            .args(["--log", "error", "serve", "--listen", "127.0.0.1:0"])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(AbuseError::Start)?;
        let mut child = Process(child);
        let port = listening_port(&mut child.0).map_err(AbuseError::Start)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let authority = dir.path().join("certs/local/ca.pem");
        let connector = Connector::new(address, tls::client_config(&authority)?);
        Ok(Self { child, address, connector, _dir: dir })
    }

    /// The process's resident memory.
    fn rss_kib(&self) -> Result<u64, AbuseError> {
        let status = Path::new("/proc").join(self.child.0.id().to_string()).join("status");
        let status = fs::read_to_string(status).map_err(AbuseError::Memory)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        kib.ok_or_else(|| AbuseError::Memory(io::ErrorKind::InvalidData.into()))
    }
}

/// A process that ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Its data go with it, so that it need not stop in order.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The port in the line that says where the hospital listens.
fn listening_port(child: &mut Child) -> io::Result<u16> {
    let Some(stdout) = child.stdout.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Some(url) = line.strip_prefix("listening on ") {
            let port = url.trim_end_matches('/').rsplit(':').next();
            let port = port.and_then(|port| port.parse().ok());
            return port.ok_or_else(|| io::ErrorKind::InvalidData.into());
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// A study for each round, and one in which nobody ever answers. All come from one address here, which
/// the limits have to allow.
fn studies_file(AbuseSize { idle, stalled, patients }: AbuseSize) -> String {
    let most = idle + 4 * stalled + patients + 100;
    let mut text =
        format!("[limits]\nconnections_per_address = {most}\npeers_per_address = {most}\n");
    let rounds =
        (0..ROUNDS).flat_map(|number| ["quiet", "abused"].map(|kind| format!("{kind}-{number}")));
    for id in rounds.chain(["waiting".to_owned()]) {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "[[study]]\nid = \"{id}\"\ntitle = \"Abuse\"\norganisation = \"Bench\"\nquestion = \"?\"\n\
             min = 0\nmax = 100\n[study.enrolment]\ncount = {members}\n[study.contributing]\n\
             count = {patients}\n",
            members = patients.min(32),
        );
    }
    text
}

/// One round of honest people; returns how long it took from the first answer on, and whether the sum
/// was exact.
async fn round(
    connector: &Connector,
    study: &str,
    patients: usize,
) -> Result<(Duration, bool), AbuseError> {
    let mut peers = Vec::new();
    for _ in 0..patients {
        let mut peer = NativePeer::connect(connector, study).await?;
        until(&mut peer, |event| matches!(event, Event::StudyReceived(_)).then_some(())).await?;
        peers.push(peer);
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    let mut sum = 0;
    for (mut peer, answer) in peers.into_iter().zip((0..=100).cycle()) {
        sum += answer;
        tasks.spawn(async move {
            let answered = peer.answer_number(answer).await;
            answered.map_err(|error| AbuseError::NoResult(error.to_string()))?;
            let published = until(&mut peer, |event| match event {
                Event::Published(published) => Some(published.clone()),
                _ => None,
            })
            .await?;
            peer.close().await;
            Ok::<_, AbuseError>(published)
        });
    }
    let mut exact = true;
    while let Some(joined) = tasks.join_next().await {
        let published = joined.map_err(|error| AbuseError::NoResult(error.to_string()))??;
        exact &= published.aggregate.cells[..] == [u128::try_from(sum).ok()]
            && published.own == OwnAnswer::Counted;
    }
    Ok((began.elapsed(), exact))
}

async fn until<T>(
    peer: &mut NativePeer,
    pick: impl Fn(&Event) -> Option<T>,
) -> Result<T, AbuseError> {
    while let Some(event) = peer.next_event().await {
        if let Some(picked) = pick(&event) {
            return Ok(picked);
        }
    }
    let why = peer.failure().map(|failure| failure.to_string());
    Err(AbuseError::NoResult(why.unwrap_or_default()))
}

/// Peers that have received the study and do nothing more.
async fn connect(
    connector: &Connector,
    study: &str,
    peers: usize,
) -> Result<Vec<Socket>, AbuseError> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for _ in 0..peers {
        let (connector, study, turns) = (connector.clone(), study.to_owned(), Arc::clone(&turns));
        tasks.spawn(async move {
            let _turn = turns.acquire().await;
            let mut socket = connector.connect(&study, None).await?;
            socket.next().await.ok_or_else(|| AbuseError::NoResult("no study".to_owned()))??;
            Ok::<_, AbuseError>(socket)
        });
    }
    let mut sockets = Vec::with_capacity(peers);
    while let Some(joined) = tasks.join_next().await {
        sockets.push(joined.map_err(|error| AbuseError::NoResult(error.to_string()))??);
    }
    Ok(sockets)
}

/// Connections that go no further: each stage's, for as long as they are held.
async fn stall(
    hospital: &HospitalProcess,
    study: &str,
    each: usize,
) -> Result<impl Sized + use<>, AbuseError> {
    let tcp = async |bytes: &[u8]| -> Result<TcpStream, AbuseError> {
        let mut stream =
            TcpStream::connect(hospital.address).await.map_err(tungstenite::Error::Io)?;
        stream.write_all(bytes).await.map_err(tungstenite::Error::Io)?;
        Ok(stream)
    };
    let (mut half_open, mut half_upgraded) = (Vec::new(), Vec::new());
    for _ in 0..each {
        half_open.push(tcp(&[]).await?);
        half_open.push(tcp(&HALF_A_HELLO).await?);
        let mut stream = hospital.connector.open_tls().await?;
        stream.write_all(HALF_A_REQUEST).await.map_err(tungstenite::Error::Io)?;
        half_upgraded.push(stream);
    }
    let silent = connect(&hospital.connector, study, each).await?;
    Ok((half_open, half_upgraded, silent))
}

/// One peer that shows who it is and then sends what it may, without end; when it is thrown out it
/// comes again.
async fn flood(connector: Connector, study: String, sent: Arc<AtomicU64>) {
    let message = wire::encode(&PeerMessage::Received(0));
    let message = Message::Binary(message.into());
    loop {
        let Ok(mut socket) = connector.connect(&study, None).await else { continue };
        let Some(Ok(Message::Binary(welcome))) = socket.next().await else { continue };
        let Some(identification) = identification(&welcome) else { return };
        if socket.send(Message::Binary(identification.into())).await.is_err() {
            continue;
        }
        let (mut sink, mut stream) = socket.split();
        let reading = async { while let Some(Ok(_)) = stream.next().await {} };
        let sending = async {
            while sink.feed(message.clone()).await.is_ok() {
                sent.fetch_add(1, Ordering::Relaxed);
            }
        };
        tokio::select! {
            () = reading => {}
            () = sending => {}
        }
    }
}

/// A stranger's proof of whose connection it is.
fn identification(welcome: &[u8]) -> Option<Vec<u8>> {
    let Ok(HospitalMessage::Welcome(welcome)) = wire::decode(welcome) else { return None };
    let study = Study::decode(welcome.study.as_slice()).ok()?.digest();
    let identity = Identity::derive(&Entropy::new([0xF1; 32]));
    let held = [0; 4];
    let body =
        [study.as_bytes(), &welcome.challenge.0[..], identity.id().as_bytes(), &held].concat();
    let signature = identity.sign(SignatureLabel::Identification, &[&body]);
    let signed = SignedBytes { body: body.into(), signature };
    Some(wire::encode(&PeerMessage::Identify(signed)))
}

/// Whether the hospital still serves this connection: everything that waits on it is read.
async fn is_open(socket: &mut Socket) -> bool {
    loop {
        match time::timeout(Duration::ZERO, socket.next()).await {
            Err(_) => return true,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return false,
            Ok(Some(Ok(_))) => {}
        }
    }
}

async fn in_time<T>(step: impl Future<Output = Result<T, AbuseError>>) -> Result<T, AbuseError> {
    time::timeout(PATIENCE, step).await.unwrap_or(Err(AbuseError::TimeIsUp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_three_numbers() {
        let size = AbuseSize { idle: 2_000, stalled: 200, patients: 30 };
        assert_eq!("2000,200,30".parse(), Ok(size));
        for text in ["", "1,2", "1,2,2", "1,2,3,4", "-1,2,3", "1,2,x"] {
            assert_eq!(text.parse::<AbuseSize>(), Err(NotAnAbuseSize(text.to_owned())));
        }
    }
}
