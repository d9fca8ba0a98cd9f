//! Who uses the phone. A device belongs to a store and its clerks share it: each signs in with a PIN
//! (or the platform's biometrics, which unlock the same way), every operation carries its staff id,
//! and the lock falls after some minutes without a touch (rules, section 7).

use std::sync::atomic::Ordering;

use argon2::{Algorithm, Argon2, Params, Version};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use subtle::ConstantTimeEq;
use yaoban_domain::codes::{Action, Role};
use yaoban_domain::model::Staff;
use yaoban_domain::role::{Place, Request, decide};
use yaoban_domain::rules::DeviceRules;
use yaoban_protocol::row::entity;

use super::{AppError, AppResult, ClerkApp};
use crate::chance::Chance;
use crate::store::{Durability, Result, StoreError, meta, rows};

/// Digits of a PIN.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// How often a touch is written down, so that the lock outlives a restart of the app.
const TOUCH_EVERY_MS: i64 = 60_000;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

const SESSION_STAFF: &str = "session_staff";
const SESSION_TOUCHED: &str = "session_touched_ms";

/// Who is signed in, and when it touched the phone last.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    staff_id: Option<String>,
    touched_ms: i64,
    written_ms: i64,
}

impl Session {
    pub(super) fn read(conn: &Connection) -> Result<Self> {
        let touched_ms = meta::get(conn, SESSION_TOUCHED)?.unwrap_or(0);
        Ok(Self {
            staff_id: meta::get(conn, SESSION_STAFF)?,
            touched_ms,
            written_ms: touched_ms,
        })
    }
}

/// What a member of staff may do in its store (rules, section 7). A screen offers nothing else; the core
/// refuses it all the same.
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rights {
    /// Run its tasks: call, send, record what came of it.
    pub run_tasks: bool,
    /// Register members, change their records, take readings and consents.
    pub keep_members: bool,
    /// See the whole store's tasks and figures.
    pub see_store: bool,
    /// Give tasks away and rebalance them.
    pub assign: bool,
    /// Ask for a task to be done soon.
    pub nudge: bool,
    /// Mark a clerk off for a day.
    pub mark_off: bool,
    /// Say whether two members are one person.
    pub merge: bool,
}

impl Rights {
    fn of(staff: &Staff, store_id: &str, rules: &DeviceRules) -> Self {
        let place = Place {
            store_id: Some(store_id),
            region: None,
        };
        let may = |action| decide(staff, &Request::new(action, place), rules).is_allowed();
        Self {
            run_tasks: may(Action::RunTask),
            keep_members: [
                Action::RegisterMember,
                Action::EditMember,
                Action::AddReading,
                Action::Tag,
                Action::AddNote,
                Action::SetConsent,
            ]
            .into_iter()
            .all(may),
            see_store: may(Action::SeeStore),
            assign: may(Action::Assign),
            nudge: may(Action::Nudge),
            mark_off: may(Action::MarkOff),
            merge: may(Action::Merge),
        }
    }
}

/// A member of staff on the list to choose from.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate mark on the list"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaffRow {
    /// Id.
    pub staff_id: String,
    /// Name.
    pub name: String,
    /// Role, as a code.
    pub role: String,
    /// What it may do.
    pub may: Rights,
    /// Is a pharmacist.
    pub pharmacist: bool,
    /// Is signed in.
    pub current: bool,
    /// Is marked off today.
    pub off_today: bool,
    /// Has set a PIN on this phone.
    pub has_pin: bool,
    /// Tasks that wait for it.
    pub open_tasks: i64,
}

impl ClerkApp {
    /// The staff of the store who may use this phone, by name.
    pub fn staff(&self) -> AppResult<Vec<StaffRow>> {
        let (today, current) = (self.today(), self.signed_in());
        let rules = &self.settings().rules;
        self.store.read(|conn| {
            let store_id: Option<String> = meta::get(conn, meta::STORE_ID)?;
            let store_id = store_id.ok_or(AppError::NotPaired)?;
            let mut staff: Vec<Staff> = rows::records(conn, entity::STAFF)?;
            staff.retain(|one| may_use(one, &store_id));
            by_name(&mut staff);
            staff
                .into_iter()
                .map(|one| {
                    Ok(StaffRow {
                        role: one.role.code().to_owned(),
                        may: Rights::of(&one, &store_id, &rules.device),
                        pharmacist: one.pharmacist,
                        current: current.as_deref() == Some(one.id.as_str()),
                        off_today: one.off_on == Some(today),
                        has_pin: stored_pin(conn, &one.id)?.is_some(),
                        open_tasks: conn
                            .prepare_cached(
                                "SELECT count(*) FROM task WHERE assignee = ?1
                                    AND state IN ('open', 'in_progress', 'deferred') AND due_day >= ?2",
                            )?
                            .query_row(
                                params![one.id, yaoban_domain::calendar::day_number(today)],
                                |row| row.get(0),
                            )?,
                        staff_id: one.id,
                        name: one.name,
                    })
                })
                .collect()
        })
    }

