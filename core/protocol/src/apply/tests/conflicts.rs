//! The conflict table of the sync protocol, case by case: two devices, one hub.

use yaoban_domain::model::Allergy;

use super::*;
use crate::op::ProfileFields;

struct Case {
    why: &'static str,
    /// What the two devices did, in the order in which the hub hears of it.
    ops: Vec<(&'static str, Op)>,
    /// What the hub says to each.
    said: Vec<Said>,
    /// What must hold then.
    holds: fn(&Memory) -> bool,
}

const MERGED: Said = (OpStatus::Merged, None);

fn edit(base: ProfileFields, edit: ProfileFields) -> Op {
    Op::EditMember {
        member_id: "M1".into(),
        base: Box::new(base),
        edit: Box::new(edit),
    }
}

fn named(name: &str) -> ProfileFields {
    ProfileFields {
        name: Some(name.into()),
        ..ProfileFields::default()
    }
}

fn allergic(texts: &[&str]) -> ProfileFields {
    let allergy = |text: &&str| Allergy {
        text: (*text).to_owned(),
        ingredients: vec![],
    };
    ProfileFields {
        allergies: Some(texts.iter().map(allergy).collect()),
        ..ProfileFields::default()
    }
}

fn by(staff_id: &str, id: &str, code: OutcomeCode) -> Outcome {
    Outcome {
        staff_id: staff_id.into(),
        ..outcome(id, code)
    }
}

fn set_consent(granted: bool, at_ms: i64) -> Op {
    Op::SetConsent {
        member_id: "M1".into(),
        consent: consent(ConsentPurpose::Marketing, granted, at_ms),
        signature: None,
    }
}

fn marketing(rows: &Memory) -> yaoban_domain::consent::Standing {
    yaoban_domain::consent::standing(
        &rows.members["M1"].consents,
        ConsentPurpose::Marketing,
        Channel::Call,
    )
}

fn cases() -> Vec<Case> {
    use yaoban_domain::consent::Standing;
    vec![
        Case {
            why: "readings are a union by id",
            ops: vec![
                (
                    CLERK,
                    Op::AddReading {
                        reading: bp("r1", 130, 80),
                    },
                ),
                (
                    OTHER_CLERK,
                    Op::AddReading {
                        reading: bp("r2", 140, 90),
                    },
                ),
            ],
            said: vec![APPLIED, APPLIED],
            holds: |rows| rows.readings.len() == 2,
        },
        Case {
            why: "the same reading again is a duplicate, another one under its id is refused",
            ops: vec![
                (
                    CLERK,
                    Op::AddReading {
                        reading: bp("r1", 130, 80),
                    },
                ),
                (
                    CLERK,
                    Op::AddReading {
                        reading: bp("r1", 130, 80),
                    },
                ),
                (
                    CLERK,
                    Op::AddReading {
                        reading: bp("r1", 131, 80),
                    },
                ),
            ],
            said: vec![APPLIED, DUPLICATE, rejected(reason::ID_TAKEN)],
            holds: |rows| rows.readings["r1"].systolic == Some(130),
        },
        Case {
            why: "a note is kept as it was first written",
            ops: vec![
                (
                    CLERK,
                    Op::AddNote {
                        note: note("n1", "一"),
                    },
                ),
                (
                    CLERK,
                    Op::AddNote {
                        note: note("n1", "二"),
                    },
                ),
                (
                    CLERK,
                    Op::AddNote {
                        note: Note {
                            supersedes: Some("n1".into()),
                            ..note("n2", "二")
                        },
                    },
                ),
            ],
            said: vec![APPLIED, rejected(reason::ID_TAKEN), APPLIED],
            holds: |rows| rows.notes["n1"].text == "一" && rows.notes.len() == 2,
        },
        Case {
            why: "different fields of a profile both hold",
            ops: vec![
                (CLERK, edit(named("王芳"), named("王方"))),
                (
                    OTHER_CLERK,
                    edit(
                        ProfileFields::default(),
                        ProfileFields {
                            height_cm: Some(160),
                            ..ProfileFields::default()
                        },
                    ),
                ),
            ],
            said: vec![APPLIED, APPLIED],
            holds: |rows| rows.members["M1"].name == "王方" && rows.members["M1"].height_cm == Some(160),
        },
        Case {
            why: "the same field: the later one at the hub counts",
            ops: vec![
                (CLERK, edit(named("王芳"), named("王方"))),
                (OTHER_CLERK, edit(named("王芳"), named("王坊"))),
            ],
            said: vec![APPLIED, MERGED],
            holds: |rows| rows.members["M1"].name == "王坊",
        },
        Case {
            why: "both wanted the same",
            ops: vec![
                (CLERK, edit(named("王芳"), named("王方"))),
                (OTHER_CLERK, edit(named("王芳"), named("王方"))),
            ],
            said: vec![APPLIED, DUPLICATE],
            holds: |rows| rows.members["M1"].name == "王方",
        },
        Case {
            why: "two allergies told at two counters are both kept",
            ops: vec![
                (CLERK, edit(allergic(&[]), allergic(&["青霉素"]))),
                (OTHER_CLERK, edit(allergic(&[]), allergic(&["磺胺"]))),
                (CLERK, edit(allergic(&["青霉素"]), allergic(&[]))),
            ],
            said: vec![APPLIED, APPLIED, APPLIED],
            holds: |rows| {
                rows.members["M1"]
                    .allergies
                    .iter()
                    .map(|a| a.text.as_str())
                    .eq(["磺胺"])
            },
        },
        Case {
            why: "a withdrawal counts, even if a consent arrived first and was later",
            ops: vec![
                (CLERK, set_consent(true, at(10))),
                (OTHER_CLERK, set_consent(false, at(9))),
            ],
            said: vec![APPLIED, APPLIED],
            holds: |rows| marketing(rows) == Standing::Withdrawn,
        },
        Case {
            why: "a consent from before the withdrawal does not lift it",
            ops: vec![
                (CLERK, set_consent(false, at(10))),
                (OTHER_CLERK, set_consent(true, at(9))),
            ],
            said: vec![APPLIED, (OpStatus::Merged, Some(reason::WITHDRAWN_SINCE))],
            holds: |rows| marketing(rows) == Standing::Withdrawn,
        },
        Case {
            why: "a new consent after the withdrawal lifts it",
            ops: vec![
                (CLERK, set_consent(false, at(9))),
                (OTHER_CLERK, set_consent(true, at(10))),
            ],
            said: vec![APPLIED, APPLIED],
            holds: |rows| marketing(rows) == Standing::Granted,
        },
        Case {
            why: "a consent cannot be given in the future",
            ops: vec![
                (CLERK, set_consent(true, at(900))),
                (OTHER_CLERK, set_consent(false, at(11))),
            ],
            said: vec![APPLIED, APPLIED],
            holds: |rows| {
                marketing(rows) == Standing::Withdrawn
                    && rows.members["M1"].consents.iter().all(|c| c.at_ms == at(11))
            },
        },
        Case {
            why: "two results on one task: both are kept, the first counts",
            ops: vec![
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::AlreadyBought))),
                (
                    OTHER_CLERK,
                    record("T1", by(OTHER_CLERK, "o2", OutcomeCode::CallLater)),
                ),
            ],
            said: vec![APPLIED, (OpStatus::Merged, Some(reason::KEPT_BESIDE))],
            holds: |rows| {
                let task = &rows.tasks["T1"];
                state(rows, "T1") == Some(TaskState::Done)
                    && task.outcome.as_ref().is_some_and(|o| o.id == "o1")
                    && task.other_outcomes.len() == 1
            },
        },
        Case {
            why: "what the member asked for holds, though the result came second",
            ops: vec![
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::AlreadyBought))),
                (
                    OTHER_CLERK,
                    record("T1", by(OTHER_CLERK, "o2", OutcomeCode::DoNotContact)),
                ),
            ],
            said: vec![APPLIED, (OpStatus::Merged, Some(reason::KEPT_BESIDE))],
            holds: |rows| rows.members["M1"].do_not_contact,
        },
        Case {
            why: "the same result again is a duplicate",
            ops: vec![
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::NeedsPharmacist))),
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::NeedsPharmacist))),
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::Moved))),
            ],
            said: vec![APPLIED, DUPLICATE, rejected(reason::ID_TAKEN)],
            holds: |rows| rows.tasks.len() == 2,
        },
        Case {
            why: "a correction counts in place of what it corrects, the state stays",
            ops: vec![
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::Deceased))),
                (
                    CLERK,
                    record(
                        "T1",
                        Outcome {
                            supersedes: Some("o1".into()),
                            ..by(CLERK, "o2", OutcomeCode::CallLater)
                        },
                    ),
                ),
            ],
            said: vec![APPLIED, (OpStatus::Merged, Some(reason::KEPT_BESIDE))],
            holds: |rows| {
                let task = &rows.tasks["T1"];
                state(rows, "T1") == Some(TaskState::Done)
                    && task.outcome.as_ref().is_some_and(|o| o.id == "o2")
                    && !rows.members["M1"].deceased
                    && marketing(rows) == Standing::Withdrawn
            },
        },
        Case {
            why: "a corrected call for the pharmacist takes its task back",
            ops: vec![
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::NeedsPharmacist))),
                (
                    CLERK,
                    record(
                        "T1",
                        Outcome {
                            supersedes: Some("o1".into()),
                            ..by(CLERK, "o2", OutcomeCode::AlreadyBought)
                        },
                    ),
                ),
            ],
            said: vec![APPLIED, (OpStatus::Merged, Some(reason::KEPT_BESIDE))],
            holds: |rows| state(rows, "follow-o1") == Some(TaskState::Cancelled),
        },
        Case {
            why: "nothing but an outcome reaches a task that is done",
            ops: vec![
                (CLERK, record("T1", by(CLERK, "o1", OutcomeCode::AlreadyBought))),
                (CLERK, Op::StartTask { task_id: "T1".into() }),
                (MANAGER, Op::CancelTask { task_id: "T1".into() }),
                (CLERK, dial("a1")),
                (CLERK, hang_up("a1", at(11), CarrierResult::Busy)),
            ],
            said: vec![
                APPLIED,
                rejected("task_closed"),
                rejected("task_closed"),
                APPLIED,
                APPLIED,
            ],
            holds: |rows| {
                state(rows, "T1") == Some(TaskState::Done)
                    && rows.tasks["T1"].attempts == 0
                    && rows.attempts.len() == 1
            },
        },
        Case {
            why: "two devices claim one send: the first counts",
            ops: vec![
                (
                    CLERK,
                    Op::RecordSend {
                        send: message("k/M1/0/sms", SendState::Sent),
                    },
                ),
                (
                    OTHER_CLERK,
                    Op::RecordSend {
                        send: Send {
                            staff_id: OTHER_CLERK.into(),
                            ..message("k/M1/0/sms", SendState::Queued)
                        },
                    },
                ),
            ],
            said: vec![APPLIED, DUPLICATE],
            holds: |rows| rows.sends.len() == 1 && rows.sends["k/M1/0/sms"].staff_id == CLERK,
        },
        Case {
            why: "an add of one tag and a removal of another",
            ops: vec![
                (
                    CLERK,
                    Op::Tags {
                        member_id: "M1".into(),
                        add: vec!["a".into(), "b".into()],
                        remove: vec![],
                    },
                ),
                (
                    OTHER_CLERK,
                    Op::Tags {
                        member_id: "M1".into(),
                        add: vec!["c".into()],
                        remove: vec!["a".into()],
                    },
                ),
            ],
            said: vec![APPLIED, APPLIED],
            holds: |rows| rows.members["M1"].tags == ["b", "c"],
        },
    ]
}

