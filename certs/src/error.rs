//! What can go wrong with certificates, in words for whoever runs the hospital.

use std::io;
use std::path::PathBuf;

/// Why certificates could not be made, kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertError {
    /// There is no such file.
    #[error(
        "there is no certificate at {}; check the path, or make a local one with `hospital certs`",
        path.display()
    )]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// The file is there, but holds no certificate.
    #[error("{} holds no PEM certificate ({reason}); it must begin with `-----BEGIN CERTIFICATE-----`", path.display())]
    NotACertificate {
        /// The file that was read.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or directory it was attempted on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Other users may write to the directory, so they could replace the keys in it.
    #[error(
        "other users can write to {0}, so keys are not safe there; close it with `chmod 700 {0}` or choose another directory",
        path.display()
    )]
    DirectoryOpenToOthers {
        /// The directory.
        path: PathBuf,
    },
    /// The clock shows a time that no certificate can express.
    #[error(
        "the computer's clock is set to a time that certificates cannot express; set it right and try again"
    )]
    ClockOutOfRange,
    /// Keys or certificates could not be generated: a defect here or in the cryptographic library.
    #[error("cannot generate a certificate: {0}")]
    Generate(#[from] rcgen::Error),
}
