//! Sorted parts and their merge: the lines of a whole file in the order of the members, and again in
//! the order of drug, day and member, without ever holding the file in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::parse::{Line, NO_COST, Part};
use super::stage::{BY_DRUG, BY_MEMBER, Stage};
use crate::import::ImportError;
use crate::storage::StorageError;
use crate::storage::packed::lines::{self, PackedLine};
use crate::storage::packed::sales::Sale;
use crate::storage::packed::{Damaged, Reader, put_i64, put_u64};

/// Bytes of a piece of a sorted part.
const PIECE_BYTES: usize = 192 << 10;

/// One line of a drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sold {
    pub drug: u32,
    pub sale: Sale,
}

fn packed<'a>(part: &'a Part, line: &Line) -> PackedLine<'a> {
    PackedLine {
        day: line.day,
        second: line.second,
        id: part.id(line),
        drug_key: line.drug,
        store_key: line.store,
        quantity_milli: i64::from(line.quantity_milli),
        amount_fen: i64::from(line.amount_fen),
        cost_fen: (line.cost_fen != NO_COST).then_some(i64::from(line.cost_fen)),
    }
}

/// The accepted lines of a part by member: member key, then the line.
pub(super) fn by_member(part: &Part, accepted: &[u32]) -> Vec<Vec<u8>> {
    let mut order: Vec<u64> = accepted
        .iter()
        .map(|&at| u64::from(part.lines[at as usize].member) << 32 | u64::from(at))
        .collect();
    order.sort_unstable();
    pieces(order.into_iter(), |out, at| {
        let line = &part.lines[(at as u32) as usize];
        put_u64(out, u64::from(line.member));
        lines::put(out, 0, &packed(part, line));
    })
}

/// The accepted lines of a part that have a drug, by drug, day and member.
pub(super) fn by_drug(part: &Part, accepted: &[u32]) -> Vec<Vec<u8>> {
    let mut sold: Vec<Sold> = accepted
        .iter()
        .map(|&at| &part.lines[at as usize])
        .filter(|line| line.drug != 0)
        .map(|line| Sold {
            drug: line.drug,
            sale: Sale {
                day: line.day,
                member_key: line.member,
                quantity_milli: i64::from(line.quantity_milli),
                amount_fen: i64::from(line.amount_fen),
            },
        })
        .collect();
    sold.sort_unstable();
    pieces(sold.into_iter(), |out, Sold { drug, sale }| {
        put_u64(out, u64::from(drug));
        put_i64(out, i64::from(sale.day));
        put_u64(out, u64::from(sale.member_key));
        put_i64(out, sale.quantity_milli);
        put_i64(out, sale.amount_fen);
    })
}

fn pieces<T>(items: impl Iterator<Item = T>, put: impl Fn(&mut Vec<u8>, T)) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::with_capacity(PIECE_BYTES + 1024);
    for item in items {
        put(&mut piece, item);
        if piece.len() >= PIECE_BYTES {
            pieces.push(std::mem::replace(
                &mut piece,
                Vec::with_capacity(PIECE_BYTES + 1024),
            ));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// One sorted part, read piece by piece.
struct Stream {
    kind: u8,
    part: u32,
    seq: u32,
    piece: Vec<u8>,
    at: usize,
}

impl Stream {
    fn new(kind: u8, part: u32) -> Self {
        Self {
            kind,
            part,
            seq: 0,
            piece: Vec::new(),
            at: 0,
        }
    }

    /// What is left of the piece at hand, the next piece if nothing is; none at the end.
    fn rest(&mut self, stage: &Stage) -> Result<Option<Reader<'_>>, ImportError> {
        if self.at == self.piece.len() {
            let Some(piece) = stage.sorted(self.kind, self.part, self.seq)? else {
                return Ok(None);
            };
            self.seq += 1;
            self.piece = piece;
            self.at = 0;
        }
        Ok(self.piece.get(self.at..).map(Reader::new))
    }

    fn advance(&mut self, left: usize) {
        self.at = self.piece.len() - left;
    }
}

fn damaged(error: Damaged) -> ImportError {
    ImportError::Storage(StorageError::Record {
        entity: "import",
        id: "import.db".to_owned(),
        reason: format!("{error}; remove import.db from the data directory and run the import again"),
    })
}

/// A line of the merge, with its id in the merge's own text.
#[derive(Debug, Clone, Copy)]
pub(super) struct MergedLine {
    line: PackedLine<'static>,
    id: (usize, usize),
}

/// The lines of one member.
#[derive(Debug, Default)]
pub(super) struct MemberLines {
    pub member: u32,
    lines: Vec<MergedLine>,
    text: Vec<u8>,
}

impl MemberLines {
    /// The lines, in no order.
    pub fn iter(&self) -> impl Iterator<Item = PackedLine<'_>> {
        self.lines.iter().map(|merged| PackedLine {
            id: &self.text[merged.id.0..merged.id.1],
            ..merged.line
        })
    }

    fn take(&mut self, line: PackedLine<'_>) {
        let start = self.text.len();
        self.text.extend_from_slice(line.id);
        self.lines.push(MergedLine {
            line: PackedLine { id: &[], ..line },
            id: (start, self.text.len()),
        });
    }
}

