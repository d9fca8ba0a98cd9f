//! The lane against a hub in memory: whatever is lost, sent twice, killed or restored, what the phone
//! calls uploaded is at the hub, whole.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const STEP: u64 = RECORDING_STEP_BYTES;

/// What the hub has of a recording.
#[derive(Debug, Clone, Default)]
struct Stored {
    sha256: String,
    bytes: Vec<u8>,
    complete: bool,
}

/// The hub's side of the protocol.
#[derive(Debug, Clone, Default)]
struct Hub {
    epoch: u32,
    stored: BTreeMap<String, Stored>,
    deleted: BTreeMap<String, String>,
    refuses: BTreeMap<String, String>,
    part_bytes_max: Option<u64>,
}

impl Hub {
    fn status(&self, id: &str, reason: Option<&str>) -> RecordingStatus {
        let absent = RecordingStatus {
            epoch: format!("e{}", self.epoch),
            state: RecordingState::Absent,
            sha256: None,
            received: 0,
            reason: reason.map(str::to_owned),
        };
        if let Some(reason) = self.deleted.get(id) {
            return RecordingStatus {
                state: RecordingState::Deleted,
                reason: Some(reason.clone()),
                ..absent
            };
        }
        match self.stored.get(id) {
            None => absent,
            Some(stored) => RecordingStatus {
                state: if stored.complete {
                    RecordingState::Complete
                } else {
                    RecordingState::Receiving
                },
                sha256: Some(stored.sha256.clone()),
                received: stored.bytes.len() as u64,
                ..absent
            },
        }
    }

    fn take(&mut self, id: &str, part: &RecordingPart, body: &[u8]) -> Result<RecordingStatus, Problem> {
        if let Some(code) = self.refuses.get(id) {
            return Err(Problem::new(code, "refused"));
        }
        if self
            .part_bytes_max
            .is_some_and(|bytes_max| body.len() as u64 > bytes_max)
        {
            return Err(Problem::new(refusal::TOO_LARGE, "a proxy in between"));
        }
        let stored = self.stored.entry(id.to_owned()).or_default();
        if !stored.complete && stored.sha256 != part.sha256 {
            *stored = Stored {
                sha256: part.sha256.clone(),
                ..Stored::default()
            };
        }
        if !stored.complete && part.offset == stored.bytes.len() as u64 {
            stored.bytes.extend_from_slice(body);
            stored.complete = stored.bytes.len() as u64 == part.bytes;
        }
        Ok(self.status(id, None))
    }
}

/// A recording as the phone has it; its digest is its name.
#[derive(Debug, Clone)]
struct Held {
    content: Vec<u8>,
    state: &'static str,
    epoch: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Phone {
    held: BTreeMap<String, Held>,
    damaged: BTreeSet<String>,
}

impl Phone {
    fn with(sizes: &[u64]) -> Self {
        let held = sizes.iter().enumerate().map(|(index, size)| {
            let content = (0..*size).map(|at| (at as usize * 3 + index) as u8).collect();
            let held = Held {
                content,
                state: "waiting",
                epoch: None,
                error: None,
            };
            (format!("a-{index}"), held)
        });
        Self {
            held: held.collect(),
            ..Self::default()
        }
    }

    fn next(&self, epoch: &str, skip: &BTreeSet<String>) -> Option<Upload> {
        let due = |held: &Held| {
            held.state == "waiting" || (held.state == "uploaded" && held.epoch.as_deref() != Some(epoch))
        };
        let (id, held) = self
            .held
            .iter()
            .find(|(id, held)| due(held) && !skip.contains(*id))?;
        Some(Upload {
            attempt_id: id.clone(),
            sha256: format!("sha-{id}"),
            bytes: held.content.len() as u64,
            media_type: "audio/mp4".to_owned(),
        })
    }

    fn note(&mut self, id: &str, note: &Note) {
        let held = self.held.get_mut(id).unwrap();
        match note {
            Note::Sent(_) => {}
            Note::Uploaded { epoch } => {
                held.state = "uploaded";
                held.epoch = Some(epoch.clone());
            }
            Note::Deleted { .. } => held.state = "deleted",
            Note::Forbidden { .. } | Note::Refused { .. } => held.state = "refused",
            Note::AttemptUnknown => held.error = Some("attempt_unknown".to_owned()),
            Note::Failed { reason } => held.error = Some(reason.clone()),
        }
    }
}

/// What happens to an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Carried out.
    Pass,
    /// A call is carried out, its answer lost.
    LoseReply,
    /// A call never arrives.
    LoseCall,
    /// The app is killed before it is carried out.
    Kill,
    /// The app is killed after it was carried out.
    KillAfter,
}

fn lost() -> Problem {
    Problem::new(code::TIMED_OUT, "lost")
}

