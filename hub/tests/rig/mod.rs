//! A hub in this process: the real router over a real database file, with a clock that stands.
#![allow(dead_code, clippy::missing_panics_doc)] // each test binary uses its part

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;
use tower::ServiceExt as _;
use yaoban_domain::model::{Drug, Member, Staff, Store};
use yaoban_hub::clock::ManualClock;
use yaoban_hub::serve::pairing::{Whom, make_code};
use yaoban_hub::serve::router::router;
use yaoban_hub::serve::state::Hub;
use yaoban_hub::storage::sqlite::scope::{CATALOGUE, Changes, Mark, store_scope};
use yaoban_hub::storage::sqlite::{Database, Tx};
use yaoban_hub::storage::{Records as _, StorageError};
use yaoban_protocol::codec;
use yaoban_protocol::message::{
    Cursor, Envelope, ErrorReply, HelloReply, HelloRequest, PairOfferReply, PairOfferRequest, PairReply,
    PairRequest, PullReply, PullRequest, PushReply, PushRequest, TokenReply, TokenRequest,
};
use yaoban_protocol::op::{Op, OpEnvelope};
use yaoban_protocol::row::entity;

/// 2026-03-02 10:00 in Shanghai.
pub const NOW_MS: i64 = 1_772_416_800_000;
pub const DAY_MS: i64 = 86_400_000;
pub const INFLATED_MAX: u64 = 64 << 20;

pub struct Rig {
    pub dir: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub hub: Arc<Hub>,
}

/// A paired phone.
pub struct Phone {
    pub pair: PairReply,
    pub token: String,
    pub epoch: String,
    pub n: u64,
}

pub fn member(id: &str, store_id: Option<&str>) -> Member {
    serde_json::from_value(serde_json::json!({
        "id": id, "store_id": store_id, "name": format!("会员{id}"), "phone": null, "sex": null, "birthday": null,
        "joined_on": "2024-01-01", "height_cm": null, "weight_hg": null
    }))
    .unwrap()
}

pub fn staff(id: &str, store_id: &str, role: &str) -> Staff {
    serde_json::from_value(serde_json::json!({
        "id": id, "store_id": store_id, "region": null, "name": format!("店员{id}"), "role": role
    }))
    .unwrap()
}

