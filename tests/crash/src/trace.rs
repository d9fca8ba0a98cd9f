//! The record of what was asked of the disk, in one order over all threads, and faults on demand.
//!
//! Only files beneath the roots of a [`Recording`] are recorded; a root is an empty directory when
//! the recording begins. `-shm` files are left out: they are memory shared by the connections of one
//! machine, and SQLite builds them anew at the first opening.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file, whatever it is called: the number of its creation.
pub type FileId = u32;

/// One thing asked of the disk, done. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A new, empty file got this name.
    Create {
        /// The file.
        file: FileId,
        /// Its name.
        path: String,
    },
    /// Bytes were written.
    Write {
        /// The file.
        file: FileId,
        /// Where.
        at: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file got this length.
    Truncate {
        /// The file.
        file: FileId,
        /// Bytes.
        length: u64,
    },
    /// Everything of the file is on the disk.
    SyncFile {
        /// The file.
        file: FileId,
    },
    /// All names in the directory are on the disk.
    SyncDirectory {
        /// The directory.
        path: String,
    },
    /// A file got a second name, which was free.
    Link {
        /// The name that it has.
        from: String,
        /// The second one.
        to: String,
    },
    /// A file or directory got another name; what had that name before is gone.
    Rename {
        /// Old name.
        from: String,
        /// New name.
        to: String,
    },
    /// A name was removed.
    Remove {
        /// The name.
        path: String,
    },
    /// A directory was made.
    MakeDirectory {
        /// Its name.
        path: String,
    },
    /// An empty directory was removed.
    RemoveDirectory {
        /// Its name.
        path: String,
    },
    /// Not the disk's: the script says how far it is.
    Mark {
        /// Number of the mark.
        mark: usize,
    },
}

/// What an open descriptor stands for.
#[derive(Debug, Clone)]
enum Handle {
    File(FileId),
    Directory(String),
    /// Shared memory of SQLite: may hit a full disk, is not recorded.
    Memory,
}

/// A disk that has no room for whatever needs some beneath a root, from one step on.
#[derive(Debug, Clone)]
struct Full {
    root: String,
    steps_left: u64,
    met: bool,
}

#[derive(Debug, Default)]
struct Recorder {
    roots: Vec<String>,
    names: HashMap<String, FileId>,
    directories: HashSet<String>,
    handles: HashMap<i32, Handle>,
    files: FileId,
    steps: Vec<Step>,
    full: Option<Full>,
    /// Nothing is kept; the disk may be full all the same.
    faults_only: bool,
}

static ARMED: AtomicBool = AtomicBool::new(false);
static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);
/// One recording at a time: the calls of the whole process go through it.
static TURN: Mutex<()> = Mutex::new(());

/// Descriptors below this are looked up without the lock; a process of tests has no more.
const DESCRIPTORS: usize = 4_096;
static TRACKED: [AtomicU8; DESCRIPTORS] = [const { AtomicU8::new(0) }; DESCRIPTORS];

fn recorder() -> MutexGuard<'static, Option<Recorder>> {
    RECORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether anything is recorded now.
pub(crate) fn armed() -> bool {
    ARMED.load(Ordering::Acquire)
}

/// Whether this descriptor may stand for something that is recorded.
pub(crate) fn tracked(descriptor: i32) -> bool {
    usize::try_from(descriptor).is_ok_and(|at| at >= DESCRIPTORS || TRACKED[at].load(Ordering::Acquire) == 1)
}

fn set_tracked(descriptor: i32, tracked: bool) {
    if let Some(flag) = usize::try_from(descriptor).ok().and_then(|at| TRACKED.get(at)) {
        flag.store(u8::from(tracked), Ordering::Release);
    }
}

/// A recording under way; ends when it goes away.
#[derive(Debug)]
pub struct Recording {
    _turn: MutexGuard<'static, ()>,
}

