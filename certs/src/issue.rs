//! The authority and the leaf: what is in them, and whether those on disk still serve.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData,
    SanType,
};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

use crate::CertError;
use crate::files::{CA_CERT, CA_KEY, Directory, LEAF_CERT, LEAF_KEY, Secrecy};
use crate::validity::{Validity, first_certificate};

const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = DAY.saturating_mul(365);

const AUTHORITY_LIFETIME: Duration = YEAR.saturating_mul(5);
const AUTHORITY_RENEWED_BELOW: Duration = YEAR;
/// Well below the 825 days above which Apple's systems refuse a leaf.
const LEAF_LIFETIME: Duration = DAY.saturating_mul(90);
const LEAF_RENEWED_BELOW: Duration = DAY.saturating_mul(30);

/// Certificates start this much before they are made, for the sake of a browser in a virtual
/// machine or on a phone whose clock lags.
const BACKDATING: Duration = Duration::from_hours(1);

const HOST: &str = "localhost";
const ADDRESSES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// An authority that can sign: its certificate and the key that belongs to it.
pub(crate) struct Authority {
    certificate: Pem,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority on disk, or `None` if it is missing, damaged, incomplete or due.
    pub(crate) fn load(directory: &Directory, now: SystemTime) -> Result<Option<Self>, CertError> {
        let Some((certificate, key)) = read_pair(directory, CA_CERT, CA_KEY)? else {
            return Ok(None);
        };
        {
            let Ok(x509) = certificate.parse_x509() else { return Ok(None) };
            let serves = x509.is_ca()
                && belongs_to(&x509, &key)
                && outlives(&x509, now, AUTHORITY_RENEWED_BELOW);
            if !serves {
                return Ok(None);
            }
        }
        let der = certificate.contents.as_slice().into();
        Ok(Issuer::from_ca_cert_der(&der, key).ok().map(|issuer| Self { certificate, issuer }))
    }

    /// Makes a new authority and writes it, replacing what is there.
    pub(crate) fn create(directory: &Directory, now: SystemTime) -> Result<Self, CertError> {
        let key = KeyPair::generate()?;
        let params = authority_params(&key, now)?;
        let text = params.self_signed(&key)?.pem();
        // The key goes first. Should the process die in between, the next call sees a certificate
        // that does not belong to the key, and makes both anew.
        directory.write(CA_KEY, &key.serialize_pem(), Secrecy::Secret)?;
        directory.write(CA_CERT, &text, Secrecy::Public)?;
        let certificate = first_certificate(text.as_bytes())
            .expect("what rcgen has just written as PEM reads back as PEM");
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }
}

/// Whether the leaf on disk is whole, not due, for the right names and signed by `authority`.
pub(crate) fn leaf_is_usable(
    directory: &Directory,
    authority: &Authority,
    now: SystemTime,
) -> Result<bool, CertError> {
    let Some((certificate, key)) = read_pair(directory, LEAF_CERT, LEAF_KEY)? else {
        return Ok(false);
    };
    let (Ok(leaf), Ok(ca)) = (certificate.parse_x509(), authority.certificate.parse_x509()) else {
        return Ok(false);
    };
    Ok(belongs_to(&leaf, &key)
        && leaf.issuer() == ca.subject()
        && leaf.verify_signature(Some(ca.public_key())).is_ok()
        && outlives(&leaf, now, LEAF_RENEWED_BELOW)
        && names_loopback(&leaf))
}

/// Makes a new leaf, signed by `authority`, and writes it, replacing what is there.
pub(crate) fn create_leaf(
    directory: &Directory,
    authority: &Authority,
    now: SystemTime,
) -> Result<(), CertError> {
    let key = KeyPair::generate()?;
    let text = leaf_params(now)?.signed_by(&key, &authority.issuer)?.pem();
    directory.write(LEAF_KEY, &key.serialize_pem(), Secrecy::Secret)?;
    directory.write(LEAF_CERT, &text, Secrecy::Public)
}

/// An authority for loopback names and nothing else, which signs leaves and no further authority.
fn authority_params(key: &KeyPair, now: SystemTime) -> Result<CertificateParams, CertError> {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = lifetime(now, AUTHORITY_LIFETIME)?;
    // A browser lists authorities by name. The tag tells this one from an earlier one.
    let identifier = params.key_identifier(key);
    let tag = identifier
        .first_chunk()
        .map(|chunk| format!("{:08x}", u32::from_be_bytes(*chunk)))
        .expect("a SHA-256 key identifier has more than four bytes");
    params.distinguished_name.push(DnType::OrganizationName, "Wardsum");
    params.distinguished_name.push(DnType::CommonName, format!("Wardsum local authority {tag}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut permitted = vec![GeneralSubtree::DnsName(HOST.to_owned())];
    permitted.extend(ADDRESSES.map(|address| {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
    }));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    Ok(params)
}

/// A server certificate for this computer's loopback names.
fn leaf_params(now: SystemTime) -> Result<CertificateParams, CertError> {
    let mut params = CertificateParams::new([HOST.to_owned()])?;
    params.subject_alt_names.extend(ADDRESSES.map(SanType::IpAddress));
    (params.not_before, params.not_after) = lifetime(now, LEAF_LIFETIME)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, HOST);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// The instants between which a certificate made `now` counts.
fn lifetime(
    now: SystemTime,
    length: Duration,
) -> Result<(OffsetDateTime, OffsetDateTime), CertError> {
    // X.509 dates have no fractions of a second, and four digits for the year.
    let expressible = |instant: Option<SystemTime>| {
        let seconds = instant?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
    };
    expressible(now.checked_sub(BACKDATING))
        .zip(expressible(now.checked_add(length)))
        .ok_or(CertError::ClockOutOfRange)
}

/// A certificate and a key, or `None` if either is missing or damaged.
fn read_pair(
    directory: &Directory,
    certificate: &str,
    key: &str,
) -> Result<Option<(Pem, KeyPair)>, CertError> {
    let (Some(certificate), Some(key)) = (directory.read(certificate)?, directory.read_key(key)?)
    else {
        return Ok(None);
    };
    Ok(first_certificate(certificate.as_bytes()).ok().zip(KeyPair::from_pem(&key).ok()))
}

fn belongs_to(certificate: &X509Certificate<'_>, key: &KeyPair) -> bool {
    certificate.public_key().raw == key.subject_public_key_info()
}

/// Whether the certificate counts now and will for at least `margin`.
fn outlives(certificate: &X509Certificate<'_>, now: SystemTime, margin: Duration) -> bool {
    Validity::of(certificate, now).remaining().is_some_and(|remaining| remaining >= margin)
}

/// Whether the certificate is for all of the names that a hospital on this computer is reached by.
fn names_loopback(certificate: &X509Certificate<'_>) -> bool {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
    let has = |wanted: GeneralName<'_>| names.value.general_names.contains(&wanted);
    has(GeneralName::DNSName(HOST))
        && has(GeneralName::IPAddress(&Ipv4Addr::LOCALHOST.octets()))
        && has(GeneralName::IPAddress(&Ipv6Addr::LOCALHOST.octets()))
}
