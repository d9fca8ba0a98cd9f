//! Values of a table's cells, read strictly: what is not exactly in the form is refused, never
//! rounded or guessed. Everything works on bytes, for purchases come by the million.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use yaoban_domain::calendar::{Calendar, day_number, from_day_number};

/// Why a value was refused: a fragment that follows the name of its column.
pub type Refusal = &'static str;

/// Years that a date may have.
const YEARS: std::ops::RangeInclusive<u32> = 1900..=2199;
/// Refusal of a date.
pub const NOT_A_DATE: Refusal =
    "is no ISO date or date-time, expected for example 2026-03-01 or 2026-03-01T14:05:00+08:00";

/// A cell without the space around it (ASCII and full-width).
pub fn trim(mut cell: &[u8]) -> &[u8] {
    loop {
        cell = cell.trim_ascii();
        if let Some(rest) = cell.strip_prefix("\u{3000}".as_bytes()) {
            cell = rest;
        } else if let Some(rest) = cell.strip_suffix("\u{3000}".as_bytes()) {
            cell = rest;
        } else {
            return cell;
        }
    }
}

/// A decimal number with at most `scale` decimals as an integer of its last decimal: digits, an
/// optional `-` before, an optional point with digits on both sides. `max` bounds its size.
#[inline]
pub fn decimal(cell: &[u8], scale: u32, max: i64) -> Result<i64, Refusal> {
    let (negative, digits) = match cell {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut value = 0_i64;
    let mut decimals = None::<u32>;
    for &byte in digits {
        match (byte, decimals) {
            (b'0'..=b'9', _) => {
                if let Some(count) = decimals.as_mut() {
                    *count += 1;
                    if *count > scale {
                        return Err("has too many decimals");
                    }
                }
                value = value * 10 + i64::from(byte - b'0');
                if value > i64::MAX / 1_000_000 {
                    return Err("is out of range");
                }
            }
            (b'.', None) if byte != digits[0] => decimals = Some(0),
            _ => return Err("is no plain number such as 12.50"),
        }
    }
    if digits.is_empty() || decimals == Some(0) {
        return Err("is no plain number such as 12.50");
    }
    value *= 10_i64.pow(scale - decimals.unwrap_or(0));
    if value > max {
        return Err("is out of range");
    }
    Ok(if negative { -value } else { value })
}

/// A whole number without a sign.
pub fn whole(cell: &[u8]) -> Result<u16, Refusal> {
    match decimal(cell, 0, i64::from(u16::MAX)) {
        Ok(value) if value >= 0 && !cell.starts_with(b"-") => Ok(value as u16),
        Ok(_) => Err("must not be negative"),
        Err(refusal) => Err(refusal),
    }
}

/// Yes or no.
pub fn flag(cell: &[u8]) -> Result<bool, Refusal> {
    match cell.to_ascii_lowercase().as_slice() {
        b"yes" | b"true" | b"1" | b"y" => Ok(true),
        b"no" | b"false" | b"0" | b"n" => Ok(false),
        _ if cell == "是".as_bytes() => Ok(true),
        _ if cell == "否".as_bytes() => Ok(false),
        _ => Err("is neither yes nor no"),
    }
}

/// A date with, perhaps, a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Business date as day number, in the chain's zone.
    pub day: i32,
    /// Second of that day; -1 where the cell holds a date alone.
    pub second: i32,
}

impl Moment {
    /// The instant; that of the day's begin where no time is told.
    pub fn at_ms(self, calendar: Calendar) -> i64 {
        let midnight = from_day_number(self.day).and_time(chrono::NaiveTime::MIN);
        calendar.instant_ms(midnight + TimeDelta::seconds(i64::from(self.second.max(0))))
    }

    /// The date.
    pub fn date(self) -> NaiveDate {
        from_day_number(self.day)
    }
}

fn two(bytes: &[u8]) -> Option<u32> {
    match bytes {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(u32::from(a - b'0') * 10 + u32::from(b - b'0')),
        _ => None,
    }
}

/// The day number of a civil date, none if there is no such date.
fn civil(year: u32, month: u32, day: u32) -> Option<i32> {
    const LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = LENGTHS.get(month.wrapping_sub(1) as usize)? + u32::from(leap && month == 2);
    if !YEARS.contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Days from a March-based year, as in Hinnant's `days_from_civil`.
    let year = (year - u32::from(month <= 2)) as i32;
    let month = (month as i32 + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day as i32 - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468)
}

/// Reads an ISO date, or a date-time: `T` or a space, hours and minutes, perhaps seconds with
/// decimals (cut off), perhaps `Z` or an offset, which is converted to the chain's zone.
#[inline]
pub fn moment(cell: &[u8], calendar: Calendar) -> Result<Moment, Refusal> {
    read_moment(cell, calendar).ok_or(NOT_A_DATE)
}

