//! Points 10 and 11: a hub that was restored, a phone that is too old.

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::PushReply;
use yaoban_protocol::op::{OpResult, OpStatus};

use super::super::model_hub::{CATALOGUE, STORE, refuse};
use super::super::world::{Fate, World};
use super::{assert_same_rows, pull_code, round_code};
use crate::sync::SENT_KEEP_MS;
use crate::sync::event::{Answer, Call};

#[test]
fn point_10_a_restored_hub_gets_again_what_it_had_acknowledged() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.round().checked().unwrap();
    let backup = world.hub.data.clone();
    world.store.add_op("b", b"fine");
    world.store.add_op("rejected", b"bad");
    world.round().checked().unwrap();
    world.store.add_op("c", b"fine");
    world.hub.restore(backup);
    world.hub.put(STORE, "member", "after-the-restore", b"y");
    world.kill();
    let report = world.round().checked().unwrap();
    assert_eq!(
        report.loaded_scopes.len(),
        2,
        "places of the old epoch mean nothing"
    );
    for op in ["a", "b", "c"] {
        assert_eq!(world.hub.data.effects[op], 1, "{op}");
    }
    assert_eq!(world.store.op("b").op.n, 2, "under its old number");
    assert_eq!(
        world.store.op("rejected").result.as_ref().unwrap().status,
        OpStatus::Rejected
    );
    assert_same_rows(&world);
}

#[test]
fn point_10_a_restore_in_the_middle_of_a_round_starts_it_over() {
    for at in ["pull", "push"] {
        let mut world = World::synced();
        let backup = world.hub.data.clone();
        world.store.add_op("a", b"fine");
        world.round().checked().unwrap();
        world.store.add_op("b", b"fine");
        let mut backup = Some(backup);
        let report = world.round_with(&mut |hub, call| {
            if call.name() == at
                && let Some(backup) = backup.take()
            {
                hub.restore(backup);
            }
            Fate::Pass
        });
        report.checked().unwrap();
        assert_eq!(world.store.known.epoch.as_deref(), Some("e2"));
        assert_eq!(
            (world.hub.data.effects["a"], world.hub.data.effects["b"]),
            (1, 1),
            "{at}"
        );
        assert_same_rows(&world);
    }
}

#[test]
fn point_10_results_under_another_epoch_are_not_believed() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    let report = world.round_with(&mut |_, call| match call {
        Call::Push(p) => Fate::Reply(Box::new(Answer::Push(PushReply {
            epoch: "another".into(),
            results: vec![OpResult {
                n: p.ops[0].n,
                op_id: p.ops[0].op_id.clone(),
                status: OpStatus::Applied,
                reason: None,
                values: Vec::new(),
                member_id: None,
            }],
            last_n: 1,
        }))),
        _ => Fate::Pass,
    });
    assert_eq!(
        round_code(&report),
        refusal::EPOCH_CHANGED,
        "it is tried again, but not for ever"
    );
    assert_eq!(world.count("hello"), 3);
    assert_eq!(world.store.unanswered(), 1);
}

#[test]
fn point_10_sent_is_kept_for_35_days_by_the_hubs_clock() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.round().checked().unwrap();
    world.wall_ms += 400 * 24 * 3_600_000;
    world.kill();
    world.round().checked().unwrap();
    assert_eq!(
        world.store.outbox.len(),
        1,
        "the phone's own clock does not count"
    );
    world.hub.now_ms += SENT_KEEP_MS + 1;
    world.kill();
    world.round().checked().unwrap();
    assert_eq!(world.store.outbox.len(), 0);
}

#[test]
fn point_11_a_phone_too_old_stops_pulling_and_still_pushes() {
    // Told by the range in hello, and by a refusal of hello.
    for refused in [false, true] {
        let mut world = World::synced();
        world.hub.schema_range = (2, 4);
        world.hub.put(STORE, "member", "new", b"y");
        world.store.add_op("a", b"fine");
        let report = world.round_with(&mut |_, call| match call {
            Call::Hello(_) if refused => Fate::Fail(refuse(426, refusal::SCHEMA_TOO_OLD)),
            _ => Fate::Pass,
        });
        assert_eq!(pull_code(&report), refusal::SCHEMA_TOO_OLD);
        assert_eq!((world.count("pull"), report.pushed_ops), (0, 1));
        assert_eq!(world.hub.data.effects["a"], 1);
    }
}

#[test]
fn point_11_after_an_update_only_scopes_of_another_shape_are_fetched_anew() {
    let mut world = World::synced();
    for held in &mut world.store.known.scopes {
        if held.cursor.scope == CATALOGUE {
            held.shape = 0;
        }
    }
    assert_eq!(world.round().checked().unwrap().loaded_scopes, [CATALOGUE]);
}

#[test]
fn point_11_rows_of_an_unknown_entity_come_through_as_they_are() {
    let mut world = World::synced();
    world.hub.put(STORE, "hologram", "h1", &[0, 159, 146, 150]);
    world.round().checked().unwrap();
    assert_same_rows(&world);
}
