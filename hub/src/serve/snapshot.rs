//! First loads: a scope as prebuilt chunks on disk (protocol, point 4).
//!
//! `DIR/chunks/<scope>/` holds one directory a scope (named by a hash), in it `manifest.json` and
//! the chunks by their digest. They are a cache: any of them may be deleted at any time, and one that a
//! power cut or a bad disk damaged is deleted when it is asked for. A device is served chunks only from
//! the directories of its own scopes.

use std::collections::HashMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path as UrlPath, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use yaoban_protocol::codec::{self, MEDIA_TYPE};
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{Chunk, ChunkRef, Manifest};
use yaoban_protocol::row::{Change, entity};

use super::auth::{internal, scopes};
use super::state::{Hub, blocking};
use super::sync::rendering;
use super::wire::{Form, Refusal, reply};
use crate::storage::StorageError;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::devices::Device;
use crate::storage::sqlite::scope::Scope;

/// Bodies in one chunk before compression; about 2 MB after it.
const CHUNK_RAW_BYTES: usize = 8 << 20;
/// A chunk larger than this once compressed is split.
const CHUNK_BYTES_MAX: usize = 4 << 20;
/// A manifest is good while the scope has moved at most this much past it …
const STALE_ROWS_MAX: u64 = 5_000;
/// … or one part in so many of its rows, if that is more.
const STALE_PART: u64 = 10;
/// How long a phone's request waits for a build before it is told to come back.
const BUILD_PATIENCE: Duration = Duration::from_secs(20);
/// Chunks that no manifest names are kept this long, for phones that are in the middle of them.
const ORPHAN_AGE: Duration = Duration::from_hours(24);

/// Directory of the chunks in the data directory.
const CHUNKS: &str = "chunks";

/// A manifest at rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredManifest {
    epoch: String,
    manifest: Manifest,
}

/// Builds chunks, one scope at a time each.
#[derive(Debug)]
pub struct Builder {
    root: PathBuf,
    building: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

fn scope_directory(scope: &str) -> String {
    hex::encode(&Sha256::digest(scope.as_bytes())[..16])
}

/// Removes what was prepared for first loads of a scope, as if it had never been.
pub(crate) fn remove_chunks(data_dir: &Path, scope: &str) -> std::io::Result<()> {
    match fs::remove_dir_all(data_dir.join(CHUNKS).join(scope_directory(scope))) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Builder {
    /// A builder over `DIR/chunks`.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            root: data_dir.join(CHUNKS),
            building: Mutex::default(),
        }
    }

    fn directory(&self, scope: &str) -> PathBuf {
        self.root.join(scope_directory(scope))
    }

    fn turn(&self, scope: &str) -> Arc<Mutex<()>> {
        let mut building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(building.entry(scope.to_owned()).or_default())
    }

    fn stored(&self, scope: &str) -> Option<StoredManifest> {
        let bytes = fs::read(self.directory(scope).join("manifest.json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// A manifest that is good enough now, built if there is none.
    fn manifest(&self, hub: &Hub, scope: &str) -> Result<Manifest, Refusal> {
        let turn = self.turn(scope);
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        hub.database.read(|tx| {
            let (epoch, now) = (tx.epoch()?, tx.scope(scope)?);
            if let Some(stored) = self.stored(scope)
                && stored.epoch == epoch
                && self.is_fresh(tx, &stored.manifest, &now)?
            {
                return Ok(stored.manifest);
            }
            self.build(hub, tx, epoch, &now)
        })
    }

    fn is_fresh(&self, tx: &Tx<'_>, manifest: &Manifest, scope: &Scope) -> Result<bool, Refusal> {
        let allowed = STALE_ROWS_MAX.max(manifest.rows / STALE_PART);
        let fresh = manifest.generation == scope.generation
            && manifest.at_seq >= scope.pruned
            && scope
                .head
                .checked_sub(manifest.at_seq)
                .is_some_and(|moved| moved <= allowed);
        let directory = self.directory(&scope.name);
        // Rows that left since then may be on no phone's way any more.
        Ok(fresh
            && !tx.has_left_since(scope, manifest.at_seq)?
            && manifest
                .chunks
                .iter()
                .all(|chunk| directory.join(&chunk.sha256).is_file()))
    }

    fn build(&self, hub: &Hub, tx: &Tx<'_>, epoch: String, scope: &Scope) -> Result<Manifest, Refusal> {
        let began = Instant::now();
        let directory = self.directory(&scope.name);
        fs::create_dir_all(&directory).map_err(of_file(&directory))?;
        let rendering = rendering(hub, tx)?;
        let writer = write_chunks(&directory, |give| {
            tx.snapshot_rows(scope, |row| give(tx.change(&scope.name, row, &rendering)?))
        })?;
        let manifest = Manifest {
            scope: scope.name.clone(),
            generation: scope.generation,
            at_seq: scope.head,
            members: writer.chunks.iter().map(|chunk| chunk.members).sum(),
            rows: writer.written,
            chunks: writer.chunks,
            erased: tx.erased_members(scope)?,
        };
        let stored = StoredManifest { epoch, manifest };
        let bytes = serde_json::to_vec(&stored).map_err(internal)?;
        write_whole(&directory, "manifest.json", &bytes)?;
        remove_orphans(&directory, &stored.manifest);
        hub.metrics.add("yaoban_snapshot_builds_total", "", 1.0);
        hub.metrics.add(
            "yaoban_snapshot_build_seconds_total",
            "",
            began.elapsed().as_secs_f64(),
        );
        Ok(stored.manifest)
    }
}

/// The bytes of a chunk; none if there is none, or none any more because it was damaged.
fn whole_chunk(path: &Path, sha256: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(path).ok()?;
    if hex::encode(Sha256::digest(&bytes)) == sha256 {
        return Some(bytes);
    }
    tracing::warn!(sha256, "a damaged chunk is built anew");
    // What cannot be removed is found damaged again.
    let _ = fs::remove_file(path);
    None
}

/// Writes the rows that `read` gives. Compressing runs on a thread of its own, beside the reading.
fn write_chunks(
    directory: &Path,
    read: impl FnOnce(&mut dyn FnMut(Change) -> Result<(), Refusal>) -> Result<(), Refusal>,
) -> Result<ChunkWriter<'_>, Refusal> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Vec<Change>>(1);
        let writing = scope.spawn(move || {
            let mut writer = ChunkWriter {
                directory,
                written: 0,
                chunks: Vec::new(),
            };
            receive.into_iter().try_for_each(|rows| writer.write(rows))?;
            Ok::<_, Refusal>(writer)
        });
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let given = read(&mut |row| {
            bytes += row.body.len() + row.id.len() + 64;
            rows.push(row);
            if bytes >= CHUNK_RAW_BYTES {
                bytes = 0;
                send.send(std::mem::take(&mut rows)).map_err(internal)?;
            }
            Ok(())
        });
        if given.is_ok() {
            // The writer went away only with an error of its own, which says more.
            let _ = send.send(rows);
        }
        drop(send);
        let written = writing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        given.map(|()| written)
    })
}

