//! One test or more for each numbered point of the protocol; the name carries the number.

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{Cursor, Page, PullReply, PushReply};
use yaoban_protocol::op::{OpResult, OpStatus};
use yaoban_protocol::row::ChangeKind;

use super::memory::MemoryStore;
use super::model_hub::{CATALOGUE, ModelHub, STORE, refuse, timed_out, unreachable};
use super::world::{Fate, World};
use crate::sync::event::{
    Answer, Call, CallFailure, Command, Effect, FailureKind, Options, RoundReport, What,
};
use crate::sync::storage::StoreFailure;
use crate::sync::{SAME_CURSOR_REPLIES_MAX, SENT_KEEP_MS, SOLO_FAILURES_MAX, WATCHDOG_MS, code};

fn pull_code(report: &RoundReport) -> &str {
    report.pull_problem.as_ref().map_or("", |p| p.code.as_str())
}

fn push_code(report: &RoundReport) -> &str {
    report.push_problem.as_ref().map_or("", |p| p.code.as_str())
}

fn round_code(report: &RoundReport) -> &str {
    report.problem.as_ref().map_or("", |p| p.code.as_str())
}

fn assert_same_rows(world: &World) {
    for (name, scope) in &world.hub.data.scopes {
        let puts: Vec<_> = scope
            .rows
            .iter()
            .filter(|(_, r)| r.1 == ChangeKind::Put)
            .map(|(k, r)| (k.clone(), (r.0, r.2.clone())))
            .collect();
        let held: Vec<_> = world.store.rows[name].clone().into_iter().collect();
        assert_eq!(held, puts, "rows of {name}");
    }
}

/// Answers the first pull with this page in place of the store's.
fn with_page(world: &mut World, spoil: &dyn Fn(&mut Page)) -> RoundReport {
    world.round_with(&mut |hub, call| {
        let Call::Pull(_) = call else { return Fate::Pass };
        let token = format!("t{}", hub.token_serial);
        match hub.answer(call, Some(&token)) {
            Ok(Answer::Pull(mut reply)) => {
                spoil(reply.pages.iter_mut().find(|p| p.scope == STORE).expect("page"));
                Fate::Reply(Box::new(Answer::Pull(reply)))
            }
            other => panic!("{other:?}"),
        }
    })
}

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

#[test]
fn point_09_downloads_do_not_wait_for_an_upload_that_hangs() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    for i in 0..23 {
        world.hub.put(STORE, "member", &format!("new{i}"), b"y");
    }
    let ended = world.run(What::Begin(Options::default()), &mut |_, call| {
        if call.name() == "push" {
            Fate::Hang
        } else {
            Fate::Pass
        }
    });
    assert!(ended.is_none(), "the push still hangs");
    assert_same_rows(&world);
}

#[test]
fn point_09_uploads_go_on_when_downloads_fail() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    let report = world.round_with(&mut |_, call| {
        if call.name() == "pull" {
            Fate::Fail(refuse(500, "internal"))
        } else {
            Fate::Pass
        }
    });
    assert_eq!((pull_code(&report), report.pushed_ops), ("internal", 1));
    assert_eq!(world.hub.data.effects["a"], 1);
}

#[test]
fn point_09_the_second_pass_brings_what_the_push_caused_and_moves_it_to_sent() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.round().checked().unwrap();
    assert_eq!(world.names(), ["hello", "pull", "push", "pull"]);
    assert!(world.store.op("a").sent_at_ms.is_some());
    assert_same_rows(&world);
}

