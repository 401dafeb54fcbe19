//! Where the round takes place: in this process, or in one that is killed now and then.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::hospital_process::HospitalProcess;
use super::killer::Killer;
use super::round_view::Window;
use super::tally::Tally;
use super::{RunningHospital, Simulation, SimulationError};
use crate::native_peer::Connector;
use crate::study_desk::StudyPlan;

/// A running hospital.
pub(super) enum Venue {
    /// In this process.
    Here(RunningHospital),
    /// In one of its own.
    Process(HospitalProcess),
}

/// A hospital while the round runs.
pub(super) struct Stage {
    hospital: Hospital,
    /// Tells the killer that the round is over.
    over: CancellationToken,
    /// Cancelled when the hospital has failed, so that the peers need not go on.
    pub(super) broken: CancellationToken,
}

enum Hospital {
    Here(RunningHospital),
    Killed(JoinHandle<Result<HospitalProcess, SimulationError>>),
}

impl Venue {
    pub(super) async fn open(
        simulation: &Simulation,
        plan: StudyPlan,
    ) -> Result<Self, SimulationError> {
        if simulation.mishaps.kill_hospital > 0 {
            HospitalProcess::start(simulation).await.map(Self::Process)
        } else {
            RunningHospital::start(plan, simulation.limits()).await.map(Self::Here)
        }
    }

    pub(super) fn connector(&self) -> &Connector {
        match self {
            Self::Here(hospital) => &hospital.connector,
            Self::Process(hospital) => &hospital.connector,
        }
    }

    pub(super) fn window(&self) -> Window {
        match self {
            Self::Here(hospital) => {
                Window::Here(hospital.round.watch(), hospital.round.study().clone())
            }
            Self::Process(hospital) => Window::Api(hospital.connector.clone()),
        }
    }

    /// The round begins; from now on a process of its own is killed now and then, on `runtime`.
    pub(super) fn begin(
        self,
        simulation: &Simulation,
        tally: &Arc<Tally>,
        runtime: &Runtime,
    ) -> Stage {
        let (over, broken) = (CancellationToken::new(), CancellationToken::new());
        let hospital = match self {
            Self::Here(hospital) => Hospital::Here(hospital),
            Self::Process(hospital) => {
                let mishaps = &simulation.mishaps;
                let (times, seed) = (mishaps.kill_hospital, mishaps.seed);
                let killer =
                    Killer::new(times, simulation.steps(), seed, Arc::clone(tally), over.clone());
                let broken = broken.clone();
                Hospital::Killed(runtime.spawn(async move {
                    let hospital = killer.run(hospital).await;
                    if hospital.is_err() {
                        broken.cancel();
                    }
                    hospital
                }))
            }
        };
        Stage { hospital, over, broken }
    }

    /// Stops the hospital.
    pub(super) async fn close(self) {
        match self {
            Self::Here(hospital) => hospital.stop().await,
            // Dropping it ends the process.
            Self::Process(hospital) => drop(hospital),
        }
    }
}

impl Stage {
    /// The peers have done their part, and nobody is killed any more.
    pub(super) async fn end(self) -> Result<Venue, SimulationError> {
        self.over.cancel();
        match self.hospital {
            Hospital::Here(hospital) => Ok(Venue::Here(hospital)),
            Hospital::Killed(killing) => match killing.await {
                Ok(hospital) => hospital.map(Venue::Process),
                Err(error) => Err(SimulationError::Hospital(error.to_string())),
            },
        }
    }
}
