//! What shows is the server's rows with everything under way on top, whatever happens in whatever
//! order: held against a model of sets.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{NOON, SCOPE, load, member, open, put, small_store};
use proptest::prelude::*;
use yaoban_clerk_core::chance::{SystemChance, uuid_v7};
use yaoban_clerk_core::store::outbox::{self, NewOp};
use yaoban_clerk_core::store::{Durability, Store, StoreError, rows};
use yaoban_clerk_core::sync::{PulledPage, SyncStore};
use yaoban_protocol::message::Cursor;
use yaoban_protocol::op::{Op, OpResult, OpStatus};
use yaoban_protocol::row::entity;

#[derive(Debug, Clone)]
enum Event {
    /// A clerk adds a tag, with or without a take-back time.
    Tag { tag: u8, held: bool },
    /// The newest held one is taken back.
    TakeBack,
    /// The hub answers the oldest without an answer.
    Answer { rejected: bool },
    /// A pull: the server's row (with what it applied), and everything applied acknowledged.
    Pull { changed: bool },
    /// The app is killed and started.
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u8..6, any::<bool>()).prop_map(|(tag, held)| Event::Tag { tag, held }),
        1 => Just(Event::TakeBack),
        3 => any::<bool>().prop_map(|rejected| Event::Answer { rejected }),
        2 => any::<bool>().prop_map(|changed| Event::Pull { changed }),
        1 => Just(Event::Restart),
    ]
}

/// An operation of the model: its key, its tag, whether it is held or was applied by the hub.
struct Way {
    id: i64,
    tag: String,
    held: bool,
    applied: Option<u64>,
}

fn shown(store: &Store) -> BTreeSet<String> {
    store
        .read(|conn| rows::member(conn, "M1"))
        .unwrap()
        .unwrap()
        .tags
        .into_iter()
        .collect()
}

fn count(store: &Store, table: &str) -> i64 {
    store
        .read(|conn| -> Result<i64, StoreError> {
            Ok(conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
        })
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_shows_is_the_server_and_what_is_under_way(events in prop::collection::vec(event(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        load(&mut store, small_store());
        let mut server: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let (mut pulled, mut ways, mut after, mut renamed) = (server.clone(), Vec::<Way>::new(), 4, 0);
        for event in events {
            match event {
                Event::Tag { tag, held } => {
                    let tag = format!("t{tag}");
                    let op = Op::Tags { member_id: "M1".into(), add: vec![tag.clone()], remove: Vec::new() };
                    let new = NewOp {
                        op_id: uuid_v7(&SystemChance, 0).unwrap(),
                        staff_id: "C1".into(),
                        at_ms: NOON,
                        held_until_ms: held.then_some(NOON + 10_000),
                        op,
                    };
                    let changes_row = !shown(&store).contains(&tag);
                    let id = store.write(Durability::Full, |tx| outbox::push(tx, &new)).unwrap();
                    if changes_row {
                        // The same row: what was held before gets its number.
                        for way in &mut ways {
 way.held = false;
 }
                    }
                    ways.push(Way { id, tag, held, applied: None });
                }
                Event::TakeBack => {
                    if let Some(at) = ways.iter().rposition(|way| way.held) {
                        let way = ways.remove(at);
                        prop_assert!(store.write(Durability::Full, |tx| outbox::take_back(tx, way.id, NOON)).unwrap());
                    }
                }
                Event::Answer { rejected } => {
                    let Some(next) = store.next_ops(NOON, 1, 1 << 20).unwrap().pop() else { continue };
                    let status = if rejected { OpStatus::Rejected } else { OpStatus::Applied };
                    let result = OpResult {
                        n: next.op.n,
                        op_id: next.op.op_id,
                        status,
                        reason: None,
                        values: Vec::new(),
                        member_id: None,
                    };
                    store.record_results(&[result]).unwrap();
                    let number = |id| store.read(|conn| outbox::get(conn, id)).unwrap().unwrap().n;
                    let at = ways.iter().position(|way| number(way.id) == Some(next.op.n)).unwrap();
                    if rejected {
                        ways.remove(at);
                    } else {
                        server.insert(ways[at].tag.clone());
                        ways[at].applied = Some(next.op.n);
                    }
                }
                Event::Pull { changed } => {
                    renamed += u32::from(changed);
                    let mut row = member("M1", &format!("名{renamed}"));
                    row.tags = server.iter().cloned().collect();
                    let ack_n = ways.iter().filter_map(|way| way.applied).max().unwrap_or(0);
                    let from = Cursor { scope: SCOPE.into(), generation: 1, after };
                    after += 1;
                    let changes = vec![put(after, entity::MEMBER, "M1", &row)];
                    store.apply_pull(vec![PulledPage { from, next: after, changes }], ack_n, NOON).unwrap();
                    pulled.clone_from(&server);
                    ways.retain(|way| way.applied.is_none());
                }
                Event::Restart => {
                    drop(Arc::try_unwrap(store).unwrap());
                    store = open(dir.path());
                }
            }
            let expected: BTreeSet<String> =
                pulled.iter().cloned().chain(ways.iter().map(|way| way.tag.clone())).collect();
            prop_assert_eq!(shown(&store), expected);
        }
        if ways.is_empty() {
            prop_assert_eq!(count(&store, "base_row"), 0);
        }
    }
}
