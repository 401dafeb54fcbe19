//! The real hospital's binary, on a port of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wardsum_hospital::native_peer::{Connector, Hazards, NativePeer};
use wardsum_hospital::tls;
use wardsum_protocol::Invitation;
use wardsum_protocol::peer::{Event, Memory};
use wardsum_protocol::questionnaire::Response;

use crate::certificates::certificates;
use crate::child::Child;
use crate::settings;
use crate::studies::TestStudy;
use crate::wait::until;

/// How a hospital is started.
#[derive(Clone, Debug, Default)]
pub struct HospitalOptions {
    /// Another page than the built one.
    pub page: Option<PathBuf>,
    /// Another port than a free one.
    pub port: u16,
    /// Another port of `localhost` whose pages may take part.
    pub also_from: Option<u16>,
    /// Another level of the log than `debug`.
    pub log: Option<&'static str>,
}

/// A running hospital. It ends when it is dropped.
#[derive(Debug)]
pub struct Hospital {
    child: Child,
    port: u16,
    connector_trust: PathBuf,
    options: HospitalOptions,
    /// The studies file, and the data directory.
    files: TempDir,
}

impl Hospital {
    /// Starts a hospital with the built page.
    pub async fn start(studies: &[TestStudy]) -> Result<Self> {
        Self::start_with(studies, HospitalOptions::default()).await
    }

    /// Starts a hospital, and waits until it listens.
    pub async fn start_with(studies: &[TestStudy], options: HospitalOptions) -> Result<Self> {
        let files = TempDir::new().context("cannot make a temporary directory")?;
        write_studies(&files, studies)?;
        let (child, port) = Self::launch(&files, &options, options.port).await?;
        let connector_trust = certificates()?.ca_cert;
        Ok(Self { child, port, connector_trust, options, files })
    }

    /// Changes its studies file, of which it knows once it is started again.
    pub fn change_studies(&self, studies: &[TestStudy]) -> Result<()> {
        write_studies(&self.files, studies)
    }

    /// Starts it again after it has ended, on the same port with the same data.
    pub async fn start_again(&mut self) -> Result<()> {
        (self.child, self.port) = Self::launch(&self.files, &self.options, self.port).await?;
        Ok(())
    }

