//! All rows of a member, in every table, for its erasure.

use std::collections::BTreeSet;

use yaoban_domain::model::Member;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{Op, Subject};
use yaoban_protocol::row::entity;

use super::Tx;
use super::scope::{Changes, Mark, store_scope};
use crate::storage::{Records as _, StorageError};

/// What goes with each id of the member. The audit trail keeps its entries, which hold ids alone.
const BY_ID: [&str; 13] = [
    "DELETE FROM task_outcome WHERE task_id IN (SELECT task_id FROM task WHERE member_id = ?1)",
    "DELETE FROM task WHERE member_id = ?1",
    "DELETE FROM attempt WHERE member_id = ?1",
    "DELETE FROM note WHERE member_id = ?1",
    "DELETE FROM send WHERE member_id = ?1",
    "DELETE FROM signed_consents WHERE member_id = ?1",
    "DELETE FROM duplicate WHERE first_id = ?1 OR second_id = ?1",
    "DELETE FROM assignment WHERE member_id = ?1",
    "DELETE FROM member_history WHERE member_id = ?1",
    "DELETE FROM merged_member WHERE other_id = ?1 OR keep_id = ?1",
    "DELETE FROM member_source WHERE member_key IN (SELECT from_key FROM moved_history WHERE from_id = ?1)",
    "DELETE FROM moved_row WHERE from_id = ?1",
    "DELETE FROM moved_history WHERE from_id = ?1",
];

/// What goes with its key.
const BY_KEY: [&str; 2] = [
    "DELETE FROM reading WHERE member_key = ?1",
    "DELETE FROM member_source WHERE member_key = ?1",
];

/// A record that says nothing but that its ids are taken for good.
fn tombstone(member: &Member) -> Member {
    Member {
        store_id: member.store_id.clone(),
        erased: true,
        aliases: member.aliases.clone(),
        version: member.version + 1,
        ..Member::blank(&member.id)
    }
}

/// Every id by which a member is known.
pub(crate) fn ids_of(member: &Member) -> impl Iterator<Item = &str> {
    std::iter::once(&member.id)
        .chain(&member.aliases)
        .map(String::as_str)
}

impl Tx<'_> {
    /// Deletes everything about a member and notes what phones have to erase, in the scopes that ever
    /// held it; gives how many rows travelled with it. No file of purchases may be under way.
    pub(crate) fn erase_member(
        &self,
        member: &Member,
        scopes: &BTreeSet<String>,
        day: i32,
        changes: &mut Changes,
    ) -> Result<usize, StorageError> {
        let id = member.id.as_str();
        let rows = self.rows_of_member(id)?;
        if let Some(store) = &member.store_id {
            for row in &rows {
                changes.add(&store_scope(store), &row.entity, &row.id, Mark::Evict { day });
            }
        }
        for scope in scopes {
            for own in ids_of(member) {
                changes.add(scope, entity::MEMBER, own, Mark::Erase { day });
            }
        }
        self.evict_pairs(id, day, changes)?;
        self.forget_parked_of(member)?;
        if let Some(key) = self.member_key(id)? {
            self.erase_purchases(key)?;
            for sql in BY_KEY {
                self.put(sql, [key])?;
            }
        }
        for own in ids_of(member) {
            for sql in BY_ID {
                self.put(sql, [own])?;
            }
        }
        self.put_member(&tombstone(member))?;
        Ok(rows.len())
    }

    /// The scopes that hold a member, or were told that it left them: phones of a former store still keep
    /// what their clerks did for it, under whichever of its ids they knew.
    pub(crate) fn scopes_that_held(&self, member: &Member) -> Result<BTreeSet<String>, StorageError> {
        let mut scopes: BTreeSet<String> = member.store_id.iter().map(|id| store_scope(id)).collect();
        for id in ids_of(member) {
            // From the scopes, of which there are thousands, to the rows, of which there are millions.
            scopes.extend(self.all(
                "SELECT s.scope FROM scope s CROSS JOIN scope_row r
                 WHERE r.scope_key = s.scope_key AND r.entity = ?1 AND r.id = ?2",
                [entity::MEMBER, id],
                |row| row.get::<_, String>(0),
            )?);
        }
        Ok(scopes)
    }

    /// Parked operations keep their result and lose their content, where it can be read and concerns the
    /// member: one that was too large for the hub, say. Nobody can tell whom the others concern.
    fn forget_parked_of(&self, member: &Member) -> Result<(), StorageError> {
        let parked: Vec<(String, Vec<u8>)> =
            self.all("SELECT op_id, body FROM parked_op WHERE body <> x''", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        for (op_id, body) in parked {
            let Ok(op) = from_cbor::<Op>(&body) else { continue };
            let whose = match op.subject() {
                Subject::Member(id) => Some(id.to_owned()),
                Subject::OfTask(id) => self.task(id)?.map(|task| task.member_id),
                Subject::OfAttempt(id) => self.attempt(id)?.map(|attempt| attempt.member_id),
                Subject::Nobody => None,
            };
            if whose.is_some_and(|whose| ids_of(member).any(|id| id == whose)) {
                self.forget_parked_body(&op_id)?;
            }
        }
        Ok(())
    }

    /// Pairs are also in the store of the other one.
    fn evict_pairs(&self, id: &str, day: i32, changes: &mut Changes) -> Result<(), StorageError> {
        for pair in self.duplicates_of(id)? {
            let other = if pair.first == id {
                &pair.second
            } else {
                &pair.first
            };
            let store = self.member(other)?.and_then(|other| other.store_id);
            if let Some(store) = store {
                let pair_id = yaoban_protocol::apply::pair_id(&pair);
                changes.add(
                    &store_scope(&store),
                    entity::DUPLICATE,
                    &pair_id,
                    Mark::Evict { day },
                );
            }
        }
        Ok(())
    }
}