impl Recording {
    /// Begins to record what happens beneath these empty directories.
    pub fn begin(roots: &[&Path]) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let roots: Vec<String> = roots
            .iter()
            .map(|root| root.to_string_lossy().into_owned())
            .collect();
        *recorder() = Some(Recorder {
            directories: roots.iter().cloned().collect(),
            roots,
            ..Recorder::default()
        });
        crate::calls::link();
        ARMED.store(true, Ordering::Release);
        Self { _turn: turn }
    }

    /// Records nothing beneath this directory, which need not be empty, but lets its disk be full.
    pub fn of_faults(root: &Path) -> Self {
        let found = directories(root);
        let recording = Self::begin(&[root]);
        if let Some(recorder) = recorder().as_mut() {
            recorder.faults_only = true;
            recorder.directories.extend(found);
        }
        recording
    }

    /// Puts a mark; gives the number of steps before it.
    pub fn mark(&self, mark: usize) -> usize {
        let mut recorder = recorder();
        let steps = &mut recorder.as_mut().expect("a recording").steps;
        steps.push(Step::Mark { mark });
        steps.len() - 1
    }

    /// From now on, after `steps` more steps that need room beneath `root`, none has any.
    pub fn fill_disk(&self, root: &Path, steps: u64) {
        recorder().as_mut().expect("a recording").full = Some(Full {
            root: root.to_string_lossy().into_owned(),
            steps_left: steps,
            met: false,
        });
    }

    /// There is room again. Tells whether a step met the full disk.
    pub fn make_room(&self) -> bool {
        let full = recorder().as_mut().expect("a recording").full.take();
        full.is_some_and(|full| full.met)
    }

    /// Ends the recording.
    pub fn end(self) -> Vec<Step> {
        let taken = recorder().take();
        drop(self);
        taken.map_or_else(Vec::new, |recorder| recorder.steps)
    }
}

/// Directories beneath a root.
fn directories(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                found.push(path.to_string_lossy().into_owned());
                open.push(path);
            }
        }
    }
    found
}

impl Drop for Recording {
    fn drop(&mut self) {
        ARMED.store(false, Ordering::Release);
        *recorder() = None;
        for flag in &TRACKED {
            flag.store(0, Ordering::Release);
        }
    }
}

