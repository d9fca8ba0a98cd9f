//! How the phone is, for whoever helps: file, queue, sync, clock, figures, recordings. Codes, counts and
//! times only — no names, no numbers, no ids of members or staff (a chain's ids may be phone numbers).

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde::Serialize;
use yaoban_domain::calendar::day_number;
use yaoban_protocol::SCHEMA;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::message::DigestRequest;

use super::{AppResult, ClerkApp, LAST_SYNC};
use crate::recording::rows as recordings;
use crate::store::rounds::{self, RoundNote};
use crate::store::{Result, meta, read_pairing, rows, schema};
use crate::sync::event::{Answer, Call};
use crate::sync::{Cancel, REPAIR_EVERY_MS, SHAPE};

/// Findings of the integrity check at most.
const FINDINGS_MAX: usize = 20;
/// A phone whose clock is off by more is told so.
const CLOCK_SKEW_MS_MAX: i64 = 5 * 60 * 1_000;
/// A phone that has not synced for longer is told so.
const SYNC_AGE_MS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// How the phone is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checkup {
    /// Version of the app.
    pub app_version: String,
    /// When this was looked at, by the phone's clock, UTC.
    pub now_ms: i64,
    /// Paired with a hub.
    pub paired: bool,
    /// Id of this device at the hub.
    pub device_id: String,
    /// Why the hub locked it, if it did.
    pub locked: Option<String>,
    /// The file.
    pub file: FileCheck,
    /// Operations on their way.
    pub queue: Vec<QueueState>,
    /// Why operations are stuck or fail.
    pub queue_reasons: Vec<QueueReason>,
    /// What the phone holds of the hub's rows.
    pub scopes: Vec<ScopeCheck>,
    /// When digests were last compared by a round, by the hub's clock, UTC.
    pub digests_compared_ms: Option<i64>,
    /// When the last round got through, UTC.
    pub last_sync_ms: Option<i64>,
    /// The phone's clock minus the hub's, at the last greeting.
    pub clock_skew_ms: Option<i64>,
    /// The last rounds, newest first.
    pub rounds: Vec<RoundNote>,
    /// The figures of members.
    pub figures: FiguresCheck,
    /// Recordings by state.
    pub recordings: Vec<RecordingState>,
    /// What is wrong, as codes, the worst first.
    pub findings: Vec<String>,
}

/// What a clerk sees of a [`Checkup`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckupFindings {
    /// Version of the app.
    pub app_version: String,
    /// What is wrong, as codes, the worst first.
    pub findings: Vec<String>,
}

impl From<Checkup> for CheckupFindings {
    fn from(checkup: Checkup) -> Self {
        Self {
            app_version: checkup.app_version,
            findings: checkup.findings,
        }
    }
}

/// How the file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Schema of the file.
    pub schema: i64,
    /// Schema of the protocol.
    pub protocol_schema: u16,
    /// Shape of the rows that this build stores.
    pub shape: u16,
    /// Version of the library.
    pub sqlite_version: String,
    /// Sizes of the files by name, in bytes; recordings together.
    pub files: Vec<(String, u64)>,
    /// Bytes within the file that are free.
    pub free_bytes: u64,
    /// Rows of each table.
    pub tables: Vec<(String, u64)>,
    /// Nothing wrong was found.
    pub whole: bool,
    /// What the integrity check found.
    pub integrity: Vec<String>,
    /// A damaged file was set aside at the start.
    pub set_aside: bool,
    /// Operations that the file had lost and that were saved, from it or from the mirror.
    pub salvaged_ops: u32,
}

/// Operations in one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueState {
    /// `held`, `pending`, `answered`, `sent`, `rejected`, `parked`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// When the oldest was done, UTC.
    pub oldest_at_ms: i64,
    /// Most failures of one of them.
    pub failures_max: u32,
}

/// Why operations are stuck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueReason {
    /// What was done, as the operation's code.
    pub op: String,
    /// `rejected`, `parked`, or `pending` of one that failed.
    pub state: String,
    /// Why, as a code.
    pub reason: Option<String>,
    /// How many.
    pub count: u64,
}

