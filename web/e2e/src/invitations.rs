//! Studies for the invited, and the links to them.

use std::path::Path;

use anyhow::Result;
use wardsum_hospital::studies_file::StudiesFile;
use wardsum_protocol::{Authority, Invitation, Study};

use crate::studies::TestStudy;

/// A study for people whom an authority invites, and its one round.
#[derive(Debug)]
pub struct Invitations {
    /// The study, for the hospital.
    pub study: TestStudy,
    authority: Authority,
    round: Study,
}

impl Invitations {
    /// Lets people into a study by invitation only. `round` tells its rounds apart.
    pub fn to(study: TestStudy, round: u8) -> Result<Self> {
        let authority = Authority::new(&[0xa7; 32]);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        let key = hex(authority.key().as_bytes()).concat();
        let instance = hex(&[round; 16]).concat();
        let admission = format!("authority = \"{key}\"\ninstance = \"{instance}\"\n");
        let study = TestStudy { admission: Some(admission), ..study };
        let file = TestStudy::file(std::slice::from_ref(&study));
        let file = StudiesFile::parse(&file, Path::new("studies.toml"))?;
        let round = Study::new(file.plans[0].parameters().clone())?;
        Ok(Self { study, authority, round })
    }

    /// Somebody's invitation. All of them may serve on the committee.
    pub fn invitation(&self, serial: u8) -> Result<Invitation> {
        Ok(self.authority.invite(&self.round, serial.into(), true, [serial; 32].into())?)
    }

    /// Somebody's personal link.
    pub fn link(&self, origin: &str, serial: u8) -> Result<String> {
        Ok(format!("{origin}/?study={}#{}", self.study.id, *self.invitation(serial)?.fragment()))
    }
}