    /// Starts the binary, and waits until it listens.
    async fn launch(files: &TempDir, options: &HospitalOptions, port: u16) -> Result<(Child, u16)> {
        let certificates = certificates()?;
        let page = match &options.page {
            Some(page) => page.clone(),
            None => settings::page()?,
        };
        let mut command = Command::new(settings::hospital()?);
        // What the person at the keyboard has set for their own hospital does not reach this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WARDSUM_") {
                command.env_remove(name);
            }
        }
        command
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .arg("--studies")
            .arg(files.path().join("studies.toml"))
            .arg("--data")
            .arg(files.path().join("data"))
            .arg("--page")
            .arg(page)
            .arg("--cert")
            .arg(&certificates.leaf_cert)
            .arg("--key")
            .arg(&certificates.leaf_key)
            .args(["--log", options.log.unwrap_or("debug"), "--log-format", "text"]);
        if let Some(port) = options.also_from {
            command.args(["--allowed-origin", &format!("https://localhost:{port}")]);
        }
        let child = Child::start("the hospital", &mut command)?;
        let port = child
            .wait_for("the port that it listens on", |line| {
                line.strip_prefix("listening on https://localhost:")?
                    .trim_end_matches('/')
                    .parse()
                    .ok()
            })
            .await?;
        Ok((child, port))
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The origin of its own page.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Everything that it has printed: what is said at the terminal, and the log.
    #[must_use]
    pub fn output(&self) -> String {
        self.child.output()
    }

    /// Waits until it has printed a line that contains `text`.
    pub async fn says(&self, text: &str) -> Result<String> {
        let found = |line: &str| line.contains(text).then(|| line.to_owned());
        self.child.wait_for(&format!("“{text}”"), found).await
    }

    /// One study at its status API.
    pub async fn study(&self, id: &str) -> Result<Value> {
        let mut stream = self.connector()?.open_tls().await?;
        let request = format!(
            "GET /api/v1/studies/{id} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
            self.port
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8(answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "the status API answered: {head}");
        Ok(serde_json::from_str(body)?)
    }

    /// Waits until a study stands as `holds` wants it; `what` says in an error what that is.
    pub async fn until_study(
        &self,
        id: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        until(what, async || Ok(Some(self.study(id).await?).filter(|study| holds(study)))).await
    }

    /// Connects a patient without a browser.
    pub async fn native_patient(&self, study: &str) -> Result<NativePeer> {
        self.native_patient_with(study, Hazards::default()).await
    }

    /// Connects a patient without a browser, and lets these things happen to it.
    pub async fn native_patient_with(&self, study: &str, hazards: Hazards) -> Result<NativePeer> {
        let connector = self.connector()?;
        Self::ready(NativePeer::connect_with(&connector, study, None, hazards).await?).await
    }

    /// Connects a patient without a browser who is invited.
    pub async fn invited_patient(&self, study: &str, invitation: Invitation) -> Result<NativePeer> {
        let connector = self.connector()?;
        Self::ready(NativePeer::connect_invited(&connector, study, invitation).await?).await
    }

    /// The question can be answered.
    async fn ready(mut patient: NativePeer) -> Result<NativePeer> {
        while patient.study().is_none() {
            patient.next_event().await.context("the hospital sends the study first")?;
        }
        Ok(patient)
    }

    /// Plays a patient without a browser who comes back with this memory, to the end.
    pub async fn native_return(&self, study: &str, memory: Memory) -> Result<()> {
        Self::native_end(NativePeer::resume(&self.connector()?, study, memory).await).await
    }

    /// Plays patients without browsers, at the same time, from their answers to the end.
    pub async fn native_rounds(&self, study: &str, answers: &[i128]) -> Result<()> {
        try_join_all(answers.iter().map(|answer| self.native_round(study, *answer))).await?;
        Ok(())
    }

    async fn native_round(&self, study: &str, answer: i128) -> Result<()> {
        let mut patient = self.native_patient(study).await?;
        patient.answer_number(answer).await?;
        Self::native_end(patient).await
    }

    /// Plays a patient without a browser who gives these responses, one to each question, to the end.
    pub async fn native_responses(&self, study: &str, responses: Vec<Response>) -> Result<()> {
        let mut patient = self.native_patient(study).await?;
        patient.answer(responses).await?;
        Self::native_end(patient).await
    }

    /// Makes a researcher, `editor` or `viewer`, as an operator does, and gives the token.
    pub fn researcher(&self, name: &str, role: &str) -> Result<String> {
        let output = self.operate(&["researcher", "add", name, "--role", role])?;
        let token = output.lines().next().context("the token is the first line")?;
        Ok(token.to_owned())
    }

    /// Refuses a researcher's token from now on.
    pub fn revoke_researcher(&self, name: &str) -> Result<()> {
        self.operate(&["researcher", "revoke", name]).map(drop)
    }

    /// Runs a command on its data directory, and gives what it prints.
    fn operate(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(settings::hospital()?);
        command.args(arguments).arg("--data").arg(self.files.path().join("data"));
        let output = command.output().context("cannot start the program")?;
        ensure!(output.status.success(), "{arguments:?} failed: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    }

    async fn native_end(mut patient: NativePeer) -> Result<()> {
        let mut last = None;
        while let Some(event) = patient.next_event().await {
            last = Some(event);
        }
        patient.close().await;
        let published = matches!(last, Some(Event::Published(_)));
        ensure!(published, "a patient without a browser ended with {last:?}");
        Ok(())
    }

    /// Takes invitations to a study back, as an operator does.
    pub fn revoke(&self, study: &str, serials: &[u32]) -> Result<()> {
        let list = self.files.path().join("revoked.txt");
        let lines: Vec<String> = serials.iter().map(|serial| format!("{serial}\n")).collect();
        fs::write(&list, lines.concat()).context("cannot write the list")?;
        let data = self.files.path().join("data");
        let mut command = Command::new(settings::hospital()?);
        command.args(["study", "revoke", "--study", study]);
        let output = command.arg("--data").arg(data).arg("--serials").arg(list).output()?;
        ensure!(output.status.success(), "the invitations were not taken back: {output:?}");
        Ok(())
    }

    /// Checks a transcript with a receipt, as anybody can who has the program.
    pub fn verify(transcript: &Path, receipt: &Path) -> Result<Output> {
        let mut command = Command::new(settings::hospital()?);
        command.arg("verify").arg(transcript).arg("--receipt").arg(receipt);
        command.output().context("cannot start the program")
    }

    /// Asks it to stop, as Ctrl-C does, and waits until it has.
    pub fn stop(&mut self) -> Result<()> {
        let status = self.child.terminate()?;
        ensure!(status.success(), "the hospital ended with {status}:\n{}", self.output());
        Ok(())
    }

    /// Cuts it off, as a power failure does.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        Ok(())
    }

    /// Deletes its data, as long as it does not run.
    pub fn forget(&self) -> Result<()> {
        fs::remove_dir_all(self.files.path().join("data")).context("cannot delete the data")
    }

    pub(crate) fn connector(&self) -> Result<Connector> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        Ok(Connector::new(address, tls::client_config(&self.connector_trust)?))
    }
}

fn write_studies(files: &TempDir, studies: &[TestStudy]) -> Result<()> {
    fs::write(files.path().join("studies.toml"), TestStudy::file(studies))
        .context("cannot write the studies file")
}

impl Drop for Hospital {
    fn drop(&mut self) {
        // For whoever looks into a failure; without it the failure is still told.
        if let Ok(artifacts) = settings::artifacts() {
            let _ = fs::write(artifacts.join(format!("hospital-{}.log", self.port)), self.output());
        }
    }
}