/// What the phone holds of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeCheck {
    /// `store` or `catalogue`.
    pub kind: String,
    /// Its generation.
    pub generation: u64,
    /// Everything up to here is held.
    pub after: u64,
    /// Rows that are held.
    pub rows: u64,
    /// To be loaded anew.
    pub stale: bool,
    /// `equal`, `differs`, `behind` the hub, `not_asked`, or why the hub could not be asked.
    pub digest: String,
    /// Id ranges that differ.
    pub ranges_differ: usize,
}

/// How fresh figures are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FiguresCheck {
    /// Members with figures.
    pub members: u64,
    /// Of these, with figures of today.
    pub of_today: u64,
    /// Members whose figures are to be computed anew.
    pub stale: u64,
    /// Version of the class model.
    pub model_version: u64,
}

/// Recordings in one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingState {
    /// `none`, `waiting`, `uploaded`, `refused`, `deleted`.
    pub state: String,
    /// Why the last upload did not succeed, as a code.
    pub last_error: Option<String>,
    /// How many.
    pub count: u64,
    /// Bytes of these on the phone.
    pub bytes_here: u64,
}

impl ClerkApp {
    /// Looks at everything. `ask_hub`: digests are compared with the hub's; nothing is changed by it.
    /// Needs nobody signed in. Reading the whole file takes seconds on a large one.
    pub fn checkup(&self, ask_hub: bool, cancel: &Cancel) -> AppResult<Checkup> {
        let now_ms = self.now_ms();
        let today = day_number(self.today());
        let model_version = self.settings().model.version;
        let file = self.check_file()?;
        let scopes = self.check_scopes(ask_hub, cancel)?;
        let mut checkup = self.store.read(|conn| -> Result<_> {
            let pairing = read_pairing(conn)?;
            let rounds = rounds::list(conn)?;
            Ok(Checkup {
                app_version: env!("CARGO_PKG_VERSION").to_owned(),
                now_ms,
                paired: pairing.is_some(),
                device_id: pairing.map(|pairing| pairing.device_id).unwrap_or_default(),
                locked: meta::get(conn, meta::LOCKED)?,
                file,
                queue: queue(conn)?,
                queue_reasons: queue_reasons(conn)?,
                scopes,
                digests_compared_ms: meta::get(conn, meta::REPAIRED_AT)?,
                last_sync_ms: meta::get(conn, LAST_SYNC)?,
                clock_skew_ms: rounds.iter().find_map(|round| round.clock_skew_ms),
                rounds,
                figures: FiguresCheck {
                    members: count(conn, "SELECT count(*) FROM figure")?,
                    of_today: conn.query_row(
                        "SELECT count(*) FROM figure WHERE as_of_day = ?1",
                        [today],
                        |row| row.get(0),
                    )?,
                    stale: count(conn, "SELECT count(*) FROM figure_stale")?,
                    model_version,
                },
                recordings: recording_states(conn)?,
                findings: Vec::new(),
            })
        })?;
        checkup.findings = findings(&checkup);
        Ok(checkup)
    }

    fn check_file(&self) -> AppResult<FileCheck> {
        let path = self.store.path();
        let opened = self.opened();
        let mut files = Vec::new();
        if let Some(home) = path.parent() {
            files = sizes(home);
        }
        Ok(self.store.read(|conn| -> Result<_> {
            let integrity = integrity(conn)?;
            // SQLCipher answers in text.
            let page = conn.query_row("PRAGMA page_size", [], |row| match row.get_ref(0)? {
                ValueRef::Text(text) => Ok(std::str::from_utf8(text).ok().and_then(|text| text.parse().ok())),
                other => Ok(other.as_i64().ok().and_then(|bytes| u64::try_from(bytes).ok())),
            })?;
            let page: u64 = page.unwrap_or_default();
            let free: u64 = conn.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
            Ok(FileCheck {
                schema: schema::version(conn)?,
                protocol_schema: SCHEMA,
                shape: SHAPE,
                sqlite_version: rusqlite::version().to_owned(),
                files,
                free_bytes: page * free,
                tables: tables(conn)?,
                whole: integrity.is_empty(),
                integrity,
                set_aside: opened.set_aside.is_some(),
                salvaged_ops: opened.salvaged_ops,
            })
        })?)
    }

