//! The hub's own secrets: files in `DIR/keys`, readable by the hub's user alone. Keep them apart from
//! backups and from the recordings; what each of them opens stands beside its name.
//!
//! | file | opens |
//! |---|---|
//! | `recordings.key` | the keys of recordings ([`crate::recordings`]) |
//! | `support.key` | diagnostic bundles of phones ([`crate::support`]) |

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Where a secret of a data directory is.
pub fn path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("keys").join(name)
}

/// A secret, if it is there.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a secret into a new file: it appears under its name, whole, once it is on the disk. Gives
/// the secret that is there now: another process may have been quicker.
pub fn write_new(path: &Path, text: &str) -> io::Result<String> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let half = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&half)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // A link, unlike a rename, never takes the place of a file that is there.
    let linked = fs::hard_link(&half, path);
    let _ = fs::remove_file(&half);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // What is encrypted with a key must not outlive its name.
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_once_and_for_its_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path(), "x.key");
        assert_eq!(read(&path).unwrap(), None);
        assert_eq!(write_new(&path, "one").unwrap(), "one");
        assert_eq!(write_new(&path, "two").unwrap(), "one");
        assert_eq!(read(&path).unwrap().as_deref(), Some("one"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
