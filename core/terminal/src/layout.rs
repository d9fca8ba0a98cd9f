//! Lines and columns for a terminal in which a Chinese character is two cells wide.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Cells between two columns.
const GAP: usize = 2;

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text, filled with spaces to this many cells.
pub fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

/// The text if it takes at most this many cells, else its beginning and an ellipsis.
pub fn shorten(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1; // the ellipsis
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > cells {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// Rows in columns as wide as their widest cell; the last one is left as it is.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a heading.
    pub fn new<T: Into<String>>(heading: impl IntoIterator<Item = T>) -> Self {
        let mut table = Self::default();
        table.row(heading);
        table
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The lines, without spaces at their ends.
    pub fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        self.rows.iter().map(|row| line(row, &widths)).collect()
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| pad(cell, width + GAP));
    cells.collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_cells() {
        let mut table = Table::new(["姓名", "class"]);
        table.row(["尉迟小玲", "重要保持"]);
        table.row(["Li", "low"]);
        assert_eq!(
            table.lines(),
            ["姓名      class", "尉迟小玲  重要保持", "Li        low"]
        );
    }

    #[test]
    fn long_texts_end_in_an_ellipsis() {
        assert_eq!(shorten("苯磺酸氨氯地平片", 16), "苯磺酸氨氯地平片");
        assert_eq!(shorten("苯磺酸氨氯地平片", 15), "苯磺酸氨氯地平…");
        assert_eq!(shorten("苯磺酸氨氯地平片", 6), "苯磺…");
    }
}