    /// Signs somebody in, or lifts the lock. Who has set a PIN on this phone gives it; the platform's
    /// biometrics stand for it with [`Self::switch_staff_biometric`]. After some wrong PINs (rules,
    /// `device`) nobody can try for that person for a while.
    pub fn switch_staff(&self, staff_id: &str, pin: Option<&str>) -> AppResult<()> {
        self.check_staff(staff_id)?;
        self.check_pin(staff_id, pin)?;
        self.sign_in(staff_id)
    }

    /// Signs somebody in whom the platform has recognised. On a shared phone it knows a finger, and not whose it
    /// is: who never set a PIN here is refused with `pin_unset`.
    pub fn switch_staff_biometric(&self, staff_id: &str) -> AppResult<()> {
        self.check_staff(staff_id)?;
        if self.store.read(|conn| stored_pin(conn, staff_id))?.is_none() {
            return Err(AppError::refused("pin_unset"));
        }
        self.sign_in(staff_id)
    }

    /// Signs out; the next person chooses itself.
    pub fn sign_out(&self) -> AppResult<()> {
        *self.session() = Session::default();
        self.store.write(Durability::Normal, |tx| -> AppResult<()> {
            meta::remove(tx, SESSION_STAFF)?;
            Ok(meta::remove(tx, SESSION_TOUCHED)?)
        })
    }

