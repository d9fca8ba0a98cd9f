//! Numbers as few bytes, for rows that are packed into one piece at rest: LEB128, signed ones in
//! zigzag. Nothing of this travels.

/// Bytes that end in the middle of a number, or hold none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packed row is damaged")]
pub struct Damaged;

/// Writes an unsigned number.
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a signed number.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads numbers one after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of some bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// An unsigned number.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Damaged> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * index as u32);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(Damaged)
    }

    /// A signed number.
    #[inline]
    pub fn i64(&mut self) -> Result<i64, Damaged> {
        let value = self.u64()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// So many bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Damaged)?;
        self.rest = rest;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reader, put_i64, put_u64};

    proptest! {
        #[test]
        fn numbers_come_back(signed: i64, unsigned: u64) {
            let mut out = Vec::new();
            put_i64(&mut out, signed);
            put_u64(&mut out, unsigned);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.i64(), Ok(signed));
            prop_assert_eq!(reader.u64(), Ok(unsigned));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn damaged_bytes_are_errors_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() && reader.u64().is_ok() {}
            prop_assert!(reader.left() <= bytes.len());
        }
    }
}
