//! Erasure of a member at its request: everything about it goes, here and on the phones, and its ids
//! stay taken, so that no later file or operation brings it back.

use std::collections::BTreeSet;

use yaoban_domain::calendar::day_number;

use crate::recordings::leave::{self, By};
use crate::recordings::{RecordingError, Shelf};
use crate::serve::snapshot::remove_chunks;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::scope::Changes;
use crate::storage::sqlite::{Database, Tx};
use crate::storage::{Records as _, StorageError};

/// The reason of a deleted recording of an erased member.
const ERASED: &str = "gate.erased";

/// Why a member was not erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A recording, or its file, could not be deleted.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// There is none.
    #[error("no member `{0}`; it was never here, or goes by another id")]
    Unknown(String),
    /// It was erased before.
    #[error("member `{0}` was erased before")]
    Before(String),
    /// A file of purchases is half in: its lines could be the member's.
    #[error("a file of purchases is under way; let the import end (or run it again), then erase")]
    ImportUnderWay,
    /// Prebuilt first loads could not be removed.
    #[error("the member is erased, but {0}; delete `chunks` in the data directory")]
    Chunks(std::io::Error),
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The id under which the member was kept.
    pub member_id: String,
    /// Purchases, readings, notes, tasks, calls, messages: rows that travelled with it.
    pub rows: usize,
    /// Recordings of calls.
    pub recordings: usize,
}

/// Erases a member, by any of its ids.
pub fn erase(
    database: &Database,
    shelf: &Shelf,
    id: &str,
    reason: &str,
    by: &By<'_>,
) -> Result<Erased, ErasureError> {
    let (erased, scopes) = database.write_over(|tx| in_transaction(tx, id, reason, by))?;
    leave::remove_files_of_deleted(database, shelf)?;
    // A cache, which a first load builds anew. That of a former store may be older than the move.
    for scope in &scopes {
        remove_chunks(database.dir(), scope).map_err(ErasureError::Chunks)?;
    }
    Ok(erased)
}

fn in_transaction(
    tx: &Tx<'_>,
    id: &str,
    reason: &str,
    by: &By<'_>,
) -> Result<(Erased, BTreeSet<String>), ErasureError> {
    let known = tx
        .resolve_member(id)?
        .map(|known| tx.member(&known))
        .transpose()?;
    let member = known
        .flatten()
        .ok_or_else(|| ErasureError::Unknown(id.to_owned()))?;
    if member.erased {
        return Err(ErasureError::Before(id.to_owned()));
    }
    if tx.has_unseen_run()? {
        return Err(ErasureError::ImportUnderWay);
    }
    let recordings = tx.recordings_of(&member.id)?;
    for recording in &recordings {
        leave::delete(tx, recording, ERASED, by)?;
    }
    let day = day_number(tx.calendar()?.day(by.now_ms));
    let mut changes = Changes::new();
    let scopes = tx.scopes_that_held(&member)?;
    let rows = tx.erase_member(&member, &scopes, day, &mut changes)?;
    tx.touch(&changes)?;
    tx.audit(&AuditEntry {
        at_ms: by.now_ms,
        actor: by.actor.to_owned(),
        staff_id: by.staff_id.map(str::to_owned),
        action: "member_erased",
        subject: Some(member.id.clone()),
        detail: serde_json::json!({ "rows": rows, "recordings": recordings.len(), "reason": reason }),
    })?;
    let erased = Erased {
        member_id: member.id,
        rows,
        recordings: recordings.len(),
    };
    Ok((erased, scopes))
}
