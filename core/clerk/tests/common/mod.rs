//! What the tests of the store share: a vault with a fixed key, small records, scopes of rows.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretBox;
use yaoban_clerk_core::store::Store;
use yaoban_clerk_core::sync::{LoadPlan, Pairing, SyncStore};
use yaoban_clerk_core::vault::{DatabaseKey, KeyVault, VaultError};
use yaoban_domain::codes::Role;
use yaoban_domain::model::{Lifetime, Member, Staff};
use yaoban_protocol::codec::to_cbor;
use yaoban_protocol::message::{Chunk, ChunkRef, Manifest};
use yaoban_protocol::row::{Change, ChangeKind, entity};

/// 2026-06-15, noon in Shanghai.
pub const NOON: i64 = 1_781_496_000_000;

/// Gives a key of one repeated byte.
pub struct TestVault(pub u8);

impl KeyVault for TestVault {
    fn database_key(&self) -> Result<DatabaseKey, VaultError> {
        Ok(SecretBox::new(Box::new([self.0; 32])))
    }
}

pub fn open(dir: &Path) -> Arc<Store> {
    Arc::new(Store::open(&dir.join("clerk.db"), &TestVault(1), NOON).unwrap().0)
}

pub fn member(id: &str, name: &str) -> Member {
    Member {
        id: id.into(),
        store_id: Some("S1".into()),
        name: name.into(),
        phone: Some("13812341234".into()),
        phone_invalid: false,
        sex: None,
        birthday: "2000-02-29".parse().ok(),
        joined_on: None,
        diseases: vec!["hypertension".into()],
        allergies: Vec::new(),
        tags: vec!["a".into(), "b".into()],
        height_cm: None,
        weight_hg: None,
        consents: Vec::new(),
        regimens: Vec::new(),
        paused_until: None,
        do_not_contact: false,
        deceased: false,
        erased: false,
        ask_number: false,
        aliases: Vec::new(),
        lifetime: Lifetime::default(),
        version: 3,
    }
}

pub fn staff(id: &str, role: Role) -> Staff {
    Staff {
        id: id.into(),
        store_id: Some("S1".into()),
        region: None,
        name: id.into(),
        role: role.into(),
        pharmacist: false,
        active: true,
        off_on: None,
    }
}

pub fn put<T: serde::Serialize>(seq: u64, entity: &str, id: &str, row: &T) -> Change {
    let body = to_cbor(row).unwrap().into();
    Change {
        seq,
        entity: entity.into(),
        id: id.into(),
        kind: ChangeKind::Put,
        body,
    }
}

pub fn gone(seq: u64, kind: ChangeKind, entity: &str, id: &str) -> Change {
    Change {
        seq,
        entity: entity.into(),
        id: id.into(),
        kind,
        body: Vec::new().into(),
    }
}

pub fn pairing() -> Pairing {
    Pairing {
        url: "https://hub.example:8443".into(),
        fingerprint: "00".into(),
        device_id: "D1".into(),
        refresh_secret: "secret".into(),
        chain_name: "安康大药房".into(),
        store_id: "S1".into(),
        store_name: "一店".into(),
        staff_id: Some("C1".into()),
    }
}

pub const SCOPE: &str = "store:S1";

/// A plan of one scope with so many chunks.
pub fn plan(scope: &str, chunks: usize, at_seq: u64) -> LoadPlan {
    let chunk = ChunkRef {
        sha256: String::new(),
        bytes: 0,
        members: 0,
    };
    let manifest = Manifest {
        scope: scope.into(),
        generation: 1,
        at_seq,
        chunks: vec![chunk; chunks],
        members: 0,
        rows: 0,
        erased: Vec::new(),
    };
    LoadPlan {
        epoch: "e1".into(),
        manifests: vec![manifest],
        shape: 1,
    }
}

/// Pairs the store and loads these rows as one chunk of the store's scope.
pub fn load(store: &mut Arc<Store>, rows: Vec<Change>) {
    let at_seq = rows.iter().map(|row| row.seq).max().unwrap_or(0);
    store.save_pairing(&pairing()).unwrap();
    store.begin_load(&plan(SCOPE, 1, at_seq)).unwrap();
    store.load_chunk(0, Chunk { rows }).unwrap();
    SyncStore::finish_load(store, NOON).unwrap();
}

/// A clerk, a manager and two members.
pub fn small_store() -> Vec<Change> {
    vec![
        put(1, entity::STAFF, "C1", &staff("C1", Role::Clerk)),
        put(2, entity::STAFF, "B1", &staff("B1", Role::StoreManager)),
        put(3, entity::MEMBER, "M1", &member("M1", "欧阳娜娜")),
        put(4, entity::MEMBER, "M2", &member("M2", "王芳")),
    ]
}
