//! Chance, injected: ids, secrets and keys come from it, so that a simulator can replay them.

/// Gives random bytes.
pub trait Chance: Send + Sync + 'static {
    /// Fills `bytes` with bytes that nobody can foresee.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance>;
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoChance;

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        getrandom::fill(bytes).map_err(|_| NoChance)
    }
}

/// A UUIDv7 of this instant (UTC).
pub fn uuid_v7(chance: &dyn Chance, now_ms: i64) -> Result<String, NoChance> {
    let mut random = [0; 10];
    chance.fill(&mut random)?;
    let since_1970_ms = u64::try_from(now_ms).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(since_1970_ms, &random).into_uuid();
    Ok(id.to_string())
}