    fn check_scopes(&self, ask_hub: bool, cancel: &Cancel) -> AppResult<Vec<ScopeCheck>> {
        let held = self.store.read(|conn| -> Result<_> {
            let mut held = Vec::new();
            for scope in rows::scopes(conn)? {
                let sums = rows::digest_sums(conn, scope.scope_key)?;
                let count: u64 = conn.query_row(
                    "SELECT count(*) FROM scope_row WHERE scope_key = ?1",
                    [scope.scope_key],
                    |row| row.get(0),
                )?;
                held.push((scope, sums, count));
            }
            Ok(held)
        })?;
        let mut checks = Vec::new();
        for (scope, sums, count) in held {
            let cursor = scope.cursor;
            let mut check = ScopeCheck {
                kind: cursor.scope.split(':').next().unwrap_or_default().to_owned(),
                generation: cursor.generation,
                after: cursor.after,
                rows: count,
                stale: scope.stale,
                digest: "not_asked".to_owned(),
                ranges_differ: 0,
            };
            if ask_hub {
                let after = cursor.after;
                let call = Call::Digest(DigestRequest { cursor, sums });
                let mut store = std::sync::Arc::clone(&self.store);
                check.digest = match self.driver().errand(&mut store, call, cancel) {
                    Ok(Answer::Digest(reply)) if reply.head != after => "behind".to_owned(),
                    Ok(Answer::Digest(reply)) => {
                        check.ranges_differ = reply.ranges.len();
                        if reply.ranges.is_empty() {
                            "equal"
                        } else {
                            "differs"
                        }
                        .to_owned()
                    }
                    Ok(_) => crate::sync::code::REPLY_UNREADABLE.to_owned(),
                    Err(problem) => problem.code,
                };
            }
            checks.push(check);
        }
        Ok(checks)
    }
}

/// What is wrong, the worst first.
fn findings(checkup: &Checkup) -> Vec<String> {
    let queued = |state: &str| {
        checkup
            .queue
            .iter()
            .find(|queue| queue.state == state)
            .map_or(0, |queue| queue.count)
    };
    let age = |at_ms: Option<i64>| at_ms.map_or(i64::MAX, |at_ms| checkup.now_ms.saturating_sub(at_ms));
    let differs = checkup.scopes.iter().any(|scope| scope.digest == "differs");
    let asked_and_away = checkup.scopes.iter().any(|scope| {
        !matches!(
            scope.digest.as_str(),
            "equal" | "differs" | "behind" | "not_asked"
        )
    });
    let recording_errors = checkup
        .recordings
        .iter()
        .any(|recordings| recordings.state == "waiting" && recordings.last_error.is_some());
    let cases = [
        (!checkup.file.whole, "file_damaged"),
        (!checkup.paired, "not_paired"),
        (checkup.locked.is_some(), "device_locked"),
        (checkup.file.set_aside, "file_was_set_aside"),
        (
            !checkup.file.set_aside && checkup.file.salvaged_ops > 0,
            "work_came_back",
        ),
        (differs, "digests_differ"),
        (queued("parked") > 0, "ops_parked"),
        (queued("rejected") > 0, "ops_rejected"),
        (
            checkup
                .queue
                .iter()
                .any(|queue| queue.state == "pending" && queue.failures_max > 0),
            "ops_failing",
        ),
        (asked_and_away, "hub_not_asked"),
        (
            checkup.paired && age(checkup.last_sync_ms) > SYNC_AGE_MS_MAX,
            "sync_long_ago",
        ),
        (
            checkup
                .rounds
                .first()
                .is_some_and(|round| !round.problems.is_empty()),
            "last_round_failed",
        ),
        (
            checkup
                .clock_skew_ms
                .is_some_and(|skew| skew.abs() > CLOCK_SKEW_MS_MAX),
            "clock_off",
        ),
        (
            checkup.paired && age(checkup.digests_compared_ms) > 2 * REPAIR_EVERY_MS,
            "digests_long_ago",
        ),
        (
            checkup.figures.of_today < checkup.figures.members || checkup.figures.stale > 0,
            "figures_old",
        ),
        (recording_errors, "recordings_waiting"),
    ];
    cases
        .into_iter()
        .filter(|(wrong, _)| *wrong)
        .map(|(_, code)| code.to_owned())
        .collect()
}