impl Rig {
    /// Stores A and B with a manager and a clerk each, and members `MA0…`, `MB0…` in them.
    pub fn new(members: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "康健大药房", None).unwrap();
        database
            .write::<_, StorageError>(|tx| {
                for store in ["A", "B"] {
                    tx.put_store(&Store { id: store.into(), name: format!("{store}店"), region: None })?;
                    tx.put_staff(&staff(&format!("clerk-{store}"), store, "clerk"))?;
                    tx.put_staff(&staff(&format!("manager-{store}"), store, "store_manager"))?;
                    let mut changes = Changes::new();
                    changes.add(&store_scope(store), entity::STORE, store, Mark::Put);
                    for id in [format!("clerk-{store}"), format!("manager-{store}")] {
                        changes.add(&store_scope(store), entity::STAFF, &id, Mark::Put);
                    }
                    for index in 0..members {
                        let id = format!("M{store}{index}");
                        tx.put_member(&member(&id, Some(store)))?;
                        changes.add(&store_scope(store), entity::MEMBER, &id, Mark::Put);
                    }
                    tx.touch(&changes)?;
                }
                let drug: Drug = serde_json::from_value(serde_json::json!({
                    "id": "D1", "name": "络活喜", "ingredient": "氨氯地平", "category": "降压药", "manufacturer": null,
                    "spec": null, "units_per_pack_milli": 7000, "daily_units_milli": 1000, "chronic": true
                }))
                .unwrap();
                tx.put_drug(&drug)?;
                let mut changes = Changes::new();
                changes.add(CATALOGUE, entity::DRUG, "D1", Mark::Put);
                changes.add(CATALOGUE, entity::RULES, "rules", Mark::Put);
                tx.touch(&changes)
            })
            .unwrap();
        Self::over(dir, database)
    }

    fn over(dir: tempfile::TempDir, database: Database) -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let hub = Hub::new(database, clock.clone()).unwrap();
        Self { dir, clock, hub }
    }

    /// The same files, a new process.
    pub fn restart(self) -> Self {
        let Self { dir, clock, hub } = self;
        drop(hub);
        let database = Database::open(dir.path()).unwrap();
        let hub = Hub::new(database, clock.clone()).unwrap();
        Self { dir, clock, hub }
    }

    /// Stopped, restored from a backup, started.
    pub fn restored(self, backup: &std::path::Path) -> Self {
        let Self { dir, clock, hub } = self;
        drop(hub);
        yaoban_hub::backup::restore(dir.path(), backup, NOW_MS).unwrap();
        let database = Database::open(dir.path()).unwrap();
        let hub = Hub::new(database, clock.clone()).unwrap();
        Self { dir, clock, hub }
    }

    pub fn write<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, StorageError>) -> T {
        self.hub.database.write(f).unwrap()
    }

    pub fn read<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, StorageError>) -> T {
        self.hub.database.read(f).unwrap()
    }

    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        router(Arc::clone(&self.hub))
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap()
    }

    pub async fn bytes(&self, response: Response<Body>) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    async fn decoded<T: DeserializeOwned>(
        &self,
        response: Response<Body>,
    ) -> Result<T, (StatusCode, ErrorReply)> {
        let status = response.status();
        let bytes = self.bytes(response).await;
        if status == StatusCode::OK {
            let envelope: Envelope<T> = codec::decode(&bytes, INFLATED_MAX).unwrap();
            return Ok(envelope.body);
        }
        let error: Envelope<ErrorReply> = codec::decode(&bytes, INFLATED_MAX).unwrap();
        Err((status, error.body))
    }

    pub async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Q,
    ) -> Result<A, (StatusCode, ErrorReply)> {
        let response = self
            .raw(Method::POST, path, token, codec::encode(body).unwrap())
            .await;
        self.decoded(response).await
    }

    pub async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
    ) -> Result<A, (StatusCode, ErrorReply)> {
        let response = self.raw(Method::GET, path, Some(token), Vec::new()).await;
        self.decoded(response).await
    }

    pub fn code(&self, store_id: &str) -> String {
        self.hub
            .database
            .write(|tx| make_code(tx, &Whom::Store(store_id.into()), self.now_ms()))
            .unwrap()
    }

    pub fn now_ms(&self) -> i64 {
        use yaoban_hub::clock::Clock as _;
        self.clock.now_ms()
    }

    pub async fn try_pair(&self, secret: &str) -> Result<PairReply, (StatusCode, ErrorReply)> {
        let request = PairRequest {
            secret: secret.into(),
            device_name: "柜台手机".into(),
        };
        self.post("/v1/pair", None, &request).await
    }

    pub async fn offer(&self, secret: &str) -> Result<PairOfferReply, (StatusCode, ErrorReply)> {
        let request = PairOfferRequest {
            secret: secret.into(),
        };
        self.post("/v1/pair/offer", None, &request).await
    }

    pub async fn token(&self, pair: &PairReply) -> Result<TokenReply, (StatusCode, ErrorReply)> {
        let request = TokenRequest {
            device_id: pair.device_id.clone(),
            refresh_secret: pair.refresh_secret.clone(),
        };
        self.post("/v1/token", None, &request).await
    }

    pub async fn phone(&self, store_id: &str) -> Phone {
        let pair = self.try_pair(&self.code(store_id)).await.unwrap();
        let token = self.token(&pair).await.unwrap().token;
        let mut phone = Phone {
            pair,
            token,
            epoch: String::new(),
            n: 0,
        };
        phone.epoch = self.hello(&phone).await.unwrap().epoch;
        phone
    }

    pub async fn hello(&self, phone: &Phone) -> Result<HelloReply, (StatusCode, ErrorReply)> {
        let request = HelloRequest {
            schema: 1,
            app_version: "1".into(),
            last_n: phone.n,
            now_ms: self.now_ms(),
        };
        self.post("/v1/hello", Some(&phone.token), &request).await
    }

    pub async fn pull(
        &self,
        phone: &Phone,
        cursors: &[(&str, u64)],
    ) -> Result<PullReply, (StatusCode, ErrorReply)> {
        let cursors = cursors
            .iter()
            .map(|(scope, after)| Cursor {
                scope: (*scope).into(),
                generation: 1,
                after: *after,
            })
            .collect();
        let request = PullRequest {
            epoch: phone.epoch.clone(),
            cursors,
        };
        self.post("/v1/pull", Some(&phone.token), &request).await
    }

    /// Everything in the phone's scopes.
    pub async fn pull_all(&self, phone: &Phone) -> PullReply {
        let store = store_scope(&phone.pair.store_id);
        self.pull(phone, &[(CATALOGUE, 0), (&store, 0)]).await.unwrap()
    }

    pub async fn push(
        &self,
        phone: &Phone,
        ops: &[OpEnvelope],
    ) -> Result<PushReply, (StatusCode, ErrorReply)> {
        let request = PushRequest {
            epoch: phone.epoch.clone(),
            ops: ops.to_vec(),
        };
        self.post("/v1/push", Some(&phone.token), &request).await
    }
}

