//! Points 5 and 6: repair by digests, scopes that come and go.

use yaoban_protocol::row::ChangeKind;

use super::super::model_hub::{CATALOGUE, STORE};
use super::super::world::{Fate, World};
use super::{assert_same_rows, round_code};
use crate::sync::code;

#[test]
fn point_05_only_ranges_that_differ_are_fetched_again() {
    let mut world = World::synced();
    for i in 0..40 {
        world.hub.put(STORE, "member", &format!("n{i}"), b"x");
    }
    world.round().checked().unwrap();
    let rows = world.store.rows.get_mut(STORE).unwrap();
    rows.remove(&("member".into(), "n3".into())).unwrap();
    rows.get_mut(&("member".into(), "n4".into())).unwrap().0 += 1;
    rows.insert(("member".into(), "ghost".into()), (3, b"z".to_vec()));
    world.forget();
    let report = world.repair().checked().unwrap();
    assert_eq!(report.repaired_ranges, 3);
    assert!(report.loaded_scopes.is_empty(), "repair, never wipe");
    assert_same_rows(&world);
    assert_eq!(world.count("snapshot") + world.count("chunk"), 0);
}

#[test]
fn point_05_digests_are_compared_once_a_day_by_the_hubs_clock() {
    let mut world = World::synced();
    world.round();
    assert_eq!(world.count("digest"), 0);
    world.hub.now_ms += 24 * 3_600_000;
    world.round();
    assert_eq!(world.count("digest"), 2);
    world.round();
    assert_eq!(world.count("digest"), 2);
}

#[test]
fn point_05_sums_of_a_scope_that_moves_meanwhile_say_nothing() {
    let mut world = World::synced();
    world.hub.now_ms += 24 * 3_600_000;
    let repaired_at = world.store.known.repaired_at_ms;
    let report = world.round_with(&mut |hub, call| {
        if call.name() == "digest" {
            hub.put(STORE, "member", "moves", b"y");
        }
        Fate::Pass
    });
    assert_eq!(report.checked().unwrap().repaired_ranges, 0);
    assert_eq!(world.store.known.repaired_at_ms, repaired_at, "it is still due");
}

#[test]
fn point_06_the_device_moves_to_another_store() {
    let mut world = World::synced();
    let mut moved = world.hub.data.scopes.remove(STORE).unwrap();
    moved.rows.retain(|(_, id), _| id == "m1");
    world.hub.data.scopes.insert("store:2".into(), moved);
    world.store.add_op("made-before-the-move", b"bad");
    let report = world.round().checked().unwrap();
    assert_eq!(report.loaded_scopes, ["store:2"]);
    assert_eq!(report.rejected_ops, 1, "the operation was judged by the hub");
    assert!(!world.store.rows.contains_key(STORE));
    assert_same_rows(&world);
}

#[test]
fn point_06_scopes_that_change_during_a_pull_are_brought_in_line_in_the_same_round() {
    let mut world = World::synced();
    let mut once = false;
    let report = world.round_with(&mut |hub, call| {
        if call.name() == "pull" && !once {
            once = true;
            hub.put(STORE, "member", "new", b"y");
            hub.data
                .scopes
                .insert("store:2".into(), hub.data.scopes[STORE].clone());
        }
        Fate::Pass
    });
    assert_eq!(report.checked().unwrap().loaded_scopes, ["store:2"]);
    assert_same_rows(&world);
}

#[test]
fn point_06_a_hub_that_names_no_scope_wipes_nothing() {
    let mut world = World::synced();
    let scopes = std::mem::take(&mut world.hub.data.scopes);
    let report = world.round();
    assert_eq!(round_code(&report), code::NO_SCOPES);
    assert_eq!(world.store.rows.len(), 2);
    world.hub.data.scopes = scopes;
    world.round().checked().unwrap();
}

#[test]
fn point_06_evict_leaves_the_row_of_another_scope() {
    let mut world = World::synced();
    world.hub.put(CATALOGUE, "member", "m1", b"also here");
    world.hub.change(STORE, "member", "m1", ChangeKind::Evict, b"");
    world.round().checked().unwrap();
    let key = ("member".to_owned(), "m1".to_owned());
    assert!(!world.store.rows[STORE].contains_key(&key));
    assert!(world.store.rows[CATALOGUE].contains_key(&key));
}
