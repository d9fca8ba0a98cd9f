//! How many phones fit into this process. Each phone that waits for news holds a connection, and
//! each connection one of the files that the system lets a process open.

/// Files that the hub needs for itself: the database's readers, logs, chunks under way.
const OWN_FILES: usize = 500;
/// Of the files left, this part may belong to phones in long polls; the rest is for phones that come
/// for a round and go, which stay connected for 20 seconds more.
const WAITING_PART: (usize, usize) = (4, 5);
/// Never fewer places than this: with so few files the hub would rather refuse connections than news.
const WAITERS_MIN: usize = 64;
/// Never more, however many files there are: each connection holds some 55 kB, and a hub of 30,000 phones is
/// to do with 1 GB. Phones beyond come for a round every quarter of an hour.
const WAITERS_MAX: usize = 12_500;

/// Raises the number of files that this process may open to what the system allows it at most.
pub fn make() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
            tracing::warn!("the number of open files could not be raised; it stays as it was");
        }
    }
}

/// How many long polls this process takes at a time.
pub fn waiters_max() -> usize {
    #[cfg(unix)]
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let files = None;
    waiters_with(files)
}

/// The same for a limit of open files; none means that there is none.
fn waiters_with(files: Option<u64>) -> usize {
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let (part, of) = WAITING_PART;
    (files.saturating_sub(OWN_FILES) / of * part).clamp(WAITERS_MIN, WAITERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_from_the_files_that_may_be_open() {
        assert_eq!(waiters_with(Some(1_024)), 416);
        assert_eq!(waiters_with(Some(10_000)), 7_600);
        assert_eq!(waiters_with(Some(20_000)), WAITERS_MAX);
        assert_eq!(waiters_with(Some(100)), WAITERS_MIN);
        assert_eq!(waiters_with(None), WAITERS_MAX);
    }
}
