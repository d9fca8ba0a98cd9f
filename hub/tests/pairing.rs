//! Codes, tokens, revoked devices.
#![allow(clippy::unwrap_used)] // helpers of tests fail where they stand

mod rig;

use axum::http::{Method, StatusCode};
use rig::{DAY_MS, INFLATED_MAX, Rig};
use yaoban_protocol::codec;
use yaoban_protocol::message::ErrorReply;

#[tokio::test]
async fn a_code_pairs_one_phone_once() {
    let rig = Rig::new(1);
    let code = rig.code("A");
    let pair = rig.try_pair(&code).await.unwrap();
    assert_eq!(
        (
            pair.store_id.as_str(),
            pair.store_name.as_str(),
            pair.chain_name.as_str()
        ),
        ("A", "A店", "康健大药房")
    );
    let (status, error) = rig.try_pair(&code).await.unwrap_err();
    assert_eq!(
        (status, error.code.as_str()),
        (StatusCode::UNAUTHORIZED, "pair_code_invalid")
    );
}

#[tokio::test]
async fn wrong_and_old_codes_are_refused_alike() {
    let rig = Rig::new(1);
    let code = rig.code("A");
    let (id, secret) = code.split_once('.').unwrap();
    for wrong in [
        format!("{id}.x{secret}"),
        format!("x{id}.{secret}"),
        "nonsense".into(),
        String::new(),
    ] {
        let (status, error) = rig.try_pair(&wrong).await.unwrap_err();
        assert_eq!(
            (status, error.code.as_str()),
            (StatusCode::UNAUTHORIZED, "pair_code_invalid")
        );
    }
    rig.clock.advance(DAY_MS);
    assert_eq!(rig.try_pair(&code).await.unwrap_err().1.code, "pair_code_invalid");
    rig.clock.advance(-1);
    rig.try_pair(&code).await.unwrap();
}

#[tokio::test]
async fn a_code_says_whose_phone_it_makes_and_stays_good() {
    let rig = Rig::new(1);
    let code = rig.code("A");
    for _ in 0..2 {
        let offer = rig.offer(&code).await.unwrap();
        assert_eq!(
            (offer.store_name.as_str(), offer.chain_name.as_str()),
            ("A店", "康健大药房")
        );
    }
    rig.try_pair(&code).await.unwrap();
    let (id, secret) = code.split_once('.').unwrap();
    let old = rig.code("A");
    rig.clock.advance(DAY_MS);
    let mut told = Vec::new();
    for wrong in [
        code.clone(),
        old,
        format!("{id}.x{secret}"),
        format!("x{id}.{secret}"),
        id.to_owned(),
        String::new(),
    ] {
        told.push(rig.offer(&wrong).await.unwrap_err());
    }
    assert!(
        told.iter().all(|answer| *answer == told[0]),
        "nothing is told apart"
    );
    assert_eq!(told[0].1.code, "pair_code_invalid");
}

#[tokio::test]
async fn secrets_do_not_rest_in_the_database() {
    let rig = Rig::new(1);
    let code = rig.code("A");
    let pair = rig.try_pair(&code).await.unwrap();
    for name in ["hub.db", "hub.db-wal"] {
        let bytes = std::fs::read(rig.dir.path().join(name)).unwrap_or_default();
        for secret in [code.split_once('.').unwrap().1, &pair.refresh_secret] {
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes()),
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn tokens_expire_and_are_renewed() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let life_ms = rig.token(&phone.pair).await.unwrap().expires_in_ms;
    rig.clock.advance(life_ms - 1);
    rig.hello(&phone).await.unwrap();
    rig.clock.advance(1);
    let (status, error) = rig.hello(&phone).await.unwrap_err();
    assert_eq!(
        (status, error.code.as_str()),
        (StatusCode::UNAUTHORIZED, "token_expired")
    );
    rig.token(&phone.pair).await.unwrap();
}

#[tokio::test]
async fn no_token_wrong_token_wrong_secret() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let response = rig.raw(Method::GET, "/v1/wait", None, Vec::new()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = rig
        .raw(
            Method::GET,
            "/v1/wait",
            Some(&format!("{}x", phone.token)),
            Vec::new(),
        )
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let mut pair = phone.pair.clone();
    pair.refresh_secret.push('x');
    assert_eq!(rig.token(&pair).await.unwrap_err().1.code, "device_unknown");
}

#[tokio::test]
async fn a_device_from_after_the_backup_is_unknown_not_revoked() {
    let rig = Rig::new(1);
    let backup = rig.dir.path().join("backup.db");
    // The key of tokens is older than the device.
    rig.phone("A").await;
    yaoban_hub::backup::backup(rig.dir.path(), &backup).unwrap();
    let phone = rig.phone("A").await;
    let rig = rig.restored(&backup);
    let response = rig
        .raw(Method::GET, "/v1/wait", Some(&phone.token), Vec::new())
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let error: ErrorReply = codec::decode(&rig.bytes(response).await, INFLATED_MAX)
        .unwrap()
        .body;
    assert_eq!(error.code, "device_unknown");
    assert_eq!(rig.token(&phone.pair).await.unwrap_err().1.code, "device_unknown");
}

#[tokio::test]
async fn a_revoked_device_is_out_at_once() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    rig.write(|tx| tx.revoke_device(&phone.pair.device_id, 5));
    let (status, error) = rig.hello(&phone).await.unwrap_err();
    assert_eq!(
        (status, error.code.as_str()),
        (StatusCode::UNAUTHORIZED, "device_revoked")
    );
    assert_eq!(rig.token(&phone.pair).await.unwrap_err().1.code, "device_revoked");
    assert!(!rig.write(|tx| tx.revoke_device(&phone.pair.device_id, 6)));
}

#[tokio::test]
async fn tokens_outlive_a_restart_of_the_hub() {
    let rig = Rig::new(1);
    let phone = rig.phone("A").await;
    let rig = rig.restart();
    rig.hello(&phone).await.unwrap();
}
