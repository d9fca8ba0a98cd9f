//! Who writes next. SQLite lets one writer in at a time, and one that waits asks again and again: a
//! writer that begins its next transaction at once, as an import does, would keep all others out. So
//! writers, also of other processes, queue at two locks: whoever holds `write.next` is the next to
//! get `write.lock`, and whoever has just written has to queue behind it.

use std::fs::File;
use std::path::Path;

use crate::storage::StorageError;

const NEXT: &str = "write.next";
const NOW: &str = "write.lock";

/// The queue of one data directory, as one writer sees it.
#[derive(Debug)]
pub(super) struct Turns {
    next: File,
    now: File,
}

impl Turns {
    /// The queue of a data directory.
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        let file = |name: &str| {
            let path = dir.join(name);
            File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|source| StorageError::of_file(path, source))
        };
        Ok(Self {
            next: file(NEXT)?,
            now: file(NOW)?,
        })
    }

    /// Waits until it is this writer's turn, which ends when the value falls, or with the process.
    pub fn wait(&self) -> std::io::Result<Turn<'_>> {
        self.next.lock()?;
        let turn = self.now.lock().map(|()| Turn(&self.now));
        self.next.unlock()?;
        turn
    }
}

/// A writer's turn.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a File);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // A lock that cannot be given back falls with the process.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use crate::storage::sqlite::Database;
    use crate::storage::{Records as _, StorageError};

    /// Another process that writes without a break keeps nobody out for longer than a few of its
    /// transactions.
    #[test]
    fn a_writer_waits_for_those_before_it_only() {
        let dir = tempfile::tempdir().unwrap();
        let import = Database::create(dir.path(), "chain", None).unwrap();
        let serve = Database::open(dir.path()).unwrap();
        let (written, done) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    import
                        .write::<_, StorageError>(|tx| {
                            let until = Instant::now() + Duration::from_millis(20);
                            while Instant::now() < until {
                                tx.set_meta("import", "busy")?;
                            }
                            Ok(())
                        })
                        .unwrap();
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
            for _ in 0..20 {
                let before = written.load(Ordering::SeqCst);
                let waited = serve
                    .write::<_, StorageError>(|tx| {
                        tx.set_meta("serve", "1")?;
                        Ok(written.load(Ordering::SeqCst) - before)
                    })
                    .unwrap();
                assert!(waited <= 5, "{waited} transactions of the other went first");
            }
            done.store(true, Ordering::SeqCst);
        });
    }
}
