//! What the seed decides.

use std::collections::BTreeMap;

/// Shares are drawn in thousandths.
const WHOLE: u64 = 1_000;

/// Numbers of one round (splitmix64), so that what one round draws shifts no other.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of this round.
    pub fn of(seed: u64, round: u64) -> Self {
        Self(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93) ^ round.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    /// The next number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    /// True about once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Victim {
    /// The phone, while a clerk does one thing.
    Clerk,
    /// The phone, during a round.
    Sync,
    /// The phone, during its first load.
    Load,
    /// The hub, while a phone syncs with it.
    Hub,
    /// The hub, while it starts.
    Start,
    /// Hub and phone in the same moment.
    Both,
    /// An import, while the hub serves.
    Import,
    /// The making of a campaign, while the hub serves.
    Campaign,
}

impl Victim {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Clerk,
        Self::Hub,
        Self::Import,
        Self::Sync,
        Self::Load,
        Self::Both,
        Self::Start,
        Self::Campaign,
    ];

    /// The victim of a round. The first rounds have one each, so that a short run has all of them.
    pub fn drawn(round: u64, chance: &mut Chance) -> Self {
        // Drawn in any case: what follows must not depend on the round's number.
        let drawn = match chance.below(20) {
            0..6 => Self::Clerk,
            6..9 => Self::Sync,
            9 => Self::Load,
            10..14 => Self::Hub,
            14 => Self::Start,
            15 | 16 => Self::Both,
            17 | 18 => Self::Import,
            _ => Self::Campaign,
        };
        Self::ALL.get(round as usize - 1).copied().unwrap_or(drawn)
    }
}

/// How many write calls a process makes before it is done with something, by what that is.
#[derive(Debug, Default)]
pub struct Writes(BTreeMap<&'static str, u64>);

/// Before one was seen to its end.
const UNSEEN: u64 = 12;

impl Writes {
    /// The write call after which one dies: a drawn share of the most that were seen, now and then past them.
    pub fn share(&self, what: &'static str, chance: &mut Chance) -> u64 {
        let most = self.0.get(what).copied().unwrap_or(UNSEEN);
        (most + 2) * chance.below(WHOLE) / WHOLE
    }

    /// One made so many.
    pub fn saw(&mut self, what: &'static str, writes: u64) {
        let most = self.0.entry(what).or_default();
        *most = writes.max(*most);
    }
}
