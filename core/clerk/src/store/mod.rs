//! The encrypted file of a phone: one writer, a few readers.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`schema`] | tables, indexes, views, migrations |
//! | [`rows`] | rows by entity and id: put, read, evict, erase |
//! | [`outbox`] | what clerks did, on its way to the hub |
//! | `mirror` | the outbox once more, in a file of its own |
//! | [`replay`] | the server's rows + what is under way = what shows |
//! | [`figures`] | figures, class and medicines of each member, cached |
//! | [`settings`] | rules and class model, parsed once |
//! | [`search_index`] | what a name is found by |
//! | [`rounds`] | the last rounds of sync, for support |
//! | `load` | the first load: a fresh file, then the swap |
//! | `bulk` | very many rows into one table of it |
//! | [`error`] | what can go wrong |
//!
//! `sync_store` carries out what [`crate::sync::SyncStore`] asks for.
//!
//! Every write runs in one short `BEGIN IMMEDIATE` transaction on the only writing connection, so
//! "database is locked" cannot come from this process.

mod bulk;
mod connection;
pub mod error;
pub mod figures;
mod load;
mod lookup;
pub mod meta;
mod mirror;
mod open;
pub mod outbox;
pub mod replay;
pub mod rounds;
pub mod rows;
pub mod schema;
pub mod search_index;
pub mod settings;
mod sync_store;

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use yaoban_domain::calendar::Calendar;

use crate::vault::DatabaseKey;
pub use error::{FromStore, Result, StoreError};
pub use open::OpenReport;
pub use settings::Settings;
pub use sync_store::read_pairing;

/// Readers beside the writer: a screen and a background job.
const READERS: usize = 2;

/// How surely a commit must outlive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk before the call returns: everything that a clerk did.
    Full,
    /// May be lost with the power (rows together with their cursor): everything that can be pulled again.
    Normal,
}

/// Hears that rows changed. Called by the thread that wrote, under no lock of the store; it returns
/// at once and leaves reading to another thread.
pub trait ChangeListener: Send + Sync {
    /// Something was committed: what a screen shows may be old.
    fn changed(&self);
}

/// The file of a phone.
pub struct Store {
    path: PathBuf,
    key: DatabaseKey,
    writer: Mutex<Option<Connection>>,
    /// Locked only by who holds the writer.
    mirror: Mutex<mirror::Mirror>,
    readers: [Mutex<Option<Connection>>; READERS],
    next_reader: AtomicUsize,
    paused: AtomicBool,
    damage: Damage,
    settings: RwLock<Arc<Settings>>,
    load: Mutex<Option<load::Load>>,
    listener: RwLock<Option<Arc<dyn ChangeListener>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A write transaction. Reads as a connection.
pub struct Tx<'c> {
    inner: Transaction<'c>,
    /// The chain's calendar: instants get their business day when they are stored.
    pub calendar: Calendar,
    settings_changed: Cell<bool>,
    settings: replay::KeptSettings,
}

impl<'c> Tx<'c> {
    fn begin(conn: &'c mut Connection, calendar: Calendar) -> Result<Self> {
        let inner = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Self {
            inner,
            calendar,
            settings_changed: Cell::new(false),
            settings: RefCell::default(),
        })
    }

    fn commit(self) -> Result<()> {
        Ok(self.inner.commit()?)
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.inner
    }
}

