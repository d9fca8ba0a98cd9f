//! Rows of a CSV (RFC 4180): bytes in, fields out, no allocation a row. A broken row costs that row
//! only.

use std::io::Read;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

/// Bytes that a row may have.
pub const ROW_BYTES_MAX: usize = 64 << 10;
/// Bytes that a field may have.
pub const FIELD_BYTES_MAX: usize = 4 << 10;
/// Bytes of a broken row that are shown.
const SHOWN_BYTES: usize = 200;
const BUFFER_BYTES: usize = 1 << 20;
const UNCLOSED: &str = "a quote is opened and not closed";

/// The fields of one row, reused from row to row.
#[derive(Debug, Default)]
pub struct Fields {
    places: Vec<Range<usize>>,
    unquoted: Vec<u8>,
    quoted: bool,
}

/// One row.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its first physical line, from 1.
    pub line: u64,
    /// The row as it stands, without the line end.
    pub raw: &'a [u8],
    fields: &'a Fields,
}

impl<'a> Record<'a> {
    /// Takes a single row apart.
    pub fn split(line: u64, raw: &'a [u8], fields: &'a mut Fields) -> Result<Self, &'static str> {
        if memchr(b'"', raw).is_some() {
            fields.split_quoted(raw)?;
        } else {
            fields.split(raw);
        }
        Ok(Self { line, raw, fields })
    }

    /// Number of fields.
    pub fn width(&self) -> usize {
        self.fields.places.len()
    }

    /// A field without its quotes; empty where there is none.
    #[inline]
    pub fn field(&self, index: usize) -> &'a [u8] {
        let text = if self.fields.quoted {
            &self.fields.unquoted
        } else {
            self.raw
        };
        self.fields
            .places
            .get(index)
            .map_or(&[], |place| &text[place.clone()])
    }
}

/// What comes next in a table.
#[derive(Debug)]
pub enum Item<'a> {
    /// A row.
    Record(Record<'a>),
    /// A row that cannot be taken apart.
    Broken {
        /// Its physical line, from 1.
        line: u64,
        /// Why.
        reason: &'static str,
        /// Its beginning.
        raw: &'a [u8],
    },
}

enum End {
    Found {
        len: usize,
        next: usize,
        lines: u64,
        quoted: bool,
    },
    TooLong,
    Unclosed,
}

/// Reads rows one after the other. Blank lines are passed over.
pub struct Rows<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_eof: bool,
    line: u64,
    consumed: u64,
    fields: Fields,
}

