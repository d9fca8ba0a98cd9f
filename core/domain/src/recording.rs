//! Which file of the phone's own recorder is the recording of a call.
//!
//! Phone makers name the files by number or contact and by time, each in its own way. A number in the name
//! decides; where there is none, the time at which the file was written does.

use crate::phone;

/// A recorder may finish its file so long after the clerk came back, in milliseconds.
pub const WRITTEN_LATE_MS: i64 = 120_000;

/// When a call can have been recorded; instants in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSpan {
    /// When it was dialled.
    pub started_at_ms: i64,
    /// When the clerk came back from it, if that is known.
    pub ended_at_ms: Option<i64>,
    /// When anybody of the store dialled next, if that happened: on this phone, it may be.
    pub next_started_at_ms: Option<i64>,
}

/// Whether a file can be the recording of a call: written during it or just after it, and named by its number. One that
/// no number names only if it was written before the next call, and if the end of this one is known: anything may
/// have been recorded since. `number` as [`phone::normalise`] gives it.
pub fn fits(number: &str, call: CallSpan, name: &str, written_at_ms: i64) -> bool {
    let late = call
        .ended_at_ms
        .map_or(i64::MAX, |ended| ended.saturating_add(WRITTEN_LATE_MS));
    let mut named = numbers(name).peekable();
    let fits = if named.peek().is_some() {
        named.any(|found| found == number)
    } else {
        call.ended_at_ms.is_some() && call.next_started_at_ms.is_none_or(|next| written_at_ms < next)
    };
    fits && (call.started_at_ms..=late).contains(&written_at_ms)
}

/// Mobile numbers in the name of a file. Its date and time are none.
fn numbers(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_ascii_digit() && c != '+')
        .filter_map(phone::normalise)
        .filter(|number| number.len() == 11 && number.starts_with('1'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "13812345678";

    const CALL: CallSpan = CallSpan {
        started_at_ms: 1_000,
        ended_at_ms: Some(61_000),
        next_started_at_ms: None,
    };

    fn fits_name(name: &str) -> bool {
        fits(NUMBER, CALL, name, 62_000)
    }

    #[test]
    fn a_number_in_the_name_decides() {
        assert!(fits_name("13812345678_20261127103000.m4a"));
        assert!(fits_name("13812345678(13812345678)_20261127103000.mp3"));
        assert!(fits_name("通话录音@+8613812345678_20261127.amr"));
        assert!(!fits_name("13912345678_20261127103000.m4a"));
        assert!(!fits_name("通话录音 +8613912345678.amr"));
        // By a contact's name: no number says otherwise.
        assert!(fits_name("王阿姨_20261127103000.m4a"));
        assert!(fits_name("Recording.m4a"));
    }

    #[test]
    fn it_is_written_during_the_call_or_just_after_it() {
        let written = |at_ms| fits(NUMBER, CALL, "a.m4a", at_ms);
        assert!(!written(999) && written(1_000));
        assert!(written(61_000 + WRITTEN_LATE_MS) && !written(61_001 + WRITTEN_LATE_MS));
    }

    #[test]
    fn what_the_next_call_began_after_is_not_its() {
        let followed = CallSpan {
            next_started_at_ms: Some(70_000),
            ..CALL
        };
        let written = |name, at_ms| fits(NUMBER, followed, name, at_ms);
        assert!(written("a.m4a", 69_999) && !written("a.m4a", 70_000));
        assert!(written("13812345678.m4a", 70_000));
    }

    #[test]
    fn without_an_end_only_the_number_says_so() {
        let open = CallSpan {
            ended_at_ms: None,
            ..CALL
        };
        assert!(!fits(NUMBER, open, "a.m4a", 62_000));
        assert!(fits(NUMBER, open, "13812345678.m4a", 62_000));
        assert!(!fits(NUMBER, open, "13812345678.m4a", 999));
    }
}