#[test]
fn the_conflict_table() {
    for case in cases() {
        let mut rows = hub();
        let answers: Vec<_> = case
            .ops
            .iter()
            .map(|(who, op)| said(&run_as(&mut rows, who, op)))
            .collect();
        assert_eq!(answers, case.said, "{}", case.why);
        assert!((case.holds)(&rows), "{}: {rows:#?}", case.why);
    }
}

#[test]
fn the_value_that_loses_is_told_for_the_history() {
    let mut rows = hub();
    run(&mut rows, &edit(named("王芳"), named("王方")));
    let applied = run_as(&mut rows, OTHER_CLERK, &edit(named("王芳"), named("王坊")));
    let loser = Loser {
        member_id: "M1".into(),
        field: "name".into(),
        value: "\"王方\"".into(),
    };
    assert_eq!(applied.losers, [loser]);
}

#[test]
fn a_contact_made_before_a_withdrawal_is_recorded() {
    let mut rows = hub();
    run(&mut rows, &record("T1", outcome("o1", OutcomeCode::DoNotContact)));
    assert_eq!(
        said(&run(
            &mut rows,
            &Op::StartAttempt {
                attempt: attempt("a1", None)
            }
        )),
        APPLIED
    );
    assert_eq!(
        said(&run(
            &mut rows,
            &Op::RecordSend {
                send: message("k", SendState::Sent)
            }
        )),
        APPLIED
    );
}