/// A purchase of drug D1 on a day.
#[derive(Clone, Copy)]
pub struct Bought {
    pub day: &'static str,
    pub packs: i64,
    pub amount_fen: i64,
    pub cost_fen: Option<i64>,
}

pub fn bought(day: &'static str, amount_fen: i64) -> Bought {
    Bought {
        day,
        packs: 1,
        amount_fen,
        cost_fen: Some(amount_fen / 2),
    }
}

impl Rig {
    /// Writes all purchases of a member (in the order of their days), as an import leaves them.
    pub fn buys(&self, member_id: &str, purchases: &[Bought]) {
        use yaoban_domain::calendar::day_number;
        use yaoban_hub::storage::packed::{days, lines};
        let connection = rusqlite::Connection::open(self.dir.path().join("hub.db")).unwrap();
        let key: i64 = connection
            .query_row(
                "SELECT member_key FROM member WHERE member_id = ?1",
                [member_id],
                |row| row.get(0),
            )
            .unwrap();
        let (mut packed, mut packed_days, mut before) = (Vec::new(), Vec::new(), 0);
        for (index, purchase) in purchases.iter().enumerate() {
            let day = day_number(purchase.day.parse().unwrap());
            let id = format!("{member_id}-{index}");
            let line = lines::PackedLine {
                day,
                second: -1,
                id: id.as_bytes(),
                drug_key: 1,
                store_key: 1,
                quantity_milli: purchase.packs * 1_000,
                amount_fen: purchase.amount_fen,
                cost_fen: purchase.cost_fen,
            };
            lines::put(&mut packed, before, &line);
            days::put(&mut packed_days, before, day, purchase.amount_fen);
            before = day;
        }
        let put = |sql: &str, blob: &[u8]| connection.execute(sql, rusqlite::params![key, blob]).unwrap();
        put("INSERT OR REPLACE INTO member_lines VALUES (?1, 0, ?2)", &packed);
        put(
            "INSERT OR REPLACE INTO member_days VALUES (?1, 0, ?2)",
            &packed_days,
        );
    }
}

impl Phone {
    /// The next operation of this phone.
    pub fn op(&mut self, staff_id: &str, at_ms: i64, op: &Op) -> OpEnvelope {
        self.n += 1;
        OpEnvelope {
            n: self.n,
            op_id: uuid::Uuid::now_v7().to_string(),
            staff_id: staff_id.into(),
            at_ms,
            base_version: 0,
            body: ByteBuf::from(codec::to_cbor(op).unwrap()),
            parked: false,
        }
    }
}
