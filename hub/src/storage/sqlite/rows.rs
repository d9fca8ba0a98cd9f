//! The rows that operations of phones read and write ([`yaoban_protocol::apply::Rows`]), over one
//! transaction; and what of it phones must hear.

use std::collections::BTreeMap;

use yaoban_domain::calendar::Calendar;
use yaoban_domain::model::{Attempt, CareTask, Member, Note, Reading, Send, Staff};
use yaoban_protocol::apply::{MergedMember, RowRef, Rows, SignedConsents};
use yaoban_protocol::row::{DuplicatePair, entity};

use super::Tx;
use super::devices::Device;
use super::scope::{Changes, Mark, store_scope};
use crate::storage::{Records, StorageError};

/// Ids that the hub gives begin with this, so that they never meet the chain's own.
const OWN_ID_PREFIX: &str = "YB";

/// Rows of one operation of one device.
pub struct OpRows<'t, 'c> {
    tx: &'t Tx<'c>,
    calendar: Calendar,
    /// The actor of the audit trail who may have looked the member up.
    actor: String,
    now_ms: i64,
    /// How far the phone's clock is ahead.
    ahead_ms: i64,
    /// Where members stood before the operation, as far as it wrote them.
    homes: BTreeMap<String, Option<String>>,
    /// Rows that left a store with a merge.
    left: Vec<(String, RowRef)>,
    /// Another id by which the operation named its member, and whose it is.
    named: Option<(String, String)>,
}

/// How long a looked-up member may be worked on: the phone keeps it 24 hours and may be offline
/// afterwards.
const LOOKUP_GRACE_MS: i64 = 24 * 60 * 60 * 1_000;

impl<'t, 'c> OpRows<'t, 'c> {
    /// Rows for an operation of this device.
    pub fn new(tx: &'t Tx<'c>, calendar: Calendar, device: &Device, now_ms: i64) -> Self {
        Self {
            actor: format!("device:{}", device.id),
            ahead_ms: device.ahead_ms,
            ..Self::of_hub(tx, calendar, now_ms)
        }
    }

    /// Rows for what the hub itself does.
    pub fn of_hub(tx: &'t Tx<'c>, calendar: Calendar, now_ms: i64) -> Self {
        Self {
            tx,
            calendar,
            actor: "hub".to_owned(),
            now_ms,
            ahead_ms: 0,
            homes: BTreeMap::new(),
            left: Vec::new(),
            named: None,
        }
    }

    /// What phones must hear of the rows that an operation touched.
    pub fn changes(&self, touched: &[RowRef]) -> Result<Changes, StorageError> {
        let day = yaoban_domain::calendar::day_number(self.calendar.day(self.now_ms));
        let mut changes = Changes::new();
        for (store_id, row) in &self.left {
            changes.add(&store_scope(store_id), &row.entity, &row.id, Mark::Evict { day });
        }
        for (member_id, before) in &self.homes {
            let now = Records::member(self.tx, member_id)?.and_then(|member| member.store_id);
            if let Some(before) = before
                && now.as_ref() != Some(before)
            {
                changes.add(
                    &store_scope(before),
                    entity::MEMBER,
                    member_id,
                    Mark::Evict { day },
                );
            }
        }
        for row in touched {
            for store_id in self.stores_of(row)? {
                changes.add(&store_scope(&store_id), &row.entity, &row.id, Mark::Put);
            }
        }
        Ok(changes)
    }

    /// The stores whose phones hold a row: that of its member.
    fn stores_of(&self, row: &RowRef) -> Result<Vec<String>, StorageError> {
        let id = row.id.as_str();
        let member_ids = match row.entity.as_str() {
            entity::MEMBER | entity::PURCHASES => vec![id.to_owned()],
            entity::READING => self
                .tx
                .reading(id)?
                .map(|reading| reading.member_id)
                .into_iter()
                .collect(),
            entity::NOTE => self.tx.note(id)?.map(|note| note.member_id).into_iter().collect(),
            entity::TASK => self.tx.task(id)?.map(|task| task.member_id).into_iter().collect(),
            entity::ATTEMPT => self
                .tx
                .attempt(id)?
                .map(|attempt| attempt.member_id)
                .into_iter()
                .collect(),
            entity::SEND => self.tx.send(id)?.map(|send| send.member_id).into_iter().collect(),
            entity::DUPLICATE => self
                .tx
                .duplicate(id)?
                .map_or_else(Vec::new, |pair| vec![pair.first, pair.second]),
            entity::STAFF => {
                return Ok(Records::staff(self.tx, id)?
                    .and_then(|staff| staff.store_id)
                    .into_iter()
                    .collect());
            }
            _ => Vec::new(),
        };
        let mut stores = Vec::new();
        for member_id in member_ids {
            let member = Records::member(self.tx, &member_id)?;
            stores.extend(
                member
                    .and_then(|member| member.store_id)
                    .filter(|store| !stores.contains(store)),
            );
        }
        Ok(stores)
    }

