//! A file in chunks of 64 KiB, each sealed by itself and bound to its place: STREAM (Hoang, Reyhanitabar,
//! Rogaway, Vizár 2015) over XChaCha20-Poly1305. The last chunk says that it is the last, so a file
//! that was cut off does not open. Any chunk opens by itself: reading from the middle costs one chunk.
//!
//! A file has a key of its own, which seals one content only: whoever writes another content takes
//! another key.

use std::io::{Read, Seek, SeekFrom, Write};

use aead_stream::{NewStream as _, StreamBE32, StreamPrimitive as _};
use chacha20poly1305::XChaCha20Poly1305;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256};

use crate::{SealError, random};

/// Bytes of a chunk before sealing; the last one of a file may be shorter, never empty.
pub const CHUNK_BYTES: u64 = 64 << 10;
/// What sealing adds to each chunk.
pub const TAG_BYTES: u64 = 16;

const SECRET_BYTES: usize = 32;
const PREFIX_BYTES: usize = 19;
/// Bytes of a [`FileKey`] at rest.
pub const FILE_KEY_BYTES: usize = SECRET_BYTES + PREFIX_BYTES;

/// The key of one file: secret and nonce prefix. Wiped when dropped, never printed.
pub struct FileKey(SecretBox<[u8; FILE_KEY_BYTES]>);

impl std::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileKey")
    }
}

impl FileKey {
    /// A new key.
    pub fn generate() -> Result<Self, SealError> {
        Ok(Self(SecretBox::new(Box::new(random()?))))
    }

    /// A key as [`Self::to_bytes`] gave it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let bytes = bytes
            .try_into()
            .map_err(|_| SealError::BadKey("the key of a file has 51 bytes"))?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }

    /// The key for keeping, where it is encrypted itself.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.expose_secret().to_vec()
    }

    fn stream(&self) -> Result<StreamBE32<XChaCha20Poly1305>, SealError> {
        let (secret, prefix) = self.0.expose_secret().split_at(SECRET_BYTES);
        let bad = |_| SealError::BadKey("the key of a file has 51 bytes");
        Ok(StreamBE32::new(
            secret.try_into().map_err(bad)?,
            prefix.try_into().map_err(bad)?,
        ))
    }

    /// Seals a chunk for its place.
    pub fn seal_chunk(&self, index: u32, last: bool, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let sealed = self.stream()?.encrypt(index, last, plain);
        sealed.map_err(|_| SealError::NotWhole)
    }

    /// Opens a chunk of this place.
    pub fn open_chunk(&self, index: u32, last: bool, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let plain = self.stream()?.decrypt(index, last, sealed);
        plain.map_err(|_| SealError::NotWhole)
    }
}

/// Chunks of a file of so many bytes.
pub fn chunks(bytes: u64) -> u64 {
    bytes.div_ceil(CHUNK_BYTES)
}

/// Bytes of a sealed file of so many bytes.
pub fn sealed_bytes(bytes: u64) -> u64 {
    bytes + chunks(bytes) * TAG_BYTES
}

/// Where in a sealed file the chunk begins.
pub fn chunk_at(index: u64) -> u64 {
    index * (CHUNK_BYTES + TAG_BYTES)
}

/// What a content is: its length and its SHA-256 in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// Reads a content to its end and writes it sealed. More than `bytes_max` is refused while reading.
pub fn seal(
    key: &FileKey,
    source: &mut dyn Read,
    target: &mut dyn Write,
    bytes_max: u64,
) -> Result<Content, SealError> {
    let (mut hash, mut bytes, mut index) = (Sha256::new(), 0_u64, 0_u32);
    let mut chunk = read_chunk(source)?;
    while !chunk.is_empty() {
        bytes += chunk.len() as u64;
        if bytes > bytes_max {
            return Err(SealError::TooLarge(bytes_max));
        }
        hash.update(&chunk);
        let next = read_chunk(source)?;
        target.write_all(&key.seal_chunk(index, next.is_empty(), &chunk)?)?;
        index = index.checked_add(1).ok_or(SealError::TooLarge(bytes_max))?;
        chunk = next;
    }
    Ok(Content {
        bytes,
        sha256: hex::encode(hash.finalize()),
    })
}

