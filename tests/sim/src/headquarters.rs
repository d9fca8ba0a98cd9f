//! What headquarters do while the stores work: records change, members and clerks move, tasks are
//! given, files are imported, data are erased.

use yaoban_domain::codes::{ConsentPurpose, Open, Role};
use yaoban_domain::model::Consent;
use yaoban_hub::storage::Records as _;

use crate::chain::{MEMBERS, STORES, member_id, staff_of};
use crate::fault::Fault;
use crate::ledger::Withdrawn;
use crate::world::World;

fn someone(world: &mut World) -> String {
    let store = STORES[world.chance.below(2) as usize];
    member_id(store, world.chance.below(MEMBERS))
}

/// A few things at once.
pub fn act(world: &mut World) {
    for _ in 0..world.chance.below(3) {
        rename(world);
    }
    for _ in 0..world.chance.below(3) {
        give_task(world);
    }
    if world.chance.once_in(4) {
        withdraw(world);
    }
    if world.faults.fires(Fault::MemberMoved) {
        move_someone(world);
    }
    if world.faults.fires(Fault::ClerkMoved) {
        move_clerk(world);
    }
    if world.faults.fires(Fault::RoleChanged) {
        change_role(world);
    }
    if world.faults.fires(Fault::UnknownCode) {
        write_unknown_code(world);
    }
    if world.faults.fires(Fault::Import) {
        import(world);
    }
    if world.faults.fires(Fault::Erasure) {
        erase(world);
    }
    world.ledger.happened += 1;
}

fn rename(world: &mut World) {
    let (id, number) = (someone(world), world.chance.below(1_000));
    let changed = world
        .chain
        .change_member(&id, |member| member.name = format!("改名{number}"));
    world.tell(&format!("headquarters rename {id}: {changed}"));
}

fn give_task(world: &mut World) {
    let id = someone(world);
    let (now_ms, marketing) = (world.now_ms, world.chance.once_in(2));
    let task = world.chain.give_task(&id, now_ms, marketing);
    world.tell(&format!(
        "headquarters give {task:?} for {id}, marketing={marketing}"
    ));
}

/// A member writes to headquarters that it wants no more marketing.
fn withdraw(world: &mut World) {
    let (id, now_ms) = (someone(world), world.now_ms);
    let done = world.chain.change_member(&id, |member| {
        let consent = Consent {
            purpose: ConsentPurpose::Marketing.into(),
            channel: None,
            granted: false,
            at_ms: now_ms,
            wording_version: String::new(),
            place: "hq".into(),
            staff_id: None,
        };
        yaoban_domain::consent::record_for(member, consent);
    });
    if done {
        // What headquarters do counts as one happening, the next one: a backup that was taken before has
        // nothing of it.
        let at_hub = Some(world.ledger.happened + 1);
        let lifted = world.ledger.has_open_grants(&id);
        let all = world.ledger.withdrawn.entry(id.clone()).or_default();
        all.push((None, Withdrawn { at_hub, lifted }));
    }
    world.tell(&format!("headquarters withdraw marketing of {id}: {done}"));
}

/// A member moves to the other store.
pub fn move_someone(world: &mut World) {
    let (id, now_ms) = (someone(world), world.now_ms);
    let from = world
        .chain
        .read(|tx| tx.member(&id))
        .and_then(|member| member.store_id);
    let to = World::other_store(from.as_deref().unwrap_or("A"));
    let moved = world.chain.move_member(&id, to, now_ms);
    world.tell(&format!("headquarters move {id} to {to}: {moved}"));
}

fn move_clerk(world: &mut World) {
    let store = STORES[world.chance.below(2) as usize];
    let (id, now_ms) = (staff_of(store)[2].clone(), world.now_ms);
    let moved = world.chain.change_staff(&id, now_ms, |staff| {
        let other = World::other_store(staff.store_id.as_deref().unwrap_or("A"));
        staff.store_id = Some(other.to_owned());
    });
    world.tell(&format!("headquarters move clerk {id}: {moved}"));
}

fn change_role(world: &mut World) {
    let store = STORES[world.chance.below(2) as usize];
    let (id, now_ms) = (staff_of(store)[1].clone(), world.now_ms);
    let changed = world.chain.change_staff(&id, now_ms, |staff| {
        staff.role = if staff.role.is(Role::Clerk) {
            Role::StoreManager.into()
        } else {
            Role::Clerk.into()
        };
    });
    world.tell(&format!("headquarters change the role of {id}: {changed}"));
}

/// A hub of the next version writes codes that this phone's does not know.
fn write_unknown_code(world: &mut World) {
    let (id, now_ms) = (someone(world), world.now_ms);
    let done = world.chain.change_member(&id, |member| {
        member.sex = Some(Open::Unknown("diverse".into()));
        member.consents.push(Consent {
            purpose: Open::Unknown("research".into()),
            channel: None,
            granted: true,
            at_ms: now_ms,
            wording_version: "9".into(),
            place: "hq".into(),
            staff_id: None,
        });
        member.consents.sort();
        member
            .consents
            .dedup_by(|a, b| a.purpose == b.purpose && a.channel == b.channel);
    });
    if done {
        let at = world.ledger.happened;
        world.ledger.unknown_codes.insert(id.clone(), at);
    }
    world.tell(&format!("headquarters write unknown codes of {id}: {done}"));
}

fn import(world: &mut World) {
    let rows: Vec<(String, i64)> = (0..6)
        .map(|_| (someone(world), world.chance.between(10, 400)))
        .collect();
    let now_ms = world.now_ms;
    let done = world.chain.import(&rows, now_ms);
    world.tell(&format!("headquarters import {rows:?}: {done}"));
}

/// All data of a member go, everywhere.
fn erase(world: &mut World) {
    let (id, now_ms) = (someone(world), world.now_ms);
    let done = world.chain.erase(&id, now_ms);
    if done {
        let at = world.ledger.happened;
        world.ledger.erased.insert(id.clone(), at);
        world.ledger.once_erased.insert(id.clone());
    }
    world.tell(&format!("headquarters erase {id}: {done}"));
}
