//! The reject file: `DIR/rejects/<file>.csv`, one header line `line,reason,…columns`, one physical
//! line a reject. Rewritten at each run.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::ImportError;
use super::table::{Item, Record};

/// Where rejected rows go; counts only in a dry run.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    out: Option<BufWriter<File>>,
    bytes: u64,
    line: Vec<u8>,
    /// Rows rejected so far.
    pub count: u64,
}

impl Rejects {
    /// A reject file that was started anew.
    pub fn create(path: PathBuf, titles: &[String]) -> Result<Self, ImportError> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| failed(dir, source))?;
        }
        let file = File::create(&path).map_err(|source| failed(&path, source))?;
        let mut rejects = Self {
            path,
            out: Some(BufWriter::new(file)),
            bytes: 0,
            line: Vec::new(),
            count: 0,
        };
        rejects.line.extend_from_slice(b"line,reason");
        for title in titles {
            rejects.line.push(b',');
            put_field(&mut rejects.line, title.as_bytes());
        }
        rejects.end_line()?;
        Ok(rejects)
    }

    /// The reject file of a run that stopped, cut to what it had at its last step; none if it is
    /// not there any more.
    pub fn resume(path: PathBuf, bytes: u64, count: u64) -> Result<Option<Self>, ImportError> {
        let Ok(file) = OpenOptions::new().append(true).open(&path) else {
            return Ok(None);
        };
        if file.metadata().map_err(|source| failed(&path, source))?.len() < bytes {
            return Ok(None);
        }
        file.set_len(bytes).map_err(|source| failed(&path, source))?;
        Ok(Some(Self {
            path,
            out: Some(BufWriter::new(file)),
            bytes,
            line: Vec::new(),
            count,
        }))
    }

    /// Counts, and writes nothing.
    pub fn counting() -> Self {
        Self {
            path: PathBuf::new(),
            out: None,
            bytes: 0,
            line: Vec::new(),
            count: 0,
        }
    }

    /// The file; none in a dry run.
    pub fn path(&self) -> Option<&Path> {
        self.out.is_some().then_some(&self.path)
    }

    /// A row that was taken apart.
    pub fn record(&mut self, record: &Record<'_>, reason: &str) -> Result<(), ImportError> {
        self.begin(record.line, reason);
        for index in 0..record.width() {
            self.line.push(b',');
            put_field(&mut self.line, record.field(index));
        }
        self.end_line()
    }

    /// A row that could not be taken apart: its beginning goes into the first column.
    pub fn broken(&mut self, line: u64, reason: &str, raw: &[u8]) -> Result<(), ImportError> {
        self.begin(line, reason);
        self.line.push(b',');
        put_field(&mut self.line, raw);
        self.end_line()
    }

    /// A row as it was found.
    pub fn item(&mut self, item: &Item<'_>, reason: &str) -> Result<(), ImportError> {
        match item {
            Item::Record(record) => self.record(record, reason),
            Item::Broken { line, raw, .. } => self.broken(*line, reason, raw),
        }
    }

    /// Hands everything to the system and gives the length of the file.
    pub fn flush(&mut self) -> Result<u64, ImportError> {
        if let Some(out) = &mut self.out {
            out.flush().map_err(|source| failed(&self.path, source))?;
        }
        Ok(self.bytes)
    }

    fn begin(&mut self, line: u64, reason: &str) {
        self.count += 1;
        self.line.extend_from_slice(line.to_string().as_bytes());
        self.line.push(b',');
        put_field(&mut self.line, reason.as_bytes());
    }

    fn end_line(&mut self) -> Result<(), ImportError> {
        self.line.push(b'\n');
        self.bytes += self.line.len() as u64;
        if let Some(out) = &mut self.out {
            out.write_all(&self.line)
                .map_err(|source| failed(&self.path, source))?;
        }
        self.line.clear();
        Ok(())
    }
}

fn failed(path: &Path, source: std::io::Error) -> ImportError {
    ImportError::File {
        action: "write",
        path: path.to_owned(),
        source,
    }
}

/// A field on one physical line: line ends and NUL are written `\n`, `\r`, `\0`, bytes that are no
/// text as U+FFFD.
fn put_field(out: &mut Vec<u8>, field: &[u8]) {
    let text = String::from_utf8_lossy(field);
    let quoted = text.contains([',', '"']);
    if quoted {
        out.push(b'"');
    }
    for byte in text.bytes() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\0"),
            b'"' => out.extend_from_slice(b"\"\""),
            byte => out.push(byte),
        }
    }
    if quoted {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_is_one_physical_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rejects/x.csv");
        let mut rejects = Rejects::create(path.clone(), &["id".into(), "a,b".into()]).unwrap();
        rejects.broken(3, "why, so", b"x\ny\0\"z\"\xff").unwrap();
        let bytes = rejects.flush().unwrap();
        let written = "line,reason,id,\"a,b\"\n3,\"why, so\",\"x\\ny\\0\"\"z\"\"\u{fffd}\"\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
        assert_eq!(bytes, written.len() as u64);

        rejects.broken(4, "later", b"").unwrap();
        rejects.flush().unwrap();
        let mut resumed = Rejects::resume(path.clone(), bytes, 1).unwrap().unwrap();
        resumed.broken(5, "again", b"w").unwrap();
        resumed.flush().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{written}5,again,w\n")
        );
        assert!(Rejects::resume(path, 1 << 20, 1).unwrap().is_none());
    }
}