#[test]
fn point_09_an_edit_made_while_its_predecessor_uploads_stays_pending() {
    let mut world = World::synced();
    world.store.add_op("first", b"fine");
    let mut steps = world.step(What::Begin(Options::default()));
    // Run until the push is on its way.
    let push = loop {
        let mut next = Vec::new();
        let mut push = None;
        for effect in steps {
            match effect {
                Effect::Store { id, command } => {
                    let result = crate::sync::carry_out(&mut world.store, command);
                    next.extend(world.step(What::Stored { id, result }));
                }
                Effect::Call { id, call, token, .. } if call.name() == "push" => {
                    push = Some((id, call, token));
                }
                Effect::Call { id, call, token, .. } => {
                    let answer = world.hub.answer(&call, token.as_deref());
                    next.extend(world.step(What::Answered { id, answer }));
                }
                _ => {}
            }
        }
        if let Some(push) = push {
            break push;
        }
        steps = next;
    };
    world.store.add_op("second", b"fine");
    let answer = world.hub.answer(&push.1, push.2.as_deref());
    world.step(What::Answered { id: push.0, answer });
    assert!(world.store.op("second").result.is_none());
    world.kill();
    world.round().checked().unwrap();
    assert_eq!(world.hub.data.effects["first"], 1);
    assert_eq!(world.hub.data.effects["second"], 1);
}

#[test]
fn point_09_an_acknowledgement_waits_for_scopes_that_must_be_loaded() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.round_with(&mut |_, call| {
        if call.name() == "pull" {
            Fate::Fail(unreachable())
        } else {
            Fate::Pass
        }
    });
    assert!(world.store.op("a").result.is_some());
    world.hub.prune(STORE);
    let report = world.round_with(&mut |_, call| {
        if call.name() == "snapshot" {
            Fate::Fail(refuse(500, "internal"))
        } else {
            Fate::Pass
        }
    });
    assert_eq!(pull_code(&report), "internal");
    assert_eq!(world.store.op("a").sent_at_ms, None);
    world.round().checked().unwrap();
    assert!(world.store.op("a").sent_at_ms.is_some());
}

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

#[test]
fn point_12_hints_on_200s_and_retry_after_set_the_next_round() {
    let mut world = World::synced();
    world.hub.backoff_ms = 42_000;
    assert_eq!(world.round().checked().unwrap().next_delay_ms, 42_000);
    world.hub.backoff_ms = u64::MAX;
    assert_eq!(
        world.round().next_delay_ms,
        crate::sync::backoff::HINT_MS_MAX,
        "within reason"
    );
    world.hub.backoff_ms = 0;
    let busy = CallFailure {
        retry_after_ms: Some(90_000),
        ..refuse(503, refusal::BUSY)
    };
    let report = world.round_with(&mut |_, call| {
        if call.name() == "hello" {
            Fate::Fail(busy.clone())
        } else {
            Fate::Pass
        }
    });
    assert_eq!(report.next_delay_ms, 90_000);
    assert_eq!(world.round().next_delay_ms, 0);
}

