//! Counts in the text form of Prometheus. Labels come from closed sets, so the table stays small.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counters and gauges by name and labels.
#[derive(Debug, Default)]
pub struct Metrics {
    values: Mutex<BTreeMap<(&'static str, String), f64>>,
}

const HELP: &[(&str, &str, &str)] = &[
    (
        "yaoban_requests_total",
        "counter",
        "requests by endpoint and status",
    ),
    (
        "yaoban_request_seconds_total",
        "counter",
        "time spent on requests by endpoint",
    ),
    (
        "yaoban_ops_total",
        "counter",
        "operations of phones by what became of them",
    ),
    ("yaoban_pull_rows_total", "counter", "rows sent in pages"),
    ("yaoban_snapshot_builds_total", "counter", "first loads prepared"),
    (
        "yaoban_snapshot_build_seconds_total",
        "counter",
        "time spent on preparing first loads",
    ),
    ("yaoban_in_flight", "gauge", "requests at work"),
    ("yaoban_waiters", "gauge", "long polls at work"),
    ("yaoban_devices", "gauge", "devices that are not revoked"),
    (
        "yaoban_parked_ops",
        "gauge",
        "operations that wait for inspection",
    ),
    ("yaoban_database_bytes", "gauge", "size of the database file"),
    (
        "yaoban_recordings_total",
        "counter",
        "recordings that came whole, started again or were refused",
    ),
    (
        "yaoban_recording_bytes_total",
        "counter",
        "bytes of recordings that came in",
    ),
    ("yaoban_recordings", "gauge", "whole recordings"),
    ("yaoban_recordings_receiving", "gauge", "recordings on their way"),
    (
        "yaoban_recordings_bytes",
        "gauge",
        "bytes of recordings on the disk",
    ),
    (
        "yaoban_recordings_deleted_total",
        "counter",
        "recordings that the daily work deleted",
    ),
];

impl Metrics {
    /// Adds to a value. `labels` as Prometheus writes them, without the braces.
    pub fn add(&self, name: &'static str, labels: &str, by: f64) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        *values.entry((name, labels.to_owned())).or_default() += by;
    }

    /// Counts one request.
    pub fn request(&self, endpoint: &str, status: u16, took: Duration) {
        self.add(
            "yaoban_requests_total",
            &format!("endpoint=\"{endpoint}\",status=\"{status}\""),
            1.0,
        );
        self.add(
            "yaoban_request_seconds_total",
            &format!("endpoint=\"{endpoint}\""),
            took.as_secs_f64(),
        );
    }

    /// All values, with gauges that are read now.
    pub fn text(&self, gauges: &[(&'static str, f64)]) -> String {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner).clone();
        values.extend(
            gauges
                .iter()
                .map(|(name, value)| ((*name, String::new()), *value)),
        );
        let mut text = String::new();
        for (name, kind, help) in HELP {
            let mut lines = values.iter().filter(|((n, _), _)| n == name).peekable();
            if lines.peek().is_some() {
                let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            }
            for ((_, labels), value) in lines {
                let _ = if labels.is_empty() {
                    writeln!(text, "{name} {value}")
                } else {
                    writeln!(text, "{name}{{{labels}}} {value}")
                };
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_add_up_and_print() {
        let metrics = Metrics::default();
        metrics.request("/v1/pull", 200, Duration::from_millis(500));
        metrics.request("/v1/pull", 200, Duration::from_millis(500));
        let text = metrics.text(&[("yaoban_devices", 3.0)]);
        assert!(text.contains("yaoban_requests_total{endpoint=\"/v1/pull\",status=\"200\"} 2\n"));
        assert!(text.contains("yaoban_request_seconds_total{endpoint=\"/v1/pull\"} 1\n"));
        assert!(text.contains("# TYPE yaoban_devices gauge\nyaoban_devices 3\n"));
        assert!(!text.contains("yaoban_waiters"));
    }
}
