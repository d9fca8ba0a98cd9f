//! A walk-in from another store: looked up at the hub with a stated reason, audited there, kept for
//! a day.

use std::sync::Arc;

use yaoban_protocol::message::LookupRequest;

use super::find::Found;
use super::{AppError, AppResult, ClerkApp};
use crate::search::HITS_MAX;
use crate::sync::Cancel;

impl ClerkApp {
    /// Looks a member of another store up by its whole phone number or its id.
    pub fn lookup(&self, query: &str, reason: &str, cancel: &Cancel) -> AppResult<Found> {
        let acting = self.acting()?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(AppError::refused("reason_missing"));
        }
        let request = LookupRequest {
            query: query.trim().to_owned(),
            reason: reason.to_owned(),
            staff_id: acting.staff.id.clone(),
        };
        let mut store = Arc::clone(&self.store);
        self.driver().lookup(&mut store, request, cancel)?;
        let found = self.find(query, HITS_MAX)?;
        let knows_nobody = found.members.is_empty();
        let asked = if knows_nobody { query.trim() } else { "" };
        asked.clone_into(&mut self.nowhere());
        if knows_nobody {
            return Ok(Found::nobody("counter", "nowhere", query.trim()));
        }
        Ok(found)
    }
}