#[test]
fn point_12_failures_in_a_row_wait_longer_and_progress_starts_afresh() {
    let mut world = World::synced();
    let mut bounds = Vec::new();
    for _ in 0..12 {
        let mut happened = std::collections::VecDeque::from([What::Begin(Options::default())]);
        'round: while let Some(what) = happened.pop_front() {
            let now = crate::sync::event::Now {
                random: u64::MAX - 1,
                ..world.now()
            };
            for effect in world.engine.step(crate::sync::event::Event { now, what }) {
                match effect {
                    Effect::Store { id, command } => {
                        let result = crate::sync::carry_out(&mut world.store, command);
                        happened.push_back(What::Stored { id, result });
                    }
                    Effect::Call { id, .. } => {
                        happened.push_back(What::Answered {
                            id,
                            answer: Err(unreachable()),
                        });
                    }
                    Effect::Finished(report) => {
                        bounds.push(report.next_delay_ms);
                        break 'round;
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(
        bounds.iter().all(|ms| (1_000..=900_000).contains(ms)),
        "{bounds:?}"
    );
    assert!(bounds.iter().any(|ms| *ms > 60_000), "{bounds:?}");
    world.hub.put(STORE, "member", "new", b"y");
    let report = world.round_with(&mut |_, call| {
        if call.name() == "push" {
            Fate::Fail(unreachable())
        } else {
            Fate::Pass
        }
    });
    assert!(
        report.next_delay_ms <= 2_000,
        "rows came in: the next failure is the first one"
    );
}

#[test]
fn point_12_the_watchdog_ends_a_round_in_which_nothing_moves() {
    let mut world = World::synced();
    let ended = world.run(What::Begin(Options::default()), &mut |_, call| {
        if call.name() == "pull" {
            Fate::Hang
        } else {
            Fate::Pass
        }
    });
    assert!(ended.is_none());
    world.mono_ms += WATCHDOG_MS;
    assert!(world.step(What::Tick).is_empty(), "not yet");
    world.mono_ms += 1;
    let effects = world.step(What::Tick);
    assert!(effects.contains(&Effect::CancelCalls));
    let Some(Effect::Finished(report)) = effects.last() else {
        panic!("{effects:?}")
    };
    assert_eq!(round_code(report), code::NO_PROGRESS);
    world.round().checked().unwrap();
}

#[test]
fn point_12_a_large_chunk_on_a_slow_line_is_given_its_time() {
    let mut world = World::new();
    world.hub.put(STORE, "member", "m", b"x");
    let ended = world.run(What::Begin(Options::default()), &mut |hub, call| match call {
        Call::Manifest { scope } => {
            let token = format!("t{}", hub.token_serial);
            let Ok(Answer::Manifest(mut manifest)) = hub.answer(call, Some(&token)) else {
                panic!("{scope}")
            };
            manifest.chunks.iter_mut().for_each(|chunk| chunk.bytes = 4 << 20);
            Fate::Reply(Box::new(Answer::Manifest(manifest)))
        }
        Call::Chunk { .. } => Fate::Hang,
        _ => Fate::Pass,
    });
    assert!(ended.is_none());
    let (_, timeout_ms) = world.calls.last().unwrap();
    assert!(*timeout_ms > 500_000, "4 MB at 8 kB a second");
    world.mono_ms += timeout_ms;
    assert!(world.step(What::Tick).is_empty());
    world.mono_ms += 1;
    assert!(matches!(world.step(What::Tick).last(), Some(Effect::Finished(_))));
}

#[test]
fn point_12_five_replies_at_the_same_place_climb_the_reset_ladder() {
    let mut world = World::synced();
    world.hub.put(STORE, "member", "new", b"y");
    let stuck = |hub: &mut ModelHub, call: &Call| {
        let Call::Pull(request) = call else {
            return Fate::Pass;
        };
        let page = |c: &Cursor| Page {
            scope: c.scope.clone(),
            generation: c.generation,
            changes: Vec::new(),
            next: c.after,
            head: c.after + 1,
            gone: false,
        };
        let token = format!("t{}", hub.token_serial);
        let Ok(Answer::Pull(reply)) = hub.answer(call, Some(&token)) else {
            panic!()
        };
        let pages = request.cursors.iter().map(page).collect();
        Fate::Reply(Box::new(Answer::Pull(PullReply { pages, ..reply })))
    };
    let report = world.round_with(&mut { stuck });
    // A fresh session after five replies, the scope anew after five more.
    assert_eq!((world.count("token"), world.count("hello")), (1, 2));
    assert_eq!(report.loaded_scopes, [STORE]);
    assert!(report.checked().is_ok(), "the load brought it past the head");
    assert_eq!(world.count("pull"), 2 * SAME_CURSOR_REPLIES_MAX as usize + 1);
    assert_same_rows(&world);
    // Stuck again without a page in between: no third load, but a failure that backs off.
    world.hub.put(STORE, "member", "newer", b"y");
    let report = world.round_with(&mut { stuck });
    assert_eq!(pull_code(&report), code::NO_PROGRESS);
    assert!(report.loaded_scopes.is_empty());
    // Healed.
    world.round().checked().unwrap();
    assert_same_rows(&world);
}

#[test]
fn token_expired_is_refreshed_once_and_the_call_repeated() {
    let mut world = World::synced();
    world.hub.token_serial += 1;
    world.round().checked().unwrap();
    assert_eq!(world.names(), ["hello", "token", "hello", "pull"]);
    world.forget();
    let expired = refuse(401, refusal::TOKEN_EXPIRED);
    let report = world.round_with(&mut |_, call| {
        if call.name() == "hello" {
            Fate::Fail(expired.clone())
        } else {
            Fate::Pass
        }
    });
    assert_eq!(round_code(&report), refusal::TOKEN_EXPIRED);
    assert_eq!(world.count("hello"), 2, "not for ever");
}

#[test]
fn token_near_its_end_is_not_used() {
    let mut world = World::synced();
    world.mono_ms += 3_600_000 - 5_000;
    world.round().checked().unwrap();
    assert_eq!(world.names()[0], "token");
}

#[test]
fn revoked_device_locks_the_store_and_keeps_everything() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    world.hub.revoked = true;
    let report = world.round();
    assert_eq!(round_code(&report), refusal::DEVICE_REVOKED);
    assert_eq!(world.store.known.locked.as_deref(), Some(refusal::DEVICE_REVOKED));
    assert_eq!((world.store.unanswered(), world.store.rows.len()), (1, 2));
    world.forget();
    let report = world.round();
    assert_eq!(round_code(&report), refusal::DEVICE_REVOKED);
    assert!(world.calls.is_empty(), "a locked device does not call");
}

#[test]
fn forbidden_ends_the_direction_and_counts_no_failure() {
    let mut world = World::synced();
    world.store.add_op("a", b"fine");
    let report = world.round_with(&mut |_, call| {
        if call.name() == "push" {
            Fate::Fail(refuse(403, "forbidden"))
        } else {
            Fate::Pass
        }
    });
    assert_eq!(push_code(&report), "forbidden");
    assert_eq!(world.store.op("a").solo_failures, 0);
    assert!(report.up_to_date);
}

#[test]
fn hub_away_is_said_clearly_and_leaves_everything_usable() {
    let mut world = World::synced();
    let before = world.store.clone();
    let report = world.round_with(&mut |_, _| Fate::Fail(unreachable()));
    assert_eq!(report.checked().unwrap_err().code, code::HUB_UNREACHABLE);
    assert_eq!(world.store, before);
}

#[test]
fn unpaired_device_says_so() {
    let mut world = World::new();
    world.store = MemoryStore::default();
    assert_eq!(round_code(&world.round()), code::NOT_PAIRED);
    assert!(world.calls.is_empty());
}

#[test]
fn cancel_ends_the_round_at_once_and_late_answers_change_nothing() {
    let mut world = World::synced();
    world.hub.put(STORE, "member", "new", b"y");
    let mut late = None;
    world.run(What::Begin(Options::default()), &mut |hub, call| {
        if call.name() != "pull" {
            return Fate::Pass;
        }
        let token = format!("t{}", hub.token_serial);
        late = Some(hub.answer(call, Some(&token)));
        Fate::Hang
    });
    let effects = world.step(What::Cancel);
    let Some(Effect::Finished(report)) = effects.last() else {
        panic!()
    };
    assert_eq!(round_code(report), code::CANCELLED);
    for id in 0..100 {
        let answer = late.clone().unwrap();
        assert!(world.step(What::Answered { id, answer }).is_empty());
    }
    assert_eq!(world.store.cursor(STORE).unwrap().after, 7);
    world.round().checked().unwrap();
    assert_same_rows(&world);
}

#[test]
fn a_store_that_fails_ends_the_direction_with_its_own_code() {
    let mut world = World::synced();
    world.hub.put(STORE, "member", "new", b"y");
    let full = StoreFailure::new("disk_full", "the disk is full");
    world.store.fail_next = Some(full.clone());
    assert_eq!(round_code(&world.round()), "disk_full");
    world.round().checked().unwrap();
}

#[test]
fn an_unchanged_hub_costs_two_calls_and_no_write() {
    let mut world = World::synced();
    world.round().checked().unwrap();
    assert_eq!(world.names(), ["hello", "pull"]);
    let writes = |c: &&Command| !matches!(c, Command::State | Command::NextOps { .. });
    assert_eq!(world.commands.iter().filter(writes).count(), 0);
}

#[test]
fn errands_make_one_call_outside_a_round() {
    let mut world = World::synced();
    let call = Call::History {
        member_id: "m1".into(),
        before_day: 0,
        limit: 10,
    };
    let report = world.run(What::Errand(call), &mut |_, _| Fate::Pass).unwrap();
    assert!(matches!(report.errand, Some(Answer::History(_))));
    assert_eq!(world.names(), ["history"]);
}