struct ChunkWriter<'a> {
    directory: &'a Path,
    written: u64,
    chunks: Vec<ChunkRef>,
}

impl ChunkWriter<'_> {
    fn write(&mut self, mut rows: Vec<Change>) -> Result<(), Refusal> {
        if rows.is_empty() {
            return Ok(());
        }
        let (count, members) = (
            rows.len(),
            rows.iter().filter(|row| row.entity == entity::MEMBER).count(),
        );
        let chunk = Chunk { rows };
        let bytes = codec::encode(&chunk).map_err(internal)?;
        rows = chunk.rows;
        if bytes.len() > CHUNK_BYTES_MAX && count > 1 {
            let second = rows.split_off(count / 2);
            self.write(rows)?;
            return self.write(second);
        }
        let sha256 = hex::encode(Sha256::digest(&bytes));
        write_whole(self.directory, &sha256, &bytes)?;
        self.written += count as u64;
        self.chunks.push(ChunkRef {
            sha256,
            bytes: bytes.len() as u64,
            members: members as u64,
        });
        Ok(())
    }
}

/// Writes a file so that nobody ever sees half of it.
fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), Refusal> {
    let half = directory.join(format!("{name}.half"));
    let written = fs::write(&half, bytes).and_then(|()| fs::rename(&half, directory.join(name)));
    written.map_err(|source| {
        // Half a chunk takes room that the hub may be short of; what cannot be removed is written over.
        let _ = fs::remove_file(&half);
        of_file(&half)(source)
    })
}

/// A phone that meets a full disk here comes back later.
fn of_file(path: &Path) -> impl FnOnce(std::io::Error) -> Refusal {
    let path = path.to_owned();
    move |source| StorageError::of_file(path, source).into()
}

fn remove_orphans(directory: &Path, manifest: &Manifest) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let named = manifest.chunks.iter().any(|chunk| name == *chunk.sha256) || name == *"manifest.json";
        let age = entry
            .metadata()
            .and_then(|m| m.modified())
            .ok()
            .and_then(|at| at.elapsed().ok());
        if !named && age.is_some_and(|age| age > ORPHAN_AGE) {
            // A cache: what cannot be removed now is removed after the next build.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `GET /v1/snapshot/{scope}`.
pub async fn manifest(
    State(hub): State<Arc<Hub>>,
    device: Device,
    UrlPath(scope): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = Form::wanted(&headers);
    let allowed = hub.read(move |_, tx| Ok(scopes(tx, &device)?)).await?;
    if !allowed.iter().any(|own| own.name == scope) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "scope_forbidden",
            "not a scope of this device",
        ));
    }
    let builder = Arc::clone(&hub);
    // The build goes on when the phone's patience ends; the next request finds it done.
    let build = tokio::spawn(blocking(move || builder.snapshots.manifest(&builder, &scope)));
    match tokio::time::timeout(BUILD_PATIENCE, build).await {
        Ok(Ok(manifest)) => reply(form, &manifest?),
        Ok(Err(error)) => Err(internal(error)),
        Err(_) => Err(Refusal::busy("the first load of this store is being prepared", 3)),
    }
}

/// `GET /v1/chunk/{sha256}`: immutable bytes.
pub async fn chunk(
    State(hub): State<Arc<Hub>>,
    device: Device,
    UrlPath(sha256): UrlPath<String>,
) -> Result<Response, Refusal> {
    let unknown = || {
        Refusal::new(
            StatusCode::NOT_FOUND,
            refusal::CHUNK_UNKNOWN,
            "no such chunk; ask for a new manifest",
        )
    };
    if sha256.len() != 64
        || !sha256
            .bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    {
        return Err(unknown());
    }
    let name = sha256.clone();
    let reader = Arc::clone(&hub);
    let bytes = blocking(move || {
        let own = reader.database.read(|tx| scopes(tx, &device))?;
        own.iter()
            .find_map(|scope| whole_chunk(&reader.snapshots.directory(&scope.name).join(&name), &name))
            .ok_or_else(unknown)
    })
    .await?;
    let headers = [
        (CONTENT_TYPE, MEDIA_TYPE.to_owned()),
        (CACHE_CONTROL, "private, max-age=604800, immutable".to_owned()),
        (ETAG, format!("\"{sha256}\"")),
    ];
    Ok((headers, bytes).into_response())
}
