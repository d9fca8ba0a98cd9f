//! The faults: which there are, which of them a seed has, and how often each fired.

use std::collections::BTreeSet;

use crate::chance::Stream;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, once_in $once_in:literal;)+) => {
        /// Something that goes wrong, or happens at a bad moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name),+ }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name on the command line and in reports.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            fn once_in(self) -> u64 {
                match self { $(Self::$name => $once_in),+ }
            }
        }
    };
}

faults! {
    /// A request never arrives.
    DropRequest = "drop_request", once_in 40;
    /// A reply never comes back though the hub has committed.
    DropReply = "drop_reply", once_in 40;
    /// A request arrives twice, the second time at once.
    Duplicate = "duplicate", once_in 40;
    /// A request arrives again much later, after newer ones.
    Reorder = "reorder", once_in 50;
    /// A reply takes minutes.
    Delay = "delay", once_in 50;
    /// A request is cut off.
    TruncateUp = "truncate_up", once_in 60;
    /// A reply is cut off.
    TruncateDown = "truncate_down", once_in 60;
    /// A byte of a request is another one.
    CorruptUp = "corrupt_up", once_in 60;
    /// A byte of a reply is another one.
    CorruptDown = "corrupt_down", once_in 60;
    /// A request is larger than allowed.
    OversizedUp = "oversized_up", once_in 200;
    /// A reply is larger than allowed.
    OversizedDown = "oversized_down", once_in 300;
    /// A request inflates without end.
    BombUp = "bomb_up", once_in 300;
    /// A reply inflates without end.
    BombDown = "bomb_down", once_in 300;
    /// Something between answers with its own page.
    ProxyError = "proxy_error", once_in 60;
    /// A phone's clock is off by days.
    ClockOff = "clock_off", once_in 30;
    /// A phone's clock runs backwards.
    ClockBackwards = "clock_backwards", once_in 30;
    /// A phone is killed between two steps of a round, or while it idles.
    PhoneKilled = "phone_killed", once_in 60;
    /// A phone is killed in the middle of a transaction.
    PhoneKilledInStore = "phone_killed_in_store", once_in 60;
    /// A phone's disk is full for a while.
    PhoneDiskFull = "phone_disk_full", once_in 80;
    /// A phone sees no network for hours.
    Offline = "offline", once_in 25;
    /// A phone is away for a hundred days: its cursors are older than the tombstones.
    LongAway = "long_away", once_in 3;
    /// A phone runs a schema that the hub does not serve any more, until it is updated.
    OldSchema = "old_schema", once_in 30;
    /// Another clerk takes the shared phone.
    SharedPhone = "shared_phone", once_in 4;
    /// The hub is killed and started.
    HubKilled = "hub_killed", once_in 80;
    /// The hub is restored from an older backup.
    HubRestored = "hub_restored", once_in 8;
    /// The hub's disk is full for a while.
    HubDiskFull = "hub_disk_full", once_in 10;
    /// A member moves to another store.
    MemberMoved = "member_moved", once_in 4;
    /// A clerk moves to another store.
    ClerkMoved = "clerk_moved", once_in 10;
    /// A clerk's role changes.
    RoleChanged = "role_changed", once_in 10;
    /// A device is revoked, and paired anew hours later.
    DeviceRevoked = "device_revoked", once_in 200;
    /// Two clerks finish one task.
    DoubleFinish = "double_finish", once_in 3;
    /// A clerk dials a member whose consent was withdrawn elsewhere, unheard of here.
    DialUnheard = "dial_unheard", once_in 1;
    /// Two members are made one.
    Merge = "merge", once_in 5;
    /// And parted again.
    MergeUndone = "merge_undone", once_in 2;
    /// The chain imports purchases while phones sync.
    Import = "import", once_in 6;
    /// A member's data are erased.
    Erasure = "erasure", once_in 8;
    /// A first load is interrupted and goes on.
    LoadInterrupted = "load_interrupted", once_in 1;
    /// A cursor is older than the tombstones: the hub answers 410.
    CursorTooOld = "cursor_too_old", once_in 1;
    /// A newer hub writes codes that the phone does not know.
    UnknownCode = "unknown_code", once_in 5;
    /// An operation that the hub cannot read.
    Unreadable = "unreadable", once_in 40;
    /// An operation that is larger than the hub takes.
    OpTooLarge = "op_too_large", once_in 150;
    /// The hub, or something before it, stumbles over one operation each time that it is sent to be read.
    OpStumbles = "op_stumbles", once_in 150;
    /// A phone asks for the rows of another store.
    ForeignScope = "foreign_scope", once_in 60;
}

/// The faults of one run.
#[derive(Debug)]
pub struct Faults {
    without: BTreeSet<Fault>,
    streams: Vec<Stream>,
    /// How often each fired, in the order of [`Fault::ALL`].
    pub fired: Vec<u64>,
    /// Nothing fires any more: the world heals.
    pub calm: bool,
}

impl Faults {
    /// Those of a seed: each one is in it or not, so that rare combinations come up; `without` takes
    /// more of them away.
    pub fn new(seed: u64, without: &BTreeSet<Fault>) -> Self {
        let mut choice = Stream::new(seed, "which faults");
        let left_out = Fault::ALL.iter().filter(|_| choice.once_in(3));
        Self {
            without: left_out.chain(without).copied().collect(),
            streams: Fault::ALL
                .iter()
                .map(|fault| Stream::new(seed, fault.code()))
                .collect(),
            fired: vec![0; Fault::ALL.len()],
            calm: false,
        }
    }

    /// Those that may fire.
    pub fn enabled(&self) -> Vec<Fault> {
        Fault::ALL
            .iter()
            .copied()
            .filter(|fault| !self.without.contains(fault))
            .collect()
    }

    /// Whether a fault happens at this opportunity. Does not count yet: see [`Self::count`].
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let struck = self.streams[fault as usize].once_in(fault.once_in());
        struck && !self.calm && !self.without.contains(&fault)
    }

    /// A fault took effect.
    pub fn count(&mut self, fault: Fault) {
        self.fired[fault as usize] += 1;
    }

    /// [`Self::strikes`], counted.
    pub fn fires(&mut self, fault: Fault) -> bool {
        let struck = self.strikes(fault);
        if struck {
            self.count(fault);
        }
        struck
    }

    /// The stream from which a fault draws its details.
    pub fn stream(&mut self, fault: Fault) -> &mut Stream {
        &mut self.streams[fault as usize]
    }
}
