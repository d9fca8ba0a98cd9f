//! Point 9: downloads never wait for uploads.

use super::super::model_hub::{STORE, refuse, unreachable};
use super::super::world::{Fate, World};
use super::{assert_same_rows, pull_code};
use crate::sync::event::{Effect, Options, What};

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
