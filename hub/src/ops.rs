//! Taking in the operations of phones: each ends in a stored result, and nothing that a clerk did
//! is lost (sync protocol, points 7 and 8).

use yaoban_domain::calendar::Calendar;
use yaoban_domain::rules::Rules;
use yaoban_protocol::apply::{Applied, OpMeta, apply};
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{Op, OpEnvelope, OpResult, OpStatus};
use yaoban_protocol::row::entity;

use crate::recordings::leave;
use crate::storage::StorageError;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::Device;
use crate::storage::sqlite::duplicates::LostValue;
use crate::storage::sqlite::rows::OpRows;
use crate::storage::sqlite::scope::{Changes, Mark, store_scope};

/// Why an operation was parked.
pub mod parked {
    /// The phone gave up on having it read.
    pub const BY_PHONE: &str = "parked_by_phone";
    /// The bytes are no operation that this hub knows.
    pub const UNREADABLE: &str = "unreadable";
    /// The hub's database refused this operation, though not others.
    pub const HUB_FAILED: &str = "hub_failed";
    /// Somebody at the hub gave it up.
    pub const DISCARDED: &str = "discarded";
}

/// How long results are kept: a phone sends again for 35 days at most (protocol, point 10).
pub const RESULTS_KEPT_MS: i64 = 180 * 24 * 60 * 60 * 1_000;

/// The circumstances of a batch of operations.
pub struct Taking<'a> {
    /// The device that sent them.
    pub device: &'a Device,
    /// The chain's rules.
    pub rules: &'a Rules,
    /// The chain's calendar.
    pub calendar: Calendar,
    /// Now, UTC.
    pub now_ms: i64,
}

