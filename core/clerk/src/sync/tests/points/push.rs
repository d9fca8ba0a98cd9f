//! Points 7 and 8: every operation once, and to an end.

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::PushReply;
use yaoban_protocol::op::{OpResult, OpStatus};

use super::super::model_hub::{ModelHub, refuse, timed_out, unreachable};
use super::super::world::{Fate, World};
use super::push_code;
use crate::sync::event::{Answer, Call, CallFailure, FailureKind};
use crate::sync::{SOLO_FAILURES_MAX, code};

#[test]
fn point_07_replay_returns_stored_result() {
    let mut world = World::synced();
    world.store.add_op("a", b"x");
    let report = world.round_with(&mut |_, call| {
        if call.name() == "push" {
            Fate::LoseReply
        } else {
            Fate::Pass
        }
    });
    assert_eq!(push_code(&report), code::TIMED_OUT);
    assert_eq!(world.store.unanswered(), 1);
    assert_eq!(world.hub.data.effects["a"], 1);
    world.kill();
    world.round().checked().unwrap();
    assert_eq!(world.store.unanswered(), 0);
    assert_eq!(world.hub.data.effects["a"], 1, "applied once");
    assert_eq!(
        world.store.op("a").result.as_ref().unwrap().status,
        OpStatus::Applied
    );
    assert!(
        world.store.op("a").sent_at_ms.is_some(),
        "and it left the outbox in the same round"
    );
}

#[test]
fn point_07_a_result_for_another_op_id_is_not_taken() {
    let mut world = World::synced();
    world.store.add_op("a", b"x");
    world.hub.data.results.insert(
        1,
        OpResult {
            n: 1,
            op_id: "somebody-else".into(),
            status: OpStatus::Applied,
            reason: None,
            values: Vec::new(),
            member_id: None,
        },
    );
    world.store.known.highest_n = 0;
    // The phone came back from its own backup: the number is taken. It gets a new one.
    let push_first = |hub: &mut ModelHub, call: &Call| {
        if let Call::Hello(_) = call {
            hub.data.results.remove(&1);
        }
        if let Call::Push(request) = call
            && request.ops[0].n == 1
        {
            hub.data.results.insert(
                1,
                OpResult {
                    n: 1,
                    op_id: "somebody-else".into(),
                    status: OpStatus::Applied,
                    reason: None,
                    values: Vec::new(),
                    member_id: None,
                },
            );
        }
        Fate::Pass
    };
    world.round_with(&mut { push_first }).checked().unwrap();
    assert_eq!(world.store.op("a").op.n, 2);
    assert_eq!(world.hub.data.effects["a"], 1);
}

#[test]
fn point_07_numbers_rise_above_what_the_hub_has_seen() {
    let mut world = World::synced();
    for n in 1..=41 {
        let result = OpResult {
            n,
            op_id: format!("old{n}"),
            status: OpStatus::Applied,
            reason: None,
            values: Vec::new(),
            member_id: None,
        };
        world.hub.data.results.insert(n, result);
    }
    world.store.add_op("a", b"x");
    world.round().checked().unwrap();
    assert_eq!(world.store.op("a").op.n, 42);
}

#[test]
fn point_08_a_batch_is_halved_down_to_the_op_that_spoils_it() {
    for status in [500, 413, 502] {
        let mut world = World::synced();
        for i in 0..8 {
            world
                .store
                .add_op(&format!("o{i}"), if i == 5 { b"poison" } else { b"fine" });
        }
        let report = world.round_with(&mut |_, call| match call {
            Call::Push(p) if p.ops.iter().any(|o| o.body.as_slice() == b"poison") => {
                Fate::Fail(refuse(status, "internal"))
            }
            _ => Fate::Pass,
        });
        assert_eq!(push_code(&report), "internal");
        assert_eq!(report.pushed_ops, 5, "everything before it went through");
        assert_eq!(world.store.op("o5").solo_failures, 1);
        assert_eq!(world.store.unanswered(), 3);
    }
}

#[test]
fn point_08_an_op_larger_than_the_hub_takes_is_parked_in_the_first_round() {
    let mut world = World::synced();
    world.hub.limits.op_bytes = 1 << 10;
    world.store.add_op("before", b"fine");
    world.store.add_op("largest", &[b'x'; 1 << 10]);
    world.store.add_op("too-large", &[b'x'; (1 << 10) + 1]);
    world.store.add_op("after", b"fine");
    let report = world.round().checked().unwrap();
    assert_eq!((report.pushed_ops, report.parked_ops), (4, 1));
    let status = |id: &str| world.store.op(id).result.as_ref().unwrap().status;
    assert_eq!(status("largest"), OpStatus::Applied);
    assert_eq!(status("too-large"), OpStatus::Parked);
    assert_eq!(world.store.op("too-large").solo_failures, 0);
}