    /// Sets the PIN of a member of staff on this phone. Who has one gives the old one.
    pub fn set_pin(&self, staff_id: &str, old: Option<&str>, new: &str) -> AppResult<()> {
        self.check_staff(staff_id)?;
        self.check_pin(staff_id, old)?;
        let digits = PIN_DIGITS.contains(&new.len()) && new.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            let (min, max) = PIN_DIGITS.into_inner();
            let values = [("min", min.to_string()), ("max", max.to_string())];
            return Err(AppError::invalid("pin", "digits", values));
        }
        let hash = hash_pin(self.chance(), new)?;
        self.store.write(Durability::Full, |tx| {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO pin (staff_id, hash, failures, blocked_until_ms) VALUES (?1, ?2, 0, 0)",
            )?
            .execute([staff_id, &hash])?;
            Ok(())
        })
    }

    /// Who is signed in, locked or not.
    pub fn signed_in(&self) -> Option<String> {
        self.session().staff_id.clone()
    }

    /// Whether the lock has fallen.
    pub fn is_locked(&self) -> bool {
        let minutes = self.lock_minutes();
        let session = self.session();
        session.staff_id.is_some() && is_over(&session, self.now_ms(), minutes)
    }

    /// Minutes without a touch after which the lock falls in this store.
    pub fn lock_minutes(&self) -> u32 {
        // A file that cannot be read now falls back on the chain's minutes: the lock never stays up.
        let store_id = self.store.read(|conn| meta::get::<String>(conn, meta::STORE_ID));
        let store_id = store_id.ok().flatten().unwrap_or_default();
        self.settings().rules.device.lock_minutes_of(&store_id)
    }

    /// The lock falls now.
    pub fn lock_now(&self) -> AppResult<()> {
        self.session().touched_ms = 0;
        self.store
            .write(Durability::Normal, |tx| Ok(meta::set(tx, SESSION_TOUCHED, 0)?))
    }

    /// The shell sees touches itself and tells each by [`Self::touch`]; from now on nothing else puts
    /// the lock off. For shells whose lists read again by themselves whenever rows change.
    pub fn touched_by_shell(&self) {
        self.touched_by_shell.store(true, Ordering::SeqCst);
    }

    /// Somebody touched the phone: the lock is put off. Refused once it has fallen.
    pub fn touch(&self) -> AppResult<()> {
        let minutes = self.lock_minutes();
        self.keep_awake(self.now_ms(), minutes).map(|_| ())
    }

    /// The id of who is signed in, if the lock has not fallen. A call puts the lock off, unless the
    /// shell tells of touches itself.
    pub(super) fn awake(&self, now_ms: i64, minutes: u32) -> AppResult<String> {
        if !self.touched_by_shell.load(Ordering::SeqCst) {
            return self.keep_awake(now_ms, minutes);
        }
        let session = self.session();
        let staff_id = session.staff_id.clone().ok_or(AppError::StaffMissing)?;
        if is_over(&session, now_ms, minutes) {
            return Err(AppError::Locked);
        }
        Ok(staff_id)
    }

    /// Puts the lock off. The id of who is signed in.
    fn keep_awake(&self, now_ms: i64, minutes: u32) -> AppResult<String> {
        let (staff_id, write) = {
            let mut session = self.session();
            let staff_id = session.staff_id.clone().ok_or(AppError::StaffMissing)?;
            if is_over(&session, now_ms, minutes) {
                return Err(AppError::Locked);
            }
            session.touched_ms = session.touched_ms.max(now_ms);
            let write = session.touched_ms - session.written_ms >= TOUCH_EVERY_MS;
            if write {
                session.written_ms = session.touched_ms;
            }
            (staff_id, write)
        };
        if write {
            self.store
                .write(Durability::Normal, |tx| meta::set(tx, SESSION_TOUCHED, now_ms))?;
        }
        Ok(staff_id)
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn sign_in(&self, staff_id: &str) -> AppResult<()> {
        let now_ms = self.now_ms();
        let session = Session {
            staff_id: Some(staff_id.to_owned()),
            touched_ms: now_ms,
            written_ms: now_ms,
        };
        // Before the write: who hears of it and reads again must find the lock lifted.
        let before = std::mem::replace(&mut *self.session(), session);
        let written = self.store.write(Durability::Full, |tx| -> AppResult<()> {
            meta::set(tx, SESSION_STAFF, staff_id)?;
            Ok(meta::set(tx, SESSION_TOUCHED, now_ms)?)
        });
        if written.is_err() {
            *self.session() = before;
        }
        written
    }

    fn check_staff(&self, staff_id: &str) -> AppResult<()> {
        self.store.read(|conn| {
            let store_id: Option<String> = meta::get(conn, meta::STORE_ID)?;
            let store_id = store_id.ok_or(AppError::NotPaired)?;
            let staff: Option<Staff> = rows::record(conn, entity::STAFF, staff_id)?;
            match staff {
                Some(staff) if may_use(&staff, &store_id) => Ok(()),
                _ => Err(AppError::Unknown { what: "staff" }),
            }
        })
    }

    /// Checks a PIN where one is set. The count of wrong ones is on the disk before the answer is
    /// given, so that a restart does not begin it anew.
    fn check_pin(&self, staff_id: &str, pin: Option<&str>) -> AppResult<()> {
        let now_ms = self.now_ms();
        let Some(stored) = self.store.read(|conn| stored_pin(conn, staff_id))? else {
            return Ok(());
        };
        if stored.blocked_until_ms > now_ms {
            return Err(AppError::PinBlocked {
                wait_s: seconds(stored.blocked_until_ms - now_ms),
            });
        }
        let pin = pin.ok_or(AppError::PinMissing)?;
        let settings = self.settings();
        let rules = &settings.rules.device;
        let (count, answer) = if verify_pin(pin, &stored.hash) {
            (Misses::default(), Ok(()))
        } else {
            miss(stored.failures, now_ms, rules)
        };
        if (count.failures, stored.failures) != (0, 0) {
            self.store.write(Durability::Full, |tx| -> AppResult<()> {
                tx.prepare_cached("UPDATE pin SET failures = ?2, blocked_until_ms = ?3 WHERE staff_id = ?1")?
                    .execute(params![staff_id, count.failures, count.blocked_until_ms])?;
                Ok(())
            })?;
        }
        answer
    }
}

/// Clerks and managers of the device's store use its phones.
/// Brings members of staff into the order of their names.
pub(super) fn by_name(staff: &mut [Staff]) {
    staff.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
}

/// Whether somebody can sign in already: a first load brings the staff early, and not first.
pub(super) fn anybody(conn: &Connection) -> crate::store::Result<bool> {
    let Some(store_id) = meta::get::<String>(conn, meta::STORE_ID)? else {
        return Ok(false);
    };
    let staff: Vec<Staff> = rows::records(conn, entity::STAFF)?;
    Ok(staff.iter().any(|one| may_use(one, &store_id)))
}

fn may_use(staff: &Staff, store_id: &str) -> bool {
    let here = staff.store_id.as_deref() == Some(store_id);
    staff.active && here && (staff.role.is(Role::Clerk) || staff.role.is(Role::StoreManager))
}

/// Whether the lock has fallen. A clock that went back does not keep it up for longer.
fn is_over(session: &Session, now_ms: i64, minutes: u32) -> bool {
    let idle_ms = now_ms - session.touched_ms;
    let most_ms = i64::from(minutes) * 60_000;
    idle_ms >= most_ms || idle_ms < -most_ms
}

