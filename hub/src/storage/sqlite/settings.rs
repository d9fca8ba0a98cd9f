//! Settings of the hub that are records: the chain's rules, its calendar, the hub's epoch.

use yaoban_domain::calendar::Calendar;
use yaoban_domain::rules::Rules;

use super::Tx;
use crate::storage::{Records as _, StorageError};

impl Tx<'_> {
    /// A record kept in JSON among the hub's settings.
    pub fn setting<T: serde::de::DeserializeOwned>(
        &self,
        key: &'static str,
    ) -> Result<Option<T>, StorageError> {
        self.meta(key)?
            .map(|text| {
                serde_json::from_str(&text).map_err(|error| StorageError::Record {
                    entity: "setting",
                    id: key.to_owned(),
                    reason: error.to_string(),
                })
            })
            .transpose()
    }

    /// The hub's epoch: a new one after a restore from a backup.
    pub fn epoch(&self) -> Result<String, StorageError> {
        Ok(self.meta("epoch")?.unwrap_or_default())
    }

    /// The chain's rules: its own numbers over the defaults.
    pub fn rules(&self) -> Result<Rules, StorageError> {
        Ok(self.setting("rules")?.unwrap_or_default())
    }

    /// The chain's calendar.
    pub fn calendar(&self) -> Result<Calendar, StorageError> {
        Calendar::new(&self.rules()?.time_zone).map_err(|error| StorageError::Record {
            entity: "setting",
            id: "rules".to_owned(),
            reason: error.to_string(),
        })
    }
}