fn read_chunk(source: &mut dyn Read) -> Result<Vec<u8>, SealError> {
    let mut chunk = Vec::new();
    source.take(CHUNK_BYTES).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// A sealed file, read as its content, from any place.
pub struct Opener<F> {
    file: F,
    key: FileKey,
    bytes: u64,
    position: u64,
    /// The chunk that was opened last.
    open: Option<(u64, Vec<u8>)>,
}

impl<F: Read + Seek> Opener<F> {
    /// Reads a file that holds so many bytes of content.
    pub fn new(file: F, key: FileKey, bytes: u64) -> Self {
        Self {
            file,
            key,
            bytes,
            position: 0,
            open: None,
        }
    }

    /// Bytes of the content.
    pub fn content_bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes from a place on, at most so many; fewer only at the end.
    pub fn read_at(&mut self, offset: u64, bytes_max: usize) -> Result<Vec<u8>, SealError> {
        let left = self.bytes.saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes_max);
        let mut read = Vec::with_capacity(wanted);
        while read.len() < wanted {
            let at = offset + read.len() as u64;
            let within = (at % CHUNK_BYTES) as usize;
            let chunk = self.chunk(at / CHUNK_BYTES)?;
            let part = chunk.get(within..).unwrap_or_default();
            if part.is_empty() {
                return Err(SealError::NotWhole);
            }
            read.extend_from_slice(&part[..part.len().min(wanted - read.len())]);
        }
        Ok(read)
    }

    /// The digest of the whole content, in hex; an error if any chunk does not open.
    pub fn sha256(&mut self) -> Result<String, SealError> {
        let mut hash = Sha256::new();
        for index in 0..chunks(self.bytes) {
            hash.update(self.chunk(index)?);
        }
        Ok(hex::encode(hash.finalize()))
    }

    fn chunk(&mut self, index: u64) -> Result<&[u8], SealError> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != index) {
            let last = index + 1 == chunks(self.bytes);
            let plain = if last {
                self.bytes - index * CHUNK_BYTES
            } else {
                CHUNK_BYTES
            };
            let mut sealed = vec![0; (plain + TAG_BYTES) as usize];
            self.file.seek(SeekFrom::Start(chunk_at(index)))?;
            self.file.read_exact(&mut sealed).map_err(|error| {
                if error.kind() == std::io::ErrorKind::UnexpectedEof {
                    SealError::NotWhole
                } else {
                    error.into()
                }
            })?;
            let number = u32::try_from(index).map_err(|_| SealError::NotWhole)?;
            self.open = Some((index, self.key.open_chunk(number, last, &sealed)?));
        }
        Ok(self.open.as_ref().map_or(&[], |(_, plain)| plain))
    }
}

impl<F: Read + Seek> Read for Opener<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let part = self
            .read_at(self.position, buffer.len().min(CHUNK_BYTES as usize))
            .map_err(std::io::Error::other)?;
        buffer[..part.len()].copy_from_slice(&part);
        self.position += part.len() as u64;
        Ok(part.len())
    }
}

impl<F: Read + Seek> Seek for Opener<F> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let before = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "before the beginning");
        self.position = place.ok_or_else(before)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn sealed(plain: &[u8]) -> (FileKey, Vec<u8>, Content) {
        let key = FileKey::generate().unwrap();
        let mut file = Vec::new();
        let content = seal(&key, &mut Cursor::new(plain), &mut file, 1 << 30).unwrap();
        (key, file, content)
    }

    fn opener(key: &FileKey, file: &[u8], bytes: u64) -> Opener<Cursor<Vec<u8>>> {
        let key = FileKey::from_bytes(&key.to_bytes()).unwrap();
        Opener::new(Cursor::new(file.to_vec()), key, bytes)
    }

    #[test]
    fn every_length_comes_back_whole() {
        let chunk = CHUNK_BYTES as usize;
        for bytes in [1, 2, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 7] {
            let plain = content(bytes);
            let (key, file, content) = sealed(&plain);
            assert_eq!(content.bytes, bytes as u64);
            assert_eq!(file.len() as u64, sealed_bytes(content.bytes), "{bytes}");
            let mut back = Vec::new();
            opener(&key, &file, content.bytes).read_to_end(&mut back).unwrap();
            assert!(back == plain, "{bytes}");
            assert_eq!(
                opener(&key, &file, content.bytes).sha256().unwrap(),
                content.sha256
            );
        }
    }

    #[test]
    fn nothing_of_the_content_is_in_the_file() {
        let plain = "药伴".repeat(9_000).into_bytes();
        let (_, file, _) = sealed(&plain);
        assert!(!file.windows(6).any(|window| window == "药伴".as_bytes()));
    }

    #[test]
    fn what_was_changed_cut_or_moved_does_not_open() {
        let chunk = (CHUNK_BYTES + TAG_BYTES) as usize;
        let plain = content(3 * CHUNK_BYTES as usize);
        let (key, file, content) = sealed(&plain);
        let mut changed = file.clone();
        changed[chunk + 5] ^= 1;
        let cut = file[..2 * chunk].to_vec();
        let swapped = [&file[chunk..2 * chunk], &file[..chunk], &file[2 * chunk..]].concat();
        for (what, file, bytes) in [
            ("changed", &changed, content.bytes),
            ("cut", &cut, content.bytes),
            ("cut, and told as shorter", &cut, 2 * CHUNK_BYTES),
            ("swapped", &swapped, content.bytes),
        ] {
            let error = opener(&key, file, bytes).sha256().unwrap_err();
            assert!(matches!(error, SealError::NotWhole), "{what}: {error}");
        }
        let other = FileKey::generate().unwrap();
        assert!(opener(&other, &file, content.bytes).sha256().is_err());
    }

    #[test]
    fn more_than_allowed_is_refused_while_reading() {
        let key = FileKey::generate().unwrap();
        let mut endless = std::io::repeat(7);
        let error = seal(&key, &mut endless, &mut std::io::sink(), 100_000).unwrap_err();
        assert!(matches!(error, SealError::TooLarge(100_000)), "{error}");
    }

    proptest! {
        #[test]
        fn any_place_reads_as_the_content_does(bytes in 1_usize..200_000, offset in 0_u64..210_000, wanted in 0_usize..90_000) {
            let plain = content(bytes);
            let (key, file, content) = sealed(&plain);
            let read = opener(&key, &file, content.bytes).read_at(offset, wanted).unwrap();
            let from = (offset as usize).min(bytes);
            let to = from.saturating_add(wanted).min(bytes);
            prop_assert!(read == plain[from..to]);
        }
    }
}