impl<R: Read> Rows<R> {
    /// Rows from the start of `reader`, which stands after the byte order mark.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            at_eof: false,
            line: 1,
            consumed: 0,
            fields: Fields::default(),
        }
    }

    /// Bytes and lines that lie behind.
    pub fn position(&self) -> (u64, u64) {
        (self.consumed, self.line - 1)
    }

    /// Skips what an earlier run has dealt with, up to a [`position`](Self::position).
    pub fn skip_to(&mut self, bytes: u64, lines: u64) -> std::io::Result<()> {
        while self.consumed < bytes && self.fill()? > 0 {
            let step = (bytes - self.consumed).min((self.end - self.start) as u64);
            self.start += step as usize;
            self.consumed += step;
        }
        self.line = lines + 1;
        Ok(())
    }

    /// Gives how many bytes are at hand, reading more if none or little is.
    fn fill(&mut self) -> std::io::Result<usize> {
        if self.end - self.start <= ROW_BYTES_MAX && !self.at_eof {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < self.buffer.len() {
                match self.reader.read(&mut self.buffer[self.end..]) {
                    Ok(0) => {
                        self.at_eof = true;
                        break;
                    }
                    Ok(count) => self.end += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(self.end - self.start)
    }

    /// The next row; none at the end.
    #[inline]
    pub fn next_row(&mut self) -> std::io::Result<Option<Item<'_>>> {
        let (line, row) = loop {
            if self.end - self.start <= ROW_BYTES_MAX && self.fill()? == 0 {
                return Ok(None);
            }
            let (line, at) = (self.line, self.start);
            match find_end(&self.buffer[at..self.end]) {
                End::Found {
                    len,
                    next,
                    lines,
                    quoted,
                } => {
                    let raw = &self.buffer[at..at + len];
                    if quoted {
                        if let Err(reason) = self.fields.split_quoted(raw) {
                            return Ok(Some(self.first_line_broken(line, reason)));
                        }
                    } else {
                        self.fields.split(raw);
                    }
                    let is_blank = raw.trim_ascii().is_empty();
                    self.advance(next, lines);
                    if !is_blank {
                        break (line, at..at + len);
                    }
                }
                End::Unclosed => return Ok(Some(self.first_line_broken(line, UNCLOSED))),
                End::TooLong => {
                    // Its beginning moves out of the buffer, so it is kept where it can be lent.
                    self.fields.unquoted = self.buffer[at..at + SHOWN_BYTES].to_vec();
                    self.skip_line()?;
                    return Ok(Some(broken(
                        line,
                        "the row is longer than 64 KiB",
                        &self.fields.unquoted,
                    )));
                }
            }
        };
        let raw = &self.buffer[row];
        if memchr(0, raw).is_some() {
            return Ok(Some(broken(line, "the row holds a NUL byte", raw)));
        }
        Ok(Some(Item::Record(Record {
            line,
            raw,
            fields: &self.fields,
        })))
    }

    /// Of rows that an open quote ran together only the first line is lost; the others come next.
    fn first_line_broken(&mut self, line: u64, reason: &'static str) -> Item<'_> {
        let at = self.start;
        let len = memchr(b'\n', &self.buffer[at..self.end]).unwrap_or(self.end - at);
        self.advance((len + 1).min(self.end - at), 1);
        broken(line, reason, &self.buffer[at..at + len])
    }

    fn advance(&mut self, bytes: usize, lines: u64) {
        self.start += bytes;
        self.consumed += bytes as u64;
        self.line += lines;
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            if let Some(len) = memchr(b'\n', rest) {
                self.advance(len + 1, 1);
                return Ok(());
            }
            let all = rest.len();
            self.advance(all, 0);
            if self.fill()? == 0 {
                self.line += 1;
                return Ok(());
            }
        }
    }
}

fn broken<'a>(line: u64, reason: &'static str, raw: &'a [u8]) -> Item<'a> {
    Item::Broken {
        line,
        reason,
        raw: &raw[..raw.len().min(SHOWN_BYTES)],
    }
}

/// Where the row at the start of `text` ends.
#[inline]
fn find_end(text: &[u8]) -> End {
    match memchr2(b'\n', b'"', text) {
        Some(at) if text[at] == b'"' => find_quoted_end(text),
        Some(at) if at > ROW_BYTES_MAX => End::TooLong,
        Some(at) => End::Found {
            len: without_cr(text, at),
            next: at + 1,
            lines: 1,
            quoted: false,
        },
        None if text.len() > ROW_BYTES_MAX => End::TooLong,
        None => End::Found {
            len: without_cr(text, text.len()),
            next: text.len(),
            lines: 1,
            quoted: false,
        },
    }
}

fn without_cr(text: &[u8], end: usize) -> usize {
    if end > 0 && text[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

fn find_quoted_end(text: &[u8]) -> End {
    let (mut inside, mut field_start, mut lines) = (false, true, 1);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if at > ROW_BYTES_MAX {
            return if inside { End::Unclosed } else { End::TooLong };
        }
        match byte {
            b'"' if inside && text.get(at + 1) == Some(&b'"') => at += 1,
            b'"' if inside => inside = false,
            b'"' if field_start => inside = true,
            b'\n' if inside => lines += 1,
            b'\n' => {
                return End::Found {
                    len: without_cr(text, at),
                    next: at + 1,
                    lines,
                    quoted: true,
                };
            }
            _ => {}
        }
        field_start = byte == b',' && !inside;
        at += 1;
    }
    if inside {
        End::Unclosed
    } else {
        End::Found {
            len: without_cr(text, text.len()),
            next: text.len(),
            lines,
            quoted: true,
        }
    }
}

impl Fields {
    #[inline]
    fn split(&mut self, raw: &[u8]) {
        self.quoted = false;
        self.places.clear();
        let mut start = 0;
        for comma in memchr_iter(b',', raw) {
            self.places.push(start..comma);
            start = comma + 1;
        }
        self.places.push(start..raw.len());
    }

    fn split_quoted(&mut self, raw: &[u8]) -> Result<(), &'static str> {
        self.quoted = true;
        self.places.clear();
        self.unquoted.clear();
        let mut rest = raw;
        loop {
            let start = self.unquoted.len();
            let mut after = if let Some(mut inner) = rest.strip_prefix(b"\"") {
                loop {
                    let quote = memchr(b'"', inner).ok_or(UNCLOSED)?;
                    self.unquoted.extend_from_slice(&inner[..quote]);
                    inner = &inner[quote + 1..];
                    if !inner.starts_with(b"\"") {
                        break inner;
                    }
                    self.unquoted.push(b'"');
                    inner = &inner[1..];
                }
            } else {
                let comma = memchr(b',', rest).unwrap_or(rest.len());
                self.unquoted.extend_from_slice(&rest[..comma]);
                &rest[comma..]
            };
            self.places.push(start..self.unquoted.len());
            if after.is_empty() {
                return Ok(());
            }
            after = after
                .strip_prefix(b",")
                .ok_or("something follows a closing quote")?;
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Result<Vec<String>, &'static str>)> {
        let mut rows = Rows::new(text);
        let mut found = Vec::new();
        while let Some(item) = rows.next_row().unwrap() {
            found.push(match item {
                Item::Record(record) => {
                    let text = |index| String::from_utf8_lossy(record.field(index)).into_owned();
                    (record.line, Ok((0..record.width()).map(text).collect()))
                }
                Item::Broken { line, reason, .. } => (line, Err(reason)),
            });
        }
        found
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with rows that may be broken")]
    fn row(cells: &[&str]) -> Result<Vec<String>, &'static str> {
        Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn rows_fields_and_lines() {
        assert_eq!(
            read(b"a,b\r\n\n1,\"x,\"\"y\"\"\nz\"\n,\n5\" pipe,2"),
            [
                (1, row(&["a", "b"])),
                (3, row(&["1", "x,\"y\"\nz"])),
                (5, row(&["", ""])),
                (6, row(&["5\" pipe", "2"])),
            ]
        );
        assert!(read(b"").is_empty());
        assert!(read(b"\n\r\n  \n").is_empty());
    }

    #[test]
    fn a_broken_row_costs_that_row_only() {
        assert_eq!(
            read(b"a\n\"open,1\nb\n\"x\"y\nc\0d\ne"),
            [
                (1, row(&["a"])),
                (2, Err("something follows a closing quote")),
                (3, row(&["b"])),
                (4, Err("something follows a closing quote")),
                (5, Err("the row holds a NUL byte")),
                (6, row(&["e"])),
            ]
        );
        for size in [ROW_BYTES_MAX, ROW_BYTES_MAX + 1, 3 << 20] {
            let mut text = vec![b'x'; size];
            text.extend_from_slice(b"\nok\n");
            let found = read(&text);
            assert_eq!(found[0].1.is_ok(), size == ROW_BYTES_MAX, "{size}");
            assert_eq!(found[1], (2, row(&["ok"])));
        }
        let mut text = b"\"".to_vec();
        text.resize(200_000, b'x');
        text.extend_from_slice(b"\nok");
        assert_eq!(read(&text).last().unwrap(), &(2, row(&["ok"])));
    }

    #[test]
    fn a_later_run_goes_on_where_an_earlier_one_stood() {
        let text = "a,b\n\"x\ny\",1\nc,2\nd,3\n";
        let mut first = Rows::new(text.as_bytes());
        first.next_row().unwrap();
        first.next_row().unwrap();
        let (bytes, lines) = first.position();
        let mut second = Rows::new(text.as_bytes());
        second.skip_to(bytes, lines).unwrap();
        let Some(Item::Record(record)) = second.next_row().unwrap() else {
            panic!()
        };
        assert_eq!((record.line, record.field(0)), (4, b"c".as_slice()));
    }

    proptest! {
        #[test]
        fn whatever_is_written_comes_back(table in prop::collection::vec(prop::collection::vec("[ab\",\n]{0,6}", 1..4), 1..8)) {
            let mut text = String::new();
            for cells in &table {
                let cells: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                text += &(cells.join(",") + "\n");
            }
            let found: Vec<Vec<String>> = read(text.as_bytes()).into_iter().map(|(_, row)| row.unwrap()).collect();
            prop_assert_eq!(found, table);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"a,\"\n\r\0\xff".to_vec()), 0..200)) {
            read(&bytes);
        }
    }
}