    /// A new row of a member that the operation named by another id goes back with that id.
    fn came(&self, entity: &str, id: &str, member_id: &str) -> Result<(), StorageError> {
        match &self.named {
            Some((alias, owner)) if owner == member_id => self.tx.came_by_alias(alias, entity, id),
            _ => Ok(()),
        }
    }

    fn remember_home(&mut self, id: &str) -> Result<Option<Member>, StorageError> {
        let stored = Records::member(self.tx, id)?;
        self.homes
            .entry(id.to_owned())
            .or_insert_with(|| stored.as_ref().and_then(|member| member.store_id.clone()));
        Ok(stored)
    }

    /// Rows that stay behind in the store of the member they came from.
    fn leave(&mut self, from: &str, to: &str, rows: &[RowRef]) -> Result<(), StorageError> {
        let store = |member: Option<Member>| member.and_then(|member| member.store_id);
        let before = store(Records::member(self.tx, from)?);
        let now = store(Records::member(self.tx, to)?);
        if let Some(before) = before
            && now.as_ref() != Some(&before)
        {
            self.left
                .extend(rows.iter().map(|row| (before.clone(), row.clone())));
        }
        Ok(())
    }
}

impl Rows for OpRows<'_, '_> {
    type Error = StorageError;

    fn member(&mut self, id: &str) -> Result<Option<Member>, StorageError> {
        let Some(found) = self.tx.resolve_member(id)? else {
            return Ok(None);
        };
        if found != id {
            self.named = Some((id.to_owned(), found.clone()));
        }
        Records::member(self.tx, &found)
    }

    fn put_member(&mut self, member: &Member) -> Result<(), StorageError> {
        let stored = self.remember_home(&member.id)?;
        let mut member = member.clone();
        member.version = stored.map_or(0, |stored| stored.version) + 1;
        Records::put_member(self.tx, &member)?;
        self.tx.put_aliases(&member.id, &member.aliases)
    }

    fn remove_member(&mut self, id: &str) -> Result<(), StorageError> {
        self.remember_home(id)?;
        self.tx.remove_member(id)
    }

    fn put_signed(&mut self, signed: &SignedConsents) -> Result<(), StorageError> {
        self.tx.put_signed(signed)
    }

    fn members_on_phone(&mut self, phone: &str) -> Result<Vec<Member>, StorageError> {
        self.tx.members_on_phone(phone)
    }

    fn assigns_ids(&self) -> bool {
        true
    }

    fn new_member_id(&mut self, _member: &Member) -> Result<String, StorageError> {
        let mut count: u64 = self
            .tx
            .meta("member_count")?
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        loop {
            count += 1;
            let id = format!("{OWN_ID_PREFIX}{count:08}");
            if self.tx.resolve_member(&id)?.is_none() {
                self.tx.set_meta("member_count", &count.to_string())?;
                return Ok(id);
            }
        }
    }

    /// A tombstone tells of the move, and a lookup allows work on a member of another store. The
    /// time of the operation is not asked for: phones' clocks are off by days, and a phone that has
    /// not heard of a move cannot know better.
    fn was_in_store(&mut self, member_id: &str, store_id: &str, at_ms: i64) -> Result<bool, StorageError> {
        if self
            .tx
            .row_kind(&store_scope(store_id), entity::MEMBER, member_id)?
            .is_some()
        {
            return Ok(true);
        }
        let since_ms = at_ms.min(self.now_ms) - LOOKUP_GRACE_MS;
        self.tx.looked_up_since(&self.actor, member_id, since_ms)
    }

    fn task(&mut self, id: &str) -> Result<Option<CareTask>, StorageError> {
        self.tx.task(id)
    }

