//! What a TLS client that trusts the authority accepts, and what it refuses.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use wardsum_certs::{LocalCerts, ensure};

struct Client {
    verifier: Arc<WebPkiServerVerifier>,
}

impl Client {
    fn that_trusts(certs: &LocalCerts) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&certs.ca_cert).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        Self { verifier }
    }

    fn accepts(&self, leaf: &CertificateDer<'_>, name: &str) -> Result<(), rustls::Error> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let now = UnixTime::since_unix_epoch(since_epoch + Duration::from_secs(1));
        self.verifier.verify_server_cert(leaf, &[], &name, &[], now).map(|_| ())
    }
}

#[test]
fn the_leaf_serves_for_every_loopback_name_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, _) = ensure(dir.path(), SystemTime::now()).unwrap();
    let client = Client::that_trusts(&certs);
    let leaf = CertificateDer::from_pem_file(&certs.leaf_cert).unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        client.accepts(&leaf, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["example.org", "127.0.0.2", "sub.localhost"] {
        assert!(client.accepts(&leaf, name).is_err(), "{name}");
    }
}

#[test]
fn a_stolen_authority_key_cannot_impersonate_another_site() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, _) = ensure(dir.path(), SystemTime::now()).unwrap();
    let client = Client::that_trusts(&certs);

    let stolen = KeyPair::from_pem(&fs::read_to_string(dir.path().join("ca-key.pem")).unwrap());
    let issuer =
        Issuer::from_ca_cert_pem(&fs::read_to_string(&certs.ca_cert).unwrap(), stolen.unwrap());
    let issuer = issuer.unwrap();
    for name in ["example.org", "93.184.216.34", "2001:db8::1"] {
        let key = KeyPair::generate().unwrap();
        let forged =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let error = client.accepts(forged.der(), name).unwrap_err();
        assert!(format!("{error:?}").contains("NameConstraintViolation"), "{name}: {error:?}");
    }
}
