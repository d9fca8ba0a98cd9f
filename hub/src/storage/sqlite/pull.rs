//! Pages of changes, read in one state of the database.

use serde_bytes::ByteBuf;
use yaoban_protocol::digest;
use yaoban_protocol::message::Page;
use yaoban_protocol::row::{Change, ChangeKind, entity};

use super::Tx;
use super::render::Rendering;
use super::scope::{self, Changes, Scope, ScopeRow};
use crate::storage::StorageError;

/// How much more fits into a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Rows.
    pub rows: usize,
    /// Bytes of bodies; the row that passes it is the last one.
    pub bytes: usize,
}

/// What says where all scopes stand (it rises with each change of any), and the head of each.
pub type Heads = (u64, Vec<(String, u64)>);

impl Tx<'_> {
    /// A scope as it stands.
    pub fn scope(&self, name: &str) -> Result<Scope, StorageError> {
        Ok(scope::get(self.connection(), name)?)
    }

    /// Writes changes of scopes.
    pub fn touch(&self, changes: &Changes) -> Result<(), StorageError> {
        Ok(changes.write(self.connection())?)
    }

    /// Notes that rows of one entity of a scope are new or changed.
    pub fn touch_many<S: AsRef<str>>(
        &self,
        scope: &str,
        entity: &str,
        ids: &[S],
    ) -> Result<(), StorageError> {
        Ok(scope::touch_many(
            self.connection(),
            scope,
            entity,
            ids,
            scope::Mark::Put,
        )?)
    }

    /// Where all scopes stand, unless that is what `seen` says; and what says so: it rises with each
    /// change of any scope.
    pub fn heads_unless(&self, seen: Option<u64>) -> Result<Option<Heads>, StorageError> {
        let sum = self
            .one("SELECT coalesce(sum(head), 0) FROM scope", [], |row| row.get(0))?
            .unwrap_or_default();
        if seen == Some(sum) {
            return Ok(None);
        }
        let heads = self.all("SELECT scope, head FROM scope", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(Some((sum, heads)))
    }

    /// Has all scopes loaded anew.
    pub fn new_generations(&self) -> Result<(), StorageError> {
        self.put("UPDATE scope SET generation = generation + 1", [])
    }

    /// Drops tombstones older than a day.
    pub fn prune_tombstones(&self, before_day: i32) -> Result<usize, StorageError> {
        Ok(scope::prune(self.connection(), before_day)?)
    }

    /// The changes of a scope after a place, as many as there is room for, which shrinks.
    pub fn page(
        &self,
        scope: &Scope,
        after: u64,
        room: &mut Room,
        rendering: &Rendering,
    ) -> Result<Page, StorageError> {
        let mut page = Page {
            scope: scope.name.clone(),
            generation: scope.generation,
            changes: Vec::new(),
            next: after,
            head: scope.head,
            gone: after < scope.pruned || after > scope.head,
        };
        if page.gone || room.rows == 0 || room.bytes == 0 {
            return Ok(page);
        }
        let rows = scope::page(self.connection(), scope.key, after, room.rows)?;
        let ended = rows.len() < room.rows;
        for row in rows {
            if room.bytes == 0 {
                return Ok(page);
            }
            page.next = row.seq;
            let change = self.change(&scope.name, row, rendering)?;
            room.rows -= 1;
            room.bytes = room.bytes.saturating_sub(change.body.len());
            page.changes.push(change);
        }
        if ended {
            // Positions that later changes took over leave gaps; the place past them is the head.
            page.next = scope.head;
        }
        Ok(page)
    }

    /// A row of the change index with its body.
    pub fn change(&self, scope: &str, row: ScopeRow, rendering: &Rendering) -> Result<Change, StorageError> {
        let body = match row.kind.as_str() {
            "put" => self.render(scope, &row.entity, &row.id, rendering)?,
            _ => None,
        };
        let kind = match (row.kind.as_str(), &body) {
            ("put", Some(_)) => ChangeKind::Put,
            ("erase", _) => ChangeKind::Erase,
            _ => ChangeKind::Evict,
        };
        Ok(Change {
            seq: row.seq,
            entity: row.entity,
            id: row.id,
            kind,
            body: ByteBuf::from(body.unwrap_or_default()),
        })
    }

    /// The rows of the ranges in which a phone's sums differ from the hub's, by range.
    pub fn differing_ranges(
        &self,
        scope: &Scope,
        sums: &[u64],
        ranges_max: usize,
    ) -> Result<Vec<(u8, Vec<ScopeRow>)>, StorageError> {
        let mut ranges: Vec<Vec<ScopeRow>> = vec![Vec::new(); digest::RANGES];
        let mut own = vec![0_u64; digest::RANGES];
        for entity in scope::entities(self.connection(), scope.key)? {
            for row in scope::present(self.connection(), scope.key, &entity)? {
                let range = usize::from(digest::range_of(&row.entity, &row.id));
                own[range] = own[range].wrapping_add(digest::row_hash(&row.entity, &row.id, row.seq));
                ranges[range].push(row);
            }
        }
        let differing = ranges
            .into_iter()
            .enumerate()
            .filter(|(range, _)| sums.get(*range) != own.get(*range));
        Ok(differing
            .take(ranges_max)
            .filter_map(|(range, rows)| Some((u8::try_from(range).ok()?, rows)))
            .collect())
    }
}