/// One run; none if the app was killed in it.
fn run(phone: &mut Phone, hub: &mut Hub, fate: &mut dyn FnMut(&Effect) -> Fate) -> Option<Report> {
    let (mut lane, mut what) = (Lane::default(), What::Begin);
    for _ in 0..10_000 {
        let effect = lane.step(what);
        let fate = fate(&effect);
        if fate == Fate::Kill {
            return None;
        }
        what = match effect {
            Effect::Choose { skip } => What::Chosen(phone.next(&format!("e{}", hub.epoch), &skip)),
            Effect::Ask { attempt_id } => match (fate, hub.refuses.get(&attempt_id)) {
                (Fate::Pass | Fate::KillAfter, None) => What::Answered(Ok(hub.status(&attempt_id, None))),
                (Fate::Pass | Fate::KillAfter, Some(code)) => {
                    What::Answered(Err(Problem::new(code, "refused")))
                }
                _ => What::Answered(Err(lost())),
            },
            Effect::Read {
                attempt_id,
                offset,
                bytes,
            } => What::Read(if phone.damaged.contains(&attempt_id) {
                Err("recording_damaged".to_owned())
            } else {
                let content = &phone.held[&attempt_id].content;
                Ok(content[offset as usize..(offset + bytes) as usize].to_vec())
            }),
            Effect::Send {
                attempt_id,
                part,
                body,
            } => match fate {
                Fate::LoseCall => What::Answered(Err(lost())),
                Fate::LoseReply => {
                    let _ = hub.take(&attempt_id, &part, &body);
                    What::Answered(Err(lost()))
                }
                _ => What::Answered(hub.take(&attempt_id, &part, &body)),
            },
            Effect::Note { attempt_id, note } => {
                phone.note(&attempt_id, &note);
                What::Noted
            }
            Effect::Finished(report) => return Some(report),
        };
        if fate == Fate::KillAfter {
            return None;
        }
    }
    panic!("the lane does not end");
}

fn pass(_: &Effect) -> Fate {
    Fate::Pass
}

/// What the phone calls uploaded is at the hub, whole and unchanged.
fn check(phone: &Phone, hub: &Hub) {
    for (id, held) in &phone.held {
        if held.state == "uploaded" && held.epoch == Some(format!("e{}", hub.epoch)) {
            let stored = &hub.stored[id];
            assert!(stored.complete && stored.bytes == held.content, "{id}");
        }
    }
}

#[test]
fn everything_goes_up_in_parts_and_a_second_run_has_nothing_to_do() {
    let mut phone = Phone::with(&[1, STEP, 3 * RECORDING_PART_BYTES_MAX + 5]);
    let mut hub = Hub::default();
    let report = run(&mut phone, &mut hub, &mut pass).unwrap();
    assert_eq!(
        (report.uploaded, report.sent_bytes, report.problem),
        (3, 1 + STEP + 3 * RECORDING_PART_BYTES_MAX + 5, None)
    );
    check(&phone, &hub);
    let report = run(&mut phone, &mut hub, &mut pass).unwrap();
    assert_eq!(report, Report::default());
}

#[test]
fn a_kill_at_any_point_costs_one_part_at_most() {
    let sizes = [5, 2 * RECORDING_PART_BYTES_MAX + 1];
    for kill in [Fate::Kill, Fate::KillAfter] {
        for at in 0.. {
            let (mut phone, mut hub, mut steps) = (Phone::with(&sizes), Hub::default(), 0);
            let mut sent = 0;
            let ended = run(&mut phone, &mut hub, &mut |effect| {
                steps += 1;
                if let Effect::Send { body, .. } = effect {
                    sent += body.len() as u64;
                }
                if steps == at + 1 { kill } else { Fate::Pass }
            });
            check(&phone, &hub);
            run(&mut phone, &mut hub, &mut |effect| {
                if let Effect::Send { body, .. } = effect {
                    sent += body.len() as u64;
                }
                Fate::Pass
            })
            .unwrap();
            check(&phone, &hub);
            assert!(phone.held.values().all(|held| held.state == "uploaded"), "{at}");
            assert!(
                sent <= sizes.iter().sum::<u64>() + RECORDING_PART_BYTES_MAX,
                "{at}: {sent}"
            );
            if ended.is_some() {
                break;
            }
        }
    }
}

#[test]
fn one_bad_recording_does_not_stop_the_others() {
    for (code, state) in [
        ("gate.consent_withdrawn", "refused"),
        (refusal::RECORDING_EXPIRED, "refused"),
        (refusal::RECORDING_TAKEN, "refused"),
        (refusal::ATTEMPT_OTHER_STORE, "refused"),
        (refusal::ATTEMPT_UNKNOWN, "waiting"),
        ("internal", "waiting"),
        ("a_code_of_tomorrow", "waiting"),
    ] {
        let (mut phone, mut hub) = (Phone::with(&[10, 20, 30]), Hub::default());
        hub.refuses.insert("a-1".to_owned(), code.to_owned());
        let report = run(&mut phone, &mut hub, &mut pass).unwrap();
        assert_eq!((report.uploaded, &report.problem), (2, &None), "{code}");
        assert_eq!(phone.held["a-1"].state, state, "{code}");
        assert_eq!(phone.held["a-2"].state, "uploaded", "{code}");
    }
    let (mut phone, mut hub) = (Phone::with(&[10, 20]), Hub::default());
    phone.damaged.insert("a-0".to_owned());
    run(&mut phone, &mut hub, &mut pass).unwrap();
    assert_eq!(
        (phone.held["a-0"].state, phone.held["a-1"].state),
        ("refused", "uploaded")
    );
}

