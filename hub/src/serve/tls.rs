//! The hub's certificate: the chain's own files, or one that the hub makes for itself and whose
//! fingerprint travels in the pairing code.
//!
//! Files in `DIR/tls`: `cert.pem` (leaf first, then its chain) and `key.pem`. A chain puts its own
//! there; where there are none they are made at the first start and kept, so the fingerprint stays.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};

/// Why there is no usable certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Not a certificate or key in PEM.
    #[error(
        "{path} holds no usable PEM: {reason}; put a certificate (leaf first) and its key there, or remove both files to have new ones made"
    )]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// One file without the other.
    #[error("{present} is there without {missing}; put both there, or remove both to have new ones made")]
    Half {
        /// The one that is there.
        present: PathBuf,
        /// The one that is not.
        missing: PathBuf,
    },
    /// A certificate could not be made.
    #[error("no certificate could be made for `{host}`: {reason}")]
    Generate {
        /// The host it was for.
        host: String,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not fit.
    #[error("certificate and key in {directory} do not fit: {source}")]
    Mismatch {
        /// Where they are.
        directory: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

/// A certificate with its key.
pub struct Identity {
    /// For the server.
    pub config: Arc<rustls::ServerConfig>,
    /// SHA-256 of the leaf's DER, in hex.
    pub fingerprint: String,
}

/// Reads the identity in `DIR/tls`, made for `host` if there is none yet.
pub fn identity(data_dir: &Path, host: &str) -> Result<Identity, TlsError> {
    let directory = data_dir.join("tls");
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    match (cert.exists(), key.exists()) {
        (true, true) => {}
        (false, false) => generate(&directory, &cert, &key, host)?,
        (true, false) => {
            return Err(TlsError::Half {
                present: cert,
                missing: key,
            });
        }
        (false, true) => {
            return Err(TlsError::Half {
                present: key,
                missing: cert,
            });
        }
    }
    load(&directory, &cert, &key)
}

fn load(directory: &Path, cert: &Path, key: &Path) -> Result<Identity, TlsError> {
    let pem = |path: &Path, reason: String| TlsError::Pem {
        path: path.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| pem(cert, e.to_string()))?;
    let leaf = chain
        .first()
        .ok_or_else(|| pem(cert, "no certificate in it".to_owned()))?;
    let fingerprint = hex::encode(Sha256::digest(leaf));
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| pem(key, e.to_string()))?;
    let mismatch = |source| TlsError::Mismatch {
        directory: directory.to_owned(),
        source,
    };
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(mismatch)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Thousands of phones come and go: what is needed to take a session up again lies with the phone,
    // sealed, and spares it the certificate; a table here would have to hold one for each of them.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(mismatch)?;
    config.send_tls13_tickets = 1;
    Ok(Identity {
        config: Arc::new(config),
        fingerprint,
    })
}

fn generate(directory: &Path, cert: &Path, key: &Path, host: &str) -> Result<(), TlsError> {
    let failed = |reason: rcgen::Error| TlsError::Generate {
        host: host.to_owned(),
        reason: reason.to_string(),
    };
    let mut names = vec![host.to_owned()];
    for name in ["localhost", "127.0.0.1"] {
        if name != host {
            names.push(name.to_owned());
        }
    }
    let rcgen::CertifiedKey {
        cert: made,
        signing_key,
    } = rcgen::generate_simple_self_signed(names).map_err(failed)?;
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    fs::create_dir_all(directory).map_err(file(directory))?;
    write_private(key, &signing_key.serialize_pem()).map_err(file(key))?;
    fs::write(cert, made.pem()).map_err(file(cert))
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The host of an address, as it stands in a certificate: `https://hub.example:8443` → `hub.example`.
pub fn host_of(url: &str) -> String {
    let host = url::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| "localhost".to_owned());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        bare.to_owned()
    } else {
        host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_identity_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let first = identity(directory.path(), "hub.example").unwrap();
        let second = identity(directory.path(), "other.example").unwrap();
        assert_eq!(first.fingerprint, second.fingerprint);
        assert_eq!(first.fingerprint.len(), 64);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        identity(directory.path(), "localhost").unwrap();
        let mode = fs::metadata(directory.path().join("tls/key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn half_an_identity_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        identity(directory.path(), "localhost").unwrap();
        fs::remove_file(directory.path().join("tls/key.pem")).unwrap();
        assert!(matches!(
            identity(directory.path(), "localhost"),
            Err(TlsError::Half { .. })
        ));
        fs::write(directory.path().join("tls/key.pem"), "no key").unwrap();
        assert!(matches!(
            identity(directory.path(), "localhost"),
            Err(TlsError::Pem { .. })
        ));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        identity(one.path(), "localhost").unwrap();
        identity(two.path(), "localhost").unwrap();
        fs::copy(two.path().join("tls/key.pem"), one.path().join("tls/key.pem")).unwrap();
        assert!(matches!(
            identity(one.path(), "localhost"),
            Err(TlsError::Mismatch { .. })
        ));
    }

    #[test]
    fn hosts_are_read_from_addresses() {
        assert_eq!(host_of("https://hub.example:8443"), "hub.example");
        assert_eq!(host_of("https://[::1]:8443"), "::1");
        assert_eq!(host_of("nonsense"), "localhost");
    }
}
