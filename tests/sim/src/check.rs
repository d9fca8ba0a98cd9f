//! The invariants of the sync protocol, looked at from outside: the files of phones and hub against
//! each other and against the ledger.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _};
use yaoban_clerk_core::store::{StoreError, meta, outbox, rows};
use yaoban_domain::codes::Open;
use yaoban_hub::storage::Records as _;
use yaoban_hub::storage::sqlite::audit::AuditCheck;
use yaoban_hub::storage::sqlite::pull::Room;
use yaoban_hub::storage::sqlite::render::Rendering;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{OpResult, OpStatus};
use yaoban_protocol::row::{Change, ChangeKind, Purchases, entity};

use crate::fault::Fault;
use crate::ledger::{Deed, Entry};
use crate::phone::Phone;
use crate::world::{Kind, World};

/// Operations of a phone whose effect has not come back.
pub fn under_way(phone: &Phone) -> usize {
    phone.read(|conn| {
        let count: i64 = conn.query_row(
            "SELECT count(*) FROM outbox WHERE state IN ('held', 'pending', 'answered')",
            [],
            |row| row.get(0),
        )?;
        Ok(count as usize)
    })
}

/// The phone has everything that the hub has, the hub has everything that is numbered on the phone,
/// and its effect is back. What waits for the end of its take-back time is not counted.
pub fn is_level(world: &World, index: usize) -> bool {
    let phone = &world.phones[index];
    let epoch = world.chain.read(|tx| tx.epoch());
    let (known, waiting, held) = phone.read(|conn| {
        let known: Option<String> = meta::get(conn, meta::EPOCH)?;
        let waiting: i64 = conn.query_row(
            "SELECT count(*) FROM outbox WHERE state IN ('pending', 'answered')",
            [],
            |row| row.get(0),
        )?;
        Ok((known, waiting, rows::scopes(conn)?))
    });
    let own = format!("store:{}", phone.store_id);
    let level = |name: &str| {
        let scope = world.chain.read(|tx| tx.scope(name));
        held.iter().any(|held| {
            held.cursor.scope == name
                && !held.stale
                && held.cursor.generation == scope.generation
                && held.cursor.after == scope.head
        })
    };
    waiting == 0 && known.as_deref() == Some(epoch.as_str()) && level(&own) && level("catalogue")
}

/// The cursor is never ahead of the rows: everything that the hub has at or before a phone's place is
/// on the phone, at the same position, and nothing else.
pub fn held_rows(world: &mut World, index: usize) {
    let epoch = world.chain.read(|tx| tx.epoch());
    let phone = &world.phones[index];
    let held = phone.read(|conn| {
        let same: Option<String> = meta::get(conn, meta::EPOCH)?;
        if same.as_deref() != Some(epoch.as_str()) {
            return Ok(Vec::new());
        }
        rows::scopes(conn)?
            .into_iter()
            .filter(|scope| !scope.stale)
            .map(|scope| {
                let rows = rows::rows_of_scope(conn, scope.scope_key)?;
                Ok((scope.cursor, rows))
            })
            .collect::<Result<Vec<_>, StoreError>>()
    });
    for (cursor, rows) in held {
        let scope = world.chain.read(|tx| tx.scope(&cursor.scope));
        // A hub that was restored has other rows at the same positions, until it is told apart.
        if scope.generation != cursor.generation || cursor.after < scope.pruned || cursor.after > scope.head {
            continue;
        }
        let at_hub = world.chain.positions(&cursor.scope);
        let here: BTreeMap<(String, String), u64> = rows
            .into_iter()
            .map(|(entity, id, seq)| ((entity, id), seq))
            .collect();
        let mut wrong = Vec::new();
        for ((entity, id), (seq, kind)) in &at_hub {
            let key = (entity.clone(), id.clone());
            if *seq > cursor.after {
                continue;
            }
            match (kind.as_str(), here.get(&key)) {
                ("put", Some(held)) if held == seq => {}
                ("put", held) => wrong.push(format!("{entity} {id} at {seq} is held at {held:?}")),
                (_, None) => {}
                (kind, Some(_)) => {
                    wrong.push(format!("{entity} {id} is still held after its {kind} at {seq}"));
                }
            }
        }
        if !wrong.is_empty() {
            let what = format!("phone {index} at {cursor:?}: {}", wrong.join("; "));
            world.break_(Kind::Violation, what);
        }
    }
}