/// Entities of a first load in the order in which a phone needs them; others follow.
const SNAPSHOT_ORDER: [&str; 9] = [
    entity::STORE,
    entity::STAFF,
    entity::RULES,
    entity::MODEL,
    entity::DRUG,
    entity::TEMPLATE,
    entity::CAMPAIGN,
    entity::TASK,
    entity::STOCK,
];
/// Rows of a member, in the order in which they are sent with it.
const OF_MEMBERS: [(&str, &str); 4] = [
    (
        entity::READING,
        "SELECT r.reading_id FROM reading r JOIN member m USING (member_key) WHERE m.member_id = ?1 ORDER BY 1",
    ),
    (
        entity::NOTE,
        "SELECT note_id FROM note WHERE member_id = ?1 ORDER BY 1",
    ),
    (
        entity::ATTEMPT,
        "SELECT attempt_id FROM attempt WHERE member_id = ?1 ORDER BY 1",
    ),
    (
        entity::SEND,
        "SELECT send_key FROM send WHERE member_id = ?1 ORDER BY 1",
    ),
];

impl Tx<'_> {
    /// Whether a row was evicted or erased after a place.
    pub fn has_left_since(&self, scope: &Scope, after: u64) -> Result<bool, StorageError> {
        let found = self.one(
            "SELECT 1 FROM scope_row WHERE scope_key = ?1 AND gone_day IS NOT NULL AND seq > ?2 LIMIT 1",
            rusqlite::params![scope.key, after],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    /// Members whose erasure the scope tells of, by id.
    pub fn erased_members(&self, scope: &Scope) -> Result<Vec<String>, StorageError> {
        self.all(
            "SELECT id FROM scope_row WHERE scope_key = ?1 AND gone_day IS NOT NULL \
                AND kind = 'erase' AND entity = 'member' ORDER BY id",
            [scope.key],
            |row| row.get(0),
        )
    }

    /// Gives every present row of a scope in the order of a first load: what the chain shares,
    /// tasks, then the members, those with the earliest due tasks first, each with its rows.
    pub fn snapshot_rows<E: From<StorageError>>(
        &self,
        scope: &Scope,
        mut give: impl FnMut(ScopeRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let entities = scope::entities(self.connection(), scope.key).map_err(StorageError::from)?;
        let with_members = |name: &str| {
            name == entity::MEMBER
                || name == entity::PURCHASES
                || OF_MEMBERS.iter().any(|(of, _)| *of == name)
        };
        let known = SNAPSHOT_ORDER.iter().map(|name| (*name).to_owned());
        let others = entities
            .iter()
            .filter(|name| !SNAPSHOT_ORDER.contains(&name.as_str()) && !with_members(name));
        for name in known.chain(others.cloned()) {
            for row in scope::present(self.connection(), scope.key, &name).map_err(StorageError::from)? {
                give(row)?;
            }
        }
        if entities.iter().any(|name| with_members(name)) {
            for member_id in self.members_by_urgency(scope)? {
                self.member_rows(scope, &member_id, &mut give)?;
            }
        }
        Ok(())
    }

    fn members_by_urgency(&self, scope: &Scope) -> Result<Vec<String>, StorageError> {
        self.all(
            "SELECT r.id FROM scope_row r LEFT JOIN \
                (SELECT member_id, min(due_day) AS due FROM task \
                 WHERE state IN ('open', 'in_progress', 'deferred') GROUP BY member_id) t ON t.member_id = r.id \
             WHERE r.scope_key = ?1 AND r.entity = 'member' AND r.kind = 'put' \
             ORDER BY t.due IS NULL, t.due, r.id",
            [scope.key],
            |row| row.get(0),
        )
    }

    fn member_rows<E: From<StorageError>>(
        &self,
        scope: &Scope,
        member_id: &str,
        give: &mut impl FnMut(ScopeRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rows = Vec::with_capacity(8);
        for entity in [entity::MEMBER, entity::PURCHASES] {
            rows.extend(self.present_row(scope, entity, member_id)?);
        }
        for (entity, sql) in OF_MEMBERS {
            for id in self.all(sql, [member_id], |row| row.get::<_, String>(0))? {
                rows.extend(self.present_row(scope, entity, &id)?);
            }
        }
        rows.into_iter().try_for_each(give)
    }

    fn present_row(&self, scope: &Scope, entity: &str, id: &str) -> Result<Option<ScopeRow>, StorageError> {
        self.one(
            "SELECT seq, entity, id, kind FROM scope_row \
             WHERE scope_key = ?1 AND entity = ?2 AND id = ?3 AND kind = 'put'",
            rusqlite::params![scope.key, entity, id],
            scope::read_row,
        )
    }
}
