//! The last rounds of sync, for support: codes and counts, no personal data. A bounded ring.

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

use super::{Result, Tx, meta};
use crate::sync::RoundReport;

/// Rounds that are kept.
pub const ROUNDS_MAX: i64 = 50;
/// A round in which nothing happened is kept this often at most.
const IDLE_EVERY_MS: i64 = 10 * 60 * 1_000;
/// Public key of the chain's support, as the hub told it.
pub const SUPPORT_KEY: &str = "support_key";

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoundNote {
    /// When it ended, by the phone's clock, UTC.
    pub at_ms: i64,
    /// Everything that the hub had is here.
    pub up_to_date: bool,
    /// Rows that came in.
    pub pulled_rows: u64,
    /// Scopes that were loaded whole.
    pub loaded_scopes: usize,
    /// Id ranges that were repaired.
    pub repaired_ranges: u32,
    /// Operations that got their answer.
    pub pushed_ops: u64,
    /// Of these, refused.
    pub rejected_ops: u64,
    /// Of these, parked.
    pub parked_ops: u64,
    /// What ended the round, the way down and the way up, as codes.
    pub problems: Vec<String>,
    /// The phone's clock minus the hub's, if the hub answered.
    pub clock_skew_ms: Option<i64>,
}

impl RoundNote {
    /// What is kept of a report.
    pub fn of(report: &RoundReport, at_ms: i64) -> Self {
        let problems = [&report.problem, &report.pull_problem, &report.push_problem];
        Self {
            at_ms,
            up_to_date: report.up_to_date,
            pulled_rows: report.pulled_rows,
            loaded_scopes: report.loaded_scopes.len(),
            repaired_ranges: report.repaired_ranges,
            pushed_ops: report.pushed_ops,
            rejected_ops: report.rejected_ops,
            parked_ops: report.parked_ops,
            problems: problems
                .into_iter()
                .flatten()
                .map(|problem| problem.code.clone())
                .collect(),
            clock_skew_ms: report.hub.as_ref().map(|hub| hub.clock_skew_ms),
        }
    }

    /// Nothing came, nothing went, nothing was wrong.
    fn is_idle(&self) -> bool {
        self.problems.is_empty()
            && self.pulled_rows + self.pushed_ops == 0
            && self.loaded_scopes == 0
            && self.repaired_ranges == 0
    }
}

/// Whether a round is to be kept.
pub fn is_due(conn: &Connection, note: &RoundNote) -> Result<bool> {
    if !note.is_idle() {
        return Ok(true);
    }
    let last: Option<i64> = conn
        .prepare_cached("SELECT at_ms FROM sync_round ORDER BY round_key DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    // A clock that was set back is no reason to keep nothing.
    Ok(last.is_none_or(|last| note.at_ms < last || note.at_ms - last >= IDLE_EVERY_MS))
}

/// Keeps a round; the oldest leaves.
pub fn keep(tx: &Tx<'_>, note: &RoundNote) -> Result<()> {
    let body = serde_json::to_string(note).unwrap_or_default();
    tx.prepare_cached("INSERT INTO sync_round (at_ms, body) VALUES (?1, ?2)")?
        .execute((note.at_ms, body))?;
    tx.prepare_cached(
        "DELETE FROM sync_round WHERE round_key <= (SELECT max(round_key) FROM sync_round) - ?1",
    )?
    .execute([ROUNDS_MAX])?;
    Ok(())
}

/// The rounds that are kept, newest first.
pub fn list(conn: &Connection) -> Result<Vec<RoundNote>> {
    let mut statement = conn.prepare_cached("SELECT body FROM sync_round ORDER BY round_key DESC")?;
    let bodies = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut notes = Vec::new();
    for body in bodies {
        // One that another build wrote otherwise is left out.
        notes.extend(serde_json::from_str::<RoundNote>(&body?));
    }
    Ok(notes)
}

/// The support's key, if the hub told one that is another than before.
pub fn new_support_key(conn: &Connection, report: &RoundReport) -> Result<Option<String>> {
    let told = report.hub.as_ref().and_then(|hub| hub.support_key.clone());
    let known: Option<String> = meta::get(conn, SUPPORT_KEY)?;
    Ok(told.filter(|told| known.as_ref() != Some(told)))
}