/// An operation is done only when its effect is back: until then it shows by itself, afterwards by
/// the rows. Looked at after each pull, for the notes that became done with it.
pub fn effects_are_here(world: &mut World, index: usize) {
    let done: Vec<String> = world.phones[index].read(|conn| {
        let mut statement = conn.prepare("SELECT op_id FROM outbox WHERE state = 'sent'")?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    });
    let fresh: Vec<String> = done
        .into_iter()
        .filter(|op_id| world.phones[index].settled.insert(op_id.clone()))
        .collect();
    let scope = format!("store:{}", world.phones[index].store_id);
    let mut missing = Vec::new();
    for entry in &world.ledger.entries {
        let Deed::Note { text } = &entry.deed else {
            continue;
        };
        if !fresh.contains(&entry.op_id) {
            continue;
        }
        let here: bool = world.phones[index].read(|conn| {
            Ok(conn
                .prepare_cached("SELECT 1 FROM note WHERE text = ?1")?
                .exists([text])?)
        });
        // Its member may have left the store, or been erased, before or since.
        let at_hub: Option<String> = world
            .chain
            .connection()
            .query_row("SELECT note_id FROM note WHERE instr(body, ?1)", [text], |row| {
                row.get(0)
            })
            .optional()
            .unwrap_or_default();
        let place = at_hub.and_then(|id| {
            world
                .chain
                .positions(&scope)
                .remove(&(entity::NOTE.to_owned(), id))
        });
        if !here && place.is_some_and(|(_, kind)| kind == "put") {
            missing.push(format!("{} {text}", entry.op_id));
        }
    }
    if !missing.is_empty() {
        let what = format!("phone {index} took for done what it does not show: {missing:?}");
        world.break_(Kind::Violation, what);
    }
}

/// After a round that compared digests: nothing had to be repaired.
pub fn repaired(world: &mut World) {
    let repaired: Vec<String> = world
        .reports()
        .iter()
        .filter(|(_, report)| report.repaired_ranges > 0 || report.first_problem().is_some())
        .map(|(index, report)| format!("phone {index}: {report:?}"))
        .collect();
    if !repaired.is_empty() {
        world.break_(
            Kind::Wedged,
            format!("digests differ after healing: {repaired:?}"),
        );
    }
}

/// Everything that must hold once the world has healed.
pub fn everything(world: &mut World) {
    let audit = world.chain.read(|tx| tx.audit_check());
    if !matches!(audit, AuditCheck::Whole { .. }) {
        world.break_(Kind::Violation, format!("the audit trail is broken: {audit:?}"));
    }
    for index in 0..world.phones.len() {
        same_rows(world, index);
        nothing_else(world, index);
        nothing_erased(world, index);
        same_figures(world, index);
    }
    unknown_codes_kept(world);
    let hub = world.chain.connection();
    let entries = std::mem::take(&mut world.ledger.entries);
    for entry in &entries {
        if let Some((kind, what)) = accounted(world, &hub, &entries, entry) {
            let shown = format!(
                "{:?} of {:?} by phone {} ({}, {}): {what}",
                entry.deed,
                entry.member_id,
                entry.phone,
                entry.op_id,
                stands(&world.phones[entry.phone], &entry.op_id)
            );
            world.break_(kind, shown);
        }
    }
    world.ledger.entries = entries;
    counted_once(world, &hub);
}

/// The changes of a scope as the hub would send them to a new phone.
fn at_hub(world: &World, scope: &str) -> Vec<Change> {
    world.chain.read(|tx| {
        let today = tx.calendar()?.day(world.now_ms);
        let rendering = Rendering::new(today - chrono::Months::new(24));
        let scope = tx.scope(scope)?;
        let mut room = Room {
            rows: 100_000,
            bytes: 1 << 30,
        };
        // From the last place that was pruned: below it there are puts only, and they count too.
        let page = tx.page(&scope, scope.pruned, &mut room, &rendering)?;
        let mut changes = page.changes;
        if scope.pruned > 0 {
            let positions = world.chain.positions(&scope.name);
            for ((entity, id), (seq, kind)) in positions {
                if seq <= scope.pruned {
                    let row = yaoban_hub::storage::sqlite::scope::ScopeRow {
                        seq,
                        entity,
                        id,
                        kind,
                    };
                    changes.push(tx.change(&scope.name, row, &rendering)?);
                }
            }
        }
        Ok(changes)
    })
}

