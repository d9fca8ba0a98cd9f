//! Bodies of rows as they travel, rendered from the tables when a phone asks.

use std::cell::OnceCell;

use chrono::NaiveDate;
use serde::Serialize;
use yaoban_domain::model::ClassModel;
use yaoban_domain::rules::Rules;
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::row::{Campaign, entity};

use super::Tx;
use super::lines::KeyNames;
use super::scope::store_of;
use crate::storage::{Records as _, StorageError};

/// Lines of one member in one row at most; the newest stay.
const LINES_MAX: usize = 20_000;

/// What a rendering depends on beside the row. One for many rows of one transaction.
#[derive(Debug)]
pub struct Rendering {
    purchases_from: NaiveDate,
    names: OnceCell<KeyNames>,
}

impl Rendering {
    /// A rendering in which purchases before a day stay at the hub.
    pub fn new(purchases_from: NaiveDate) -> Self {
        Self {
            purchases_from,
            names: OnceCell::new(),
        }
    }

    fn names(&self, tx: &Tx<'_>) -> Result<&KeyNames, StorageError> {
        if let Some(names) = self.names.get() {
            return Ok(names);
        }
        let names = tx.key_names()?;
        Ok(self.names.get_or_init(|| names))
    }
}

fn encode<T: Serialize>(
    entity: &'static str,
    id: &str,
    record: Option<T>,
) -> Result<Option<Vec<u8>>, StorageError> {
    record
        .map(|record| {
            to_cbor(&record).map_err(|error| StorageError::Record {
                entity,
                id: id.to_owned(),
                reason: error.to_string(),
            })
        })
        .transpose()
}

impl Tx<'_> {
    /// The body of a row; none if there is no such row any more.
    pub fn render(
        &self,
        scope: &str,
        entity: &str,
        id: &str,
        rendering: &Rendering,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        match entity {
            entity::MEMBER => encode("member", id, self.member(id)?),
            entity::PURCHASES => {
                if self.member_key(id)?.is_none() {
                    return Ok(None);
                }
                let names = rendering.names(self)?;
                let from = Some(rendering.purchases_from);
                let (purchases, _) = self.purchases_of(id, from, None, LINES_MAX, names)?;
                encode("purchases", id, Some(purchases))
            }
            entity::READING => encode("reading", id, self.reading(id)?),
            entity::NOTE => encode("note", id, self.note(id)?),
            entity::TASK => encode("task", id, self.task(id)?),
            entity::ATTEMPT => encode("attempt", id, self.attempt(id)?),
            entity::SEND => encode("send", id, self.send(id)?),
            entity::STORE => encode("store", id, self.store(id)?),
            entity::STAFF => encode("staff", id, self.staff(id)?),
            entity::DRUG => encode("drug", id, self.drug(id)?),
            entity::STOCK => match store_of(scope) {
                Some(store_id) => encode("stock", id, self.stock(store_id, id)?),
                None => Ok(None),
            },
            entity::TEMPLATE => encode("template", id, self.template(id)?),
            entity::MODEL => encode("model", id, self.setting::<ClassModel>("model")?),
            entity::RULES => encode(
                "rules",
                id,
                Some(self.setting::<Rules>("rules")?.unwrap_or_default()),
            ),
            entity::CAMPAIGN => encode("campaign", id, self.travelling_campaign(id)?),
            entity::OP_RESULT => encode("op_result", id, self.op_result(id)?),
            entity::DUPLICATE => encode("duplicate", id, self.duplicate(id)?),
            _ => Ok(None),
        }
    }

    fn travelling_campaign(&self, id: &str) -> Result<Option<Campaign>, StorageError> {
        Ok(self.campaign(id)?.map(|campaign| Campaign {
            id: campaign.id,
            name: campaign.name,
            start: campaign.start,
            due: campaign.due,
        }))
    }
}
