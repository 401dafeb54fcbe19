//! `hospital invite`: the authority's own command, for a machine that has nothing to do with the hospital.
//!
//! ```text
//! study file + the authority's key --> directory: study.toml    for the hospital (no secret)
//!                                                 links.txt, links.csv, invitations.html    one per person
//!                                                 authority.key    stays with the authority
//! ```
//!
//! Nothing is half done: the directory appears when everything is in it, and what exists is never replaced.

mod address;
mod authority_key;
mod directory;
mod draw;
mod links;
mod page;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use wardsum_protocol::study::MAXIMUM_COHORT;
use wardsum_protocol::{
    Admission, Invitation, NotTheAuthority, Study, StudyError, StudyParameters,
};
use zeroize::Zeroizing;

pub use address::{Address, AddressError};
use authority_key::AuthorityKey;
pub use authority_key::KeyError;
use directory::Directory;

use crate::studies_file::{self, StudiesFile, StudiesFileError};
use crate::study_desk::StudyId;

/// The name of the authority's key in the directory that is made.
const KEY_FILE: &str = "authority.key";

/// The most people on one printable page: more make it too large for a browser.
pub const PAGE_MAX: u32 = 2_000;

/// How many times as many people may serve as there are seats, if nothing is said: not everybody comes.
const SPARE_SEATS: u32 = 2;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Inviting {
    /// The study file: one `[[study]]`, as the hospital's studies file has it.
    pub study: PathBuf,
    /// How many people are invited, 1 to [`MAXIMUM_COHORT`].
    pub count: u32,
    /// How many of them may serve on the committee; drawn at random who.
    pub may_serve: Option<u32>,
    /// The number of the first invitation; 1 if nothing is said, for a study without invitations so far.
    pub first: Option<u32>,
    /// The authority's key, which is made there if it is missing.
    pub key: Option<PathBuf>,
    /// Where the study's page is.
    pub address: Address,
    /// The directory to make.
    pub out: PathBuf,
    /// Whether there is to be a printable page.
    pub page: bool,
}

/// The study file for the hospital.
const STUDY_FILE: &str = "study.toml";

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The directory.
    pub out: PathBuf,
    /// The study.
    pub study: Study,
    /// The first and the last number.
    pub serials: (u32, u32),
    /// How many may serve.
    pub may_serve: u32,
    /// The authority's key, and whether it was made.
    pub key: (PathBuf, bool),
    /// The files that the hospital needs: none if it has them from earlier invitations.
    pub for_the_hospital: Vec<PathBuf>,
}

/// A questionnaire that the study file names, which the hospital gets too.
struct Questionnaire {
    name: String,
    bytes: Vec<u8>,
}

