//! Where the scopes stand, and the phones that wait for one of theirs to move.
//!
//! A change wakes the phones that wait for its scope, and nobody else: with thousands of phones in
//! long polls, waking all at each change would cost more than everything else that the hub does. And
//! they wake in turn, at most [`WAKES_A_SECOND`]: a change for which everybody waits (the catalogue,
//! an import of the whole chain) must not bring every phone in the same second. Changes of few
//! phones' scopes go before those of many.
//!
//! The heads are read from the database in one pass when something was written here, and every
//! second, for what another process wrote (an import). Nothing here decides what a phone gets: a
//! wait carries no data, and a phone that is woken for nothing pulls nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::state::Hub;

/// Phones woken in a second. Each then makes a round of a few calls, so that all 30,000 phones of a
/// large chain have heard of a change within two minutes.
pub const WAKES_A_SECOND: usize = 300;
/// The heads are read again this long after a change of our own at the soonest …
const LOOK_AFTER: Duration = Duration::from_millis(200);
/// … and this long after the last time at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the watcher looks whether there is something to do.
const TICK: Duration = Duration::from_millis(50);
/// A scope for which more phones wait than this is a wide one: its phones wake after the others.
const WIDE: usize = 100;

/// Heads of the scopes, and who waits for them to move.
#[derive(Debug, Default)]
pub struct Heads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    scopes: HashMap<Arc<str>, Standing>,
    waiting: HashMap<u64, Waiting>,
    narrow: VecDeque<u64>,
    wide: VecDeque<u64>,
    last_id: u64,
}

#[derive(Debug, Default)]
struct Standing {
    /// None until the heads were read.
    head: Option<u64>,
    waiting: HashSet<u64>,
}

#[derive(Debug)]
struct Waiting {
    at: Vec<(Arc<str>, u64)>,
    wake: oneshot::Sender<()>,
}

/// A phone's place among those that wait; it is given up when this value goes away.
#[derive(Debug)]
pub struct Place {
    heads: Arc<Heads>,
    id: u64,
    woken: oneshot::Receiver<()>,
}

impl Place {
    /// Until one of the scopes has moved, and it is this phone's turn.
    pub async fn moved(&mut self) {
        // The sender goes away only when it was used, or with the hub.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.heads.state().remove(self.id);
    }
}

impl Heads {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at these places of scopes. None if one of them has moved already.
    pub fn wait(self: &Arc<Self>, at: &[(String, u64)]) -> Option<Place> {
        let (wake, woken) = oneshot::channel();
        let mut state = self.state();
        let moved = |(scope, after): &(String, u64)| {
            let standing = state.scopes.get(scope.as_str());
            // What is older than the phone's place was read before the phone pulled.
            standing.and_then(|s| s.head).is_some_and(|head| head > *after)
        };
        if at.iter().any(moved) {
            return None;
        }
        state.last_id += 1;
        let id = state.last_id;
        let mut places = Vec::with_capacity(at.len());
        for (scope, after) in at {
            let name = match state.scopes.get_key_value(scope.as_str()) {
                Some((name, _)) => Arc::clone(name),
                None => Arc::from(scope.as_str()),
            };
            let standing = state.scopes.entry(Arc::clone(&name)).or_default();
            standing.waiting.insert(id);
            places.push((name, *after));
        }
        state.waiting.insert(id, Waiting { at: places, wake });
        Some(Place {
            heads: Arc::clone(self),
            id,
            woken,
        })
    }

    /// Takes in where all scopes stand and lines up the phones whose place is another.
    pub fn take_in(&self, heads: Vec<(String, u64)>) {
        let state = &mut *self.state();
        for (scope, head) in heads {
            if !state.scopes.contains_key(scope.as_str()) {
                state
                    .scopes
                    .insert(Arc::from(scope.as_str()), Standing::default());
            }
            let Some((name, standing)) = state.scopes.get_key_value(scope.as_str()) else {
                continue;
            };
            if standing.head == Some(head) {
                continue;
            }
            let queue = if standing.waiting.len() > WIDE {
                &mut state.wide
            } else {
                &mut state.narrow
            };
            let waiting = &state.waiting;
            let elsewhere = |id: &&u64| {
                let place = waiting
                    .get(id)
                    .and_then(|w| w.at.iter().find(|(at, _)| at == name));
                place.is_some_and(|(_, after)| *after != head)
            };
            queue.extend(standing.waiting.iter().filter(elsewhere));
            if let Some(standing) = state.scopes.get_mut(scope.as_str()) {
                standing.head = Some(head);
            }
        }
    }

    /// Wakes the first in the line, at most so many; tells how many.
    pub fn wake(&self, most: usize) -> usize {
        let mut state = self.state();
        let mut woken = 0;
        while woken < most {
            let Some(id) = state.narrow.pop_front().or_else(|| state.wide.pop_front()) else {
                break;
            };
            // Some stand in the line twice, some have gone.
            if let Some(waiting) = state.remove(id) {
                woken += usize::from(waiting.wake.send(()).is_ok());
            }
        }
        woken
    }

    /// Wakes everybody at once: the hub stops.
    pub fn wake_all(&self) {
        let mut state = self.state();
        let all: Vec<u64> = state.waiting.keys().copied().collect();
        for id in all {
            if let Some(waiting) = state.remove(id) {
                // A phone that has just gone need not be told.
                let _ = waiting.wake.send(());
            }
        }
    }
}

