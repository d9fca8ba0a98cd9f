//! Which file of the phone's own recorder is the recording of a call.
//!
//! Phone makers name the files by number or contact and by time, each in its own way. A number in the name
//! decides; where there is none, the time at which the file was written does.

use crate::phone;

/// A recorder may finish its file so long after the clerk came back, in milliseconds.
pub const WRITTEN_LATE_MS: i64 = 120_000;

/// Whether a file can be the recording of a call: written during the call or just after it, and not named by
/// another number. `number` as [`phone::normalise`] gives it; instants in UTC.
pub fn fits(number: &str, started_at_ms: i64, ended_at_ms: i64, name: &str, written_at_ms: i64) -> bool {
    let in_time = (started_at_ms..=ended_at_ms.saturating_add(WRITTEN_LATE_MS)).contains(&written_at_ms);
    let mut numbers = numbers(name).peekable();
    in_time && (numbers.peek().is_none() || numbers.any(|found| found == number))
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

    fn fits_name(name: &str) -> bool {
        fits(NUMBER, 1_000, 61_000, name, 62_000)
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
        let written = |at_ms| fits(NUMBER, 1_000, 61_000, "a.m4a", at_ms);
        assert!(!written(999) && written(1_000));
        assert!(written(61_000 + WRITTEN_LATE_MS) && !written(61_001 + WRITTEN_LATE_MS));
        assert!(!fits(NUMBER, 1_000, i64::MAX, "a.m4a", 999));
    }
}
