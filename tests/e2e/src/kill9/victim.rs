//! SIGKILL after a number of write calls: what matters is between which two writes a process dies.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// A process that has neither ended nor written so much after this hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By our signal.
    Killed,
    /// By itself, before it had written so much.
    Itself(ExitStatus),
    /// Not at all within [`PATIENCE`]; it was killed then.
    Hung,
}

/// How far a process has got, by the write calls that it made (`syscw` of `/proc/PID/io`).
///
/// No drawn time decides when the signal comes: a process dies where its writes are, however fast the
/// machine is, and never while a test sleeps.
#[derive(Debug)]
pub struct Progress {
    io: Option<File>,
    seen: u64,
}

impl Progress {
    /// Looks at a child that was started.
    pub fn of(child: &Child) -> Self {
        let io = File::open(format!("/proc/{}/io", child.id())).ok();
        Self { io, seen: 0 }
    }

    /// Write calls so far; what was seen last once the process is gone.
    pub fn writes(&mut self) -> u64 {
        let mut text = [0; 512];
        let read = self.io.as_ref().and_then(|io| io.read_at(&mut text, 0).ok());
        let told = std::str::from_utf8(&text[..read.unwrap_or(0)]).unwrap_or_default();
        let writes = told
            .lines()
            .find_map(|line| line.strip_prefix("syscw: ")?.parse().ok());
        self.seen = writes.unwrap_or(self.seen).max(self.seen);
        self.seen
    }
}

/// Kills a child as soon as it has made so many write calls; gives how it ended.
///
/// # Panics
/// If the system gives no answer about the child.
pub fn kill_after(child: &mut Child, progress: &mut Progress, writes: u64) -> End {
    let until = Instant::now() + PATIENCE;
    loop {
        let far_enough = progress.writes() >= writes;
        if let Some(status) = child
            .try_wait()
            .unwrap_or_else(|error| panic!("no child: {error}"))
        {
            return End::Itself(status);
        }
        let hangs = Instant::now() > until;
        if far_enough || hangs {
            // It may end by itself in this moment; the status tells.
            let _ = child.kill();
            let status = child.wait().unwrap_or_else(|error| panic!("no child: {error}"));
            return match status.code() {
                Some(_) => End::Itself(status),
                None if hangs => End::Hung,
                None => End::Killed,
            };
        }
        // Not a sleep: the writes are microseconds apart.
        std::thread::yield_now();
    }
}
