//! The key of the phone's file, for development.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::SecretBox;
use yaoban_clerk_core::vault::{DatabaseKey, KEY_BYTES, KeyVault, VaultError};

/// Name of the key file, which says what it is worth.
const NAME: &str = "development-only.key";

/// A key in a file that only its owner may read. **For development and support only**: whoever can
/// read the home can read the members. Phones keep their key in the Android Keystore or the iOS
/// Keychain.
#[derive(Debug)]
pub struct FileVault {
    path: PathBuf,
}

impl FileVault {
    /// The vault of a home directory. Nothing is written yet.
    pub fn new(home: &Path) -> Self {
        Self {
            path: home.join(NAME),
        }
    }

    /// Whether there is a key.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Destroys the key: what it locked can never be read again.
    pub fn destroy(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Makes a new key if there is none; the home has to exist.
    pub fn make_key(&self) -> Result<(), VaultError> {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path);
        let mut file = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            made => made.map_err(|error| refused(&error))?,
        };
        let mut key = SecretBox::new(Box::new([0_u8; KEY_BYTES]));
        getrandom::fill(secrecy::ExposeSecretMut::expose_secret_mut(&mut key)).map_err(|error| {
            VaultError {
                reason: error.to_string(),
            }
        })?;
        file.write_all(secrecy::ExposeSecret::expose_secret(&key))
            .and_then(|()| file.sync_all())
            .map_err(|error| refused(&error))
    }
}

impl KeyVault for FileVault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        let mut file = fs::File::open(&self.path).map_err(|error| refused(&error))?;
        let mode = file
            .metadata()
            .map_err(|error| refused(&error))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(VaultError {
                reason: format!("{NAME} is open to others, run chmod 600 on it"),
            });
        }
        let mut key = SecretBox::new(Box::new([0_u8; KEY_BYTES]));
        file.read_exact(secrecy::ExposeSecretMut::expose_secret_mut(&mut key))
            .map_err(|error| refused(&error))?;
        Ok(key)
    }
}

fn refused(error: &io::Error) -> VaultError {
    VaultError {
        reason: format!("{NAME}: {}", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_key_stays_the_same_and_is_kept_from_others() {
        let home = tempfile::tempdir().unwrap();
        let vault = FileVault::new(home.path());
        assert!(vault.database_key().is_err());
        vault.make_key().unwrap();
        let key = *vault.database_key().unwrap().expose_secret();
        assert_ne!(key, [0; KEY_BYTES]);
        vault.make_key().unwrap();
        assert_eq!(*vault.database_key().unwrap().expose_secret(), key);
        let path = home.path().join(NAME);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            vault
                .database_key()
                .unwrap_err()
                .to_string()
                .contains("chmod 600")
        );
    }
}