fn read_moment(cell: &[u8], calendar: Calendar) -> Option<Moment> {
    let (date, time) = cell.split_at_checked(10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = two(&date[..2])? * 100 + two(&date[2..4])?;
    let day = civil(year, two(&date[5..7])?, two(&date[8..])?)?;
    let [b'T' | b't' | b' ', clock @ ..] = time else {
        return time.is_empty().then_some(Moment { day, second: -1 });
    };
    let (hour, minute) = (two(clock.get(..2)?)?, two(clock.get(3..5)?)?);
    if clock[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let (second, rest) = match &clock[5..] {
        [b':', a, b, rest @ ..] => (
            two(&[*a, *b]).filter(|second| *second <= 59)?,
            cut_decimals(rest)?,
        ),
        rest => (0, rest),
    };
    let local = Moment {
        day,
        second: (hour * 3600 + minute * 60 + second) as i32,
    };
    if rest.is_empty() {
        Some(local)
    } else {
        Some(shift(local, offset_seconds(rest)?, calendar))
    }
}

/// What follows decimals of a second, if there are any.
fn cut_decimals(rest: &[u8]) -> Option<&[u8]> {
    let Some(decimals) = rest.strip_prefix(b".") else {
        return Some(rest);
    };
    let count = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=9).contains(&count).then(|| &decimals[count..])
}

/// `Z`, `+08:00`, `+0800` or `+08`, in seconds east of Greenwich.
fn offset_seconds(zone: &[u8]) -> Option<i32> {
    let (sign, digits) = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [_, _] => (two(digits)?, 0),
        [a, b, c, d] | [a, b, b':', c, d] => (two(&[*a, *b])?, two(&[*c, *d])?),
        _ => return None,
    };
    (hours <= 14 && minutes <= 59).then(|| sign * (hours * 3600 + minutes * 60) as i32)
}

/// A civil time at an offset as the chain's own.
fn shift(local: Moment, offset: i32, calendar: Calendar) -> Moment {
    let there: NaiveDateTime = from_day_number(local.day).and_time(chrono::NaiveTime::MIN)
        + TimeDelta::seconds(i64::from(local.second) - i64::from(offset));
    let here = calendar.local(there.and_utc().timestamp_millis());
    let midnight = here.date().and_time(chrono::NaiveTime::MIN);
    Moment {
        day: day_number(here.date()),
        second: (here - midnight).num_seconds() as i32,
    }
}

#[cfg(test)]
mod tests {
    use yaoban_domain::rules::TimeZone;

    use super::*;

    fn shanghai() -> Calendar {
        Calendar::new(&TimeZone::default()).unwrap()
    }

    fn read(text: &str) -> Option<(String, i32)> {
        moment(text.as_bytes(), shanghai())
            .ok()
            .map(|moment| (moment.date().to_string(), moment.second))
    }

    #[test]
    fn amounts_are_never_rounded_or_guessed() {
        let fen = |text: &str| decimal(text.as_bytes(), 2, 1_000_000_000);
        assert_eq!(fen("12.50"), Ok(1250));
        assert_eq!(fen("12.5"), Ok(1250));
        assert_eq!(fen("-0.01"), Ok(-1));
        assert_eq!(fen("0"), Ok(0));
        assert_eq!(fen("007"), Ok(700));
        assert_eq!(fen("10000000"), Ok(1_000_000_000));
        for bad in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1.234",
            "1.230",
            "1,000",
            "1 000",
            "+1",
            "1e3",
            "１２",
            "12.5元",
            "--1",
            "1.2.3",
            "10000000.01",
            "99999999999999999999999999",
            "NaN",
            "0x10",
            "-.5",
        ] {
            assert!(fen(bad).is_err(), "{bad}");
        }
        assert_eq!(decimal(b"0.125", 3, i64::MAX), Ok(125));
        assert_eq!(decimal(b"5", 0, 10), Ok(5));
        assert!(decimal(b"5.0", 0, 10).is_err());
    }

    #[test]
    fn dates_are_iso_and_exist() {
        assert_eq!(read("2024-02-29"), Some(("2024-02-29".into(), -1)));
        assert_eq!(read("1970-01-01"), Some(("1970-01-01".into(), -1)));
        assert_eq!(read("1900-03-01"), Some(("1900-03-01".into(), -1)));
        assert_eq!(read("2199-12-31"), Some(("2199-12-31".into(), -1)));
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-04-31",
            "2024-1-1",
            "2024/01/01",
            "20240101",
            "01-02-2024",
            "1899-12-31",
            "2200-01-01",
            "2024-01-01T",
            "2024-01-01 24:00",
            "2024-01-01 12:60",
            "2024-01-01 12:00:60",
            "2024-01-01 1:00",
            "2024-01-01T12",
            "2024-01-01T12:00:00.",
            "2024-01-01x",
            "",
            "2024-01-01T12:00+15:00",
            "2024-01-01T12:00+8",
            "今天",
            "2024-01-01T12:00:00 +08:00",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_number_is_the_calendars() {
        let mut day = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
        while day < NaiveDate::from_ymd_opt(2200, 1, 1).unwrap() {
            assert_eq!(read(&day.to_string()), Some((day.to_string(), -1)));
            day = day.succ_opt().unwrap();
        }
    }

    #[test]
    fn offsets_are_converted_to_the_chains_zone() {
        let late = Some(("2026-03-02".to_owned(), 30 * 60));
        for text in [
            "2026-03-02 00:30",
            "2026-03-02T00:30:00",
            "2026-03-01T16:30:00Z",
            "2026-03-01T16:30Z",
            "2026-03-01T11:30:00-05:00",
            "2026-03-01T22:00:00+0530",
            "2026-03-02T00:30:00.999+08",
        ] {
            assert_eq!(read(text), late, "{text}");
        }
    }

    #[test]
    fn cells_are_trimmed_of_every_space() {
        assert_eq!(trim("\u{3000} a b \t\u{3000}".as_bytes()), b"a b");
        assert_eq!(trim(b"  "), b"");
    }
}
