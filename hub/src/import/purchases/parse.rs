//! Rows of a purchases file into lines, in parts that fit into memory. Runs on a thread of its own.

use std::io::Read;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::entry;
use crate::import::header::Header;
use crate::import::ids::{ID_BYTES_MAX, IdMap};
use crate::import::records::check_shape;
use crate::import::source::Source;
use crate::import::table::{Item, Record, Rows};
use crate::import::value::{NOT_A_DATE, decimal, moment, trim};
use yaoban_domain::calendar::Calendar;

/// Lines in a part at most.
const PART_LINES: usize = 1 << 19;
/// Bytes of text in a part at most.
const PART_BYTES: usize = 64 << 20;
/// Amounts and costs may be this large, in fen: ten million yuan.
const FEN_MAX: i64 = 1_000_000_000;
/// Quantities may be this large, in thousandths: a million packs.
const MILLI_MAX: i64 = 1_000_000_000;
/// A cost that was not told.
pub(super) const NO_COST: i32 = i32::MIN;

/// A line that is right in itself; whether its id is free is not known yet.
#[expect(
    clippy::struct_field_names,
    reason = "the line of the file that a purchase line stood on"
)]
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub member: u32,
    pub store: u32,
    pub drug: u32,
    pub day: i32,
    pub second: i32,
    pub quantity_milli: i32,
    pub amount_fen: i32,
    pub cost_fen: i32,
    /// Physical line in the file.
    pub line: u64,
    raw: (u32, u32),
    id: (u32, u8),
}

/// A row that is wrong in itself.
#[derive(Debug)]
pub(super) struct Wrong {
    pub line: u64,
    pub reason: String,
    raw: Range<usize>,
}

/// Consecutive rows of a file.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub lines: Vec<Line>,
    /// The [`entry`] of each line.
    pub entries: Vec<u128>,
    pub wrong: Vec<Wrong>,
    pub skipped: u64,
    /// Bytes and lines of the file that lie behind after this part.
    pub position: (u64, u64),
    /// The last part of the file.
    pub last: bool,
    text: Vec<u8>,
}

impl Part {
    /// A line's row as it stands in the file.
    pub fn raw(&self, line: &Line) -> &[u8] {
        &self.text[line.raw.0 as usize..][..line.raw.1 as usize]
    }

    /// A line's id.
    pub fn id(&self, line: &Line) -> &[u8] {
        &self.text[line.id.0 as usize..][..usize::from(line.id.1)]
    }

    /// A wrong row as it stands in the file.
    pub fn wrong_raw(&self, wrong: &Wrong) -> &[u8] {
        &self.text[wrong.raw.clone()]
    }

    fn keep(&mut self, raw: &[u8]) -> Range<usize> {
        let start = self.text.len();
        self.text.extend_from_slice(raw);
        start..self.text.len()
    }
}

/// What a purchases file is read against.
pub(super) struct Parser<'a> {
    pub source: &'a Source,
    pub header: &'a Header,
    pub calendar: Calendar,
    pub members: &'a IdMap,
    pub stores: &'a IdMap,
    pub drugs: &'a IdMap,
    /// The hub's own seed for entries.
    pub seed: u64,
}

/// The member of the row before: the lines of one basket stand together.
#[derive(Default)]
pub(super) struct LastMember {
    id: Vec<u8>,
    hash: u64,
    key: u32,
}

impl LastMember {
    /// Hash and key of a member's id; none if it is not known.
    #[inline]
    fn find(&mut self, members: &IdMap, id: &[u8]) -> Option<(u64, u32)> {
        if self.id != id {
            let hash = IdMap::hash(id);
            self.key = members.get_hashed(hash, id)?;
            self.hash = hash;
            self.id.clear();
            self.id.extend_from_slice(id);
        }
        Some((self.hash, self.key))
    }
}

// Numbers of the columns, in the order of `kinds::PURCHASES`.
const LINE_ID: usize = 0;
const MEMBER_ID: usize = 1;
const STORE_ID: usize = 2;
const SOLD_AT: usize = 3;
const DRUG_ID: usize = 4;
const QUANTITY: usize = 5;
const AMOUNT: usize = 6;
const COST: usize = 7;

enum Row {
    Line(Line, u128),
    Skipped,
}

