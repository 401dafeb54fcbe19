//! The hospital's relay next to a bare one.
//!
//! What is compared is one round's traffic while contributing: each of n connections sends one
//! contribution of n sealed shares, is sent a short acknowledgement, and is sent its share of each
//! contribution. The contributions are sealed before the clock starts, and what arrives is counted
//! and thrown away, so that the connections' far ends cost the same on both sides.

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::task::{self, JoinSet};
use tokio::time;
use tokio_tungstenite::tungstenite::{self, Bytes, Message};
use wardsum_protocol::identity::SIGNATURE_LEN;
use wardsum_protocol::peer::{Event, Input, Output, Peer, Stage};
use wardsum_protocol::questionnaire::Response;
use wardsum_protocol::{Entropy, MessageDigest, Timestamp};

use super::bare_relay::{BareRelay, Cut};
use super::micros;
use crate::clock::Clock;
use crate::cpu::{self, CpuMeter};
use crate::native_peer::{ConnectError, Connector, Socket};
use crate::simulate::{RunningHospital, STUDY, Simulation, SimulationError};

/// How long threads are given to come to rest, so that their processor time is complete.
const REST: Duration = Duration::from_millis(100);

/// The hospital and the bare relay at the same task.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// How many connections.
    pub connections: u32,
    /// Bytes of each contribution.
    pub contribution_bytes: usize,
    /// Bytes of each share on its way to a member.
    pub delivery_bytes: usize,
    /// KEM, tag and field elements of one share, in bytes.
    pub share_bytes: usize,
    /// Messages through the relay: contributions, acknowledgements and deliveries.
    pub messages: u64,
    /// Processor time of the digest of each contribution, which its signature and the store's checksum
    /// are of and which the bare relay does not make. In microseconds.
    pub digests_cpu_us: u64,
    /// The hospital.
    pub ours: Relayed,
    /// A relay that does nothing but pass the bytes on.
    pub bare: Relayed,
}

/// What relaying took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Relayed {
    /// From the first byte sent until everything had arrived everywhere, in microseconds.
    pub wall_us: u64,
    /// Processor time of the relay, the threads of the store included, in microseconds.
    pub relay_cpu_us: u64,
    /// Processor time of the threads at the connections' far ends, in microseconds.
    pub far_ends_cpu_us: u64,
}

impl Relayed {
    fn mean(self, other: Self) -> Self {
        Self {
            wall_us: self.wall_us.midpoint(other.wall_us),
            relay_cpu_us: self.relay_cpu_us.midpoint(other.relay_cpu_us),
            far_ends_cpu_us: self.far_ends_cpu_us.midpoint(other.far_ends_cpu_us),
        }
    }
}

/// Why relaying could not be measured.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The hospital did not start.
    #[error(transparent)]
    Simulation(Box<SimulationError>),
    /// A connection was refused.
    #[error("a connection to the relay failed: {0}")]
    Connect(#[from] ConnectError),
    /// A connection broke.
    #[error("a connection to the relay broke: {0}")]
    Broken(String),
    /// Something took far too long.
    #[error("relaying was not over after {} s", .0.as_secs())]
    TimeIsUp(Duration),
}

impl From<SimulationError> for RelayError {
    fn from(error: SimulationError) -> Self {
        Self::Simulation(Box::new(error))
    }
}

impl From<tungstenite::Error> for RelayError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// An open connection, and the contribution that will go over it.
type Loaded = (Socket, Bytes);

/// Relays one round's contributions through the hospital, and the same bytes through a bare relay.
pub(super) fn compare(simulation: &Simulation) -> Result<Comparison, RelayError> {
    let plan = simulation.plan().map_err(SimulationError::from)?;
    let connections = simulation.answers.all().len();
    let (relay, _) = CpuMeter::runtime("hospital").map_err(SimulationError::from)?;
    let (far_ends, far_ends_cpu) = CpuMeter::runtime("peers").map_err(SimulationError::from)?;
    let stage = Stopwatch { far_ends: &far_ends, far_ends_cpu };

    let hospital = relay.block_on(RunningHospital::start(plan, simulation.limits()))?;
    let share_bytes = hospital.round.study().sealed_share_len();
    let loaded = far_ends.block_on(in_time(simulation.deadline, async {
        let mut tasks = JoinSet::new();
        for answer in simulation.answers.all().iter().cloned() {
            let connector = hospital.connector.clone();
            tasks.spawn(async move { seal_contribution(&connector, answer).await });
        }
        all(tasks).await
    }))?;
    let contributions: Vec<Bytes> = loaded.iter().map(|(_, bytes)| bytes.clone()).collect();
    let contribution_bytes = contributions[0].len();
    let head = contribution_bytes - connections * share_bytes;
    // Before each share stand type, number, sender, signature and the path to the root over all of them
    // (PROTOCOL.md, "Delivery"), which is shorter for some where their number is no power of two.
    let levels = connections.next_power_of_two().ilog2() as usize;
    let delivery_bytes = 1 + 4 + 2 + SIGNATURE_LEN + 2 + 32 * levels + share_bytes;

    let cut = Cut { head, piece: share_bytes, delivery: delivery_bytes };
    let bare = || stage.relay_bare(&relay, &contributions, cut, simulation.deadline);
    // Bare before and after, so that neither side always finds the memory that the other has left.
    let before = bare()?;
    let ours = stage.relay(loaded, share_bytes..=delivery_bytes, simulation.deadline)?;
    relay.block_on(hospital.stop());
    let after = bare()?;

    let began = cpu::this_thread();
    for contribution in &contributions {
        black_box(MessageDigest::of(black_box(contribution)));
    }
    let digests_cpu = cpu::this_thread().saturating_sub(began);

    let n = connections as u64;
    Ok(Comparison {
        connections: u32::try_from(connections).unwrap_or(u32::MAX),
        contribution_bytes,
        delivery_bytes,
        share_bytes,
        messages: n + n + n * n,
        digests_cpu_us: micros(digests_cpu),
        ours,
        bare: before.mean(after),
    })
}

