//! What a call of the facade works with: who acts, where, when, by which rules; and the one way in
//! which it writes: an operation, applied and put into the outbox in one transaction.

use std::ops::Deref;

use rusqlite::Connection;
use serde::Serialize;
use yaoban_domain::codes::Action;
use yaoban_domain::model::Member;
use yaoban_domain::phone;
use yaoban_domain::role::{Decision, Place, Request, decide};
use yaoban_protocol::apply::reason;
use yaoban_protocol::op::Op;

use super::{Acting, AppResult, ClerkApp};
use crate::store::outbox::{self, NewOp};
use crate::store::{Durability, Result, StoreError, Tx, meta, rows};

/// Members or tasks of one call at most.
pub const GROUP_MAX: usize = 1_000;

/// A refusal of the rules: a code with its values.
pub(super) fn refused(code: &str) -> StoreError {
    refused_with(code, Vec::new())
}

/// A refusal with values for its wording, by name.
pub(super) fn refused_with(code: &str, values: Vec<(String, String)>) -> StoreError {
    StoreError::Refused {
        code: code.to_owned(),
        values,
    }
}

/// Why nothing was done: a code, and values for its wording by name.
pub(super) type Refusal = (String, Vec<(String, String)>);

/// One of a group for whom nothing was done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The member or task.
    pub id: String,
    /// The member's name; empty if it is not here.
    pub name: String,
    /// Why, as a code.
    pub code: String,
    /// Values for the wording, by name.
    pub values: Vec<(String, String)>,
}

/// How often each reason stopped something in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// The reason's code.
    pub code: String,
    /// How often.
    pub count: u32,
}

/// The number of a member as it shows.
pub(super) fn masked(member: &Member) -> Option<String> {
    member.phone.as_deref().map(phone::mask)
}

/// A member that must be here with its data.
pub(super) fn known_member(conn: &Connection, id: &str) -> Result<Member> {
    rows::member(conn, id)?.ok_or_else(|| refused(reason::MEMBER_UNKNOWN))
}

/// Who acts, where, when, by which rules, and the way to the file.
pub(super) struct Work<'a> {
    app: &'a ClerkApp,
    acting: Acting,
}

impl Deref for Work<'_> {
    type Target = Acting;
    fn deref(&self) -> &Acting {
        &self.acting
    }
}

impl<'a> Work<'a> {
    /// The circumstances of a call. Refused while nobody is signed in.
    pub fn begin(app: &'a ClerkApp) -> AppResult<Self> {
        Ok(Self {
            app,
            acting: app.acting()?,
        })
    }

    /// Lets on who may do or see this in the device's store.
    pub fn allowed(&self, action: Action) -> Result<()> {
        let place = Place {
            store_id: Some(&self.store_id),
            region: None,
        };
        match decide(
            &self.staff,
            &Request::new(action, place),
            &self.settings.rules.device,
        ) {
            Decision::Refuse(refusal) => Err(refused(refusal.code())),
            Decision::Allow | Decision::AllowAudited => Ok(()),
        }
    }

    /// Reads in one snapshot.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> AppResult<T> {
        Ok(self.app.store.read(work)?)
    }

    /// Writes in one transaction that is on the disk before the call returns.
    pub fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> AppResult<T> {
        let done = self.app.store.write(Durability::Full, |tx| {
            outbox::number_due(tx, self.now_ms)?;
            work(tx)
        })?;
        self.app.wake_background();
        Ok(done)
    }

    /// Applies an operation and puts it into the outbox. Returns its key there.
    pub fn put(&self, tx: &Tx<'_>, op: Op) -> Result<i64> {
        self.put_as(tx, &self.staff.id, op, None)
    }

    /// The same for somebody, and within a time in which it can be taken back.
    pub fn put_as(&self, tx: &Tx<'_>, staff_id: &str, op: Op, held_until_ms: Option<i64>) -> Result<i64> {
        outbox::push(
            tx,
            &NewOp {
                op_id: self.new_id()?,
                staff_id: staff_id.to_owned(),
                at_ms: self.now_ms,
                held_until_ms,
                op,
            },
        )
    }

    /// The same for one of a group: what the rules refuse leaves no trace and stops nobody else.
    pub fn try_put(&self, tx: &Tx<'_>, op: Op) -> Result<std::result::Result<i64, Refusal>> {
        tx.execute_batch("SAVEPOINT one")?;
        match self.put(tx, op) {
            Ok(id) => {
                tx.execute_batch("RELEASE one")?;
                Ok(Ok(id))
            }
            Err(StoreError::Refused { code, values }) => {
                tx.execute_batch("ROLLBACK TO one; RELEASE one")?;
                Ok(Err((code, values)))
            }
            Err(error) => Err(error),
        }
    }

    /// A new id.
    pub fn new_id(&self) -> Result<String> {
        self.app.new_id(self.now_ms)
    }

    /// The name of the store and of the chain.
    pub fn names(conn: &Connection) -> Result<(String, String)> {
        Ok((
            meta::get(conn, meta::STORE_NAME)?.unwrap_or_default(),
            meta::get(conn, meta::CHAIN_NAME)?.unwrap_or_default(),
        ))
    }
}

/// A group of ids is neither empty nor larger than a call takes.
pub(super) fn check_group(ids: &[String]) -> Result<()> {
    if ids.is_empty() {
        return Err(refused("group_empty"));
    }
    if ids.len() > GROUP_MAX {
        let max = ("count_max".to_owned(), GROUP_MAX.to_string());
        return Err(refused_with("group_too_large", vec![max]));
    }
    Ok(())
}
