//! Lines and columns for a terminal in which a Chinese character is two cells wide.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Cells between two columns.
const GAP: usize = 2;
/// Cells that a column keeps: a masked number stays whole.
const KEPT: usize = 11;
/// Cells below which the last column, which holds the longest words, gets a line of its own.
const LAST_MIN: usize = 16;
/// Cells before a last column on its own line.
const INDENT: usize = 4;

/// Cells that a text takes; colours take none.
pub fn width(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().width();
    let rest = parts.map(|part| part.split_once('m').map_or(0, |(_, shown)| shown.width()));
    first + rest.sum::<usize>()
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

    /// The lines, without spaces at their ends. Where they are wider than `cells_max`, the last column
    /// is cut, or comes below the others if too little of it were left; none: nothing is cut.
    pub fn lines(&self, cells_max: Option<usize>) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..columns).map(|column| self.natural_width(column)).collect();
        let Some(cells_max) = cells_max.filter(|max| line_width(&widths) > *max) else {
            return self.rows.iter().map(|row| line(row, &widths)).collect();
        };
        let last = widths.pop().unwrap_or_default();
        let left = cells_max.saturating_sub(line_width(&widths) + GAP);
        if widths.is_empty() || left >= LAST_MIN.min(last) {
            widths.push(if widths.is_empty() { cells_max } else { left });
            return self.rows.iter().map(|row| line(row, &widths)).collect();
        }
        narrow(&mut widths, cells_max);
        self.rows
            .iter()
            .flat_map(|row| below(row, &widths, cells_max))
            .collect()
    }

    fn natural_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| width(cell)).max().unwrap_or(0)
    }
}

/// Cells of a line with columns of these widths.
fn line_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Narrows the widest columns until a line fits. One that cannot fit stays too wide rather than say
/// nothing.
fn narrow(widths: &mut [usize], cells_max: usize) {
    while line_width(widths) > cells_max {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > KEPT) else {
            return;
        };
        *widest -= 1;
    }
}

/// A row whose last column stands on a second line.
fn below(row: &[String], widths: &[usize], cells_max: usize) -> Vec<String> {
    let (first, last) = row.split_at(row.len().min(widths.len()));
    let last = last.iter().filter(|cell| !cell.is_empty()).map(|cell| {
        let fits = cell.contains('\u{1b}');
        let cells = cells_max.saturating_sub(INDENT);
        let shown = if fits { cell.clone() } else { shorten(cell, cells) };
        format!("{}{shown}", " ".repeat(INDENT))
    });
    std::iter::once(line(first, widths)).chain(last).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, cells)| {
        // A coloured cell is short, and cutting it would leave the colour on.
        let fits = width(cell) <= *cells || cell.contains('\u{1b}');
        let shown = if fits { cell.clone() } else { shorten(cell, *cells) };
        pad(&shown, cells + GAP)
    });
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
            table.lines(None),
            ["姓名      class", "尉迟小玲  重要保持", "Li        low"]
        );
    }

    #[test]
    fn a_table_fits_a_narrow_terminal() {
        let mut table = Table::default();
        table.row(["1", "尉迟小玲", "154****0001", "瑞舒伐他汀 该续了 · 药用到 11-09"]);
        table.row(["2", "\u{1b}[1;31m⚠ 过敏\u{1b}[0m", "", ""]);
        for cells in [26, 30, 44, 60] {
            for line in table.lines(Some(cells)) {
                assert!(width(&line) <= cells, "{cells}: {line}");
            }
        }
        // Enough is left for the last column: it is cut.
        let cut = &table.lines(Some(44))[0];
        assert!(
            cut.starts_with("1  尉迟小玲  154****0001  瑞舒伐他汀") && cut.ends_with('…'),
            "{cut}"
        );
        // Too little is left: it stands below, and what is short stays whole.
        let lines = table.lines(Some(30));
        assert_eq!(lines[0], "1  尉迟小玲  154****0001");
        assert_eq!(lines[1], "    瑞舒伐他汀 该续了 · 药用…");
        assert_eq!(lines.len(), 3, "nothing to say takes no line: {lines:?}");
        assert_eq!(
            table.lines(None)[0],
            "1  尉迟小玲  154****0001  瑞舒伐他汀 该续了 · 药用到 11-09"
        );
        assert_eq!(width("\u{1b}[1;31m⚠ 过敏\u{1b}[0m"), 6);
        assert!(!table.lines(Some(3))[0].is_empty());
    }

    #[test]
    fn one_long_column_is_cut() {
        let mut table = Table::default();
        table.row(["苯磺酸氨氯地平片"]);
        assert_eq!(table.lines(Some(15)), ["苯磺酸氨氯地平…"]);
    }

    #[test]
    fn long_texts_end_in_an_ellipsis() {
        assert_eq!(shorten("苯磺酸氨氯地平片", 16), "苯磺酸氨氯地平片");
        assert_eq!(shorten("苯磺酸氨氯地平片", 15), "苯磺酸氨氯地平…");
        assert_eq!(shorten("苯磺酸氨氯地平片", 6), "苯磺…");
    }
}
