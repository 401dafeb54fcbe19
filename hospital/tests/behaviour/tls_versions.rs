//! TLS 1.3 with one of two key exchanges, or nothing.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, NamedGroup, RootCertStore, SupportedProtocolVersion, version};
use wardsum_hospital::native_peer::{ConnectError, Connector};

use crate::test_hospital::{TestHospital, study_of, within};

/// Connects with one version and one key exchange; returns the key exchange that was agreed on.
async fn handshake(
    version: &'static SupportedProtocolVersion,
    group: &'static dyn SupportedKxGroup,
) -> Result<NamedGroup, ConnectError> {
    let hospital = TestHospital::start(&study_of("study", 3)).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&hospital.authority).unwrap()).unwrap();
    let provider = CryptoProvider { kx_groups: vec![group], ..aws_lc_rs::default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = Connector::new(hospital.address, Arc::new(config));
    let stream = within(connector.open_tls()).await?;
    Ok(stream.get_ref().1.negotiated_key_exchange_group().unwrap().name())
}

#[tokio::test]
async fn version_1_3_with_either_key_exchange() {
    for group in [aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519] {
        assert_eq!(handshake(&version::TLS13, group).await.unwrap(), group.name());
    }
}

#[tokio::test]
async fn version_1_2_is_refused() {
    let error = handshake(&version::TLS12, aws_lc_rs::kx_group::X25519).await.unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
}

#[tokio::test]
async fn other_key_exchanges_are_refused() {
    let error = handshake(&version::TLS13, aws_lc_rs::kx_group::SECP256R1).await.unwrap_err();
    assert!(error.to_string().contains("HandshakeFailure"), "{error}");
}