    fn put_task(&mut self, task: &CareTask) -> Result<(), StorageError> {
        let mut task = task.clone();
        let stored = self.tx.task(&task.id)?;
        task.version = stored.as_ref().map_or(0, |stored| stored.version) + 1;
        self.tx.put_task(&task)?;
        if stored.is_none() {
            self.came(entity::TASK, &task.id, &task.member_id)?;
        }
        Ok(())
    }

    fn tasks_of_member(&mut self, member_id: &str) -> Result<Vec<CareTask>, StorageError> {
        self.tx.tasks_of(member_id)
    }

    fn attempt(&mut self, id: &str) -> Result<Option<Attempt>, StorageError> {
        self.tx.attempt(id)
    }

    fn put_attempt(&mut self, attempt: &Attempt) -> Result<(), StorageError> {
        self.tx
            .put_attempt(attempt, self.calendar.day(attempt.started_at_ms))?;
        self.came(entity::ATTEMPT, &attempt.id, &attempt.member_id)
    }

    fn reading(&mut self, id: &str) -> Result<Option<Reading>, StorageError> {
        Records::reading(self.tx, id)
    }

    fn put_reading(&mut self, reading: &Reading) -> Result<(), StorageError> {
        Records::put_reading(self.tx, reading, self.calendar.day(reading.taken_at_ms))?;
        self.came(entity::READING, &reading.id, &reading.member_id)
    }

    fn note(&mut self, id: &str) -> Result<Option<Note>, StorageError> {
        self.tx.note(id)
    }

    fn put_note(&mut self, note: &Note) -> Result<(), StorageError> {
        self.tx.put_note(note)?;
        self.came(entity::NOTE, &note.id, &note.member_id)
    }

    fn send(&mut self, key: &str) -> Result<Option<Send>, StorageError> {
        self.tx.send(key)
    }

    fn put_send(&mut self, send: &Send) -> Result<(), StorageError> {
        self.tx.put_send(send, self.calendar.day(send.at_ms))?;
        self.came(entity::SEND, &send.key, &send.member_id)
    }

    fn staff(&mut self, id: &str) -> Result<Option<Staff>, StorageError> {
        Records::staff(self.tx, id)
    }

    fn staff_before(&mut self, id: &str, at_ms: i64) -> Result<Option<Staff>, StorageError> {
        self.tx.staff_at(id, at_ms.saturating_sub(self.ahead_ms))
    }

    fn put_staff(&mut self, staff: &Staff) -> Result<(), StorageError> {
        Records::put_staff(self.tx, staff)
    }

    fn staff_of_store(&mut self, store_id: &str) -> Result<Vec<Staff>, StorageError> {
        self.tx.staff_of(Some(store_id))
    }

    fn duplicate(&mut self, id: &str) -> Result<Option<DuplicatePair>, StorageError> {
        self.tx.duplicate(id)
    }

    fn put_duplicate(&mut self, pair: &DuplicatePair) -> Result<(), StorageError> {
        self.tx.put_duplicate(pair)
    }

    fn merged(&mut self, other_id: &str) -> Result<Option<MergedMember>, StorageError> {
        self.tx.merged(other_id)
    }

    fn put_merged(&mut self, merged: &MergedMember) -> Result<(), StorageError> {
        self.tx.put_merged(merged)
    }

    fn remove_merged(&mut self, other_id: &str) -> Result<(), StorageError> {
        self.tx.remove_merged(other_id)
    }

    fn move_history(&mut self, from: &str, to: &str) -> Result<Vec<RowRef>, StorageError> {
        let mut moved = self.tx.move_history(from, to)?;
        self.leave(from, to, &moved)?;
        if let Some(home) = Records::member(self.tx, from)?.and_then(|member| member.store_id) {
            self.left.push((home, RowRef::new(entity::PURCHASES, from)));
        }
        moved.push(RowRef::new(entity::PURCHASES, to));
        Ok(moved)
    }

    fn return_history(&mut self, from: &str, to: &str, back: &str) -> Result<Vec<RowRef>, StorageError> {
        let mut moved = self.tx.return_history(from, to, back)?;
        self.leave(to, back, &moved)?;
        moved.extend([
            RowRef::new(entity::PURCHASES, to),
            RowRef::new(entity::PURCHASES, back),
        ]);
        Ok(moved)
    }
}