impl State {
    fn remove(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        for (scope, _) in &waiting.at {
            if let Some(standing) = self.scopes.get_mut(scope) {
                standing.waiting.remove(&id);
                // A name that no head was ever read for is only kept while somebody waits for it.
                if standing.waiting.is_empty() && standing.head.is_none() {
                    self.scopes.remove(scope);
                }
            }
        }
        Some(waiting)
    }
}

/// Keeps the heads up to date and wakes those whose turn it is, as long as the hub lives.
pub async fn watch(hub: Weak<Hub>) {
    let mut looked: Option<Instant> = None;
    let mut seen = None;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        if hub.is_stopping() {
            return hub.heads.wake_all();
        }
        let since = looked.map(|at| at.elapsed());
        let due = since.is_none_or(|since| since >= LOOK_EVERY || (since >= LOOK_AFTER && hub.has_changed()));
        if due {
            looked = Some(Instant::now());
            hub.take_changed();
            // A database that is busy now is looked at again.
            if let Ok(Some((sum, heads))) = hub.read(move |_, tx| Ok(tx.heads_unless(seen)?)).await {
                seen = Some(sum);
                hub.heads.take_in(heads);
            }
        }
        hub.heads.wake(WAKES_A_SECOND * TICK.as_millis() as usize / 1_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(scope: &str, after: u64) -> (String, u64) {
        (scope.to_owned(), after)
    }

    fn heads(standing: &[(&str, u64)]) -> Arc<Heads> {
        let heads = Arc::new(Heads::default());
        heads.take_in(standing.iter().map(|(scope, head)| at(scope, *head)).collect());
        heads
    }

    fn is_woken(place: &mut Place) -> bool {
        place.woken.try_recv().is_ok()
    }

    #[test]
    fn only_those_who_wait_for_the_scope_wake() {
        let heads = heads(&[("catalogue", 5), ("store:A", 7), ("store:B", 2)]);
        let mut a = heads.wait(&[at("catalogue", 5), at("store:A", 7)]).unwrap();
        let mut b = heads.wait(&[at("catalogue", 5), at("store:B", 2)]).unwrap();
        heads.take_in(vec![at("catalogue", 5), at("store:A", 8), at("store:B", 2)]);
        assert_eq!(heads.wake(10), 1);
        assert!(is_woken(&mut a) && !is_woken(&mut b));
        heads.take_in(vec![at("catalogue", 6)]);
        assert_eq!(heads.wake(10), 1, "the catalogue is everybody's, but A has left");
        assert!(is_woken(&mut b));
    }

    #[test]
    fn who_is_behind_does_not_wait() {
        let heads = heads(&[("store:A", 7)]);
        assert!(heads.wait(&[at("store:A", 6)]).is_none());
        assert!(heads.wait(&[at("store:A", 7)]).is_some());
    }

    #[test]
    fn a_phone_that_is_ahead_of_what_was_read_is_not_woken_for_what_it_has() {
        let heads = heads(&[("store:A", 7)]);
        let mut place = heads.wait(&[at("store:A", 9)]).unwrap();
        heads.take_in(vec![at("store:A", 9)]);
        assert_eq!(heads.wake(10), 0);
        heads.take_in(vec![at("store:A", 10)]);
        assert_eq!(heads.wake(10), 1);
        assert!(is_woken(&mut place));
    }

    #[test]
    fn before_the_first_reading_everybody_waits_and_then_learns() {
        let heads = Arc::new(Heads::default());
        let mut behind = heads.wait(&[at("store:A", 1)]).unwrap();
        let mut there = heads.wait(&[at("store:A", 2)]).unwrap();
        heads.take_in(vec![at("store:A", 2)]);
        assert_eq!(heads.wake(10), 1);
        assert!(is_woken(&mut behind) && !is_woken(&mut there));
    }

    #[test]
    fn they_wake_in_turn_and_few_before_many() {
        let heads = heads(&[("catalogue", 1), ("store:A", 1)]);
        let mut many: Vec<Place> = (0..=WIDE)
            .map(|_| heads.wait(&[at("catalogue", 1)]).unwrap())
            .collect();
        heads.take_in(vec![at("catalogue", 2)]);
        let mut few = heads.wait(&[at("store:A", 1)]).unwrap();
        heads.take_in(vec![at("store:A", 2)]);
        assert_eq!(heads.wake(10), 10);
        assert!(is_woken(&mut few), "it came last and is one of few");
        assert_eq!(
            many.iter_mut()
                .filter_map(|place| is_woken(place).then_some(()))
                .count(),
            9
        );
        assert_eq!(heads.wake(1_000), WIDE + 1 - 9, "nobody is forgotten");
    }

    #[test]
    fn a_place_given_up_leaves_nothing_behind() {
        let heads = heads(&[("store:A", 1)]);
        drop(heads.wait(&[at("store:A", 1), at("store:nowhere", 0)]));
        let state = heads.state();
        assert!(state.waiting.is_empty());
        assert_eq!(state.scopes.len(), 1);
        assert!(state.scopes.values().all(|standing| standing.waiting.is_empty()));
    }

    #[test]
    fn all_wake_when_the_hub_stops() {
        let heads = heads(&[("store:A", 1)]);
        let mut place = heads.wait(&[at("store:A", 1)]).unwrap();
        heads.wake_all();
        assert!(is_woken(&mut place));
    }
}
