//! Points 1 to 3: cursors, state in place of history, rows and cursor together.

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::Page;
use yaoban_protocol::row::ChangeKind;

use super::super::model_hub::{CATALOGUE, ModelHub, STORE, refuse};
use super::super::world::{Fate, World};
use super::{assert_same_rows, pull_code, with_page};
use crate::sync::code;
use crate::sync::event::{Call, Command};

#[test]
fn point_01_each_scope_is_asked_from_its_own_seq() {
    let mut world = World::synced();
    world.round();
    let Some((Call::Pull(request), _)) = world.calls.iter().find(|(c, _)| c.name() == "pull") else {
        panic!()
    };
    let at = |scope: &str| request.cursors.iter().find(|c| c.scope == scope).map(|c| c.after);
    assert_eq!((at(STORE), at(CATALOGUE)), (Some(7), Some(1)));
}

#[test]
fn point_01_pages_that_do_not_ascend_or_go_back_are_refused_whole() {
    let spoils: [&dyn Fn(&mut Page); 4] = [
        &|page| page.changes.reverse(),
        &|page| page.next = page.changes[1].seq - 1,
        &|page| page.next = page.head + 1,
        &|page| page.changes[0].seq = 7,
    ];
    for spoil in spoils {
        let mut world = World::synced();
        world.hub.put(STORE, "member", "new1", b"y");
        world.hub.put(STORE, "member", "new2", b"y");
        let before = world.store.clone();
        let report = with_page(&mut world, spoil);
        assert_eq!(pull_code(&report), code::REPLY_UNREADABLE);
        assert_eq!(
            (before.rows, before.known),
            (world.store.rows.clone(), world.store.known.clone())
        );
        assert!(!report.up_to_date);
    }
}

#[test]
fn point_02_a_cursor_older_than_the_tombstones_loads_anew() {
    let mut world = World::synced();
    world.hub.change(STORE, "member", "m0", ChangeKind::Evict, b"");
    world.hub.put(STORE, "member", "m9", b"y");
    world.hub.prune(STORE);
    let report = world.round().checked().unwrap();
    assert_eq!(report.loaded_scopes, [STORE]);
    assert!(report.up_to_date);
    assert_same_rows(&world);
}

#[test]
fn point_02_a_refusal_with_scope_gone_loads_anew() {
    let mut world = World::synced();
    let mut refused = false;
    let report = world.round_with(&mut |_, call| match call {
        Call::Pull(_) if !refused => {
            refused = true;
            Fate::Fail(refuse(410, refusal::SCOPE_GONE))
        }
        _ => Fate::Pass,
    });
    assert_eq!(report.checked().unwrap().loaded_scopes.len(), 2);
}

#[test]
fn point_03_rows_and_cursor_are_one_command_and_a_kill_before_it_repeats_the_page() {
    let mut world = World::synced();
    world.hub.put(STORE, "member", "new", b"y");
    world.store.fail_next = None;
    world.round_with(&mut |_, call| {
        if call.name() == "pull" {
            Fate::LoseReply
        } else {
            Fate::Pass
        }
    });
    world.kill();
    assert_eq!(world.store.cursor(STORE).unwrap().after, 7);
    world.round().checked().unwrap();
    assert_eq!(world.store.cursor(STORE).unwrap().after, 8);
    assert_same_rows(&world);
    let applied = world
        .commands
        .iter()
        .filter(|c| matches!(c, Command::ApplyPull { .. }))
        .count();
    assert_eq!(applied, 1);
}

#[test]
fn point_03_up_to_date_means_past_the_head_seen_when_the_round_began() {
    let mut world = World::synced();
    let mut n = 0;
    let report = world.round_with(&mut |hub: &mut ModelHub, call| {
        // The hub changes faster than the phone pulls; the round must end all the same.
        if call.name() == "pull" {
            for _ in 0..9 {
                n += 1;
                hub.put(STORE, "member", &format!("busy{n}"), b"y");
            }
        }
        Fate::Pass
    });
    assert!(report.checked().unwrap().up_to_date);
    assert_eq!(world.count("pull"), 1);
}

#[test]
fn point_03_pages_are_pulled_until_the_head_is_reached() {
    let mut world = World::synced();
    for i in 0..23 {
        world.hub.put(STORE, "member", &format!("new{i}"), b"y");
    }
    let report = world.round().checked().unwrap();
    assert_eq!(report.pulled_rows, 23);
    assert_eq!(world.count("pull"), 5);
    assert_same_rows(&world);
}
