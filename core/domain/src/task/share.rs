//! Allotment of tasks to the clerks of a store: balanced, and the same wherever it is computed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{is_absorbing, pharmacist_of};
use crate::codes::{Role, TaskKind, TaskState};
use crate::model::{CareTask, Staff};

/// Whether a clerk takes tasks on a day: works here, is a clerk and is not marked off.
pub fn is_present(staff: &Staff, day: NaiveDate) -> bool {
    staff.active && staff.role.is(Role::Clerk) && staff.off_on != Some(day)
}

/// Who gets which of a store's tasks on a day so that the loads of the clerks present differ by one
/// at most. Returns only what changes: tasks of nobody or of somebody absent, and as few others as
/// balance asks for. A task that a clerk is at stays with that clerk, and a pharmacist's task with
/// its pharmacist, while they are there; what is closed is left alone. With nobody present the tasks
/// of the absent go to anyone (`None`).
pub fn rebalance(tasks: &[CareTask], staff: &[Staff], day: NaiveDate) -> Vec<(String, Option<String>)> {
    let here = |id: &str| {
        staff
            .iter()
            .any(|s| s.id == id && s.active && s.off_on != Some(day))
    };
    let mut loads: BTreeMap<&str, BTreeSet<&str>> = staff
        .iter()
        .filter(|s| is_present(s, day))
        .map(|s| (s.id.as_str(), BTreeSet::new()))
        .collect();
    let mut fixed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut free: BTreeSet<&str> = BTreeSet::new();
    let mut before: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut changes: Vec<(String, Option<String>)> = Vec::new();
    for task in tasks.iter().filter(|task| !is_absorbing(&task.state)) {
        let assignee = task.assignee.as_deref().filter(|id| here(id));
        let is_pharmacists = task.kind.is(TaskKind::Pharmacist);
        match assignee {
            Some(id) if is_pharmacists || task.state.is(TaskState::InProgress) => {
                *fixed.entry(id).or_default() += 1;
            }
            None if is_pharmacists => {
                let to = pharmacist_of(staff, &task.store_id, day);
                if to != task.assignee {
                    changes.push((task.id.clone(), to));
                }
            }
            _ => {
                before.insert(&task.id, task.assignee.as_deref());
                match assignee.and_then(|id| loads.get_mut(id)) {
                    Some(own) => own.insert(&task.id),
                    None => free.insert(&task.id),
                };
            }
        }
    }
    balance(&mut loads, &fixed, free);
    let mut after: BTreeMap<&str, &str> = BTreeMap::new();
    for (clerk, ids) in &loads {
        after.extend(ids.iter().map(|id| (*id, *clerk)));
    }
    let moved = before
        .into_iter()
        .filter(|(id, clerk)| after.get(id).copied() != *clerk);
    changes.extend(moved.map(|(id, _)| (id.to_owned(), after.get(id).map(|clerk| (*clerk).to_owned()))));
    changes.sort_unstable();
    changes
}

/// Gives the free tasks to the least loaded, then moves one at a time from the most to the least
/// loaded while they differ by more than one: no fewer moves would balance them.
fn balance<'a>(
    loads: &mut BTreeMap<&'a str, BTreeSet<&'a str>>,
    fixed: &BTreeMap<&str, usize>,
    free: BTreeSet<&'a str>,
) {
    let weight = |clerk: &str, ids: &BTreeSet<&str>| ids.len() + fixed.get(clerk).copied().unwrap_or(0);
    let least = |loads: &BTreeMap<&'a str, BTreeSet<&'a str>>| {
        loads
            .iter()
            .map(|(clerk, ids)| (weight(clerk, ids), *clerk))
            .min()
    };
    for id in free {
        let Some((_, clerk)) = least(loads) else { return };
        loads.entry(clerk).or_default().insert(id);
    }
    loop {
        let most = loads
            .iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(clerk, ids)| (weight(clerk, ids), *clerk))
            .max();
        let (Some((most_weight, from)), Some((least_weight, to))) = (most, least(loads)) else {
            return;
        };
        let Some(id) = (most_weight > least_weight + 1)
            .then(|| loads.get_mut(from).and_then(BTreeSet::pop_last))
            .flatten()
        else {
            return;
        };
        loads.entry(to).or_default().insert(id);
    }
}

/// Who of a store's clerks gets each member of a campaign: balanced over those who are present on
/// the day, on top of the open tasks they have (`loads` by staff id). Members of a store without a
/// clerk go to anyone (`None`). The result follows the members' order of id.
pub fn allocate(
    members: impl IntoIterator<Item = (String, String)>,
    staff: &[Staff],
    loads: &BTreeMap<String, usize>,
    day: NaiveDate,
) -> Vec<(String, Option<String>)> {
    let mut clerks: BTreeMap<&str, BTreeSet<(usize, &str)>> = BTreeMap::new();
    for clerk in staff.iter().filter(|s| is_present(s, day)) {
        if let Some(store_id) = &clerk.store_id {
            let load = loads.get(&clerk.id).copied().unwrap_or(0);
            clerks.entry(store_id).or_default().insert((load, &clerk.id));
        }
    }
    let members: BTreeMap<String, String> = members.into_iter().collect();
    members
        .into_iter()
        .map(|(member_id, store_id)| {
            let clerk = clerks.get_mut(store_id.as_str()).and_then(|clerks| {
                let (load, clerk) = clerks.pop_first()?;
                clerks.insert((load + 1, clerk));
                Some(clerk.to_owned())
            });
            (member_id, clerk)
        })
        .collect()
}
