//! Rows in memory, for tests: a hub (it assigns ids and raises versions) or a phone.

use std::collections::BTreeMap;
use std::convert::Infallible;

use yaoban_domain::model::{Attempt, CareTask, Member, Note, Reading, Send, Staff};

use super::{MergedMember, RowRef, Rows, SignedConsents, pair_id};
use crate::row::{DuplicatePair, entity};

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Memory {
    pub(super) is_hub: bool,
    pub(super) members: BTreeMap<String, Member>,
    pub(super) tasks: BTreeMap<String, CareTask>,
    pub(super) attempts: BTreeMap<String, Attempt>,
    pub(super) readings: BTreeMap<String, Reading>,
    pub(super) notes: BTreeMap<String, Note>,
    pub(super) sends: BTreeMap<String, Send>,
    pub(super) staff: BTreeMap<String, Staff>,
    pub(super) signed: Vec<SignedConsents>,
    pub(super) duplicates: BTreeMap<String, DuplicatePair>,
    pub(super) merged: BTreeMap<String, MergedMember>,
    /// Member and store before a move, with the instant of the move.
    pub(super) moves: Vec<(String, String, i64)>,
    /// Readings and notes that were moved by a merge: id of the row, id of the member it came from.
    pub(super) origins: BTreeMap<String, String>,
    pub(super) next_id: u32,
    pub(super) writes: usize,
}

fn raise(is_hub: bool, version: &mut u64, known: Option<u64>) {
    *version = if is_hub { known.unwrap_or(0) + 1 } else { *version };
}

impl Rows for Memory {
    type Error = Infallible;

    fn member(&mut self, id: &str) -> Result<Option<Member>, Infallible> {
        let by_alias = || {
            self.members
                .values()
                .find(|m| m.aliases.iter().any(|alias| alias == id))
        };
        Ok(self.members.get(id).or_else(by_alias).cloned())
    }

    fn put_member(&mut self, member: &Member) -> Result<(), Infallible> {
        let mut member = member.clone();
        raise(
            self.is_hub,
            &mut member.version,
            self.members.get(&member.id).map(|m| m.version),
        );
        self.writes += 1;
        self.members.insert(member.id.clone(), member);
        Ok(())
    }

    fn remove_member(&mut self, id: &str) -> Result<(), Infallible> {
        self.writes += 1;
        self.members.remove(id);
        Ok(())
    }

    fn put_signed(&mut self, signed: &SignedConsents) -> Result<(), Infallible> {
        self.writes += 1;
        self.signed.push(signed.clone());
        Ok(())
    }

    fn members_on_phone(&mut self, phone: &str) -> Result<Vec<Member>, Infallible> {
        Ok(self
            .members
            .values()
            .filter(|m| m.phone.as_deref() == Some(phone))
            .cloned()
            .collect())
    }

    fn assigns_ids(&self) -> bool {
        self.is_hub
    }

    fn new_member_id(&mut self, _: &Member) -> Result<String, Infallible> {
        self.next_id += 1;
        Ok(format!("H{:03}", self.next_id))
    }

    fn was_in_store(&mut self, member_id: &str, store_id: &str, at_ms: i64) -> Result<bool, Infallible> {
        Ok(self
            .moves
            .iter()
            .any(|(m, s, moved_ms)| m == member_id && s == store_id && at_ms < *moved_ms))
    }

    fn task(&mut self, id: &str) -> Result<Option<CareTask>, Infallible> {
        Ok(self.tasks.get(id).cloned())
    }

    fn put_task(&mut self, task: &CareTask) -> Result<(), Infallible> {
        let mut task = task.clone();
        raise(
            self.is_hub,
            &mut task.version,
            self.tasks.get(&task.id).map(|t| t.version),
        );
        self.writes += 1;
        self.tasks.insert(task.id.clone(), task);
        Ok(())
    }

    fn tasks_of_member(&mut self, member_id: &str) -> Result<Vec<CareTask>, Infallible> {
        Ok(self
            .tasks
            .values()
            .filter(|t| t.member_id == member_id)
            .cloned()
            .collect())
    }

    fn attempt(&mut self, id: &str) -> Result<Option<Attempt>, Infallible> {
        Ok(self.attempts.get(id).cloned())
    }

