//! Members that a phone does not hold: walk-ins from other stores, and purchases of long ago.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use yaoban_domain::calendar::from_day_number;
use yaoban_domain::codes::Action;
use yaoban_domain::model::Member;
use yaoban_domain::phone;
use yaoban_domain::role::{Place, Request as Wanted, decide};
use yaoban_protocol::message::{HistoryReply, LookupReply, LookupRequest};
use yaoban_protocol::row::{Change, ChangeKind, entity};

use super::state::Hub;
use super::sync::rendering;
use super::wire::{Form, Message, Refusal, reply};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::Device;
use crate::storage::sqlite::render::Rendering;
use crate::storage::sqlite::scope::store_scope;

/// How long a phone keeps a member that it looked up.
const KEEP_MS: i64 = 24 * 60 * 60 * 1_000;
const QUERY_CHARS_MAX: usize = 100;
/// The longest reason that is stated for what is audited.
pub const REASON_CHARS_MAX: usize = 500;
/// Members on one number that a lookup shows.
const FOUND_MAX: usize = 20;
/// Lines in one reply of history.
const HISTORY_LINES_MAX: usize = 1_000;

fn forbidden(code: &'static str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, code, "not allowed; see the code")
}

/// `POST /v1/lookup`: a member of the whole chain by its whole number or its id, with a stated
/// reason. Every member shown is written to the audit trail first.
pub async fn lookup(
    State(hub): State<Arc<Hub>>,
    device: Device,
    request: Message<LookupRequest>,
) -> Result<Response, Refusal> {
    let (form, body) = (request.form, request.body);
    let answer = hub.write(move |hub, tx| look_up(hub, tx, &device, &body)).await?;
    reply(form, &answer)
}

fn look_up(hub: &Hub, tx: &Tx<'_>, device: &Device, request: &LookupRequest) -> Result<LookupReply, Refusal> {
    let (query, reason) = (request.query.trim(), request.reason.trim());
    if query.is_empty()
        || query.chars().count() > QUERY_CHARS_MAX
        || reason.chars().count() > REASON_CHARS_MAX
    {
        return Err(Refusal::bad("query and reason must be told, and be short"));
    }
    let staff = tx
        .staff(&request.staff_id)?
        .ok_or_else(|| forbidden("staff_unknown"))?;
    if staff.store_id.as_deref() != Some(&device.store_id) {
        return Err(forbidden("staff_other_store"));
    }
    let rules = tx.rules()?;
    let mut found = find(tx, query)?;
    found.truncate(FOUND_MAX);
    let mut rows = Vec::new();
    let rendering = rendering(hub, tx)?;
    for member in &found {
        let place = Place {
            store_id: member.store_id.as_deref(),
            region: None,
        };
        let wanted = Wanted {
            reason: Some(reason),
            ..Wanted::new(Action::SeeMember, place)
        };
        if !decide(&staff, &wanted, &rules.device).is_allowed() {
            return Err(forbidden("reason_missing"));
        }
        tx.audit(&AuditEntry {
            at_ms: hub.now_ms(),
            actor: format!("device:{}", device.id),
            staff_id: Some(staff.id.clone()),
            action: "lookup",
            subject: Some(member.id.clone()),
            detail: serde_json::json!({ "reason": reason, "store": device.store_id }),
        })?;
        rows.extend(member_rows(tx, member, &rendering)?);
    }
    Ok(LookupReply {
        rows,
        keep_ms: KEEP_MS,
    })
}

fn find(tx: &Tx<'_>, query: &str) -> Result<Vec<Member>, Refusal> {
    let by_id = match tx.resolve_member(query)? {
        Some(id) => tx.member(&id)?,
        None => None,
    };
    let mut found: Vec<Member> = match (by_id, phone::normalise(query)) {
        (Some(member), _) => vec![member],
        (None, Some(number)) => tx.members_on_phone(&number)?,
        (None, None) => Vec::new(),
    };
    found.retain(|member| !member.erased);
    Ok(found)
}

/// Member, purchases and readings, outside of any scope.
fn member_rows(tx: &Tx<'_>, member: &Member, rendering: &Rendering) -> Result<Vec<Change>, Refusal> {
    let mut wanted = vec![
        (entity::MEMBER, member.id.clone()),
        (entity::PURCHASES, member.id.clone()),
    ];
    wanted.extend(
        tx.readings_of(&member.id)?
            .into_iter()
            .map(|reading| (entity::READING, reading.id)),
    );
    let mut rows = Vec::with_capacity(wanted.len());
    for (entity, id) in wanted {
        if let Some(body) = tx.render("", entity, &id, rendering)? {
            rows.push(Change {
                seq: 0,
                entity: entity.to_owned(),
                id,
                kind: ChangeKind::Put,
                body: ByteBuf::from(body),
            });
        }
    }
    Ok(rows)
}

/// What history is asked for.
#[derive(Debug, Deserialize)]
pub struct Before {
    before: i32,
    limit: Option<usize>,
}

/// `GET /v1/history/{member}?before=DAY&limit=N`: lines before a day, the newest of them first cut.
pub async fn history(
    State(hub): State<Arc<Hub>>,
    device: Device,
    Path(member_id): Path<String>,
    Query(asked): Query<Before>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let limit = asked
        .limit
        .unwrap_or(HISTORY_LINES_MAX)
        .clamp(1, HISTORY_LINES_MAX);
    let answer = hub
        .read(move |hub, tx| {
            let unknown = || {
                Refusal::new(
                    StatusCode::NOT_FOUND,
                    "member_unknown",
                    "no such member in this store",
                )
            };
            let id = tx.resolve_member(&member_id)?.ok_or_else(unknown)?;
            let here = tx
                .row_kind(&store_scope(&device.store_id), entity::MEMBER, &id)?
                .as_deref()
                == Some("put");
            let actor = format!("device:{}", device.id);
            if !here && !tx.looked_up_since(&actor, &id, hub.now_ms() - KEEP_MS)? {
                return Err(unknown());
            }
            let names = tx.key_names()?;
            let before = Some(from_day_number(asked.before));
            let (mut purchases, more) = tx.purchases_of(&id, None, before, limit, &names)?;
            // A day is told whole: the next call asks for what is before the oldest day told.
            let oldest = purchases.days.first().copied();
            let cut = purchases
                .days
                .iter()
                .take_while(|day| Some(**day) == oldest)
                .count();
            if more && cut < purchases.days.len() {
                let whole = purchases.days.len() - cut;
                purchases = tx.purchases_of(&id, None, before, whole, &names)?.0;
            }
            Ok(HistoryReply { purchases, more })
        })
        .await?;
    reply(Form::wanted(&headers), &answer)
}