/// What shows on the phone is what the hub has, byte by byte.
fn same_rows(world: &mut World, index: usize) {
    let own = format!("store:{}", world.phones[index].store_id);
    let mut wrong = Vec::new();
    for scope in [own.as_str(), "catalogue"] {
        for change in at_hub(world, scope) {
            let (name, id) = (change.entity.as_str(), change.id.as_str());
            let here = world.phones[index].read(|conn| rows::body(conn, name, id));
            match (change.kind, here) {
                (ChangeKind::Put, Some(body)) if body == change.body.as_slice() => {}
                (ChangeKind::Put, None) if is_empty(&change) => {}
                (ChangeKind::Put, here) => wrong.push(format!(
                    "{name} {id} at the hub {:?}, here {:?}",
                    shown(&change.body),
                    here.as_deref().map(shown)
                )),
                // What was evicted here may be held by the other scope of the phone.
                (ChangeKind::Evict, _) | (ChangeKind::Erase, None) => {}
                (ChangeKind::Erase, Some(_)) => wrong.push(format!("{name} {id} was erased and is here")),
            }
        }
    }
    if !wrong.is_empty() {
        let what = format!("phone {index} differs from the hub: {}", wrong.join("; "));
        world.break_(Kind::Wedged, what);
    }
}

/// Purchases without a line are kept as nothing.
fn is_empty(change: &Change) -> bool {
    change.entity == entity::PURCHASES
        && from_cbor::<Purchases>(&change.body).is_ok_and(|purchases| purchases.days.is_empty())
}

fn shown(body: &[u8]) -> String {
    match from_cbor::<ciborium::Value>(body) {
        Ok(value) => format!("{value:?}").replace("Text(", "").replace("Integer(", ""),
        Err(_) => format!("{} bytes", body.len()),
    }
}

/// Tables that hold rows of members, with the column of their ids.
const TABLES: [(&str, &str, &str); 6] = [
    ("member", "member_id", entity::MEMBER),
    ("reading", "reading_id", entity::READING),
    ("note", "note_id", entity::NOTE),
    ("task", "task_id", entity::TASK),
    ("attempt", "attempt_id", entity::ATTEMPT),
    ("send", "key", entity::SEND),
];

/// No row is on the phone that its store may not see.
fn nothing_else(world: &mut World, index: usize) {
    let own = format!("store:{}", world.phones[index].store_id);
    let allowed: BTreeSet<(String, String)> = at_hub(world, &own)
        .into_iter()
        .filter(|change| change.kind == ChangeKind::Put)
        .map(|change| (change.entity, change.id))
        .collect();
    let mut foreign = Vec::new();
    for (table, id, name) in TABLES {
        let standing = if table == "member" {
            "WHERE standing <> 0"
        } else {
            ""
        };
        let ids: Vec<String> = world.phones[index].read(|conn| {
            let mut statement = conn.prepare(&format!("SELECT {id} FROM {table} {standing} ORDER BY 1"))?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        });
        foreign.extend(
            ids.into_iter()
                .filter(|id| !allowed.contains(&(name.to_owned(), id.clone())))
                .map(|id| format!("{name} {id}")),
        );
    }
    let lines: Vec<String> = world.phones[index].read(|conn| {
        let mut statement = conn.prepare(
            "SELECT m.member_id FROM purchases JOIN member m USING (member_key)
                 UNION SELECT m.member_id FROM bought JOIN member m USING (member_key) ORDER BY 1",
        )?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    });
    foreign.extend(
        lines
            .into_iter()
            .filter(|id| !allowed.contains(&(entity::MEMBER.to_owned(), id.clone())))
            .map(|id| format!("lines of {id}")),
    );
    if !foreign.is_empty() {
        let what = format!(
            "phone {index} of {own} holds what it may not see: {}",
            foreign.join(", ")
        );
        world.break_(Kind::Violation, what);
    }
}

