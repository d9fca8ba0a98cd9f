//! Somebody with a terminal phone in hand.

use serde_json::Value;
use yaoban_e2e::{Finished, Hub, Phone, clock_in_the_morning};

/// A phone in the morning, and what can be asked of it.
pub struct Worker {
    pub phone: Phone,
    shift_s: i64,
}

impl Worker {
    /// A phone that was paired for a store; its clock says half past ten.
    pub fn paired(hub: &Hub, store: &str) -> Self {
        let mut phone = Phone::paired(&hub.pair_store(store));
        let shift_s = clock_in_the_morning().shift_s;
        phone.shift_clock(shift_s);
        Self { phone, shift_s }
    }

    /// Time goes on.
    pub fn later(&mut self, seconds: i64) {
        self.shift_s += seconds;
        self.phone.shift_clock(self.shift_s);
    }

    /// Somebody takes the phone.
    pub fn is(&mut self, staff_id: &str) {
        let _ = self.done(&["staff", staff_id]);
    }

    /// A command that is done; its output as people see it.
    pub fn done(&self, arguments: &[&str]) -> String {
        self.phone.run(arguments).done().stdout
    }

    /// A command that is done, as people or as programs see it.
    pub fn told(&self, arguments: &[&str], json: bool) -> String {
        let more: &[&str] = if json { &["--json"] } else { &[] };
        self.done(&[arguments, more].concat())
    }

    /// A command that is done, as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.phone.json(arguments)
    }

    /// A command that is refused; its code. Its words must not be a raw code.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let finished = self.phone.run([arguments, &["--json"]].concat());
        refusal(&finished)
    }

    /// One round, which must bring everything.
    pub fn sync(&self) {
        let report = self.json(&["sync"]);
        assert_eq!(at(&report, "/up_to_date"), true, "{report}");
        assert_eq!(number(&report, "/rejected_ops"), 0, "{report}");
        assert_eq!(number(&report, "/parked_ops"), 0, "{report}");
    }

    /// Everything went up, and nothing came back.
    pub fn nothing_waits(&self) {
        let status = self.json(&["status"]);
        assert_eq!(number(&status, "/outbox"), 0, "{status}");
        assert_eq!(
            at(&status, "/stuck").as_array().map(Vec::len),
            Some(0),
            "{status}"
        );
    }

    /// The task of the campaign for a member.
    pub fn task_of(&self, member_id: &str) -> String {
        for view in [&[][..], &["--later"], &["--overdue"], &["--done"]] {
            let list = self.json(&[&["tasks", "--store", "--limit", "200"], view].concat());
            let found = tasks(&list)
                .into_iter()
                .find(|task| text(task, "/member_id") == member_id && text(task, "/origin") == "campaign");
            if let Some(task) = found {
                return text(task, "/task_id").to_owned();
            }
        }
        panic!("no task for {member_id}")
    }
}

/// The code of a refusal.
pub fn refusal(finished: &Finished) -> String {
    assert!(
        matches!(finished.code, Some(1 | 2)),
        "{} ended with {:?}\n{}",
        finished.command,
        finished.code,
        finished.stdout
    );
    let told = finished.json();
    let code = text(&told, "/error").to_owned();
    assert!(
        !finished.stderr.contains("没有做成") && !finished.stderr.trim().is_empty(),
        "{code} has no words: {}",
        finished.stderr
    );
    code
}

/// A value that must be there, null or not: a key that is spelt otherwise ends the test.
pub fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value
        .pointer(pointer)
        .unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

/// A text that must be there.
pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = at(value, pointer);
    found
        .as_str()
        .unwrap_or_else(|| panic!("{pointer} is {found}, no text, in {value:#}"))
}

/// A number that must be there.
pub fn number(value: &Value, pointer: &str) -> u64 {
    let found = at(value, pointer);
    found
        .as_u64()
        .unwrap_or_else(|| panic!("{pointer} is {found}, no number, in {value:#}"))
}

/// The tasks of a list, one after the other.
pub fn tasks(list: &Value) -> Vec<&Value> {
    let households = at(list, "/households").as_array().into_iter().flatten();
    households
        .flat_map(|household| at(household, "/tasks").as_array().into_iter().flatten())
        .collect()
}
