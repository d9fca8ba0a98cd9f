//! A file as a stream of UTF-8 CSV, whatever it was: CSV in UTF-8 (with or without a byte order
//! mark) or GB18030, or the first sheet of an XLSX workbook.

use std::fs::File;
use std::io::{Cursor, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use calamine::{Data, Reader as _};
use encoding_rs::{CoderResult, Decoder, GB18030};
use xxhash_rust::xxh3::Xxh3;

use super::ImportError;

const BLOCK_BYTES: usize = 1 << 20;
const XLSX_BYTES_MAX: u64 = 256 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";
/// What a decoder puts where bytes have no meaning.
const REPLACEMENT: &str = "\u{fffd}";
/// Excel keeps this many digits of a number.
const EXACT_MAX: f64 = 999_999_999_999_999.0;

/// A file that was looked over once: what it is, and the digest of its content.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    form: Form,
    /// Digest of the file's bytes, in hex.
    pub digest: String,
    /// Bytes in the file, for progress.
    pub bytes: u64,
}

#[derive(Debug)]
enum Form {
    Utf8 {
        bom: bool,
        valid: bool,
    },
    Gb18030,
    /// A sheet, already turned into CSV.
    Sheet(Vec<u8>),
}

impl Source {
    /// Looks a file over.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let unreadable = |source| ImportError::File {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let not_table = |reason: &str| ImportError::NotTable {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(not_table("it is a directory"));
        }
        if !metadata.is_file() {
            return Err(not_table(
                "it is no file that can be read twice, save it to disk first",
            ));
        }
        let mut survey = Survey::default();
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let count = file.read(&mut block).map_err(unreadable)?;
            if count == 0 {
                break;
            }
            survey.take(&block[..count]);
        }
        if survey.bytes == 0 {
            return Err(ImportError::Empty {
                path: path.to_owned(),
            });
        }
        let head = survey.head.as_slice();
        let form = if head.starts_with(b"PK\x03\x04") {
            if survey.bytes > XLSX_BYTES_MAX {
                return Err(not_table(
                    "the workbook is larger than 256 MiB, save the sheet as CSV",
                ));
            }
            Form::Sheet(sheet(path)?)
        } else if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err(not_table("it is UTF-16, save it as CSV UTF-8"));
        } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
            return Err(not_table(
                "it is an old Excel workbook (.xls), save it as .xlsx or CSV UTF-8",
            ));
        } else if is_binary(head) {
            return Err(not_table("it holds binary data"));
        } else if survey.is_utf8() {
            Form::Utf8 {
                bom: head.starts_with(BOM),
                valid: true,
            }
        } else {
            guess_encoding(path).map_err(unreadable)?
        };
        Ok(Self {
            path: path.to_owned(),
            form,
            digest: format!("{:032x}", survey.digest.digest128()),
            bytes: survey.bytes,
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name without directories.
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Whether rows may hold bytes that are no text, so that each has to be looked at.
    pub fn needs_text_check(&self) -> bool {
        matches!(self.form, Form::Gb18030 | Form::Utf8 { valid: false, .. })
    }

    /// Whether a row is text.
    pub fn is_text(&self, raw: &[u8]) -> bool {
        match self.form {
            Form::Gb18030 => memchr::memmem::find(raw, REPLACEMENT.as_bytes()).is_none(),
            Form::Utf8 { .. } | Form::Sheet(_) => std::str::from_utf8(raw).is_ok(),
        }
    }

    /// The content as CSV after the byte order mark; UTF-8 but for rows that [`Self::is_text`] denies.
    pub fn reader(&self) -> Result<Box<dyn Read + Send + '_>, ImportError> {
        let open = || {
            File::open(&self.path).map_err(|source| ImportError::File {
                action: "read",
                path: self.path.clone(),
                source,
            })
        };
        Ok(match &self.form {
            Form::Utf8 { bom, .. } => {
                let mut file = open()?;
                if *bom {
                    file.seek(SeekFrom::Start(BOM.len() as u64))
                        .map_err(|source| ImportError::File {
                            action: "read",
                            path: self.path.clone(),
                            source,
                        })?;
                }
                Box::new(file)
            }
            Form::Gb18030 => Box::new(Decoding::new(open()?)),
            Form::Sheet(text) => Box::new(Cursor::new(text.as_slice())),
        })
    }
}

/// Whether a file's beginning is that of no text: NUL bytes in its first line, or many. A few further
/// on cost their rows only.
fn is_binary(head: &[u8]) -> bool {
    let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first_line.contains(&0) || memchr::memchr_iter(0, head).count() * 20 > head.len()
}

/// What one pass over a file tells.
#[derive(Default)]
struct Survey {
    digest: Xxh3,
    head: Vec<u8>,
    bytes: u64,
    invalid: bool,
    /// The beginning of a character that goes on in the next block.
    carry: Vec<u8>,
}

impl Survey {
    fn take(&mut self, block: &[u8]) {
        if self.bytes == 0 {
            self.head = block[..block.len().min(4096)].to_vec();
        }
        self.bytes += block.len() as u64;
        self.digest.update(block);
        if !self.invalid {
            self.validate(block);
        }
    }

