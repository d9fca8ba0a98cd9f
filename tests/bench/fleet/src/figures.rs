//! What is measured: times by endpoint, bytes, failures, and what the operating system says.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

/// Times, in microseconds.
#[derive(Debug, Default)]
pub struct Times(Vec<u32>);

impl Times {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// Median, p99 and the longest.
    pub fn spread(&mut self) -> Spread {
        self.0.sort_unstable();
        let ms = |us: u32| (f64::from(us) / 10.0).round() / 100.0;
        Spread {
            count: self.0.len(),
            p50_ms: ms(quantile(&self.0, 0.5)),
            p99_ms: ms(quantile(&self.0, 0.99)),
            max_ms: ms(quantile(&self.0, 1.0)),
        }
    }
}

/// The value below which this part of the values lies; they stand in ascending order.
pub fn quantile<T: Copy + Default>(ascending: &[T], part: f64) -> T {
    let last = ascending.len().saturating_sub(1);
    let place = (ascending.len() as f64 * part).ceil() as usize;
    ascending
        .get(place.saturating_sub(1).min(last))
        .copied()
        .unwrap_or_default()
}

/// How times lie.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Half of them are no longer.
    pub p50_ms: f64,
    /// 99 of 100 are no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Bytes of one phone's connections, as they pass between TLS and TCP.
#[derive(Debug, Default)]
pub struct Wire {
    /// From the phone.
    pub up: Cell<u64>,
    /// To the phone.
    pub down: Cell<u64>,
    /// Connections made.
    pub connects: Cell<u64>,
}

/// What all phones report to.
#[derive(Debug, Default)]
pub struct Figures {
    /// Only while this is set do times and failures count.
    pub measuring: Cell<bool>,
    /// Times by call.
    pub times: RefCell<BTreeMap<&'static str, Times>>,
    /// Failures by call and code.
    pub failures: RefCell<BTreeMap<String, u64>>,
    /// Phones that the hub told to come back later instead of waiting.
    pub told_to_come_back: Cell<u64>,
    /// Bytes by phone.
    pub wires: RefCell<Vec<Rc<Wire>>>,
    /// Connections open now.
    pub open: Cell<i64>,
    /// The most connections open at a time.
    pub open_max: Cell<i64>,
    /// Phones in a long poll now.
    pub waiting: Cell<i64>,
    /// Rows that pulls brought.
    pub rows: Cell<u64>,
    /// Operations that the hub took.
    pub ops_taken: Cell<u64>,
}

/// Adds to a cell.
pub fn add<T: Copy + std::ops::Add<Output = T>>(cell: &Cell<T>, by: T) {
    cell.set(cell.get() + by);
}

impl Figures {
    /// A call or a round took this long.
    pub fn took(&self, what: &'static str, time: Duration) {
        if self.measuring.get() {
            self.times.borrow_mut().entry(what).or_default().add(time);
        }
    }

    /// Something failed; counted from the beginning, not only while measuring.
    pub fn failed(&self, what: &str, code: &str) {
        *self
            .failures
            .borrow_mut()
            .entry(format!("{what}: {code}"))
            .or_default() += 1;
    }

    /// A connection was made or ended.
    pub fn connections(&self, by: i64) {
        add(&self.open, by);
        self.open_max.set(self.open_max.get().max(self.open.get()));
    }

    /// Bytes so far: up and down of every phone, and connections made.
    pub fn bytes(&self) -> Vec<(u64, u64, u64)> {
        self.wires
            .borrow()
            .iter()
            .map(|wire| (wire.up.get(), wire.down.get(), wire.connects.get()))
            .collect()
    }
}

/// What the system says of a process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Time on a core in user mode, seconds.
    pub user_s: f64,
    /// Time on a core in the kernel, seconds.
    pub system_s: f64,
    /// Time of children that have ended, both modes, seconds.
    pub children_s: f64,
    /// Most memory so far, MB.
    pub peak_mb: f64,
    /// Memory now, MB.
    pub now_mb: f64,
}

/// Ticks of `/proc/*/stat` in a second: 100 on every Linux that this runs on.
const TICKS: f64 = 100.0;

/// Reads `/proc`; nought for a process that is gone.
pub fn usage(pid: &str) -> Usage {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let stat = read("stat");
    // The name in brackets may hold spaces; utime is the 12th field after it.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let seconds = |place: usize| {
        fields
            .get(place)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or_default()
            / TICKS
    };
    let status = read("status");
    let mb = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
            .unwrap_or_default()
            / 1024.0
    };
    Usage {
        user_s: seconds(11),
        system_s: seconds(12),
        children_s: seconds(13) + seconds(14),
        peak_mb: mb("VmHWM:"),
        now_mb: mb("VmRSS:"),
    }
}

/// Bytes and packets of the loopback interface so far, with TCP and IP headers. Each packet is
/// counted once.
pub fn loopback() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    let fields: Vec<u64> = line
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    (
        fields.first().copied().unwrap_or_default(),
        fields.get(1).copied().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_that_of_its_times() {
        let mut times = Times::default();
        for ms in (1..=200).rev() {
            times.add(Duration::from_millis(ms));
        }
        let spread = times.spread();
        assert_eq!(
            (spread.count, spread.p50_ms, spread.p99_ms, spread.max_ms),
            (200, 100.0, 198.0, 200.0)
        );
    }

    #[test]
    fn this_process_has_used_memory() {
        let usage = usage("self");
        assert!(usage.peak_mb > 0.0 && usage.now_mb > 0.0, "{usage:?}");
    }
}
