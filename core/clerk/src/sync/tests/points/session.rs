//! Point 12 and what every call shares: back-off, the watchdog, tokens, revocation, errands.

use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{Cursor, Page, PullReply};

use super::super::memory::MemoryStore;
use super::super::model_hub::{ModelHub, STORE, refuse, unreachable};
use super::super::world::{Fate, World};
use super::{assert_same_rows, pull_code, push_code, round_code};
use crate::sync::event::{Answer, Call, CallFailure, Command, Effect, Options, What};
use crate::sync::storage::StoreFailure;
use crate::sync::{Engine, SAME_CURSOR_REPLIES_MAX, WATCHDOG_MS, code};

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
fn a_token_serves_every_engine_of_the_device() {
    let mut world = World::synced();
    let token = world.engine.token();
    world.engine = Engine::new("1.0");
    world.engine.adopt_token(token.clone());
    world.round().checked().unwrap();
    assert_eq!(world.names(), ["hello", "pull"]);
    // One that holds longer stays; none to adopt changes nothing.
    world.mono_ms += 3_600_000;
    world.round().checked().unwrap();
    world.forget();
    world.engine.adopt_token(token);
    world.engine.adopt_token(None);
    world.round().checked().unwrap();
    assert_eq!(world.names(), ["hello", "pull"]);
}

#[test]
fn a_token_of_the_pairing_before_is_not_used() {
    let mut world = World::synced();
    world.store.known.pairing.as_mut().unwrap().device_id = "another".into();
    world.round().checked().unwrap();
    assert_eq!(world.names(), ["token", "hello", "pull"]);
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
