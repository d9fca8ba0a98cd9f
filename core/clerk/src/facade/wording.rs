//! What the values of a wording are, so that every shell says them alike.

use chrono::NaiveDate;

/// What a value is, and so how it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Said as it is.
    Text,
    /// A civil date, ISO.
    Day,
    /// An instant, milliseconds in UTC.
    Instant,
    /// Seconds to wait, in the unit that people count them in: the text `wait.unit`.
    Wait {
        /// So many, rounded up.
        n: u64,
        /// `minutes` or `seconds`.
        unit: &'static str,
    },
    /// A code, whose words are the text `group.value`; its places are filled by the other values.
    Code {
        /// The group of texts.
        group: &'static str,
    },
}

/// Names whose values are codes, each with the group of their words.
const CODES: [(&str, &str); 12] = [
    ("channel", "channel"),
    ("expected", "expected"),
    ("field", "field"),
    ("finding", "finding"),
    ("kind", "kind"),
    ("locked", "locked"),
    ("outcome", "outcome"),
    ("purpose", "consent"),
    ("recorded", "recorded"),
    ("send_state", "send"),
    ("state", "task_state"),
    ("why", "why"),
];

/// What a value of this name is.
pub fn kind_of(name: &str, value: &str) -> ValueKind {
    let code = CODES.iter().find(|(code, _)| *code == name);
    match (name, value.parse::<i64>()) {
        ("when", Ok(_)) => ValueKind::Instant,
        ("wait_s", Ok(seconds)) => wait(seconds.unsigned_abs()),
        _ => match code {
            Some((_, group)) => ValueKind::Code { group },
            None if value.len() == 10 && value.parse::<NaiveDate>().is_ok() => ValueKind::Day,
            None => ValueKind::Text,
        },
    }
}

fn wait(seconds: u64) -> ValueKind {
    let (n, unit) = match seconds {
        0..60 => (seconds, "seconds"),
        _ => (seconds.div_ceil(60), "minutes"),
    };
    ValueKind::Wait { n, unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_by_its_name_and_a_date_by_its_form() {
        let code = |group| ValueKind::Code { group };
        for (name, value, kind) in [
            ("purpose", "health", code("consent")),
            ("state", "done", code("task_state")),
            ("when", "1782100000000", ValueKind::Instant),
            ("when", "soon", ValueKind::Text),
            (
                "wait_s",
                "59",
                ValueKind::Wait {
                    n: 59,
                    unit: "seconds",
                },
            ),
            (
                "wait_s",
                "60",
                ValueKind::Wait {
                    n: 1,
                    unit: "minutes",
                },
            ),
            (
                "wait_s",
                "61",
                ValueKind::Wait {
                    n: 2,
                    unit: "minutes",
                },
            ),
            (
                "wait_s",
                "1200",
                ValueKind::Wait {
                    n: 20,
                    unit: "minutes",
                },
            ),
            ("wait_s", "", ValueKind::Text),
            ("end", "2026-06-30", ValueKind::Day),
            ("end", "2026-6-30", ValueKind::Text),
            ("end", "2026-06-31", ValueKind::Text),
            ("ingredient", "氨氯地平", ValueKind::Text),
        ] {
            assert_eq!(kind_of(name, value), kind, "{name}");
        }
    }
}