impl Taking<'_> {
    /// Takes one operation within a write transaction: its effect, its result and the device's
    /// number are written together. One that was taken before gives its stored result. The error is
    /// the database's own, and means that nothing of the transaction may be kept.
    pub fn take(&self, tx: &Tx<'_>, op: &OpEnvelope) -> Result<OpResult, StorageError> {
        if let Some(mut stored) = tx.op_result(&op.op_id)? {
            stored.n = op.n;
            tx.device_accepted(&self.device.id, op.n)?;
            return Ok(stored);
        }
        let result = self.carry_out(tx, op)?;
        tx.put_op_result(&self.device.id, &result, self.now_ms)?;
        tx.device_accepted(&self.device.id, op.n)?;
        Ok(result)
    }

    fn carry_out(&self, tx: &Tx<'_>, op: &OpEnvelope) -> Result<OpResult, StorageError> {
        if op.parked {
            return self.park(tx, op, parked::BY_PHONE);
        }
        match from_cbor::<Op>(&op.body) {
            Ok(read) => self.apply(tx, op, &read),
            Err(_) => self.park(tx, op, parked::UNREADABLE),
        }
    }

    /// Applies an operation that was read.
    fn apply(&self, tx: &Tx<'_>, envelope: &OpEnvelope, op: &Op) -> Result<OpResult, StorageError> {
        match tx.savepoint(|tx| self.effect(tx, envelope, op)) {
            Ok(applied) if applied.status == OpStatus::Parked => {
                self.park(tx, envelope, applied.reason.unwrap_or(parked::UNREADABLE))
            }
            Ok(applied) => Ok(applied.into_result(envelope.n, &envelope.op_id)),
            // These hold for every operation: the phone tries again later.
            Err(error) if error.is_of_the_disk() => Err(error),
            Err(error) if tx.is_over() => Err(error),
            Err(error) => {
                tracing::error!(op_id = envelope.op_id, %error, "operation parked: the database refused it");
                self.park(tx, envelope, parked::HUB_FAILED)
            }
        }
    }

    fn effect(&self, tx: &Tx<'_>, envelope: &OpEnvelope, op: &Op) -> Result<Applied, StorageError> {
        let meta = OpMeta {
            op_id: &envelope.op_id,
            staff_id: &envelope.staff_id,
            at_ms: envelope.at_ms,
            base_version: envelope.base_version,
            device_store_id: &self.device.store_id,
            now_ms: self.now_ms,
        };
        let mut rows = OpRows::new(tx, self.calendar, self.device, self.now_ms);
        let applied = apply(&mut rows, op, &meta, self.rules, self.calendar)?;
        tx.touch(&rows.changes(&applied.touched)?)?;
        if let Some(member_id) = stricter(op)
            && matches!(applied.status, OpStatus::Applied | OpStatus::Merged)
        {
            let by = leave::By {
                actor: &format!("device:{}", self.device.id),
                staff_id: Some(&envelope.staff_id),
                now_ms: self.now_ms,
            };
            leave::settle_member(tx, member_id, &by)?;
        }
        for loser in &applied.losers {
            tx.keep_lost(&LostValue {
                member_id: loser.member_id.clone(),
                field: loser.field.clone(),
                value: loser.value.clone(),
                op_id: Some(envelope.op_id.clone()),
                staff_id: Some(envelope.staff_id.clone()),
                at_ms: self.now_ms,
            })?;
        }
        if let Some(entry) = self.audited(envelope, op)
            && applied.status != OpStatus::Rejected
            && applied.status != OpStatus::Parked
        {
            tx.audit(&entry)?;
        }
        Ok(applied)
    }

    fn park(&self, tx: &Tx<'_>, op: &OpEnvelope, reason: &'static str) -> Result<OpResult, StorageError> {
        tx.park_op(&self.device.id, op, reason, self.now_ms)?;
        Ok(OpResult {
            n: op.n,
            op_id: op.op_id.clone(),
            status: OpStatus::Parked,
            reason: Some(reason.to_owned()),
            values: Vec::new(),
            member_id: None,
        })
    }

    /// Contacts, consents and merges go into the audit trail.
    fn audited(&self, envelope: &OpEnvelope, op: &Op) -> Option<AuditEntry> {
        let (action, subject, detail) = match op {
            Op::StartAttempt { attempt } => (
                "contact",
                &attempt.member_id,
                serde_json::json!({ "attempt": attempt.id, "channel": attempt.channel.code() }),
            ),
            Op::RecordSend { send } => (
                "contact",
                &send.member_id,
                serde_json::json!({ "send": send.key, "channel": send.channel.code(), "state": send.state.code() }),
            ),
            Op::SetConsent {
                member_id,
                consent,
                signature,
            } => (
                "consent",
                member_id,
                serde_json::json!({
                    "purpose": consent.purpose.code(), "granted": consent.granted, "signed": signature.is_some(),
                }),
            ),
            Op::MergeMembers { keep, other } => ("merge", keep, serde_json::json!({ "other": other })),
            Op::UndoMerge { keep, other } => ("undo_merge", keep, serde_json::json!({ "other": other })),
            _ => return None,
        };
        Some(AuditEntry {
            at_ms: self.now_ms,
            actor: format!("device:{}", self.device.id),
            staff_id: Some(envelope.staff_id.clone()),
            action,
            subject: Some(subject.clone()),
            detail,
        })
    }

    /// Tries a parked operation again, once: its result takes the place of the parked one and goes
    /// down to the store's phones as a row. None if it was replayed or discarded before.
    pub fn replay(&self, tx: &Tx<'_>, op_id: &str) -> Result<Option<OpResult>, StorageError> {
        let Some(parked) = tx.parked_op(op_id)?.filter(|parked| parked.replayed_ms.is_none()) else {
            return Ok(None);
        };
        let op = &parked.envelope;
        let Ok(read) = from_cbor::<Op>(&op.body) else {
            return Ok(Some(still_parked(op, parked::UNREADABLE)));
        };
        let result = match tx.savepoint(|tx| self.effect(tx, op, &read)) {
            Ok(applied) => applied.into_result(op.n, &op.op_id),
            // These hold for every operation: try again later.
            Err(error) if error.is_of_the_disk() => return Err(error),
            Err(error) => {
                tracing::error!(op_id, %error, "the database refuses a parked operation again");
                return Ok(Some(still_parked(op, parked::HUB_FAILED)));
            }
        };
        if result.status != OpStatus::Parked {
            self.settle(tx, &result, "op_replayed", None)?;
        }
        Ok(Some(result))
    }

    /// Gives a parked operation up: it is refused with the reason `discarded`, which its clerk sees,
    /// and its content is deleted. None if it was replayed or discarded before.
    pub fn discard(&self, tx: &Tx<'_>, op_id: &str, why: &str) -> Result<Option<OpResult>, StorageError> {
        let Some(parked) = tx.parked_op(op_id)?.filter(|parked| parked.replayed_ms.is_none()) else {
            return Ok(None);
        };
        let result = OpResult {
            n: parked.envelope.n,
            op_id: op_id.to_owned(),
            status: OpStatus::Rejected,
            reason: Some(parked::DISCARDED.to_owned()),
            values: Vec::new(),
            member_id: None,
        };
        self.settle(tx, &result, "op_discarded", Some(why))?;
        tx.forget_parked_body(op_id)?;
        Ok(Some(result))
    }

    /// Stores what became of a parked operation, writes it down, and lets the store's phones hear.
    fn settle(
        &self,
        tx: &Tx<'_>,
        result: &OpResult,
        action: &'static str,
        why: Option<&str>,
    ) -> Result<(), StorageError> {
        tx.parked_replayed(&result.op_id, result, self.now_ms)?;
        tx.put_op_result(&self.device.id, result, self.now_ms)?;
        let mut changes = Changes::new();
        changes.add(
            &store_scope(&self.device.store_id),
            entity::OP_RESULT,
            &result.op_id,
            Mark::Put,
        );
        tx.touch(&changes)?;
        tx.audit(&AuditEntry {
            at_ms: self.now_ms,
            actor: "cli".to_owned(),
            staff_id: None,
            action,
            subject: Some(result.op_id.clone()),
            detail: serde_json::json!({ "status": result.status, "result": result.reason, "reason": why }),
        })
    }
}

fn still_parked(op: &OpEnvelope, reason: &str) -> OpResult {
    OpResult {
        n: op.n,
        op_id: op.op_id.clone(),
        status: OpStatus::Parked,
        reason: Some(reason.to_owned()),
        values: Vec::new(),
        member_id: None,
    }
}

/// Whose recordings may have to go after this operation: a consent was withdrawn, or two records came
/// together under the stricter consent.
fn stricter(op: &Op) -> Option<&str> {
    match op {
        Op::SetConsent {
            member_id, consent, ..
        } if !consent.granted => Some(member_id),
        Op::MergeMembers { keep, .. } => Some(keep),
        _ => None,
    }
}