/// Why nothing was made. Each text says what to do.
#[derive(Debug, Error)]
pub enum InviteError {
    /// The study file.
    #[error(transparent)]
    StudyFile(#[from] StudiesFileError),
    /// More than one study.
    #[error("{path} has {count} studies; invitations are for one: give it a file of its own", path = .path.display())]
    SeveralStudies {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// A questionnaire elsewhere than beside the study file, which would not find it again.
    #[error(
        "{path} names a questionnaire in another directory, {name}; put it beside the study file, which the \
         hospital gets together with it, and name only the file", path = .path.display(), name = .name.display()
    )]
    QuestionnaireElsewhere {
        /// The study file.
        path: PathBuf,
        /// What it names.
        name: PathBuf,
    },
    /// The questionnaire is gone since it was read.
    #[error("the questionnaire {file} cannot be read: {source}", file = .file.display())]
    QuestionnaireGone {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Written in a way that nothing can be put behind.
    #[error(
        "the authority cannot be entered in {path}: write the study as one [[study]] table, and let no other \
         table follow that needs to be last",
        path = .path.display()
    )]
    NotExtendable {
        /// The file.
        path: PathBuf,
    },
    /// Nobody, or more than any study can have.
    #[error("--count is {0}; invite 1 to {MAXIMUM_COHORT} people")]
    Count(u32),
    /// Numbers beyond 32 bits.
    #[error("{count} invitations from number {first} on go beyond the last number, {last}", last = u32::MAX)]
    Numbers {
        /// `--first`.
        first: u32,
        /// `--count`.
        count: u32,
    },
    /// Fewer people than the study needs.
    #[error(
        "--count is {count}, and the study needs {minimum} people (minimum_cohort); invite more"
    )]
    TooFew {
        /// `--count`.
        count: u32,
        /// `minimum_cohort`.
        minimum: u32,
    },
    /// A printable page for too many.
    #[error(
        "a printable page for {count} people is too large for a browser, which takes {PAGE_MAX}; add \
         --no-page and have the cards printed from links.csv, or invite in several turns"
    )]
    PageTooLong {
        /// `--count`.
        count: u32,
    },
    /// More who may serve than are invited.
    #[error("--may-serve is {may_serve}, and only {count} people are invited")]
    MoreServeThanCome {
        /// `--may-serve`.
        may_serve: u32,
        /// `--count`.
        count: u32,
    },
    /// Fewer who may serve than the committee needs.
    #[error(
        "{may_serve} may serve on the committee, which needs {need} ({rule}); raise --may-serve"
    )]
    CommitteeUnreachable {
        /// How many may serve.
        may_serve: u32,
        /// How many must.
        need: u32,
        /// Which rule of the study says so.
        rule: &'static str,
    },
    /// The study has invitations, and it is not said with which number more begin.
    #[error(
        "{path} has an authority already, so people were invited before; say with --first which number is \
         free (links.csv has those that are not)",
        path = .path.display()
    )]
    FirstMissing {
        /// The study file.
        path: PathBuf,
    },
    /// The study has invitations, and the key is not given.
    #[error(
        "{path} has an authority already; give its key with --key FILE", path = .path.display()
    )]
    KeyMissing {
        /// The study file.
        path: PathBuf,
    },
    /// The key of another authority.
    #[error(
        "{key} is not the key of the authority that {path} names", key = .key.display(), path = .path.display()
    )]
    ForeignKey {
        /// The key file.
        key: PathBuf,
        /// The study file.
        path: PathBuf,
    },
    /// The authority's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The directory is there.
    #[error("{path} exists already; name another directory with --out", path = .path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// The directory, or something in it, cannot be written.
    #[error("{path} cannot be written: {source}", path = .path.display())]
    Unwritable {
        /// What.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A link that no QR code holds.
    #[error("the links are too long for a QR code; shorten --address, or add --no-page")]
    LinkTooLong,
    /// The study's rules.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// No randomness.
    #[error("the operating system gives no randomness: {0}")]
    Entropy(#[from] getrandom::Error),
}

/// One person's invitation.
struct Link {
    /// From 1 on in this directory.
    number: u32,
    serial: u32,
    may_serve: bool,
    /// The whole link, a secret.
    text: Zeroizing<String>,
}

/// The study that is invited to, and the file that says so.
struct InvitedStudy {
    id: StudyId,
    study: Study,
    /// The study file for the hospital; none if it has it.
    file: Option<String>,
}

impl Inviting {
    /// Makes everything, or nothing.
    pub fn run(&self) -> Result<Invited, InviteError> {
        let (id, parameters, questionnaire) = self.read_study()?;
        self.check_count()?;
        let named = match parameters.admission {
            Admission::Open => None,
            Admission::Invited { authority } => Some(authority),
        };
        let first = match (self.first, named) {
            (Some(first), _) => first,
            (None, None) => 1,
            (None, Some(_)) => return Err(InviteError::FirstMissing { path: self.study.clone() }),
        };
        let last = first.checked_add(self.count - 1);
        let last = last.ok_or(InviteError::Numbers { first, count: self.count })?;
        let may_serve = self.may_serve(&parameters, named.is_some())?;
        let directory = Directory::prepare(&self.out)?;
        let key = self.key(named)?;
        let invited = self.invited_study(id, parameters, &key)?;
        let links = self.links(&invited, &key, first, may_serve)?;

        let mut for_the_hospital = Vec::new();
        if let Some(file) = &invited.file {
            directory.write(STUDY_FILE, file.as_bytes(), 0o644)?;
            for_the_hospital.push(self.out.join(STUDY_FILE));
            if let Some(Questionnaire { name, bytes }) = &questionnaire {
                directory.write(name, bytes, 0o644)?;
                for_the_hospital.push(self.out.join(name));
            }
        }
        directory.write("links.txt", links::text(&links).as_bytes(), 0o600)?;
        directory.write("links.csv", links::csv(&links).as_bytes(), 0o600)?;
        if self.page {
            let page = page::page(&invited.study, &links)?;
            directory.write("invitations.html", page.as_bytes(), 0o600)?;
        }
        let key_file = self.key.clone().unwrap_or_else(|| self.out.join(KEY_FILE));
        if key.is_new && self.key.is_none() {
            directory.write(KEY_FILE, key.text().as_bytes(), 0o600)?;
            directory.appear()?;
        } else if key.is_new {
            // The directory last: where it is there, so is the key.
            let placed = key.place(&key_file)?;
            directory.appear()?;
            placed.keep();
        } else {
            directory.appear()?;
        }
        Ok(Invited {
            out: self.out.clone(),
            study: invited.study,
            serials: (first, last),
            may_serve,
            key: (key_file, key.is_new),
            for_the_hospital,
        })
    }

    fn read_study(&self) -> Result<(StudyId, StudyParameters, Option<Questionnaire>), InviteError> {
        let StudiesFile { mut plans, mut questionnaires, .. } = StudiesFile::read(&self.study)?;
        let path = self.study.clone();
        let plan = match (plans.pop(), plans.len()) {
            (Some(plan), 0) => plan,
            (None, _) => return Err(StudiesFileError::Empty(path).into()),
            (Some(_), more) => return Err(InviteError::SeveralStudies { path, count: more + 1 }),
        };
        let questionnaire =
            questionnaires.pop().map(|name| self.questionnaire(name)).transpose()?;
        Ok((plan.id().clone(), plan.parameters().clone(), questionnaire))
    }

    /// The questionnaire of this name beside the study file.
    fn questionnaire(&self, name: PathBuf) -> Result<Questionnaire, InviteError> {
        let plain = name.to_str().filter(|_| name.file_name() == Some(name.as_os_str()));
        let Some(plain) = plain.map(str::to_owned) else {
            return Err(InviteError::QuestionnaireElsewhere { path: self.study.clone(), name });
        };
        let file = parent(&self.study).join(&plain);
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Questionnaire { name: plain, bytes }),
            Err(source) => Err(InviteError::QuestionnaireGone { file, source }),
        }
    }

    fn check_count(&self) -> Result<(), InviteError> {
        if !(1..=MAXIMUM_COHORT).contains(&self.count) {
            return Err(InviteError::Count(self.count));
        }
        if self.page && self.count > PAGE_MAX {
            return Err(InviteError::PageTooLong { count: self.count });
        }
        Ok(())
    }

    /// How many may serve, so that the committee can be filled with the first invitations.
    fn may_serve(&self, study: &StudyParameters, more: bool) -> Result<u32, InviteError> {
        let count = self.count;
        let usual = if more { 0 } else { count.min(SPARE_SEATS * u32::from(study.committee_cap)) };
        let may_serve = self.may_serve.unwrap_or(usual);
        if may_serve > count {
            return Err(InviteError::MoreServeThanCome { may_serve, count });
        }
        if more {
            return Ok(may_serve);
        }
        if count < study.minimum_cohort {
            return Err(InviteError::TooFew { count, minimum: study.minimum_cohort });
        }
        let smallest = study.minimum_cohort.min(study.committee_cap.into());
        let closes_at = study.enrolment.count.unwrap_or(0);
        for (need, rule) in [(smallest, "minimum_cohort"), (closes_at, "the count of enrolment")] {
            if may_serve < need {
                return Err(InviteError::CommitteeUnreachable { may_serve, need, rule });
            }
        }
        Ok(may_serve)
    }

    /// The authority's key: the one that is there, or a new one for a study that names none.
    fn key(&self, named: Option<[u8; 32]>) -> Result<AuthorityKey, InviteError> {
        let existing = self.key.as_ref().filter(|file| named.is_some() || file.exists());
        let Some(file) = existing else {
            return match named {
                None => Ok(AuthorityKey::draw()?),
                Some(_) => Err(InviteError::KeyMissing { path: self.study.clone() }),
            };
        };
        let key = AuthorityKey::read(file)?;
        if named.is_some_and(|named| named != *key.authority.key().as_bytes()) {
            let (key, path) = (file.clone(), self.study.clone());
            return Err(InviteError::ForeignKey { key, path });
        }
        Ok(key)
    }

    /// The study with its authority. A study without one gets this one, and the round that the invitations
    /// are bound to.
    fn invited_study(
        &self,
        id: StudyId,
        parameters: StudyParameters,
        key: &AuthorityKey,
    ) -> Result<InvitedStudy, InviteError> {
        if parameters.admission != Admission::Open {
            return Ok(InvitedStudy { id, study: Study::new(parameters)?, file: None });
        }
        let mut instance = [0; 16];
        getrandom::fill(&mut instance)?;
        let authority = *key.authority.key().as_bytes();
        let study = Study::new(StudyParameters {
            instance,
            admission: Admission::Invited { authority },
            ..parameters
        })?;
        let unreadable = |source| StudiesFileError::Unreadable { path: self.study.clone(), source };
        let text = std::fs::read_to_string(&self.study).map_err(unreadable)?;
        let file = format!(
            "# A study for people with an invitation, for the hospital. Nothing in this file is secret.\n\
             # Study digest: {}\n\n{}\n\n{}",
            study.digest(),
            text.trim_end(),
            studies_file::admission_table(&authority, &instance),
        );
        // The hospital has to read the same study out of it.
        let read = match StudiesFile::parse(&file, &self.study) {
            Ok(read) => read,
            Err(error @ StudiesFileError::InvitedReopens { .. }) => return Err(error.into()),
            Err(_) => return Err(InviteError::NotExtendable { path: self.study.clone() }),
        };
        if read.plans.len() != 1 || read.plans[0].parameters() != study.parameters() {
            return Err(InviteError::NotExtendable { path: self.study.clone() });
        }
        Ok(InvitedStudy { id, study, file: Some(file) })
    }

    fn links(
        &self,
        invited: &InvitedStudy,
        key: &AuthorityKey,
        first: u32,
        may_serve: u32,
    ) -> Result<Vec<Link>, InviteError> {
        let drawn = draw::choose(self.count, may_serve)?;
        let mut links = Vec::with_capacity(drawn.len());
        for ((number, serial), may_serve) in (1..).zip(first..=u32::MAX).zip(drawn) {
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut())?;
            let made = key.authority.invite(&invited.study, serial, may_serve, seed);
            let invitation: Invitation =
                made.unwrap_or_else(|NotTheAuthority| unreachable!("the study names this key"));
            let text = self.address.link(&invited.id, &invitation);
            links.push(Link { number, serial, may_serve, text });
        }
        Ok(links)
    }
}

impl fmt::Display for Invited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { out, study, serials: (first, last), may_serve, key, for_the_hospital } = self;
        let people = last - first + 1;
        writeln!(f, "{people} invitations, numbers {first} to {last}, are in {}", out.display())?;
        writeln!(f, "{may_serve} of them, drawn at random, may serve on the committee")?;
        writeln!(f, "study digest:    {}", study.digest())?;
        let (file, made) = (key.0.display(), if key.1 { "made" } else { "reused" });
        writeln!(
            f,
            "authority's key: {file} ({made}); keep it secret, and away from the hospital"
        )?;
        if !for_the_hospital.is_empty() {
            let files = for_the_hospital.iter().map(|file| file.display().to_string());
            let files = files.collect::<Vec<_>>().join(" and ");
            write!(f, "Give the hospital {files} and nothing else; ")?;
        }
        write!(f, "give each person one link, and keep no copy.")
    }
}

impl InviteError {
    /// Whether what was asked for must be changed before it can work.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        !matches!(self, Self::Unwritable { .. } | Self::Entropy(_))
    }
}

/// The directory that something is in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