fn count(conn: &Connection, sql: &str) -> Result<u64> {
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

/// What the checks of SQLite and SQLCipher find; empty: nothing.
fn integrity(conn: &Connection) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for pragma in ["PRAGMA cipher_integrity_check", "PRAGMA quick_check(20)"] {
        let mut statement = conn.prepare(pragma)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            if text != "ok" && findings.len() < FINDINGS_MAX {
                findings.push(text);
            }
        }
    }
    Ok(findings)
}

/// Rows of every table, the largest first.
fn tables(conn: &Connection) -> Result<Vec<(String, u64)>> {
    let names: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut tables = Vec::new();
    for name in names {
        let rows = count(conn, &format!("SELECT count(*) FROM \"{name}\""))?;
        tables.push((name, rows));
    }
    tables.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    Ok(tables)
}

/// Sizes of the files of the app's directory. Those of recordings are told together.
fn sizes(home: &Path) -> Vec<(String, u64)> {
    let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut sizes: Vec<(String, u64)> = Vec::new();
    for entry in entries(home) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(about) = entry.metadata() else { continue };
        if name.starts_with(super::FILE) && about.is_file() {
            sizes.push((name, about.len()));
        } else if name == "recordings" && about.is_dir() {
            let bytes = entries(&entry.path())
                .filter_map(|file| file.metadata().ok())
                .map(|about| about.len())
                .sum();
            sizes.push((name, bytes));
        }
    }
    sizes.sort_unstable();
    sizes
}

fn queue(conn: &Connection) -> Result<Vec<QueueState>> {
    let mut statement = conn.prepare(
        "SELECT state, count(*), min(at_ms), max(failures) FROM outbox
         WHERE put_away = 0 GROUP BY state ORDER BY state",
    )?;
    let states = statement.query_map([], |row| {
        Ok(QueueState {
            state: row.get(0)?,
            count: row.get(1)?,
            oldest_at_ms: row.get(2)?,
            failures_max: row.get(3)?,
        })
    })?;
    Ok(states.collect::<rusqlite::Result<_>>()?)
}

fn queue_reasons(conn: &Connection) -> Result<Vec<QueueReason>> {
    #[derive(serde::Deserialize)]
    struct Tag {
        op: String,
    }
    let mut statement = conn.prepare(
        "SELECT body, state, reason FROM outbox
         WHERE put_away = 0 AND (state IN ('rejected', 'parked') OR (state = 'pending' AND failures > 0))",
    )?;
    let mut found = statement.query([])?;
    let mut counts: BTreeMap<(String, String, Option<String>), u64> = BTreeMap::new();
    while let Some(row) = found.next()? {
        let op = from_cbor::<Tag>(row.get_ref(0)?.as_blob().unwrap_or_default())
            .map_or_else(|_| "unknown".to_owned(), |tag| tag.op);
        *counts.entry((op, row.get(1)?, row.get(2)?)).or_default() += 1;
    }
    Ok(counts
        .into_iter()
        .map(|((op, state, reason), count)| QueueReason {
            op,
            state,
            reason,
            count,
        })
        .collect())
}

fn recording_states(conn: &Connection) -> Result<Vec<RecordingState>> {
    let mut states: BTreeMap<(&str, Option<String>), (u64, u64)> = BTreeMap::new();
    for recording in recordings::list(conn, u32::MAX)? {
        let here = if recording.is_here() { recording.bytes } else { 0 };
        let (count, bytes) = states
            .entry((recording.state.code(), recording.last_error))
            .or_default();
        *count += 1;
        *bytes += here;
    }
    Ok(states
        .into_iter()
        .map(|((state, last_error), (count, bytes_here))| RecordingState {
            state: state.to_owned(),
            last_error,
            count,
            bytes_here,
        })
        .collect())
}
