//! The chain's support: phones seal their diagnostic bundles for it, and only its secret opens them.
//! The public key travels to the phones with `hello`; the secret is `DIR/keys/support.key`.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use yaoban_protocol::message::BUNDLE_PURPOSE;
use yaoban_sealed::SealError;
use yaoban_sealed::letter::{self, Recipient};

use crate::keys;
use crate::storage::sqlite::Database;
use crate::storage::{Records as _, StorageError};

/// A bundle is smaller.
pub const BUNDLE_BYTES_MAX: u64 = 16 << 20;
const PUBLIC: &str = "support_key";

/// Why there is no key, or a bundle does not open.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The secret's file cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The secret is not here.
    #[error("{} is missing, and without it no bundle opens; put it back from where it is kept", .0.display())]
    KeyMissing(PathBuf),
    /// The file is no bundle for this hub.
    #[error("this is no bundle of a phone of this hub, or it is damaged ({0})")]
    Bundle(#[from] SealError),
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> SupportError {
    let path = path.to_owned();
    move |source| SupportError::File { path, source }
}

/// The public key, made with its secret at the first use.
pub fn public_key(database: &Database) -> Result<String, SupportError> {
    if let Some(known) = database.read::<_, StorageError>(|tx| tx.meta(PUBLIC))? {
        return Ok(known);
    }
    let path = keys::path(database.dir(), "support.key");
    let made = Recipient::generate();
    // One line each: whoever was quicker has written both.
    let text = format!("{}\n{}\n", made.public, made.secret.expose_secret());
    let text = keys::write_new(&path, &text).map_err(file_error(&path))?;
    let public = text.lines().next().unwrap_or_default().to_owned();
    if !letter::is_public_key(&public) {
        return Err(SealError::BadKey("the file of the support's key is damaged").into());
    }
    database.write::<_, StorageError>(|tx| tx.set_meta(PUBLIC, &public))?;
    Ok(public)
}

/// Opens a bundle with the secret of a data directory.
pub fn open(data_dir: &Path, bundle: &[u8]) -> Result<Vec<u8>, SupportError> {
    let path = keys::path(data_dir, "support.key");
    let text = keys::read(&path).map_err(file_error(&path))?;
    let text = text.ok_or(SupportError::KeyMissing(path))?;
    let secret = SecretString::from(text.lines().nth(1).unwrap_or_default());
    Ok(letter::open(&secret, BUNDLE_PURPOSE, bundle)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_opens_where_its_key_is() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = Database::create(dir.path(), "康健", None).unwrap();
        let public = public_key(&database).unwrap();
        assert_eq!(public_key(&database).unwrap(), public);
        let bundle = letter::seal(&public, BUNDLE_PURPOSE, b"{}").unwrap();
        assert_eq!(open(dir.path(), &bundle).unwrap(), b"{}");
        assert!(matches!(open(dir.path(), b"x"), Err(SupportError::Bundle(_))));
        assert!(matches!(
            open(other.path(), &bundle),
            Err(SupportError::KeyMissing(_))
        ));
        let elsewhere = Database::create(other.path(), "别家", None).unwrap();
        public_key(&elsewhere).unwrap();
        assert!(matches!(
            open(other.path(), &bundle),
            Err(SupportError::Bundle(_))
        ));
    }
}