impl Recorder {
    fn is_within(&self, path: &str) -> bool {
        self.roots.iter().any(|root| {
            path.strip_prefix(root.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Whether a step that needs room beneath this path finds none.
    fn finds_disk_full(&mut self, path: &str) -> bool {
        let Some(full) = &mut self.full else { return false };
        if !path.starts_with(full.root.as_str()) {
            return false;
        }
        if full.steps_left > 0 {
            full.steps_left -= 1;
            return false;
        }
        full.met = true;
        true
    }

    fn path_of(&self, handle: &Handle) -> String {
        match handle {
            Handle::File(file) => self
                .names
                .iter()
                .find(|(_, id)| *id == file)
                .map_or_else(String::new, |(name, _)| name.clone()),
            Handle::Directory(path) => path.clone(),
            Handle::Memory => String::new(),
        }
    }
}

/// How a call is to go on.
#[derive(Clone, Copy)]
pub(crate) enum Outcome<T> {
    /// It was done, with this value.
    Done(T),
    /// There is no room.
    DiskFull,
}

/// What an `open` asked for.
pub(crate) struct Opened<'a> {
    pub path: &'a str,
    pub creates: bool,
    pub truncates: bool,
}

/// Opens by `open` and notes what came of it.
pub(crate) fn opening(asked: &Opened<'_>, open: impl FnOnce() -> i32) -> Outcome<i32> {
    let mut guard = recorder();
    let Some(recorder) = guard.as_mut() else {
        drop(guard);
        return Outcome::Done(open());
    };
    let path = asked.path;
    if recorder.directories.contains(path) {
        let descriptor = open();
        recorder.track(descriptor, Handle::Directory(path.to_owned()));
        return Outcome::Done(descriptor);
    }
    if !recorder.is_within(path) {
        drop(guard);
        return Outcome::Done(open());
    }
    let known = recorder.names.get(path).copied();
    let memory = path.ends_with("-shm");
    if known.is_none() && asked.creates && !memory && recorder.finds_disk_full(path) {
        return Outcome::DiskFull;
    }
    let descriptor = open();
    if descriptor < 0 {
        return Outcome::Done(descriptor);
    }
    if memory {
        recorder.track(descriptor, Handle::Memory);
        return Outcome::Done(descriptor);
    }
    let file = if let Some(file) = known {
        if asked.truncates {
            recorder.note(Step::Truncate { file, length: 0 });
        }
        file
    } else {
        recorder.new_file(path, asked.creates)
    };
    recorder.track(descriptor, Handle::File(file));
    Outcome::Done(descriptor)
}

impl Recorder {
    fn new_file(&mut self, path: &str, creates: bool) -> FileId {
        assert!(
            creates || self.faults_only,
            "{path} was there before the recording began"
        );
        let file = self.files;
        self.files += 1;
        self.names.insert(path.to_owned(), file);
        self.note(Step::Create {
            file,
            path: path.to_owned(),
        });
        file
    }

    fn note(&mut self, step: Step) {
        if !self.faults_only {
            self.steps.push(step);
        }
    }

    fn track(&mut self, descriptor: i32, handle: Handle) {
        if descriptor >= 0 {
            self.handles.insert(descriptor, handle);
            set_tracked(descriptor, true);
        }
    }
}

/// Closes by `close`; the number may stand for another file as soon as it is closed.
pub(crate) fn closing(descriptor: i32, close: impl FnOnce() -> i32) -> i32 {
    let mut guard = recorder();
    if let Some(recorder) = guard.as_mut() {
        recorder.handles.remove(&descriptor);
        set_tracked(descriptor, false);
    }
    close()
}

/// Changes a file's bytes by `change`, which gives what `note` makes of its success.
pub(crate) fn changing<T>(
    descriptor: i32,
    change: impl FnOnce() -> T,
    note: impl FnOnce(&T) -> Option<Change>,
) -> Outcome<T> {
    let mut guard = recorder();
    let handle = guard
        .as_ref()
        .and_then(|recorder| recorder.handles.get(&descriptor).cloned());
    let (Some(recorder), Some(handle)) = (guard.as_mut(), handle) else {
        drop(guard);
        return Outcome::Done(change());
    };
    if recorder.full.is_some() {
        let path = recorder.path_of(&handle);
        if recorder.finds_disk_full(&path) {
            return Outcome::DiskFull;
        }
    }
    let value = change();
    if let (Handle::File(file), Some(change)) = (handle, note(&value)) {
        recorder.note(match change {
            Change::Write { at, bytes } => Step::Write { file, at, bytes },
            Change::Truncate { length } => Step::Truncate { file, length },
        });
    }
    Outcome::Done(value)
}

/// What became of a file's bytes.
pub(crate) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Truncate { length: u64 },
}

/// Syncs by `sync`.
pub(crate) fn syncing(descriptor: i32, sync: impl FnOnce() -> i32) -> i32 {
    let mut guard = recorder();
    let done = sync();
    if let Some(recorder) = guard.as_mut()
        && done == 0
    {
        match recorder.handles.get(&descriptor).cloned() {
            Some(Handle::File(file)) => recorder.note(Step::SyncFile { file }),
            Some(Handle::Directory(path)) => recorder.note(Step::SyncDirectory { path }),
            Some(Handle::Memory) | None => {}
        }
    }
    done
}

/// A change of names.
pub(crate) enum Naming<'a> {
    Link { from: &'a str, to: &'a str },
    Rename { from: &'a str, to: &'a str },
    Remove { path: &'a str },
    MakeDirectory { path: &'a str },
    RemoveDirectory { path: &'a str },
}

/// Changes names by `change`.
pub(crate) fn naming(asked: &Naming<'_>, change: impl FnOnce() -> i32) -> Outcome<i32> {
    let mut guard = recorder();
    let subject = match *asked {
        Naming::Link { from: path, .. }
        | Naming::Rename { from: path, .. }
        | Naming::Remove { path }
        | Naming::MakeDirectory { path }
        | Naming::RemoveDirectory { path } => path,
    };
    let Some(recorder) = guard.as_mut().filter(|recorder| recorder.is_within(subject)) else {
        drop(guard);
        return Outcome::Done(change());
    };
    if matches!(asked, Naming::MakeDirectory { .. }) && recorder.finds_disk_full(subject) {
        return Outcome::DiskFull;
    }
    let done = change();
    if done == 0 && !subject.ends_with("-shm") {
        recorder.name(asked);
    }
    Outcome::Done(done)
}

impl Recorder {
    fn name(&mut self, asked: &Naming<'_>) {
        let step = match *asked {
            Naming::Link { from, to } => {
                if let Some(file) = self.names.get(from).copied() {
                    self.names.insert(to.to_owned(), file);
                }
                Step::Link {
                    from: from.to_owned(),
                    to: to.to_owned(),
                }
            }
            Naming::Rename { from, to } => {
                assert!(
                    !self.directories.contains(from),
                    "directories are not renamed: {from}"
                );
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.to_owned(), file);
                }
                Step::Rename {
                    from: from.to_owned(),
                    to: to.to_owned(),
                }
            }
            Naming::Remove { path } => {
                self.names.remove(path);
                Step::Remove {
                    path: path.to_owned(),
                }
            }
            Naming::MakeDirectory { path } => {
                self.directories.insert(path.to_owned());
                Step::MakeDirectory {
                    path: path.to_owned(),
                }
            }
            Naming::RemoveDirectory { path } => {
                self.directories.remove(path);
                Step::RemoveDirectory {
                    path: path.to_owned(),
                }
            }
        };
        self.note(step);
    }
}
