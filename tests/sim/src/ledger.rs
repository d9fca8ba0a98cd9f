//! What really happened, kept apart from the code under test: what each clerk did and was told is
//! recorded, and what the hub was seen to do. Every deed leaves something that can be counted at the
//! hub by a value that only this deed has.

use std::collections::{BTreeMap, BTreeSet};

/// What a clerk did, by what it leaves at the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A note with this text.
    Note {
        /// The text, which no other note has.
        text: String,
    },
    /// A reading taken at this instant, which no other reading has.
    Reading {
        /// When.
        taken_at_ms: i64,
    },
    /// A tag that no other deed gives.
    Tag {
        /// The tag.
        tag: String,
    },
    /// A member with a name that nobody else has.
    Register {
        /// The name.
        name: String,
    },
    /// A dial.
    Dial {
        /// Its attempt.
        attempt_id: String,
    },
    /// An outcome of a task.
    Outcome {
        /// The task.
        task_id: String,
        /// The outcome.
        outcome_id: String,
    },
    /// A task of the clerk's own.
    Task {
        /// The task.
        task_id: String,
    },
    /// A consent given or withdrawn.
    Consent {
        /// Marketing is allowed again, or not any more.
        granted: bool,
    },
    /// A message handed out. Others may hand out the same one, and make one send with it: the hub's
    /// copy is accounted for by any of them.
    Message {
        /// Its key.
        key: String,
    },
    /// News of a message, which carries the whole send.
    MessageNews {
        /// Its key.
        key: String,
    },
    /// Bytes that no hub of this version reads.
    Unreadable,
    /// Something whose effect others may undo: only its result is looked at.
    Other(&'static str),
}

/// A deed in the outbox of a phone.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The operation.
    pub op_id: String,
    /// Whose phone.
    pub phone: usize,
    /// Whom it concerns, as the phone knew the member.
    pub member_id: Option<String>,
    /// What was done.
    pub deed: Deed,
    /// The clerk took it back within its time.
    pub taken_back: bool,
}

impl Deed {
    /// What it has in common with other deeds, which leave one thing at the hub together.
    pub fn shared_key(&self) -> Option<&str> {
        match self {
            Self::Message { key } | Self::MessageNews { key } => Some(key),
            _ => None,
        }
    }
}

/// A withdrawal of the consent for marketing.
#[derive(Debug, Clone, Default)]
pub struct Withdrawn {
    /// What had happened at the hub when it had it; none: it has not, or lost it with a restore.
    pub at_hub: Option<u64>,
    /// Somebody gave consent again, anywhere, since.
    pub lifted: bool,
}

/// Everything that is known of the truth.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Deeds in their order.
    pub entries: Vec<Entry>,
    /// Operations that are entered.
    pub known: BTreeSet<String>,
    /// Withdrawals by member, each with its operation (none: made at headquarters).
    pub withdrawn: BTreeMap<String, Vec<(Option<String>, Withdrawn)>>,
    /// Consents on their way to the hub, by member.
    grants: BTreeMap<String, BTreeSet<String>>,
    /// Members whose data were erased, and what had happened then.
    pub erased: BTreeMap<String, u64>,
    /// Members whose data were erased once, though the hub may have forgotten that with a restore.
    pub once_erased: BTreeSet<String>,
    /// Members with a code that this version does not know, and what had happened when it came.
    pub unknown_codes: BTreeMap<String, u64>,
    /// Messages that a phone handed out, by key and phone.
    pub handed_out: BTreeMap<(usize, String), u32>,
    /// Operations over which the hub stumbles, with the status that it answers.
    pub stumbles: BTreeMap<String, u16>,
    /// Numbers deeds.
    pub serial: u64,
    /// Rises with everything that happens at the hub.
    pub happened: u64,
}

impl Ledger {
    /// A deed that stands in a phone's outbox.
    pub fn enter(&mut self, entry: Entry) {
        if let (Deed::Consent { granted }, Some(member_id)) = (&entry.deed, &entry.member_id) {
            if *granted {
                self.lifted(member_id);
                self.grants
                    .entry(member_id.clone())
                    .or_default()
                    .insert(entry.op_id.clone());
            } else {
                // A consent that is still on its way may have been given later by its phone's clock.
                let lifted = self.has_open_grants(member_id);
                let withdrawn = Withdrawn { at_hub: None, lifted };
                let all = self.withdrawn.entry(member_id.clone()).or_default();
                all.push((Some(entry.op_id.clone()), withdrawn));
            }
        }
        self.entries.push(entry);
    }

    /// Consents for marketing of this member are on their way to the hub.
    pub fn has_open_grants(&self, member_id: &str) -> bool {
        self.grants.get(member_id).is_some_and(|open| !open.is_empty())
    }

    /// The next number, for values that nobody else has.
    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// The hub went back to what it was: it has forgotten what came after.
    pub fn restored(&mut self, to: u64) {
        for (_, withdrawn) in self.withdrawn.values_mut().flatten() {
            withdrawn.at_hub = withdrawn.at_hub.filter(|at| *at <= to);
        }
        self.unknown_codes.retain(|_, at| *at < to);
        self.erased.retain(|_, at| *at < to);
    }

    /// The hub has taken an operation.
    pub fn taken(&mut self, op_id: &str) {
        let at = self.happened;
        for open in self.grants.values_mut() {
            open.remove(op_id);
        }
        for (id, withdrawn) in self.withdrawn.values_mut().flatten() {
            if id.as_deref() == Some(op_id) {
                withdrawn.at_hub.get_or_insert(at);
            }
        }
    }

    /// Whether a phone that knows everything up to `known_until` must not make a marketing contact
    /// with a member.
    pub fn must_not_contact(&self, member_id: &str, known_until: u64) -> bool {
        self.withdrawn.get(member_id).is_some_and(|all| {
            let lifted = all.iter().any(|(_, one)| one.lifted);
            let heard = |at: u64| at < known_until;
            !lifted && all.iter().any(|(_, one)| one.at_hub.is_some_and(heard))
        })
    }

    /// Whether a member withdrew somewhere, and nobody lifted it since.
    pub fn is_withdrawn(&self, member_id: &str) -> bool {
        self.withdrawn
            .get(member_id)
            .is_some_and(|all| !all.is_empty() && !all.iter().any(|(_, one)| one.lifted))
    }

    /// Somebody gave consent again.
    pub fn lifted(&mut self, member_id: &str) {
        for (_, withdrawn) in self.withdrawn.entry(member_id.to_owned()).or_default() {
            withdrawn.lifted = true;
        }
    }
}
