//! Members who move to another store, and the history of members who become one (or two again).

use rusqlite::params;
use yaoban_domain::model::{CareTask, Member};
use yaoban_domain::task::is_absorbing;
use yaoban_protocol::apply::RowRef;
use yaoban_protocol::row::entity;

use super::Tx;
use super::members::{MEMBER, read_member};
use super::scope::{Changes, Mark, store_scope};
use super::work::{Owned, read_body};
use crate::storage::{Records, StorageError};

/// Members on one number at most (a care home's desk, say).
const ON_ONE_NUMBER_MAX: u32 = 200;

/// A task as another store gets it: for anyone there.
fn handed_over(mut task: CareTask, store_id: &str) -> CareTask {
    store_id.clone_into(&mut task.store_id);
    task.assignee = None;
    task
}

impl Tx<'_> {
    /// Members with a number in normal form, by id.
    pub fn members_on_phone(&self, phone: &str) -> Result<Vec<Member>, StorageError> {
        self.all(
            &format!("{MEMBER} WHERE phone = ?1 ORDER BY member_id LIMIT {ON_ONE_NUMBER_MAX}"),
            [phone],
            read_member,
        )
    }

    /// Members after an id, by id.
    pub fn members_after(&self, after: &str, limit: u32) -> Result<Vec<Member>, StorageError> {
        self.all(
            &format!("{MEMBER} WHERE member_id > ?1 ORDER BY member_id LIMIT ?2"),
            params![after, limit],
            read_member,
        )
    }

    /// Takes the record of a member away; its history must have been moved before. What the chain's
    /// file said about it stays with its key: a later file is compared with that.
    pub fn remove_member(&self, id: &str) -> Result<(), StorageError> {
        self.put("DELETE FROM member WHERE member_id = ?1", [id])?;
        self.put_aliases(id, &[])
    }

    /// All rows of a member that travel with it, but for the member itself.
    pub fn rows_of_member(&self, id: &str) -> Result<Vec<RowRef>, StorageError> {
        let mut rows = vec![RowRef::new(entity::PURCHASES, id)];
        let mut add = |entity: &str, sql: &str| -> Result<(), StorageError> {
            let ids = self.all(sql, [id], |row| row.get::<_, String>(0))?;
            rows.extend(ids.iter().map(|id| RowRef::new(entity, id)));
            Ok(())
        };
        add(
            entity::READING,
            "SELECT r.reading_id FROM reading r JOIN member m USING (member_key) WHERE m.member_id = ?1 ORDER BY 1",
        )?;
        add(
            entity::NOTE,
            "SELECT note_id FROM note WHERE member_id = ?1 ORDER BY 1",
        )?;
        add(
            entity::TASK,
            "SELECT task_id FROM task WHERE member_id = ?1 ORDER BY 1",
        )?;
        add(
            entity::ATTEMPT,
            "SELECT attempt_id FROM attempt WHERE member_id = ?1 ORDER BY 1",
        )?;
        add(
            entity::SEND,
            "SELECT send_key FROM send WHERE member_id = ?1 ORDER BY 1",
        )?;
        add(
            entity::DUPLICATE,
            "SELECT pair_id FROM duplicate WHERE first_id = ?1 OR second_id = ?1 ORDER BY 1",
        )?;
        Ok(rows)
    }

    /// Tells phones that a member moved from one home store to another (none: the chain's own): the
    /// member and all its rows leave there and arrive here, in one transaction. What is still to be
    /// done goes along, to anyone in the new store. The record itself is the caller's to write, in
    /// the same transaction and before this.
    pub fn member_moved(
        &self,
        id: &str,
        from: Option<&str>,
        to: Option<&str>,
        day: i32,
        changes: &mut Changes,
    ) -> Result<(), StorageError> {
        if from == to {
            return Ok(());
        }
        let mut rows = self.rows_of_member(id)?;
        rows.push(RowRef::new(entity::MEMBER, id));
        if let Some(from) = from {
            for row in &rows {
                changes.add(&store_scope(from), &row.entity, &row.id, Mark::Evict { day });
            }
        }
        if let Some(to) = to {
            for task in self.tasks_of(id)? {
                self.hand_over(task, to)?;
            }
            for row in &rows {
                changes.add(&store_scope(to), &row.entity, &row.id, Mark::Put);
            }
        }
        Ok(())
    }

    /// Gives what is still to be done to another store.
    fn hand_over(&self, task: CareTask, store_id: &str) -> Result<(), StorageError> {
        if task.store_id == store_id || is_absorbing(&task.state) {
            return Ok(());
        }
        let mut task = handed_over(task, store_id);
        task.version += 1;
        self.put_task(&task)
    }

    /// A task as its member's home store has it: whoever writes one tells the phones there.
    pub fn brought_home(&self, task: CareTask) -> Result<CareTask, StorageError> {
        let home = Records::member(self, &task.member_id)?.and_then(|member| member.store_id);
        Ok(match home {
            Some(home) if home != task.store_id => handed_over(task, &home),
            _ => task,
        })
    }

    /// Gives everything of one member to another and notes what it was, so that it can be taken
    /// back. Gives the rows that moved.
    pub fn move_history(&self, from: &str, to: &str) -> Result<Vec<RowRef>, StorageError> {
        let (Some(from_key), Some(to_key)) = (self.member_key(from)?, self.member_key(to)?) else {
            return Ok(Vec::new());
        };
        let moved = self.move_purchases(from_key, to_key)?;
        self.put(
            "INSERT INTO moved_history (from_id, from_key, source, lines) \
             VALUES (?1, ?2, (SELECT body FROM member_source WHERE member_key = ?2), ?3) \
             ON CONFLICT (from_id) DO UPDATE SET from_key = excluded.from_key, source = excluded.source, \
                lines = excluded.lines",
            params![from, from_key, moved],
        )?;
        let rows: Vec<RowRef> = self.own_rows(from)?;
        self.give_rows(&rows, to)?;
        for row in &rows {
            self.put(
                "INSERT INTO moved_row (from_id, entity, id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![from, row.entity, row.id],
            )?;
        }
        self.put_lifetime(to)?;
        Ok(rows)
    }

    /// Takes [`Tx::move_history`] back: what came from `from` leaves `to` and belongs to `back`.
    pub fn return_history(&self, from: &str, to: &str, back: &str) -> Result<Vec<RowRef>, StorageError> {
        let Some(to_key) = self.member_key(to)? else {
            return Ok(Vec::new());
        };
        let moved = self.one(
            "SELECT from_key, source, lines FROM moved_history WHERE from_id = ?1",
            [from],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Option<String>>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                ))
            },
        )?;
        if let Some((key, source, lines)) = moved {
            // Its old key again: lines of files that are under way were read under it.
            self.put(
                "UPDATE member SET member_key = ?2 WHERE member_id = ?1",
                params![back, key],
            )?;
            self.put("DELETE FROM member_source WHERE member_key = ?1", [key])?;
            if let (Some(source), Ok(key)) = (source, u32::try_from(key)) {
                self.put_member_source(key, &source)?;
            }
            self.return_purchases(to_key, key, &lines)?;
        }
        let rows = self.all(
            "SELECT entity, id FROM moved_row WHERE from_id = ?1 ORDER BY entity, id",
            [from],
            |row| {
                Ok(RowRef {
                    entity: row.get(0)?,
                    id: row.get(1)?,
                })
            },
        )?;
        self.give_rows(&rows, back)?;
        self.put("DELETE FROM moved_history WHERE from_id = ?1", [from])?;
        self.put("DELETE FROM moved_row WHERE from_id = ?1", [from])?;
        self.put_lifetime(to)?;
        self.put_lifetime(back)?;
        Ok(rows)
    }

    /// Notes that a row came by another id of its member: it goes along if that merge is undone.
    pub fn came_by_alias(&self, alias: &str, entity: &str, id: &str) -> Result<(), StorageError> {
        let mut from = alias.to_owned();
        while let Some(keep) = self.kept_by(&from)? {
            self.put(
                "INSERT INTO moved_row (from_id, entity, id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                [&from, entity, id],
            )?;
            from = keep;
        }
        Ok(())
    }

    /// Rows that carry the member's id, without purchases and pairs.
    fn own_rows(&self, id: &str) -> Result<Vec<RowRef>, StorageError> {
        let mut rows = self.rows_of_member(id)?;
        rows.retain(|row| row.entity != entity::PURCHASES && row.entity != entity::DUPLICATE);
        Ok(rows)
    }

    fn give_rows(&self, rows: &[RowRef], to: &str) -> Result<(), StorageError> {
        let store_id = Records::member(self, to)?.and_then(|member| member.store_id);
        for row in rows {
            let id = row.id.as_str();
            match row.entity.as_str() {
                entity::READING => self.put(
                    "UPDATE reading SET member_key = (SELECT member_key FROM member WHERE member_id = ?2) \
                     WHERE reading_id = ?1",
                    [id, to],
                )?,
                entity::NOTE => self.give(Owned::NOTE, id, to)?,
                entity::ATTEMPT => self.give(Owned::ATTEMPT, id, to)?,
                entity::SEND => self.give(Owned::SEND, id, to)?,
                entity::TASK => {
                    if let Some(mut task) = self.task(id)? {
                        to.clone_into(&mut task.member_id);
                        task.version += 1;
                        self.put_task(&task)?;
                        if let Some(store_id) = &store_id {
                            self.hand_over(task, store_id)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Rewrites the member of a record at rest.
    fn give(&self, table: Owned, id: &str, to: &str) -> Result<(), StorageError> {
        let Some(mut record) = self.one::<serde_json::Value>(table.select, [id], read_body)? else {
            return Ok(());
        };
        record["member_id"] = to.into();
        self.put(table.update, params![id, to, record.to_string()])
    }

    /// Brings the life-time figures in a member's record up to date.
    fn put_lifetime(&self, id: &str) -> Result<(), StorageError> {
        let lifetime = self.lifetime_of(id)?;
        if let Some(mut member) = Records::member(self, id)?
            && member.lifetime != lifetime
        {
            member.lifetime = lifetime;
            Records::put_member(self, &member)?;
        }
        Ok(())
    }
}
