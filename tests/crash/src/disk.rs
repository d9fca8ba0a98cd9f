//! What a power cut may leave of what was asked of a disk.
//!
//! The model is POSIX read strictly. Bytes of a file are safe once the file was synced after they
//! were written; names of a directory once the directory was synced. Syncing a file says nothing about
//! its name. Changes of names reach the disk in their order, as journals of file systems keep them;
//! bytes in any order, and the last ones may stop at a sector. What was overwritten and not synced
//! still has the old bytes; bytes around a write are never harmed (SQLite's "powersafe overwrite",
//! which it takes for granted on the systems of phones and servers).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::trace::{FileId, Step};

/// Bytes that reach the disk together.
const SECTOR: u64 = 512;

/// splitmix64: chance from a seed.
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }
}

/// What of the unsynced is on the disk after the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Lost,
    /// Everything: the process died, the machine did not.
    Kept,
    /// All names, no bytes: the file that was renamed before it was synced is empty.
    NamesOnly,
    /// Everything, but the last bytes stop at a sector.
    Torn(u64),
    /// Chance: some of the names' changes from the first on, some of the bytes, torn.
    Mixed(u64),
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost => f.write_str("lost"),
            Self::Kept => f.write_str("kept"),
            Self::NamesOnly => f.write_str("names"),
            Self::Torn(seed) => write!(f, "torn:{seed}"),
            Self::Mixed(seed) => write!(f, "mixed:{seed}"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Pending {
    /// The write of this step.
    Write(usize),
    Truncate(u64),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    safe: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    File(FileId),
    Directory,
}

type Names = BTreeMap<String, Entry>;

/// The disk after some of the steps of a trace.
#[derive(Debug)]
pub struct Disk<'t> {
    steps: &'t [Step],
    done: usize,
    files: HashMap<FileId, Inode>,
    safe_names: Names,
    /// Steps that changed names and are not synced.
    pending_names: Vec<usize>,
}

/// Files and directories after a cut, by absolute path; directories have no bytes.
pub type Contents = BTreeMap<String, Option<Vec<u8>>>;

impl<'t> Disk<'t> {
    /// The empty disk before the first step.
    pub fn new(steps: &'t [Step]) -> Self {
        Self {
            steps,
            done: 0,
            files: HashMap::new(),
            safe_names: Names::new(),
            pending_names: Vec::new(),
        }
    }

    /// Goes on until `steps` steps are done.
    pub fn advance_to(&mut self, steps: usize) {
        while self.done < steps {
            self.step(self.done);
            self.done += 1;
        }
    }

    fn step(&mut self, at: usize) {
        match &self.steps[at] {
            Step::Create { file, .. } => {
                self.files.insert(*file, Inode::default());
                self.pending_names.push(at);
            }
            Step::Write { file, .. } => self.inode(*file).pending.push(Pending::Write(at)),
            Step::Truncate { file, length } => self.inode(*file).pending.push(Pending::Truncate(*length)),
            Step::SyncFile { file } => {
                let steps = self.steps;
                let inode = self.inode(*file);
                for pending in std::mem::take(&mut inode.pending) {
                    apply(steps, &mut inode.safe, pending, None);
                }
            }
            Step::SyncDirectory { path } => {
                let touches = |at: &usize| parents(&self.steps[*at]).any(|parent| parent == path);
                let synced = self
                    .pending_names
                    .iter()
                    .rposition(touches)
                    .map_or(0, |last| last + 1);
                for at in self.pending_names.drain(..synced) {
                    rename(&mut self.safe_names, &self.steps[at]);
                }
            }
            Step::Link { .. }
            | Step::Rename { .. }
            | Step::Remove { .. }
            | Step::MakeDirectory { .. }
            | Step::RemoveDirectory { .. } => self.pending_names.push(at),
            Step::Mark { .. } => {}
        }
    }

    fn inode(&mut self, file: FileId) -> &mut Inode {
        self.files.entry(file).or_default()
    }

    /// What is found beneath `root` after a cut.
    pub fn after(&self, cut: Cut, root: &str) -> Contents {
        let mut chance = match cut {
            Cut::Torn(seed) | Cut::Mixed(seed) => {
                Chance(seed ^ (self.done as u64).wrapping_mul(0x0100_0000_01B3))
            }
            _ => Chance(0),
        };
        let mut names = self.safe_names.clone();
        let kept_names = match cut {
            Cut::Lost => 0,
            Cut::Mixed(_) => chance.below(self.pending_names.len() as u64 + 1) as usize,
            Cut::Kept | Cut::NamesOnly | Cut::Torn(_) => self.pending_names.len(),
        };
        for at in &self.pending_names[..kept_names] {
            rename(&mut names, &self.steps[*at]);
        }
        let beneath = format!("{root}/");
        let mut contents = Contents::new();
        for (path, entry) in names.range(beneath.clone()..) {
            if !path.starts_with(&beneath) {
                break;
            }
            // Parents come before what is in them; what is in a lost directory is lost.
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            if parent != root && !contents.contains_key(parent) {
                continue;
            }
            let bytes = match entry {
                Entry::Directory => None,
                Entry::File(file) => Some(self.bytes(*file, cut, &mut chance)),
            };
            contents.insert(path.clone(), bytes);
        }
        contents
    }

