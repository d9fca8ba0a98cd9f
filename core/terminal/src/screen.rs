//! What people see: lines in their language, danger marked, the next step named.

use std::fmt::Display;
use std::io::IsTerminal as _;

use chrono::Datelike as _;
use chrono::NaiveDate;

use crate::layout::{Table, shorten};
use crate::text::Texts;

/// Beginning of the ids that phones give until the hub does.
const TEMPORARY: &str = "tmp-";
/// The terminal's width, where the system does not know it.
const COLUMNS: &str = "COLUMNS";

/// Collects the lines of one command.
#[derive(Debug)]
pub struct Screen<'t> {
    /// The texts.
    pub texts: &'t Texts,
    /// Today, by the chain's calendar: dates of this year show without the year.
    pub today: NaiveDate,
    colour: bool,
    /// Cells of a line; none where nobody looks at a terminal, and nothing is cut.
    cells: Option<usize>,
    lines: Vec<String>,
}

impl<'t> Screen<'t> {
    /// An empty screen. Colours show in a terminal unless `NO_COLOR` is set; tables and free text
    /// are cut to the terminal's width, or to `COLUMNS`, and never in a pipe.
    pub fn new(texts: &'t Texts, today: NaiveDate) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            texts,
            today,
            colour,
            cells: columns(),
            lines: Vec::new(),
        }
    }

    /// The lines, to be printed.
    pub fn finish(self) -> String {
        self.lines.join("\n")
    }

    /// Adds a line as it is.
    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    /// Adds a line of the catalogue.
    pub fn say(&mut self, key: &str, values: &[(&str, &dyn Display)]) {
        self.lines.push(self.texts.fill(key, values));
    }

    /// Adds a heading of the catalogue.
    pub fn heading(&mut self, key: &str, values: &[(&str, &dyn Display)]) {
        let text = self.texts.fill(key, values);
        self.lines.push(self.bold(&text));
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) {
        self.lines.extend(table.lines(self.cells));
    }

    /// Adds free text, shortened to a line.
    pub fn free(&mut self, before: &str, text: &str) {
        let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = format!("{before}{flat}");
        self.lines.push(match self.cells {
            Some(cells) => shorten(&line, cells),
            None => line,
        });
    }

    /// Adds what to do next.
    pub fn next(&mut self, key: &str, values: &[(&str, &dyn Display)]) {
        let text = format!("{}{}", self.texts.get("next"), self.texts.fill(key, values));
        self.lines.push(self.paint("2", &text));
    }

    /// A danger, with its sign, in the danger colour.
    pub fn danger(&self, text: &str) -> String {
        self.paint("1;31", &format!("⚠ {text}"))
    }

    /// Stands out.
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A member's id as it shows; one that the hub has not given yet is said so.
    pub fn member_id<'a>(&self, id: &'a str) -> &'a str
    where
        't: 'a,
    {
        if id.starts_with(TEMPORARY) {
            self.texts.get("member.temporary")
        } else {
            id
        }
    }

    /// A date as people say it: today, yesterday, tomorrow, without the year if it is this one.
    pub fn date(&self, day: NaiveDate) -> String {
        match (day - self.today).num_days() {
            0 => self.texts.get("date.today").to_owned(),
            1 => self.texts.get("date.tomorrow").to_owned(),
            -1 => self.texts.get("date.yesterday").to_owned(),
            _ if day.year() == self.today.year() => day.format("%m-%d").to_string(),
            _ => day.to_string(),
        }
    }

    /// A date that may be unknown.
    pub fn date_or_none(&self, day: Option<NaiveDate>) -> String {
        day.map_or_else(|| self.texts.get("none").to_owned(), |day| self.date(day))
    }

    /// The text of a code that may be unknown.
    pub fn code_or_none(&self, group: &str, code: Option<&str>) -> String {
        code.map_or_else(
            || self.texts.get("none").to_owned(),
            |code| self.texts.code(group, code).to_owned(),
        )
    }
}

/// Cells of a line of the terminal; none in a pipe.
fn columns() -> Option<usize> {
    let asked = std::env::var(COLUMNS).ok().and_then(|text| text.parse().ok());
    let of_terminal = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col))
    };
    asked.or_else(of_terminal).filter(|cells| *cells > 0)
}

/// Fen as yuan, with thousands apart.
pub fn yuan(fen: i64) -> String {
    let (yuan, cents) = (fen.unsigned_abs() / 100, fen.unsigned_abs() % 100);
    let digits = yuan.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}¥{grouped}.{cents:02}", if fen < 0 { "-" } else { "" })
}

/// Thousandths as the shortest decimal.
pub fn decimal(milli: i64) -> String {
    let (whole, rest) = (milli.unsigned_abs() / 1000, milli.unsigned_abs() % 1000);
    let text = format!("{}{whole}.{rest:03}", if milli < 0 { "-" } else { "" });
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Tenths as a decimal.
pub fn tenths(value: u16) -> String {
    format!("{}.{}", value / 10, value % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(yuan(123_456_789), "¥1,234,567.89");
        assert_eq!(yuan(5), "¥0.05");
        assert_eq!(yuan(-100_000), "-¥1,000.00");
        assert_eq!(decimal(2500), "2.5");
        assert_eq!(decimal(-1000), "-1");
        assert_eq!(decimal(10), "0.01");
        assert_eq!(tenths(167), "16.7");
    }

    #[test]
    fn dates_are_said_as_people_say_them() {
        let texts = Texts::new(Language::Zh);
        let screen = Screen::new(&texts, "2026-03-01".parse().unwrap());
        let say = |day: &str| screen.date(day.parse().unwrap());
        assert_eq!(say("2026-03-01"), "今天");
        assert_eq!(say("2026-02-28"), "昨天");
        assert_eq!(say("2026-12-31"), "12-31");
        assert_eq!(say("2025-12-31"), "2025-12-31");
    }
}
