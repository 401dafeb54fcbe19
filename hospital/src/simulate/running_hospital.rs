//! The simulation's hospital.

use std::time::SystemTime;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::SimulationError;
use crate::announcement::Announce;
use crate::limits::Limits;
use crate::native_peer::Connector;
use crate::round_task::RoundHandle;
use crate::server::{Hospital, ServerConfig};
use crate::store::{DataDir, Store};
use crate::study_desk::StudyPlan;
use crate::tls::{self, CertificateFiles};

/// A hospital with one study on a free loopback port, with a certificate of its own.
pub(crate) struct RunningHospital {
    pub(crate) connector: Connector,
    pub(crate) round: RoundHandle,
    stop: oneshot::Sender<()>,
    stopped: tokio::task::JoinHandle<()>,
    /// Certificates and data, for as long as the hospital runs.
    _dir: TempDir,
}

impl RunningHospital {
    pub(crate) async fn start(plan: StudyPlan, limits: Limits) -> Result<Self, SimulationError> {
        let dir = tempfile::tempdir()?;
        let (certs, _) = wardsum_certs::ensure(dir.path(), SystemTime::now())?;
        let files = CertificateFiles { cert: certs.leaf_cert, key: certs.leaf_key };
        let config = ServerConfig {
            tls: tls::server_config(&files, SystemTime::now())?,
            store: Store::open(DataDir::open(&dir.path().join("data"))?)?,
            plans: vec![plan],
            page: None,
            researcher_page: None,
            allowed_origins: Vec::new(),
            limits,
            announce: Announce::nobody(),
            retention: ServerConfig::RETENTION,
            ops: None,
            control: None,
            certificate: None,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let connector = Connector::new(address, tls::client_config(&certs.ca_cert)?);
        let hospital = Hospital::open(listener, config).await?;
        let round = hospital.desks()[0].current_round();
        let (stop, stopping) = oneshot::channel::<()>();
        let stopped = tokio::spawn(hospital.serve(async {
            // Either way it is time to stop.
            let _ = stopping.await;
        }));
        Ok(Self { connector, round, stop, stopped, _dir: dir })
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        // A hospital that failed while stopping has already done what it was for.
        let _ = self.stopped.await;
    }
}