/// The members of all parts in the order of their keys, each with all its lines.
pub(super) struct MemberMerge<'a> {
    stage: &'a Stage,
    streams: Vec<Stream>,
    heads: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<'a> MemberMerge<'a> {
    /// A merge of parts 1 to `parts`.
    pub fn new(stage: &'a Stage, parts: u32) -> Result<Self, ImportError> {
        let mut merge = Self {
            stage,
            streams: (1..=parts).map(|part| Stream::new(BY_MEMBER, part)).collect(),
            heads: BinaryHeap::new(),
        };
        for index in 0..merge.streams.len() {
            merge.push_head(index)?;
        }
        Ok(merge)
    }

    fn push_head(&mut self, index: usize) -> Result<(), ImportError> {
        if let Some(mut reader) = self.streams[index].rest(self.stage)? {
            let member = reader.u64().map_err(damaged)? as u32;
            self.heads.push(Reverse((member, index)));
        }
        Ok(())
    }

    /// The next member; false at the end.
    pub fn next(&mut self, into: &mut MemberLines) -> Result<bool, ImportError> {
        into.lines.clear();
        into.text.clear();
        let Some(&Reverse((member, _))) = self.heads.peek() else {
            return Ok(false);
        };
        into.member = member;
        while let Some(&Reverse((next, index))) = self.heads.peek()
            && next == member
        {
            self.heads.pop();
            let stream = &mut self.streams[index];
            while let Some(mut reader) = stream.rest(self.stage)? {
                if reader.u64().map_err(damaged)? as u32 != member {
                    break;
                }
                into.take(lines::take(&mut reader, 0).map_err(damaged)?);
                let left = reader.left();
                stream.advance(left);
            }
            self.push_head(index)?;
        }
        Ok(true)
    }
}

/// The lines of all parts in the order of drug, day and member.
pub(super) struct DrugMerge<'a> {
    stage: &'a Stage,
    streams: Vec<Stream>,
    heads: BinaryHeap<Reverse<(Sold, usize)>>,
}

impl<'a> DrugMerge<'a> {
    /// A merge of parts 1 to `parts`.
    pub fn new(stage: &'a Stage, parts: u32) -> Result<Self, ImportError> {
        let mut merge = Self {
            stage,
            streams: (1..=parts).map(|part| Stream::new(BY_DRUG, part)).collect(),
            heads: BinaryHeap::new(),
        };
        for index in 0..merge.streams.len() {
            if let Some(head) = read_sold(&mut merge.streams[index], stage)? {
                merge.heads.push(Reverse((head, index)));
            }
        }
        Ok(merge)
    }

    /// The next line; none at the end.
    pub fn next(&mut self) -> Result<Option<Sold>, ImportError> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(None);
        };
        let Reverse((sold, index)) = *head;
        match read_sold(&mut self.streams[index], self.stage)? {
            Some(after) => *head = Reverse((after, index)),
            None => {
                PeekMut::pop(head);
            }
        }
        Ok(Some(sold))
    }
}

fn read_sold(stream: &mut Stream, stage: &Stage) -> Result<Option<Sold>, ImportError> {
    let Some(mut reader) = stream.rest(stage)? else {
        return Ok(None);
    };
    let mut read = || {
        Ok(Sold {
            drug: reader.u64()? as u32,
            sale: Sale {
                day: reader.i64()? as i32,
                member_key: reader.u64()? as u32,
                quantity_milli: reader.i64()?,
                amount_fen: reader.i64()?,
            },
        })
    };
    let sold = read().map_err(damaged)?;
    let left = reader.left();
    stream.advance(left);
    Ok(Some(sold))
}