/// Nothing of an erased member is in the file, free pages included.
fn nothing_erased(world: &mut World, index: usize) {
    let mut texts = Vec::new();
    for entry in &world.ledger.entries {
        let erased = entry
            .member_id
            .as_ref()
            .is_some_and(|id| world.ledger.erased.contains_key(id));
        if let (true, Deed::Note { text }) = (erased, &entry.deed) {
            texts.push(text.clone());
        }
    }
    if texts.is_empty() {
        return;
    }
    let bytes = world.phones[index].bytes();
    let found: Vec<&String> = texts
        .iter()
        .filter(|text| contains(&bytes, text.as_bytes()))
        .collect();
    if !found.is_empty() {
        // An operation that the hub refused stays with the clerk who made it.
        let kept = found.iter().all(|text| is_refused_here(world, index, text));
        if !kept {
            let states: Vec<(String, String)> = world.phones[index].read(|conn| {
                let mut statement = conn.prepare("SELECT op_id, state FROM outbox")?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            });
            let notes: Vec<(String, String)> = world.phones[index].read(|conn| {
                let mut statement =
                    conn.prepare("SELECT member_id, text FROM note JOIN member USING (member_key)")?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            });
            let notes: Vec<_> = notes
                .into_iter()
                .filter(|(_, text)| found.contains(&text))
                .collect();
            let states: Vec<&(String, String)> = states
                .iter()
                .filter(|(op_id, _)| {
                    world.ledger.entries.iter().any(|entry| {
                        entry.op_id == *op_id
                            && matches!(&entry.deed, Deed::Note { text } if found.contains(&text))
                    })
                })
                .collect();
            let what = format!(
                "phone {index} still has of erased members: {found:?}, outbox {states:?}, notes {notes:?}"
            );
            world.break_(Kind::Violation, what);
        }
    }
}

