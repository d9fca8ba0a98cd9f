//! Chance, injected: ids and salts come from it, so that a simulator can replay them.

/// Gives random bytes.
pub trait Chance: Send + Sync {
    /// Fills `bytes` with bytes that nobody can foresee.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance>;
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoChance;

/// The randomness of the machine, for applications; simulators bring their own.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_its_instant_and_never_comes_twice() {
        let one = uuid_v7(&SystemChance, 0x0123_4567_89ab).unwrap();
        let two = uuid_v7(&SystemChance, 0x0123_4567_89ab).unwrap();
        assert!(one.starts_with("01234567-89ab-7"), "{one}");
        assert_ne!(one, two);
    }
}