    fn validate(&mut self, mut block: &[u8]) {
        while !self.carry.is_empty() {
            let Some((&byte, rest)) = block.split_first() else {
                return;
            };
            self.carry.push(byte);
            block = rest;
            match std::str::from_utf8(&self.carry) {
                Ok(_) => self.carry.clear(),
                Err(error) if error.error_len().is_some() => {
                    self.invalid = true;
                    return;
                }
                Err(_) => {}
            }
        }
        match std::str::from_utf8(block) {
            Ok(_) => {}
            Err(error) if error.error_len().is_some() => self.invalid = true,
            Err(error) => self.carry = block[error.valid_up_to()..].to_vec(),
        }
    }

    fn is_utf8(&self) -> bool {
        !self.invalid && self.carry.is_empty()
    }
}

/// A file that is not clean UTF-8: GB18030, unless more of its lines make sense as UTF-8.
fn guess_encoding(path: &Path) -> std::io::Result<Form> {
    let mut lines = std::io::BufReader::with_capacity(BLOCK_BYTES, File::open(path)?);
    let (mut bad_utf8, mut bad_gb18030, mut bom) = (0_u64, 0_u64, None);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limited = std::io::Read::take(&mut lines, BLOCK_BYTES as u64);
        if std::io::BufRead::read_until(&mut { limited }, b'\n', &mut line)? == 0 {
            break;
        }
        bom.get_or_insert_with(|| line.starts_with(BOM));
        bad_utf8 += u64::from(std::str::from_utf8(&line).is_err());
        bad_gb18030 += u64::from(
            GB18030
                .decode_without_bom_handling_and_without_replacement(&line)
                .is_none(),
        );
    }
    let bom = bom.unwrap_or(false);
    Ok(if bom || bad_utf8 < bad_gb18030 {
        Form::Utf8 { bom, valid: false }
    } else {
        Form::Gb18030
    })
}

/// GB18030 in, UTF-8 out.
struct Decoding {
    file: File,
    decoder: Decoder,
    input: Vec<u8>,
    input_range: std::ops::Range<usize>,
    at_eof: bool,
    done: bool,
}

impl Decoding {
    fn new(file: File) -> Self {
        Self {
            file,
            decoder: GB18030.new_decoder_without_bom_handling(),
            input: vec![0; BLOCK_BYTES],
            input_range: 0..0,
            at_eof: false,
            done: false,
        }
    }
}

impl Read for Decoding {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while !self.done {
            if self.input_range.is_empty() && !self.at_eof {
                let count = self.file.read(&mut self.input)?;
                self.input_range = 0..count;
                self.at_eof = count == 0;
            }
            let input = &self.input[self.input_range.clone()];
            let (result, taken, written, _) = self.decoder.decode_to_utf8(input, out, self.at_eof);
            self.input_range.start += taken;
            self.done = self.at_eof && result == CoderResult::InputEmpty;
            // A decoder needs room for a whole character; the caller's buffer is large.
            if written > 0 || (result == CoderResult::OutputFull && taken == 0) {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

/// The first sheet of a workbook as CSV, one physical line a row.
fn sheet(path: &Path) -> Result<Vec<u8>, ImportError> {
    let not_table = |reason: String| ImportError::NotTable {
        path: path.to_owned(),
        reason,
    };
    let mut workbook: calamine::Xlsx<_> =
        calamine::open_workbook(path).map_err(|error: calamine::XlsxError| {
            not_table(format!("it is no readable XLSX workbook ({error})"))
        })?;
    let range = workbook
        .worksheet_range_at(0)
        .ok_or_else(|| not_table("the workbook has no sheet".into()))?
        .map_err(|error| not_table(format!("its first sheet cannot be read ({error})")))?;
    let mut text = Vec::new();
    // The used range may begin below the first row; lines are counted as the sheet shows them.
    let first_row = range.start().map_or(0, |(row, _)| row);
    text.resize(first_row as usize, b'\n');
    for row in range.rows() {
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            put_cell(&mut text, cell);
        }
        text.push(b'\n');
    }
    if text.iter().all(|byte| matches!(byte, b'\n' | b',')) {
        return Err(ImportError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(text)
}

fn put_cell(out: &mut Vec<u8>, cell: &Data) {
    let text = match cell {
        Data::Empty => return,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(value) => value.to_string(),
        // A longer number was cut when it was typed in: it is shown as what it is, which no id or
        // amount accepts.
        Data::Float(value) if value.abs() > EXACT_MAX => format!("{value:e}"),
        Data::Float(value) => value.to_string(),
        Data::Bool(value) => if *value { "yes" } else { "no" }.to_owned(),
        Data::DateTime(value) => match value.as_datetime() {
            Some(at) if at.time() == chrono::NaiveTime::MIN => at.date().to_string(),
            Some(at) => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
            None => value.to_string(),
        },
        Data::Error(error) => error.to_string(),
    };
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            b'\n' | b'\r' => out.push(b' '),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}