fn seconds(ms: i64) -> i64 {
    (ms + 999) / 1000
}

/// Wrong PINs since the last right one, or since the last block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Misses {
    failures: u32,
    blocked_until_ms: i64,
}

/// One more wrong PIN: the count after it, and what is answered.
fn miss(failures_before: u32, now_ms: i64, rules: &DeviceRules) -> (Misses, AppResult<()>) {
    let failures = failures_before.saturating_add(1);
    if failures < rules.pin_misses_max {
        let count = Misses {
            failures,
            blocked_until_ms: 0,
        };
        let tries_left = rules.pin_misses_max - failures;
        return (count, Err(AppError::PinWrong { tries_left }));
    }
    let block_ms = i64::from(rules.pin_block_minutes) * 60_000;
    let count = Misses {
        failures: 0,
        blocked_until_ms: now_ms + block_ms,
    };
    let wait_s = seconds(block_ms);
    (count, Err(AppError::PinBlocked { wait_s }))
}

struct StoredPin {
    hash: String,
    failures: u32,
    blocked_until_ms: i64,
}

fn stored_pin(conn: &Connection, staff_id: &str) -> Result<Option<StoredPin>> {
    Ok(conn
        .prepare_cached("SELECT hash, failures, blocked_until_ms FROM pin WHERE staff_id = ?1")?
        .query_row([staff_id], |row| {
            Ok(StoredPin {
                hash: row.get(0)?,
                failures: row.get(1)?,
                blocked_until_ms: row.get(2)?,
            })
        })
        .optional()?)
}

/// Argon2id, 19 MiB and two passes (OWASP's floor): about 50 ms on a phone.
fn slow_hash(pin: &str, salt: &[u8]) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(19 * 1024, 2, 1, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(pin.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

fn hash_pin(chance: &dyn Chance, pin: &str) -> AppResult<String> {
    let mut salt = [0; SALT_BYTES];
    chance.fill(&mut salt).map_err(StoreError::from)?;
    let hash = slow_hash(pin, &salt).ok_or_else(|| AppError::Storage {
        code: "memory".into(),
        message: "not enough memory to hash a pin".into(),
    })?;
    Ok(format!("{}:{}", hex::encode(salt), hex::encode(hash)))
}

fn verify_pin(pin: &str, stored: &str) -> bool {
    let Some((salt, hash)) = stored.split_once(':') else {
        return false;
    };
    let (Ok(salt), Ok(hash)) = (hex::decode(salt), hex::decode(hash)) else {
        return false;
    };
    slow_hash(pin, &salt).is_some_and(|found| bool::from(found.as_slice().ct_eq(&hash)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SystemChance;

    #[test]
    fn a_pin_fits_itself_only_and_its_hash_is_salted() {
        let (one, two) = (
            hash_pin(&SystemChance, "1234").unwrap(),
            hash_pin(&SystemChance, "1234").unwrap(),
        );
        assert_ne!(one, two);
        assert!(verify_pin("1234", &one) && verify_pin("1234", &two));
        assert!(!verify_pin("1235", &one) && !verify_pin("", &one) && !verify_pin("1234", "damaged"));
    }

    #[test]
    fn the_fifth_wrong_pin_blocks_for_twenty_minutes() {
        let rules = DeviceRules::default();
        for before in 0..4 {
            let tries_left = 4 - before;
            assert_eq!(miss(before, 0, &rules).1, Err(AppError::PinWrong { tries_left }));
        }
        let (count, answer) = miss(4, 1_000, &rules);
        assert_eq!(answer, Err(AppError::PinBlocked { wait_s: 1_200 }));
        assert_eq!(count.blocked_until_ms, 1_000 + 20 * 60_000);
        assert_eq!(count.failures, 0, "after the block the count begins anew");
    }

    #[test]
    fn a_store_chooses_its_minutes_within_the_range() {
        let mut rules = DeviceRules::default();
        rules
            .lock_minutes_by_store
            .extend([("S1".into(), 5), ("S2".into(), 0), ("S3".into(), 600)]);
        assert_eq!(
            ["S0", "S1", "S2", "S3"].map(|store| rules.lock_minutes_of(store)),
            [15, 5, 1, 60]
        );
    }

    #[test]
    fn the_lock_falls_at_its_minute_and_not_before() {
        let session = Session {
            staff_id: Some("C1".into()),
            touched_ms: 1_000_000,
            written_ms: 0,
        };
        assert!(!is_over(&session, 1_000_000 + 15 * 60_000 - 1, 15));
        assert!(is_over(&session, 1_000_000 + 15 * 60_000, 15));
        assert!(is_over(&session, 1_000_000 - 15 * 60_000 - 1, 15));
    }
}
