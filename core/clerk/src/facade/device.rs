//! The phone as a thing: what it takes up, and its end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{AppError, AppResult, ClerkApp, FILE};
use crate::recording::rows;

/// What the phone's data take up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Storage {
    /// The data file and its log, and the mirror of the outbox.
    pub file_bytes: u64,
    /// A first load under way.
    pub loading_bytes: u64,
    /// Damaged files that were set aside.
    pub set_aside_bytes: u64,
    /// Members of the store.
    pub members: i64,
    /// Members with purchases.
    pub buyers: i64,
    /// Readings.
    pub readings: i64,
    /// Drugs of the catalogue.
    pub drugs: i64,
}

impl ClerkApp {
    /// What the phone's data take up.
    pub fn storage(&self) -> AppResult<Storage> {
        let mut storage = self.store.read(|conn| -> AppResult<Storage> {
            let count = |sql: &str| {
                conn.prepare_cached(sql)?
                    .query_row([], |row| row.get::<_, i64>(0))
            };
            Ok(Storage {
                members: count("SELECT count(*) FROM member WHERE standing = 1")?,
                buyers: count("SELECT count(*) FROM purchases")?,
                readings: count("SELECT count(*) FROM reading WHERE superseded = 0")?,
                drugs: count("SELECT count(*) FROM drug WHERE known = 1")?,
                ..Storage::default()
            })
        })?;
        for (name, path) in self.files()? {
            let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
            let rest = name.trim_start_matches(FILE);
            let part = match rest {
                "" | "-wal" | "-shm" => &mut storage.file_bytes,
                _ if rest.starts_with(".mirror") => &mut storage.file_bytes,
                _ if rest.starts_with(".damaged-") => &mut storage.set_aside_bytes,
                _ => &mut storage.loading_bytes,
            };
            *part += bytes;
        }
        Ok(storage)
    }

    /// Ends the pairing: everything that the phone holds is deleted, recordings and damaged files that
    /// were set aside too. Refused with `unsent` while operations or recordings wait to be sent,
    /// unless `lose` says that they may be lost. Afterwards every call fails with `paused`; the platform then destroys the key,
    /// and the phone begins anew with [`Self::open`].
    pub fn unpair(&self, lose: bool) -> AppResult<()> {
        let unsent = self.store.read(|conn| -> AppResult<i64> {
            let mut waiting =
                conn.prepare_cached("SELECT count(*) FROM outbox WHERE state IN ('held', 'pending')")?;
            let ops: i64 = waiting.query_row([], |row| row.get(0))?;
            let (recordings, _) = rows::waiting(conn)?;
            Ok(ops + recordings as i64)
        })?;
        if unsent > 0 && !lose {
            return Err(AppError::Refused {
                code: "unsent".into(),
                values: vec![("count".into(), unsent.to_string())],
            });
        }
        self.store.pause()?;
        let _held = self.recordings.hold_files();
        self.recordings.remove_others(&BTreeSet::new())?;
        for (_, path) in self.files()? {
            std::fs::remove_file(&path).map_err(|error| file_error(&path, &error))?;
        }
        Ok(())
    }

    /// The data file and everything that belongs to it, by name.
    fn files(&self) -> AppResult<Vec<(String, PathBuf)>> {
        let Some(home) = self.store.path().parent() else {
            return Ok(Vec::new());
        };
        let entries = std::fs::read_dir(home).map_err(|error| file_error(home, &error))?;
        let ours = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            name.starts_with(FILE).then(|| (name, entry.path()))
        });
        Ok(ours.collect())
    }
}

fn file_error(path: &Path, error: &std::io::Error) -> AppError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    AppError::Storage {
        code: "file".into(),
        message: format!("{name}: {error}"),
    }
}