    fn bytes(&self, file: FileId, cut: Cut, chance: &mut Chance) -> Vec<u8> {
        let Some(inode) = self.files.get(&file) else {
            return Vec::new();
        };
        let mut bytes = inode.safe.clone();
        let mut kept: Vec<Pending> = match cut {
            Cut::Lost | Cut::NamesOnly => Vec::new(),
            Cut::Kept | Cut::Torn(_) => inode.pending.clone(),
            Cut::Mixed(_) => inode
                .pending
                .iter()
                .copied()
                .filter(|_| chance.below(2) == 0)
                .collect(),
        };
        let last = match cut {
            Cut::Torn(_) | Cut::Mixed(_) => kept.pop(),
            _ => None,
        };
        for pending in kept {
            apply(self.steps, &mut bytes, pending, None);
        }
        if let Some(last) = last {
            apply(self.steps, &mut bytes, last, Some(chance));
        }
        bytes
    }
}

/// Does to a file what was pending; `torn`: only up to a sector that chance takes.
fn apply(steps: &[Step], bytes: &mut Vec<u8>, pending: Pending, torn: Option<&mut Chance>) {
    match pending {
        Pending::Truncate(length) => bytes.resize(length as usize, 0),
        Pending::Write(step) => {
            let Step::Write { at, bytes: new, .. } = &steps[step] else {
                unreachable!("only writes are pending as writes")
            };
            let end = at + new.len() as u64;
            let new = match torn {
                None => new.as_slice(),
                Some(chance) => {
                    let sectors = end.div_ceil(SECTOR) - at / SECTOR;
                    let stop = (at / SECTOR + chance.below(sectors + 1)) * SECTOR;
                    &new[..(stop.clamp(*at, end) - at) as usize]
                }
            };
            if new.is_empty() {
                return;
            }
            let (at, end) = (*at as usize, *at as usize + new.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[at..end].copy_from_slice(new);
        }
    }
}

/// Directories whose names a step changed.
fn parents(step: &Step) -> impl Iterator<Item = &str> {
    let (first, second) = match step {
        Step::Create { path, .. }
        | Step::Remove { path }
        | Step::MakeDirectory { path }
        | Step::RemoveDirectory { path } => (Some(path), None),
        Step::Link { to, .. } => (Some(to), None),
        Step::Rename { from, to } => (Some(from), Some(to)),
        _ => (None, None),
    };
    [first, second]
        .into_iter()
        .flatten()
        .filter_map(|path| path.rsplit_once('/').map(|(parent, _)| parent))
}

fn rename(names: &mut Names, step: &Step) {
    match step {
        Step::Create { file, path } => {
            names.insert(path.clone(), Entry::File(*file));
        }
        Step::Link { from, to } => {
            if let Some(Entry::File(file)) = names.get(from) {
                names.insert(to.clone(), Entry::File(*file));
            }
        }
        Step::Rename { from, to } => {
            if let Some(entry) = names.remove(from) {
                names.insert(to.clone(), entry);
            }
        }
        Step::Remove { path } | Step::RemoveDirectory { path } => {
            names.remove(path);
        }
        Step::MakeDirectory { path } => {
            names.insert(path.clone(), Entry::Directory);
        }
        _ => {}
    }
}

/// Writes contents to where another root stands: `from` in their paths becomes `to`.
pub fn lay_out(contents: &Contents, from: &str, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for (path, bytes) in contents {
        let place = to.join(path.strip_prefix(from).unwrap_or(path).trim_start_matches('/'));
        match bytes {
            None => std::fs::create_dir_all(&place).expect("a directory"),
            Some(bytes) => std::fs::write(&place, bytes).expect("a file"),
        }
    }
}

/// What really is beneath a root, without SQLite's shared memory.
pub fn real_contents(root: &Path) -> Contents {
    let mut contents = Contents::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                contents.insert(name, None);
                open.push(path);
            } else if !name.ends_with("-shm") {
                contents.insert(name, Some(std::fs::read(&path).expect("a file")));
            }
        }
    }
    contents
}
