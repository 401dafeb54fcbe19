//! The certificates that the tests' servers show, and how a browser is made to trust exactly these.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use wardsum_certs::LocalCerts;
use x509_parser::pem::parse_x509_pem;

use crate::settings;

/// A local authority and leaf of the tests' own.
pub(crate) fn certificates() -> Result<LocalCerts> {
    let directory = settings::scratch("")?.join("certs");
    let (certificates, _) = wardsum_certs::ensure(&directory, SystemTime::now())
        .context("cannot make certificates for the tests")?;
    Ok(certificates)
}

/// The SHA-256 of the leaf's public key, as Chromium's `--ignore-certificate-errors-spki-list` takes it: with it, the
/// browser trusts whoever holds that key, and is as strict as ever with everybody else.
pub(crate) fn key_hash(certificate: &Path) -> Result<String> {
    let unreadable = || format!("{} is no certificate", certificate.display());
    let (_, pem) = parse_x509_pem(&fs::read(certificate).with_context(unreadable)?)
        .ok()
        .with_context(unreadable)?;
    let leaf = pem.parse_x509().with_context(unreadable)?;
    Ok(BASE64_STANDARD.encode(Sha256::digest(leaf.public_key().raw)))
}