impl Store {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rules, model and calendar as the catalogue has them.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `work` in one immediate transaction; an error rolls everything back.
    pub fn write<T, E: FromStore>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Tx<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let written = self.write_untold(durability, work);
        if let Err(error) = &written {
            self.note_damage(error.is_damage());
        }
        let (value, changed) = written?;
        if changed {
            self.tell_change();
        }
        Ok(value)
    }

    /// The same for work under another lock of the store: who holds that tells of the change later.
    fn write_untold<T, E: FromStore>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Tx<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<(T, bool), E> {
        let (mut work, mut done) = (Some(work), None);
        let written = self.write_with(durability, &mut |tx| {
            done = work.take().map(|work| work(tx));
            matches!(done, Some(Ok(_)))
        });
        match (written, done) {
            (Ok(changed), Some(done)) => done.map(|value| (value, changed)),
            (Err(error), _) => Err(error.into()),
            (Ok(_), None) => Err(StoreError::Closed.into()),
        }
    }

    /// A transaction around work that says whether it got through; whether something changed. Apart from
    /// [`Self::write`], so that it is in the library once.
    fn write_with(&self, durability: Durability, work: &mut dyn FnMut(&Tx<'_>) -> bool) -> Result<bool> {
        let mut guard = lock(&self.writer);
        self.ensure_open(&mut guard)?;
        let conn = guard.as_mut().ok_or(StoreError::Closed)?;
        let changes_before = conn.total_changes();
        let synchronous = if durability == Durability::Full {
            "FULL"
        } else {
            "NORMAL"
        };
        conn.pragma_update(None, "synchronous", synchronous)?;
        let calendar = self.settings().calendar;
        let mut mirror = self.mirror();
        mirror.begin();
        let tx = Tx::begin(conn, calendar)?;
        if !work(&tx) {
            return Ok(false);
        }
        let settings = tx.changed_settings()?;
        mirror.forget(&tx)?;
        tx.commit()?;
        mirror.keep(conn);
        drop(mirror);
        if let Some(settings) = settings {
            self.keep_settings(settings);
        }
        Ok(conn.total_changes() != changes_before)
    }

    /// Sets who hears of changes; none: nobody.
    pub fn set_listener(&self, listener: Option<Arc<dyn ChangeListener>>) {
        *self.listener.write().unwrap_or_else(PoisonError::into_inner) = listener;
    }

    /// Tells of a change. Nobody may hold a lock of the store meanwhile.
    pub(crate) fn tell_change(&self) {
        let listener = self
            .listener
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(listener) = listener {
            listener.changed();
        }
    }

    /// Runs `work` on a reader, in one snapshot of the file.
    pub fn read<T, E: FromStore>(
        &self,
        work: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let (mut work, mut done) = (Some(work), None);
        let read = self.read_with(&mut |conn| done = work.take().map(|work| work(conn)));
        let read = match (read, done) {
            (Ok(()), Some(done)) => done,
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(StoreError::Closed.into()),
        };
        if let Err(error) = &read {
            self.note_damage(error.is_damage());
        }
        read
    }

    /// A snapshot around work. Apart from [`Self::read`], so that it is in the library once.
    fn read_with(&self, work: &mut dyn FnMut(&Connection)) -> Result<()> {
        let mut guard = self.reader();
        if guard.is_none() {
            drop(guard);
            self.ensure_open(&mut lock(&self.writer))?;
            guard = self.reader();
        }
        let conn = guard.as_mut().ok_or(StoreError::Closed)?;
        work(&*conn.transaction()?);
        Ok(())
    }

    /// Whether who asks is the one to mend the file ([`Self::set_damaged_aside`]), since a call said that it is
    /// damaged. Once only: a file that is damaged again is for a person to look at, and room for what is set aside
    /// has an end.
    pub fn claim_repair(&self) -> bool {
        self.damage.seen.load(Ordering::SeqCst)
            && !self.paused.load(Ordering::SeqCst)
            && !self.damage.claimed.swap(true, Ordering::SeqCst)
    }

    /// The repair did not get through: another call may try.
    pub fn give_repair_back(&self) {
        self.damage.claimed.store(false, Ordering::SeqCst);
    }

    /// Remembers that the file is damaged, and wakes who listens: its next call mends it.
    fn note_damage(&self, is_damage: bool) {
        if is_damage && !self.damage.seen.swap(true, Ordering::SeqCst) {
            self.tell_change();
        }
    }

    /// Hands out the writing connection, between transactions: for simulators, which limit its size
    /// and stop it at any step.
    pub fn on_writer<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut guard = lock(&self.writer);
        let conn = guard.as_mut().ok_or(StoreError::Closed)?;
        Ok(work(conn)?)
    }

    /// Opens what a failure closed (a load that found no room when it swapped the files); a paused store
    /// stays closed.
    fn ensure_open(&self, writer: &mut Option<Connection>) -> Result<()> {
        if writer.is_some() || self.paused.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.reopen(writer)
    }

    /// The mirror, opened again if a failure closed it.
    fn mirror(&self) -> MutexGuard<'_, mirror::Mirror> {
        let mut mirror = self.mirror.lock().unwrap_or_else(PoisonError::into_inner);
        mirror.ensure_open(&self.path, &self.key);
        mirror
    }

    fn reader(&self) -> MutexGuard<'_, Option<Connection>> {
        for reader in &self.readers {
            if let Ok(guard) = reader.try_lock() {
                return guard;
            }
        }
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % READERS;
        lock(&self.readers[turn])
    }

    fn keep_settings(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

/// What is known of damage to the file.
#[derive(Debug, Default)]
struct Damage {
    seen: AtomicBool,
    /// Somebody mends it, or has.
    claimed: AtomicBool,
}

/// A lock; a panic in another thread rolled its transaction back, so the connection is sound.
fn lock(mutex: &Mutex<Option<Connection>>) -> MutexGuard<'_, Option<Connection>> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
