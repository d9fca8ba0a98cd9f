//! Columns by English or Chinese header, in any order (docs/import.md lists them).

use std::path::Path;

use super::ImportError;
use super::table::{Item, Record, Rows};
use super::value::trim;

const CR_ALONE: &str = "its lines end with a carriage return alone, save it as CSV UTF-8";

/// A column that a kind of file may have.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its English header, which messages use.
    pub name: &'static str,
    /// Other headers that mean the same.
    pub aliases: &'static [&'static str],
    /// A file without it is refused.
    pub required: bool,
}

/// A column that must be there.
pub const fn must(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column {
        name,
        aliases,
        required: true,
    }
}

/// A column that may be left out.
pub const fn may(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column {
        name,
        aliases,
        required: false,
    }
}

/// Where the columns of a kind stand in one file.
#[derive(Debug, Clone)]
pub struct Header {
    /// The headers as they stand in the file.
    pub titles: Vec<String>,
    places: Vec<Option<usize>>,
}

impl Header {
    /// Reads the first row of a file and finds the columns.
    pub fn read<R: std::io::Read>(
        rows: &mut Rows<R>,
        columns: &'static [Column],
        path: &Path,
    ) -> Result<Self, ImportError> {
        let not_table = |reason: String| ImportError::NotTable {
            path: path.to_owned(),
            reason,
        };
        let item = rows.next_row().map_err(|source| ImportError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let record = match item {
            None => {
                return Err(ImportError::Empty {
                    path: path.to_owned(),
                });
            }
            Some(Item::Broken { raw, .. }) if raw.contains(&b'\r') => {
                return Err(not_table(CR_ALONE.to_owned()));
            }
            Some(Item::Broken { reason, .. }) => return Err(not_table(format!("in its first row {reason}"))),
            Some(Item::Record(record)) => record,
        };
        if record.raw.contains(&b'\r') {
            return Err(not_table(CR_ALONE.to_owned()));
        }
        let titles: Vec<String> = (0..record.width())
            .map(|index| String::from_utf8_lossy(trim(record.field(index))).into_owned())
            .collect();
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let mut found = titles
                .iter()
                .enumerate()
                .filter(|(_, title)| column.is_called(title))
                .map(|(at, _)| at);
            let place = found.next();
            if let (Some(first), Some(second)) = (place, found.next()) {
                return Err(not_table(format!(
                    "columns {} `{}` and {} `{}` both mean `{}`, rename or remove one",
                    first + 1,
                    shown(&titles[first]),
                    second + 1,
                    shown(&titles[second]),
                    column.name
                )));
            }
            if place.is_none() && column.required {
                let aliases = column.aliases.join(", ");
                let titles: Vec<&str> = titles.iter().take(30).map(|title| shown(title)).collect();
                return Err(not_table(format!(
                    "its first row has no column `{}` (also accepted: {aliases}); it has: {}",
                    column.name,
                    titles.join(", ")
                )));
            }
            places.push(place);
        }
        Ok(Self { titles, places })
    }

    /// Whether the file has a column, by its number in the kind's list.
    pub fn has(&self, column: usize) -> bool {
        self.places.get(column).is_some_and(Option::is_some)
    }

    /// Where a column stands in the file.
    pub fn place(&self, column: usize) -> Option<usize> {
        self.places.get(column).copied().flatten()
    }

    /// A cell without the space around it; empty where the file has no such column.
    #[inline]
    pub fn cell<'a>(&self, record: &Record<'a>, column: usize) -> &'a [u8] {
        self.place(column).map_or(&[], |place| trim(record.field(place)))
    }
}

/// A title as messages show it.
fn shown(title: &str) -> &str {
    title
        .char_indices()
        .nth(40)
        .map_or(title, |(end, _)| &title[..end])
}

/// A header in the form in which headers are compared: lower case, no spaces, plain brackets.
fn folded(title: &str) -> String {
    title
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{feff}')
        .map(|c| match c {
            '（' => '(',
            '）' => ')',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

impl Column {
    fn is_called(&self, title: &str) -> bool {
        let title = folded(title);
        title == self.name || self.aliases.iter().any(|alias| folded(alias) == title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[must("id", &["编号"]), may("height_cm", &["身高(cm)"])];

    fn read(text: &str) -> Result<Header, ImportError> {
        Header::read(&mut Rows::new(text.as_bytes()), COLUMNS, Path::new("x.csv"))
    }

    #[test]
    fn columns_are_found_in_any_order_and_language() {
        for text in [
            "id,height_cm",
            " ID ,Height_CM",
            "编号,身高（CM）",
            "编号,\"身高 (cm)\"",
        ] {
            let header = read(text).unwrap();
            assert_eq!((header.place(0), header.place(1)), (Some(0), Some(1)), "{text}");
        }
        let header = read("x,身高(cm),编号").unwrap();
        assert_eq!((header.place(0), header.place(1)), (Some(2), Some(1)));
        assert!(!read("id").unwrap().has(1));
    }

    #[test]
    fn a_missing_or_doubled_column_is_named() {
        let message = read("a,b").unwrap_err().to_string();
        assert!(
            message.contains("`id`") && message.contains("编号") && message.contains("a, b"),
            "{message}"
        );
        let message = read("id,编号").unwrap_err().to_string();
        assert!(message.contains("both mean `id`"), "{message}");
        assert!(matches!(read("\n\n"), Err(ImportError::Empty { .. })));
    }
}