/// Measures how long loaded connections take.
struct Stopwatch<'a> {
    far_ends: &'a Runtime,
    far_ends_cpu: CpuMeter,
}

impl Stopwatch<'_> {
    /// Starts a bare relay, connects to it and has it relay the contributions.
    fn relay_bare(
        &self,
        relay: &Runtime,
        contributions: &[Bytes],
        cut: Cut,
        deadline: Duration,
    ) -> Result<Relayed, RelayError> {
        let bare = relay.block_on(BareRelay::start(contributions.len(), cut))?;
        let loaded = self.far_ends.block_on(in_time(deadline, async {
            let mut tasks = JoinSet::new();
            for contribution in contributions.iter().cloned() {
                let connector = bare.connector.clone();
                tasks.spawn(
                    async move { Ok((connector.connect(STUDY, None).await?, contribution)) },
                );
            }
            all(tasks).await
        }))?;
        self.relay(loaded, cut.delivery..=cut.delivery, deadline)
    }

    fn relay(
        &self,
        loaded: Vec<Loaded>,
        delivery_bytes: RangeInclusive<usize>,
        deadline: Duration,
    ) -> Result<Relayed, RelayError> {
        let deliveries = loaded.len();
        std::thread::sleep(REST);
        let (process_cpu, far_ends_cpu) = (cpu::this_process(), self.far_ends_cpu.read());
        let began = Instant::now();
        let sockets = self.far_ends.block_on(in_time(deadline, async {
            let mut tasks = JoinSet::new();
            for (mut socket, contribution) in loaded {
                let delivery_bytes = delivery_bytes.clone();
                tasks.spawn(async move {
                    socket.send(Message::Binary(contribution)).await?;
                    count(&mut socket, deliveries, &delivery_bytes).await?;
                    Ok(socket)
                });
            }
            all(tasks).await
        }))?;
        let wall = began.elapsed();
        std::thread::sleep(REST);
        let far_ends_cpu = self.far_ends_cpu.read().saturating_sub(far_ends_cpu);
        let process_cpu = cpu::this_process().saturating_sub(process_cpu);
        let relayed = Relayed {
            wall_us: micros(wall),
            // Nobody else does anything meanwhile.
            relay_cpu_us: micros(process_cpu.saturating_sub(far_ends_cpu)),
            far_ends_cpu_us: micros(far_ends_cpu),
        };
        // Only now: closing connections is no part of relaying.
        drop(sockets);
        Ok(relayed)
    }
}

/// Receives until so many messages of this length have come.
async fn count(
    socket: &mut Socket,
    messages: usize,
    len: &RangeInclusive<usize>,
) -> Result<(), RelayError> {
    let mut arrived = 0;
    while arrived < messages {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => arrived += usize::from(len.contains(&bytes.len())),
            Some(Ok(Message::Close(_))) | None => {
                return Err(RelayError::Broken("the relay closed it".to_owned()));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Takes part in a round up to the point where the contribution is ready to be sent.
async fn seal_contribution(
    connector: &Connector,
    answer: Vec<Response>,
) -> Result<Loaded, RelayError> {
    let mut socket = connector.connect(STUDY, None).await?;
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(ConnectError::from)?;
    let clock = Clock::starting_at(Timestamp::default());
    let mut machine = Peer::new(Entropy::new(entropy), clock.now());
    let (mut input, mut due) = (Input::Connected, None);
    loop {
        machine.handle(input, clock.now());
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Send(bytes) if machine.stage() == Stage::AwaitingManifest => {
                    return Ok((socket, bytes.into()));
                }
                Output::Send(bytes) => socket.send(Message::Binary(bytes.into())).await?,
                Output::Event(Event::StudyReceived(_)) => {
                    machine
                        .answer(answer.clone(), clock.now())
                        .expect("the simulated study allows it");
                }
                Output::Event(Event::SafetyWords { awaited: true, .. }) => {
                    machine.handle(Input::WordsMatch, clock.now());
                }
                Output::Event(Event::Failed(failure)) => {
                    return Err(RelayError::Broken(failure.to_string()));
                }
                Output::Timeout(at) => due = at,
                // The connection stands.
                Output::Connect(_) | Output::Event(_) | Output::Persist(_) => {}
                Output::Disconnect => {
                    return Err(RelayError::Broken("the peer gave the hospital up".to_owned()));
                }
            }
        }
        input = if due.is_some_and(|at| at <= clock.now()) {
            task::yield_now().await;
            Input::Timeout
        } else {
            match socket.next().await {
                Some(Ok(Message::Binary(bytes))) => Input::Message(bytes.into()),
                // To a ping the machine has nothing to say, and a timeout that comes early does nothing.
                Some(Ok(_)) => Input::Timeout,
                Some(Err(error)) => return Err(error.into()),
                None => return Err(RelayError::Broken("the hospital closed it".to_owned())),
            }
        };
    }
}

async fn in_time<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, RelayError>>,
) -> Result<T, RelayError> {
    time::timeout(deadline, work).await.unwrap_or(Err(RelayError::TimeIsUp(deadline)))
}

/// What all tasks return; the first one that fails ends the others.
async fn all<T: 'static>(mut tasks: JoinSet<Result<T, RelayError>>) -> Result<Vec<T>, RelayError> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        done.push(joined.map_err(|error| RelayError::Broken(error.to_string()))??);
    }
    Ok(done)
}