fn is_refused_here(world: &World, index: usize, text: &str) -> bool {
    let op_ids: Vec<String> = world.phones[index].read(|conn| {
        let stuck = outbox::stuck(conn, 10_000)?;
        Ok(stuck.into_iter().map(|op| op.op_id).collect())
    });
    world.ledger.entries.iter().any(|entry| {
        matches!(&entry.deed, Deed::Note { text: own } if own == text) && op_ids.contains(&entry.op_id)
    })
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// Both ends compute the same figures for the members that they share.
fn same_figures(world: &mut World, index: usize) {
    let now_ms = world.now_ms;
    let calendar = world.chain.read(|tx| tx.calendar());
    let today = calendar.day(now_ms);
    let phone = &world.phones[index];
    if phone.store().refresh_all_figures(today).is_err() {
        return world.break_(Kind::Violation, format!("phone {index} cannot compute figures"));
    }
    let here: Vec<(String, Option<i64>, i64, i64)> = phone.read(|conn| {
        let mut statement = conn.prepare(
            "SELECT m.member_id, f.recency, f.frequency, f.monetary_fen FROM figure f
             JOIN member m USING (member_key) WHERE m.standing = 1 ORDER BY 1",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    });
    let mut wrong = Vec::new();
    world.chain.read(|tx| {
        let rules = tx.rules()?;
        let chain = yaoban_hub::figures::Chain::load(tx, today, &rules)?;
        for (id, recency, frequency, monetary_fen) in here {
            let Some(key) = tx.member_key(&id)? else { continue };
            let Some((figures, _)) = chain.member(key as u32) else {
                continue;
            };
            let same = figures.recency == recency
                && figures.frequency == frequency
                && figures.monetary_fen == monetary_fen;
            if !same {
                wrong.push(format!(
                    "{id}: hub {figures:?}, here {recency:?} {frequency} {monetary_fen}"
                ));
            }
        }
        Ok(())
    });
    if !wrong.is_empty() {
        world.break_(
            Kind::Violation,
            format!("phone {index} computes other figures: {}", wrong.join("; ")),
        );
    }
}

/// What a newer hub wrote is as it was, whatever clerks did to the record since.
fn unknown_codes_kept(world: &mut World) {
    for id in world.ledger.unknown_codes.clone().into_keys() {
        if world.ledger.erased.contains_key(&id) {
            continue;
        }
        let member = world.chain.read(|tx| tx.member(&id));
        let Some(member) = member else { continue };
        let sex = member.sex == Some(Open::Unknown("diverse".into()));
        let consent = member
            .consents
            .iter()
            .any(|one| one.purpose.code() == "research" && one.granted);
        if !(sex && consent) {
            world.break_(
                Kind::Violation,
                format!("unknown codes of {id} were changed: {member:?}"),
            );
        }
    }
}

/// How an operation stands on its phone.
fn stands(phone: &Phone, op_id: &str) -> String {
    phone.read(|conn| {
        let row: Option<(String, Option<i64>)> = conn
            .query_row("SELECT state, n FROM outbox WHERE op_id = ?1", [op_id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(row.map_or_else(
            || "not in the outbox".to_owned(),
            |(state, n)| format!("{state} under number {n:?}"),
        ))
    })
}

/// What became of a deed; none if all is well.
fn accounted(world: &World, hub: &Connection, all: &[Entry], entry: &Entry) -> Option<(Kind, String)> {
    let result = world.chain.read(|tx| tx.op_result(&entry.op_id));
    let Some(result) = result else {
        // A refusal that the hub has forgotten with a restore still shows to the clerk.
        let gone = entry.taken_back || is_erased(world, entry) || is_shown_refused(world, entry);
        return (!gone).then(|| (Kind::Lost, "the hub has no result for it".to_owned()));
    };
    if entry.taken_back {
        return Some((Kind::Violation, "it was taken back and the hub has it".into()));
    }
    match result.status {
        OpStatus::Rejected | OpStatus::Parked => refused(world, hub, all, entry, &result),
        OpStatus::Applied | OpStatus::Merged | OpStatus::Duplicate => applied(world, hub, entry),
    }
}

/// Reasons that are about who did it.
const AUTHORS: [&str; 4] = [
    "staff_other_store",
    "staff_inactive",
    "role_not_allowed",
    "manager_only",
];

/// A refused operation shows on the phone that made it, with its reason.
fn refused(
    world: &World,
    hub: &Connection,
    all: &[Entry],
    entry: &Entry,
    result: &OpResult,
) -> Option<(Kind, String)> {
    if is_erased(world, entry) {
        return None;
    }
    if !is_shown_refused(world, entry) {
        let what = format!("the hub refused it ({:?}) and no clerk sees that", result.reason);
        return Some((Kind::Lost, what));
    }
    if result.status == OpStatus::Parked {
        let kept: i64 = hub
            .query_row(
                "SELECT count(*) FROM parked_op WHERE op_id = ?1",
                [&entry.op_id],
                |row| row.get(0),
            )
            .unwrap_or(0);
        if kept != 1 {
            return Some((Kind::Lost, "it was parked and the hub does not have it".into()));
        }
    }
    let contact = matches!(
        entry.deed,
        Deed::Dial { .. } | Deed::Message { .. } | Deed::MessageNews { .. }
    );
    let reason = result.reason.as_deref().unwrap_or_default();
    if contact && AUTHORS.contains(&reason) {
        let what = format!("a contact that was made is not recorded for who made it ({reason})");
        return Some((Kind::Lost, what));
    }
    match count(hub, &entry.deed) {
        Some(0) | None => None,
        Some(1) if done_by_another(world, all, entry) => None,
        Some(found) => Some((
            Kind::Violation,
            format!("the hub refused it and did it {found} times"),
        )),
    }
}

/// Another operation that the hub took left the same thing there.
fn done_by_another(world: &World, all: &[Entry], entry: &Entry) -> bool {
    let taken = |other: &&Entry| {
        let result = world.chain.read(|tx| tx.op_result(&other.op_id));
        result.is_some_and(|result| !matches!(result.status, OpStatus::Rejected | OpStatus::Parked))
    };
    let key = entry.deed.shared_key();
    all.iter()
        .filter(|other| key.is_some() && other.deed.shared_key() == key)
        .any(|other| taken(&other))
}

/// A clerk sees that it was refused, and why.
fn is_shown_refused(world: &World, entry: &Entry) -> bool {
    let stuck = world.phones[entry.phone].read(|conn| outbox::stuck(conn, 10_000));
    stuck
        .iter()
        .any(|op| op.op_id == entry.op_id && op.reason.as_ref().is_some_and(|reason| !reason.is_empty()))
}

/// The phones have forgotten what was done for a member whose data were erased, even where a restore
/// made the hub forget the erasure.
fn is_erased(world: &World, entry: &Entry) -> bool {
    let Some(id) = &entry.member_id else { return false };
    let real = world.chain.read(|tx| tx.resolve_member(id));
    let erased = &world.ledger.once_erased;
    erased.contains(id) || real.is_some_and(|id| erased.contains(&id))
}

/// An operation that the hub did is there, once.
fn applied(world: &World, hub: &Connection, entry: &Entry) -> Option<(Kind, String)> {
    if is_erased(world, entry) {
        return None;
    }
    if let Deed::Register { .. } = &entry.deed {
        let id = entry.member_id.as_deref().unwrap_or_default();
        if world.chain.read(|tx| tx.resolve_member(id)).is_none() {
            return Some((Kind::Lost, "nobody answers to the temporary id".into()));
        }
        return match count(hub, &entry.deed) {
            Some(found) if found > 1 => Some((Kind::Doubled, format!("the hub has {found} of it"))),
            _ => None,
        };
    }
    match count(hub, &entry.deed) {
        Some(1) | None => None,
        Some(0) => Some((Kind::Lost, "the hub does not have it".into())),
        Some(found) => Some((Kind::Doubled, format!("the hub has {found} of it"))),
    }
}

/// How many of it the hub has; none if it leaves nothing to count.
fn count(hub: &Connection, deed: &Deed) -> Option<i64> {
    let (sql, value): (&str, String) = match deed {
        Deed::Note { text } => ("SELECT count(*) FROM note WHERE instr(body, ?1)", text.clone()),
        Deed::Reading { taken_at_ms } => (
            "SELECT count(*) FROM reading WHERE taken_at_ms = CAST(?1 AS INTEGER)",
            taken_at_ms.to_string(),
        ),
        Deed::Tag { tag } => (
            "SELECT count(*) FROM member WHERE instr(tags, ';' || ?1 || ';')",
            tag.clone(),
        ),
        Deed::Register { name } => ("SELECT count(*) FROM member WHERE name = ?1", name.clone()),
        Deed::Dial { attempt_id } => (
            "SELECT count(*) FROM attempt WHERE attempt_id = ?1",
            attempt_id.clone(),
        ),
        Deed::Outcome { outcome_id, .. } => (
            "SELECT count(*) FROM task_outcome WHERE outcome_id = ?1",
            outcome_id.clone(),
        ),
        Deed::Task { task_id } => ("SELECT count(*) FROM task WHERE task_id = ?1", task_id.clone()),
        Deed::Message { key } | Deed::MessageNews { key } => {
            ("SELECT count(*) FROM send WHERE send_key = ?1", key.clone())
        }
        Deed::Consent { .. } | Deed::Unreadable | Deed::Other(_) => return None,
    };
    hub.query_row(sql, [value], |row| row.get(0)).ok()
}

/// What would be counted twice if an operation were done twice.
fn counted_once(world: &mut World, hub: &Connection) {
    let mut doubled = Vec::new();
    for entry in &world.ledger.entries {
        if let Deed::Dial { attempt_id } = &entry.deed {
            let contacts: i64 = hub
                .query_row(
                    "SELECT count(*) FROM audit WHERE action = 'contact' AND instr(detail, ?1)",
                    [attempt_id],
                    |row| row.get(0),
                )
                .unwrap_or(0);
            if contacts > 1 {
                doubled.push(format!(
                    "attempt {attempt_id} stands {contacts} times in the audit trail"
                ));
            }
        }
    }
    for what in doubled {
        world.break_(Kind::Doubled, what);
    }
}

/// Tasks that two clerks finished, each without knowing of the other.
pub fn count_double_finishes(world: &mut World) {
    let hub = world.chain.connection();
    let double: i64 = hub
        .query_row(
            "SELECT count(*) FROM (SELECT task_id FROM task_outcome GROUP BY task_id HAVING count(*) > 1)",
            [],
            |row| row.get(0),
        )
        .unwrap_or(0);
    for _ in 0..double {
        world.faults.count(Fault::DoubleFinish);
    }
}
