//! Point 4: the first load.

use yaoban_protocol::endpoint::refusal;

use super::super::model_hub::{CATALOGUE, STORE, refuse, unreachable};
use super::super::world::{Fate, World};
use super::{assert_same_rows, pull_code};
use crate::sync::code;
use crate::sync::event::{Call, CallFailure, Command, FailureKind, Options, What};

#[test]
fn point_04_first_load_comes_in_chunks_and_shows_only_when_whole() {
    let mut world = World::new();
    for i in 0..20 {
        world.hub.put(STORE, "member", &format!("m{i:02}"), b"x");
    }
    let report = world.round().checked().unwrap();
    assert_eq!(report.loaded_scopes.len(), 2);
    assert_same_rows(&world);
    let order: Vec<&Command> = world.commands.iter().collect();
    let finish = order
        .iter()
        .position(|c| matches!(c, Command::FinishLoad { .. }))
        .unwrap();
    let last_chunk = order
        .iter()
        .rposition(|c| matches!(c, Command::LoadChunk { .. }))
        .unwrap();
    assert!(last_chunk < finish);
    assert_eq!(world.count("digest"), 0, "a fresh load needs no comparison");
}

#[test]
fn point_04_an_interrupted_load_goes_on_where_it_was() {
    let mut world = World::new();
    for i in 0..30 {
        world.hub.put(STORE, "member", &format!("m{i:02}"), b"x");
    }
    let mut chunks = 0;
    let report = world.round_with(&mut |_, call| match call {
        Call::Chunk { .. } => {
            chunks += 1;
            if chunks > 5 {
                Fate::Fail(unreachable())
            } else {
                Fate::Pass
            }
        }
        _ => Fate::Pass,
    });
    assert_eq!(pull_code(&report), code::HUB_UNREACHABLE);
    let done = world.store.known.load.as_ref().unwrap().chunks_done;
    assert!(done >= 3, "{done} chunks are kept");
    assert!(world.store.rows.is_empty(), "nothing shows before the swap");
    world.kill();
    world.forget();
    world.round().checked().unwrap();
    assert_eq!(world.count("chunk"), 10 - done as usize);
    assert_eq!(world.count("snapshot"), 0, "the list of chunks was kept");
    assert_same_rows(&world);
}

#[test]
fn point_04_chunks_that_the_hub_no_longer_has_lead_to_a_new_list() {
    let mut world = World::new();
    for i in 0..12 {
        world.hub.put(STORE, "member", &format!("m{i:02}"), b"x");
    }
    let mut seen = 0;
    world
        .round_with(&mut |hub, call| {
            if call.name() == "chunk" {
                seen += 1;
                if seen == 2 {
                    hub.chunks.clear();
                    hub.put(STORE, "member", "later", b"y");
                }
            }
            Fate::Pass
        })
        .checked()
        .unwrap();
    assert_same_rows(&world);
}

#[test]
fn point_12_a_hub_without_room_for_the_chunks_is_left_alone_as_long_as_it_says() {
    let mut world = World::new();
    world.hub.put(STORE, "member", "m", b"x");
    let full = CallFailure {
        retry_after_ms: Some(60_000),
        ..refuse(503, refusal::BUSY)
    };
    let ended = world.run(What::Begin(Options::default()), &mut |_, call| {
        if call.name() == "snapshot" {
            Fate::Fail(full.clone())
        } else {
            Fate::Pass
        }
    });
    let report = ended.expect("the round is over");
    assert!(report.checked().is_err(), "and says why");
}

#[test]
fn point_04_a_hub_that_prepares_the_chunks_is_asked_again_in_the_same_round() {
    let mut world = World::new();
    world.hub.put(STORE, "member", "m", b"x");
    let busy = CallFailure {
        retry_after_ms: Some(3_000),
        ..refuse(503, refusal::BUSY)
    };
    let ended = world.run(What::Begin(Options::default()), &mut |_, call| {
        if call.name() == "snapshot" {
            Fate::Fail(busy.clone())
        } else {
            Fate::Pass
        }
    });
    assert!(ended.is_none(), "it waits");
    world.mono_ms += 2_999;
    assert!(world.step(What::Tick).is_empty());
    world.mono_ms += 1;
    let report = world
        .run(What::Tick, &mut |_, _| Fate::Pass)
        .unwrap()
        .checked()
        .unwrap();
    assert_eq!(report.loaded_scopes.len(), 2);
    assert_same_rows(&world);
}

#[test]
fn point_04_a_damaged_chunk_is_fetched_again_and_given_up_after_three_tries() {
    let garbled = || CallFailure {
        kind: FailureKind::Garbled,
        ..refuse(0, code::REPLY_UNREADABLE)
    };
    for (bad, ok) in [(2, true), (3, false)] {
        let mut world = World::new();
        world.hub.put(STORE, "member", "m", b"x");
        let mut failures = 0;
        let report = world.round_with(&mut |_, call| match call {
            Call::Chunk { .. } if failures < bad => {
                failures += 1;
                Fate::Fail(garbled())
            }
            _ => Fate::Pass,
        });
        assert_eq!(report.checked().is_ok(), ok);
    }
}

#[test]
fn point_04_a_scope_that_cannot_be_loaded_does_not_stop_the_others() {
    let mut world = World::synced();
    world.hub.scope(CATALOGUE).generation = 2;
    world.hub.put(STORE, "member", "new", b"y");
    let report = world.round_with(&mut |_, call| match call {
        Call::Manifest { .. } => Fate::Fail(refuse(500, "internal")),
        _ => Fate::Pass,
    });
    assert_eq!(pull_code(&report), "internal");
    assert!(!report.up_to_date);
    assert_eq!(world.store.cursor(STORE).unwrap().after, 8);
    assert!(world.store.rows.contains_key(CATALOGUE), "what is there stays");
}

#[test]
fn point_04_a_new_generation_loads_the_scope_anew() {
    let mut world = World::synced();
    world.hub.scope(CATALOGUE).generation = 2;
    let report = world.round().checked().unwrap();
    assert_eq!(report.loaded_scopes, [CATALOGUE]);
    assert_eq!(world.store.cursor(CATALOGUE).unwrap().generation, 2);
}

#[test]
fn point_04_a_load_that_nobody_needs_is_given_up() {
    let mut world = World::synced();
    world.hub.scope(CATALOGUE).generation = 2;
    world.round_with(&mut |_, call| {
        if call.name() == "chunk" {
            Fate::Fail(unreachable())
        } else {
            Fate::Pass
        }
    });
    assert!(world.store.known.load.is_some());
    world.hub.scope(CATALOGUE).generation = 1;
    world.round().checked().unwrap();
    assert!(world.store.known.load.is_none());
}