#[test]
fn what_is_the_hubs_own_ends_the_run_and_nothing_is_lost() {
    for code in [
        refusal::BUSY,
        refusal::RECORDING_STORE_FULL,
        refusal::DEVICE_REVOKED,
        code::NOT_PAIRED,
    ] {
        let (mut phone, mut hub) = (Phone::with(&[10, 20]), Hub::default());
        hub.refuses.insert("a-0".to_owned(), code.to_owned());
        let report = run(&mut phone, &mut hub, &mut pass).unwrap();
        assert_eq!(report.problem.unwrap().code, code);
        assert_eq!(phone.held["a-0"].error.as_deref(), Some(code));
        assert!(phone.held.values().all(|held| held.state == "waiting"), "{code}");
    }
}

#[test]
fn a_hub_that_went_back_is_asked_again_and_one_that_deleted_is_believed() {
    let (mut phone, mut hub) = (Phone::with(&[10, 20, 30]), Hub::default());
    run(&mut phone, &mut hub, &mut pass).unwrap();
    hub.epoch += 1;
    hub.stored.remove("a-1");
    hub.stored.remove("a-2");
    hub.deleted.insert("a-2".to_owned(), "retention".to_owned());
    let report = run(&mut phone, &mut hub, &mut pass).unwrap();
    assert_eq!((report.uploaded, report.sent_bytes), (2, 20));
    check(&phone, &hub);
    assert_eq!(phone.held["a-2"].state, "deleted");
}

#[test]
fn parts_shrink_on_a_line_that_does_not_carry_them() {
    let sizes = [2 * RECORDING_PART_BYTES_MAX, 10];
    for (part_bytes_max, state) in [(4 * STEP, "uploaded"), (STEP, "uploaded"), (STEP - 1, "refused")] {
        let (mut phone, mut hub) = (Phone::with(&sizes), Hub::default());
        hub.part_bytes_max = Some(part_bytes_max);
        run(&mut phone, &mut hub, &mut pass).unwrap();
        assert_eq!(phone.held["a-0"].state, state, "{part_bytes_max}");
        assert_eq!(phone.held["a-1"].state, "uploaded", "{part_bytes_max}");
        check(&phone, &hub);
    }
}

#[test]
fn bytes_that_never_have_their_digest_wait_for_another_run() {
    let upload = Upload {
        attempt_id: "a".to_owned(),
        sha256: "s".to_owned(),
        bytes: 3 * STEP,
        media_type: "audio/mp4".to_owned(),
    };
    let status = |received, reason: Option<&str>| RecordingStatus {
        epoch: "e".to_owned(),
        state: RecordingState::Receiving,
        sha256: Some("s".to_owned()),
        received,
        reason: reason.map(str::to_owned),
    };
    let (mut lane, mut sent) = (Lane::default(), 0);
    lane.part_bytes = STEP;
    let mut effect = lane.step(What::Chosen(Some(upload)));
    loop {
        effect = match effect {
            Effect::Ask { .. } => lane.step(What::Answered(Ok(status(0, None)))),
            Effect::Read { bytes, .. } => lane.step(What::Read(Ok(vec![0; bytes as usize]))),
            // The hub takes every part and finds the whole wrong.
            Effect::Send { part, .. } => {
                sent += 1;
                let end = part.offset + STEP;
                lane.step(What::Answered(Ok(if end == part.bytes {
                    status(0, Some(RECORDING_MISMATCH))
                } else {
                    status(end, None)
                })))
            }
            Effect::Note {
                note: Note::Failed { reason },
                ..
            } => {
                assert_eq!(reason, RECORDING_MISMATCH);
                break;
            }
            Effect::Note { .. } => lane.step(What::Noted),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(sent, 9, "three whole tries");
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Pass),
        1 => Just(Fate::LoseReply),
        1 => Just(Fate::LoseCall),
        1 => Just(Fate::Kill),
        1 => Just(Fate::KillAfter),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_it_ends_whole(
        sizes in prop::collection::vec(1_u64..3_000_000, 1..4),
        fates in prop::collection::vec(any_fate(), 0..60),
        restores in prop::collection::vec(0_usize..8, 0..3),
    ) {
        let (mut phone, mut hub) = (Phone::with(&sizes), Hub::default());
        let mut fates = fates.into_iter();
        let backup = hub.clone();
        for round in 0..8 {
            run(&mut phone, &mut hub, &mut |_| fates.next().unwrap_or(Fate::Pass));
            check(&phone, &hub);
            if restores.contains(&round) {
                hub = Hub { epoch: hub.epoch + 1, ..backup.clone() };
            }
        }
        // After healing one run brings everything.
        while fates.next().is_some() {}
        for _ in 0..2 {
            run(&mut phone, &mut hub, &mut pass);
        }
        check(&phone, &hub);
        prop_assert!(phone.held.values().all(|held| held.state == "uploaded"));
    }
}