impl Parser<'_> {
    /// The next part.
    pub fn part<R: Read>(&self, rows: &mut Rows<R>, last: &mut LastMember) -> std::io::Result<Part> {
        let mut part = Part::default();
        while part.lines.len() < PART_LINES && part.text.len() < PART_BYTES {
            let Some(item) = rows.next_row()? else {
                part.last = true;
                break;
            };
            let (line, raw, row) = match &item {
                Item::Broken { line, reason, raw } => (*line, *raw, Err((*reason).to_owned())),
                Item::Record(record) => (record.line, record.raw, self.row(record, &mut part, last)),
            };
            match row {
                Ok(Row::Line(line, entry)) => {
                    part.lines.push(line);
                    part.entries.push(entry);
                }
                Ok(Row::Skipped) => part.skipped += 1,
                Err(reason) => {
                    let raw = part.keep(raw);
                    part.wrong.push(Wrong { line, reason, raw });
                }
            }
        }
        part.position = rows.position();
        Ok(part)
    }

    fn row(&self, record: &Record<'_>, part: &mut Part, last: &mut LastMember) -> Result<Row, String> {
        check_shape(record, self.header, self.source)?;
        let cell = |column| self.header.cell(record, column);
        let member_id = cell(MEMBER_ID);
        if member_id.is_empty() {
            return Ok(Row::Skipped);
        }
        let id = cell(LINE_ID);
        check_id(id)?;
        let found = last.find(self.members, member_id);
        let (member_hash, member) = found.ok_or_else(|| unknown(member_id, "member"))?;
        let store = known_or_none(self.stores, cell(STORE_ID), "store")?;
        let drug = known_or_none(self.drugs, cell(DRUG_ID), "drug")?;
        let sold_at = moment(cell(SOLD_AT), self.calendar).map_err(|_| format!("`sold_at` {NOT_A_DATE}"))?;
        let amount_fen = match cell(AMOUNT) {
            [] => return Err("`amount` is blank".to_owned()),
            amount => decimal(amount, 2, FEN_MAX).map_err(|why| format!("`amount` {why}"))?,
        };
        let quantity_milli = match cell(QUANTITY) {
            // Not told: no units, so that no supply is reckoned from a guess.
            [] => 0,
            quantity => decimal(quantity, 3, MILLI_MAX).map_err(|why| format!("`quantity` {why}"))?,
        };
        let cost_fen = match cell(COST) {
            [] => NO_COST,
            cost => decimal(cost, 2, FEN_MAX).map_err(|why| format!("`cost` {why}"))? as i32,
        };
        let raw = part.keep(record.raw);
        let id_place = match place_of(id, record.raw) {
            Some(place) => raw.start + place,
            None => part.keep(id).start,
        };
        let line = Line {
            member,
            store,
            drug,
            day: sold_at.day,
            second: sold_at.second,
            quantity_milli: quantity_milli as i32,
            amount_fen: amount_fen as i32,
            cost_fen,
            line: record.line,
            raw: (raw.start as u32, raw.len() as u32),
            id: (id_place as u32, id.len() as u8),
        };
        let entry = entry::entry(id, self.seed, content(&line, member_hash));
        Ok(Row::Line(line, entry))
    }
}

/// Where a cell stands in its row; none if it was unquoted elsewhere.
fn place_of(cell: &[u8], raw: &[u8]) -> Option<usize> {
    let place = (cell.as_ptr() as usize).checked_sub(raw.as_ptr() as usize)?;
    (place + cell.len() <= raw.len()).then_some(place)
}

fn check_id(id: &[u8]) -> Result<(), String> {
    if id.is_empty() {
        return Err("`line_id` is blank".to_owned());
    }
    if id.len() > ID_BYTES_MAX {
        return Err("`line_id` is longer than 64 bytes".to_owned());
    }
    if id.iter().any(u8::is_ascii_control) {
        return Err("`line_id` holds control characters".to_owned());
    }
    Ok(())
}

fn known(map: &IdMap, id: &[u8], what: &str) -> Result<u32, String> {
    map.get(id).ok_or_else(|| unknown(id, what))
}

fn unknown(id: &[u8], what: &str) -> String {
    let shown = &id[..id.len().min(ID_BYTES_MAX)];
    format!("unknown {what} `{}`", String::from_utf8_lossy(trim(shown)))
}

fn known_or_none(map: &IdMap, id: &[u8], what: &str) -> Result<u32, String> {
    if id.is_empty() {
        Ok(0)
    } else {
        known(map, id, what)
    }
}

/// A digest of everything that a line says beside its id. The member goes in by the hash of the id that the
/// file gives, which stays when two members become one.
fn content(line: &Line, member_hash: u64) -> u32 {
    let mut bytes = [0_u8; 36];
    let fields = [
        line.store,
        line.drug,
        line.day as u32,
        line.second as u32,
        line.quantity_milli as u32,
        line.amount_fen as u32,
        line.cost_fen as u32,
    ];
    for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    bytes[28..].copy_from_slice(&member_hash.to_le_bytes());
    xxh3_64(&bytes) as u32
}