    fn put_attempt(&mut self, attempt: &Attempt) -> Result<(), Infallible> {
        self.writes += 1;
        self.attempts.insert(attempt.id.clone(), attempt.clone());
        Ok(())
    }

    fn reading(&mut self, id: &str) -> Result<Option<Reading>, Infallible> {
        Ok(self.readings.get(id).cloned())
    }

    fn put_reading(&mut self, reading: &Reading) -> Result<(), Infallible> {
        self.writes += 1;
        self.readings.insert(reading.id.clone(), reading.clone());
        Ok(())
    }

    fn note(&mut self, id: &str) -> Result<Option<Note>, Infallible> {
        Ok(self.notes.get(id).cloned())
    }

    fn put_note(&mut self, note: &Note) -> Result<(), Infallible> {
        self.writes += 1;
        self.notes.insert(note.id.clone(), note.clone());
        Ok(())
    }

    fn send(&mut self, key: &str) -> Result<Option<Send>, Infallible> {
        Ok(self.sends.get(key).cloned())
    }

    fn put_send(&mut self, send: &Send) -> Result<(), Infallible> {
        self.writes += 1;
        self.sends.insert(send.key.clone(), send.clone());
        Ok(())
    }

    fn staff(&mut self, id: &str) -> Result<Option<Staff>, Infallible> {
        Ok(self.staff.get(id).cloned())
    }

    fn put_staff(&mut self, staff: &Staff) -> Result<(), Infallible> {
        self.writes += 1;
        self.staff.insert(staff.id.clone(), staff.clone());
        Ok(())
    }

    fn staff_of_store(&mut self, store_id: &str) -> Result<Vec<Staff>, Infallible> {
        Ok(self
            .staff
            .values()
            .filter(|s| s.store_id.as_deref() == Some(store_id))
            .cloned()
            .collect())
    }

    fn duplicate(&mut self, id: &str) -> Result<Option<DuplicatePair>, Infallible> {
        Ok(self.duplicates.get(id).cloned())
    }

    fn put_duplicate(&mut self, pair: &DuplicatePair) -> Result<(), Infallible> {
        self.writes += 1;
        self.duplicates.insert(pair_id(pair), pair.clone());
        Ok(())
    }

    fn merged(&mut self, other_id: &str) -> Result<Option<MergedMember>, Infallible> {
        Ok(self.merged.get(other_id).cloned())
    }

    fn put_merged(&mut self, merged: &MergedMember) -> Result<(), Infallible> {
        self.writes += 1;
        self.merged.insert(merged.other.id.clone(), merged.clone());
        Ok(())
    }

    fn remove_merged(&mut self, other_id: &str) -> Result<(), Infallible> {
        self.writes += 1;
        self.merged.remove(other_id);
        Ok(())
    }

    fn move_history(&mut self, from: &str, to: &str) -> Result<Vec<RowRef>, Infallible> {
        let mut moved = Vec::new();
        for reading in self.readings.values_mut().filter(|r| r.member_id == from) {
            to.clone_into(&mut reading.member_id);
            self.origins.insert(reading.id.clone(), from.to_owned());
            moved.push(RowRef::new(entity::READING, &reading.id));
        }
        for task in self.tasks.values_mut().filter(|t| t.member_id == from) {
            to.clone_into(&mut task.member_id);
            self.origins.insert(task.id.clone(), from.to_owned());
            moved.push(RowRef::new(entity::TASK, &task.id));
        }
        Ok(moved)
    }

    fn return_history(&mut self, from: &str, to: &str, back: &str) -> Result<Vec<RowRef>, Infallible> {
        let came = |id: &String, member_id: &str| {
            member_id == to && self.origins.get(id).is_some_and(|origin| origin == from)
        };
        let mut moved = Vec::new();
        for reading in self.readings.values_mut().filter(|r| came(&r.id, &r.member_id)) {
            back.clone_into(&mut reading.member_id);
            moved.push(RowRef::new(entity::READING, &reading.id));
        }
        for task in self.tasks.values_mut().filter(|t| came(&t.id, &t.member_id)) {
            back.clone_into(&mut task.member_id);
            moved.push(RowRef::new(entity::TASK, &task.id));
        }
        Ok(moved)
    }
}