#[test]
fn point_08_an_op_that_failed_five_times_alone_is_parked_and_nothing_blocks_the_queue() {
    let mut world = World::synced();
    world.store.add_op("before", b"fine");
    world.store.add_op("spoils", b"poison");
    world.store.add_op("after", b"fine");
    for round in 1..SOLO_FAILURES_MAX {
        let report = world.round();
        assert_eq!(push_code(&report), "internal", "round {round}");
        assert_eq!(world.store.op("spoils").solo_failures, round);
        assert!(world.store.op("after").result.is_none());
        world.kill();
    }
    let report = world.round().checked().unwrap();
    assert_eq!(report.parked_ops, 1);
    assert_eq!(world.store.unanswered(), 0);
    assert_eq!(
        world.hub.data.parked[0].body.as_slice(),
        b"poison",
        "the bytes are with the hub"
    );
    assert_eq!(world.hub.data.effects["after"], 1);
    assert_eq!(
        world.store.op("spoils").result.as_ref().unwrap().status,
        OpStatus::Parked
    );
}

#[test]
fn point_08_failures_count_only_alone_and_in_rounds_in_which_hello_succeeded() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    let too_old = refuse(426, refusal::SCHEMA_TOO_OLD);
    let internal = refuse(500, "internal");
    for _ in 0..7 {
        world.round_with(&mut |_, call| match call {
            Call::Hello(_) => Fate::Fail(too_old.clone()),
            Call::Push(_) => Fate::Fail(internal.clone()),
            _ => Fate::Pass,
        });
    }
    assert_eq!(world.store.op("a").solo_failures, 0);
}

#[test]
fn point_08_no_connection_and_a_busy_hub_are_not_the_ops_fault() {
    let busy = CallFailure {
        retry_after_ms: Some(5_000),
        ..refuse(503, refusal::BUSY)
    };
    for failure in [unreachable(), busy] {
        let mut world = World::synced();
        world.store.add_op("a", b"fine");
        world.store.add_op("b", b"fine");
        for _ in 0..7 {
            world.round_with(&mut |_, call| {
                if call.name() == "push" {
                    Fate::Fail(failure.clone())
                } else {
                    Fate::Pass
                }
            });
        }
        assert_eq!(world.store.op("a").solo_failures, 0);
        assert_eq!(world.count("push"), 7, "no halving, either");
        world.round().checked().unwrap();
    }
}

#[test]
fn point_08_an_op_that_breaks_the_connection_every_time_is_parked_in_the_end() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.store.add_op("b", b"fine");
    let broken = CallFailure {
        kind: FailureKind::Broken,
        ..refuse(0, code::HUB_UNREACHABLE)
    };
    for _ in 0..SOLO_FAILURES_MAX {
        world.round_with(&mut |_, call| match call {
            Call::Push(p) if p.ops.iter().any(|o| o.op_id == "a" && !o.parked) => Fate::Fail(broken.clone()),
            _ => Fate::Pass,
        });
    }
    assert_eq!(world.store.unanswered(), 0);
    assert_eq!(world.hub.data.effects["b"], 1);
}

#[test]
fn point_08_a_rejected_op_keeps_its_reason_and_blocks_nothing() {
    let mut world = World::synced();
    world.store.add_op("a", b"bad");
    world.store.add_op("b", b"fine");
    let report = world.round().checked().unwrap();
    assert_eq!((report.pushed_ops, report.rejected_ops), (2, 1));
    assert_eq!(
        world.store.op("a").result.as_ref().unwrap().reason.as_deref(),
        Some("bad")
    );
    world.round().checked().unwrap();
    assert_eq!(world.store.op("a").sent_at_ms, None, "it stays visible");
}

#[test]
fn point_08_any_4xx_is_treated_like_a_failure_of_the_op() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.store.add_op("b", b"fine");
    for _ in 0..SOLO_FAILURES_MAX {
        world.round_with(&mut |_, call| match call {
            Call::Push(p) if p.ops.iter().any(|o| o.op_id == "a" && !o.parked) => {
                Fate::Fail(refuse(400, "bad_request"))
            }
            _ => Fate::Pass,
        });
    }
    assert_eq!(world.store.unanswered(), 0);
    assert_eq!(world.hub.data.parked.len(), 1);
}

#[test]
fn point_08_a_reply_without_results_counts_as_a_failure() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    let report = world.round_with(&mut |hub, call| match call {
        Call::Push(_) => Fate::Reply(Box::new(Answer::Push(PushReply {
            epoch: format!("e{}", hub.epoch),
            results: Vec::new(),
            last_n: 99,
        }))),
        _ => Fate::Pass,
    });
    assert_eq!(push_code(&report), code::REPLY_UNREADABLE);
    assert_eq!(world.store.op("a").solo_failures, 1);
}

#[test]
fn point_08_batches_grow_again_after_success() {
    let mut world = World::synced();
    for i in 0..20 {
        world.store.add_op(&format!("o{i:02}"), b"fine");
    }
    let mut failed = false;
    world
        .round_with(&mut |_, call| match call {
            Call::Push(_) if !failed => {
                failed = true;
                Fate::Fail(timed_out())
            }
            _ => Fate::Pass,
        })
        .checked()
        .unwrap();
    let sizes: Vec<usize> = world
        .calls
        .iter()
        .filter_map(|(c, _)| {
            if let Call::Push(p) = c {
                Some(p.ops.len())
            } else {
                None
            }
        })
        .collect();
    assert_eq!(sizes, [8, 4, 8, 8]);
}
