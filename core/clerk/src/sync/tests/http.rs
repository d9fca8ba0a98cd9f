//! The production transport against a TLS server on the loopback: who is trusted, what is capped.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest as _, Sha256};
use yaoban_protocol::codec;
use yaoban_protocol::message::{ErrorReply, PairOfferReply, PairReply, TokenReply, TokenRequest};
use yaoban_protocol::pair::PairCode;

use super::memory::MemoryStore;
use crate::sync::event::{Answer, Call, FailureKind, Options};
use crate::sync::transport::{Connect as _, Method, Request, Response, TransportError};
use crate::sync::{Cancel, Deaf, Driver, Https, SyncStore as _, code, wire};

/// A server that answers each connection with the next bytes and closes it; no bytes: it never answers.
struct Server {
    url: String,
    fingerprint: String,
    thread: Option<JoinHandle<Vec<String>>>,
}

fn tls() -> (Arc<ServerConfig>, String) {
    let made = rcgen::generate_simple_self_signed(["not-the-name-we-ask-for".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let fingerprint = hex::encode(Sha256::digest(der.as_ref()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    (Arc::new(config), fingerprint)
}

/// Reads head and body of a request.
fn read_request(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Some(text[..end].to_owned());
            }
        }
    }
}

impl Server {
    fn start(responses: Vec<Vec<u8>>) -> Self {
        let (config, fingerprint) = tls();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let mut requests = Vec::new();
            for response in responses {
                let (socket, _) = listener.accept().unwrap();
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, socket);
                let Some(request) = read_request(&mut stream) else {
                    continue;
                };
                requests.push(request);
                if response.is_empty() {
                    // Until the other side gives up.
                    while stream.read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
                }
                let _ = stream.write_all(&response);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            requests
        });
        Self {
            url: format!("https://127.0.0.1:{port}"),
            fingerprint,
            thread: Some(thread),
        }
    }

    fn requests(mut self) -> Vec<String> {
        self.thread.take().map(|t| t.join().unwrap()).unwrap_or_default()
    }
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn ask(url: &str, fingerprint: &str, request: Request) -> Result<Response, TransportError> {
    let transport = Https.connect(url, fingerprint).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(transport.exchange(request))
}

fn get(path: &str) -> Request {
    Request {
        method: Method::Get,
        body: None,
        path: path.to_owned(),
        token: Some("secret-token".to_owned()),
        timeout_ms: 10_000,
        response_bytes_max: 100,
    }
}

#[test]
fn the_pinned_certificate_is_trusted_whatever_its_name() {
    let server = Server::start(vec![http("200 OK", "", b"hello")]);
    let response = ask(&server.url, &server.fingerprint, get("/v1/chunk/00")).unwrap();
    assert_eq!(
        (response.status, response.body.as_slice()),
        (200, b"hello".as_slice())
    );
    let requests = server.requests();
    assert!(requests[0].starts_with("get /v1/chunk/00 http/1.1"));
    assert!(requests[0].contains("authorization: bearer secret-token"));
}

#[test]
fn another_certificate_is_not_trusted_and_hears_nothing() {
    let server = Server::start(vec![http("200 OK", "", b"hello")]);
    let error = ask(&server.url, &"ab".repeat(32), get("/")).unwrap_err();
    assert_eq!(error.kind, FailureKind::NotTrusted, "{error}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_body_over_its_cap_is_refused_while_it_is_read() {
    let server = Server::start(vec![http("200 OK", "", &[0; 101]), http("200 OK", "", &[0; 100])]);
    let error = ask(&server.url, &server.fingerprint, get("/")).unwrap_err();
    assert_eq!(error.kind, FailureKind::Garbled);
    assert_eq!(
        ask(&server.url, &server.fingerprint, get("/"))
            .unwrap()
            .body
            .len(),
        100
    );
}

#[test]
fn a_closed_port_is_unreachable_and_a_cut_answer_is_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&url, &"ab".repeat(32), get("/")).unwrap_err();
    assert_eq!(error.kind, FailureKind::Unreachable, "{error}");
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf".to_vec();
    let server = Server::start(vec![cut]);
    let error = ask(&server.url, &server.fingerprint, get("/")).unwrap_err();
    assert_eq!(error.kind, FailureKind::Broken, "{error}");
}

#[test]
fn a_server_that_never_answers_times_out() {
    let server = Server::start(vec![Vec::new()]);
    let request = Request {
        timeout_ms: 300,
        ..get("/")
    };
    let error = ask(&server.url, &server.fingerprint, request).unwrap_err();
    assert_eq!(error.kind, FailureKind::TimedOut, "{error}");
}

#[test]
fn a_refusal_carries_code_and_retry_after() {
    let body = codec::encode(&ErrorReply {
        code: "busy".into(),
        message: "later".into(),
    })
    .unwrap();
    let server = Server::start(vec![http("503 Service Unavailable", "retry-after: 7\r\n", &body)]);
    let request = TokenRequest {
        device_id: "d".into(),
        refresh_secret: "s".into(),
    };
    let call = Call::Token(request);
    let sent = wire::request(&call, None, 10_000).unwrap();
    let response = ask(&server.url, &server.fingerprint, sent).unwrap();
    let failure = wire::answer(&call, &response, 1 << 20).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Refused(503), "busy")
    );
    assert_eq!(failure.retry_after_ms, Some(7_000));
    assert!(server.requests()[0].contains("content-type: application/vnd.yaoban.cbor+zstd"));
}

#[test]
fn replies_that_are_no_messages_are_said_to_be_unreadable() {
    let call = Call::Token(TokenRequest {
        device_id: "d".into(),
        refresh_secret: "s".into(),
    });
    let good = codec::encode(&TokenReply {
        token: "t".into(),
        expires_in_ms: 1,
    })
    .unwrap();
    let response = |body: Vec<u8>| Response {
        status: 200,
        retry_after_ms: None,
        body,
    };
    assert!(matches!(
        wire::answer(&call, &response(good.clone()), 1_000),
        Ok(Answer::Token(_))
    ));
    let bomb = codec::encode(&"x".repeat(1 << 20)).unwrap();
    for bad in [
        Vec::new(),
        b"<html>".to_vec(),
        good[..good.len() / 2].to_vec(),
        bomb,
    ] {
        assert_eq!(
            wire::answer(&call, &response(bad), 1_000).unwrap_err().kind,
            FailureKind::Garbled
        );
    }
}

fn driver() -> Driver {
    Driver::new(Box::new(Https), Box::new(|| 0), "test").unwrap()
}

#[test]
fn a_code_is_asked_whose_phone_it_makes() {
    let offer = PairOfferReply {
        chain_name: "chain".into(),
        store_name: "store".into(),
    };
    let used = ErrorReply {
        code: "pair_code_invalid".into(),
        message: "used".into(),
    };
    let server = Server::start(vec![
        http("200 OK", "", &codec::encode(&offer).unwrap()),
        http("401 Unauthorized", "", &codec::encode(&used).unwrap()),
    ]);
    let text = PairCode {
        url: server.url.clone(),
        fingerprint: server.fingerprint.clone(),
        secret: "s".into(),
    }
    .to_text();
    let driver = driver();
    assert_eq!(
        driver.pairing_offer(&text[..20]).unwrap_err().code,
        code::PAIR_CODE_BAD
    );
    assert_eq!(driver.pairing_offer(&text).unwrap(), offer);
    assert_eq!(driver.pairing_offer(&text).unwrap_err().code, "pair_code_invalid");
}

#[test]
fn pairing_keeps_what_the_hub_gave_and_a_used_code_is_refused_clearly() {
    let reply = PairReply {
        device_id: "d7".into(),
        refresh_secret: "r".into(),
        chain_name: "chain".into(),
        store_id: "1".into(),
        store_name: "store".into(),
        staff_id: None,
    };
    let other_chain = PairReply {
        chain_name: "another".into(),
        ..reply.clone()
    };
    let token = TokenReply {
        token: "t".into(),
        expires_in_ms: 1,
    };
    let forgotten = ErrorReply {
        code: "device_unknown".into(),
        message: "restored to a backup from before the pairing".into(),
    };
    let used = ErrorReply {
        code: "pair_code_invalid".into(),
        message: "used".into(),
    };
    let server = Server::start(vec![
        http("401 Unauthorized", "", &codec::encode(&used).unwrap()),
        http("200 OK", "", &codec::encode(&reply).unwrap()),
        // The paired phone asks whether it is still known: it is, and then it is not.
        http("200 OK", "", &codec::encode(&token).unwrap()),
        http("401 Unauthorized", "", &codec::encode(&forgotten).unwrap()),
        http("200 OK", "", &codec::encode(&reply).unwrap()),
        http("200 OK", "", &codec::encode(&other_chain).unwrap()),
    ]);
    let text = PairCode {
        url: server.url.clone(),
        fingerprint: server.fingerprint.clone(),
        secret: "s".into(),
    }
    .to_text();
    let (driver, mut store) = (driver(), MemoryStore::default());
    assert_eq!(
        driver.pair(&mut store, &text[..20], "phone").unwrap_err().code,
        code::PAIR_CODE_BAD
    );
    assert_eq!(
        driver.pair(&mut store, &text, "phone").unwrap_err().code,
        "pair_code_invalid"
    );
    assert_eq!(driver.pair(&mut store, &text, "phone").unwrap().device_id, "d7");
    assert_eq!(
        store.state().unwrap().pairing.unwrap().fingerprint,
        server.fingerprint
    );
    assert_eq!(
        driver.pair(&mut store, &text, "phone").unwrap_err().code,
        code::ALREADY_PAIRED
    );
    assert_eq!(driver.pair(&mut store, &text, "phone").unwrap().device_id, "d7");
    store.lock("device_revoked").unwrap();
    assert_eq!(
        driver.pair(&mut store, &text, "phone").unwrap_err().code,
        code::OTHER_CHAIN
    );
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn a_round_with_the_hub_away_ends_with_hub_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut store = MemoryStore::paired();
    store.known.pairing.as_mut().unwrap().url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = driver().sync_once(&mut store, Options::default(), &Deaf, &Cancel::default());
    assert_eq!(report.checked().unwrap_err().code, code::HUB_UNREACHABLE);
}

#[test]
fn a_round_ends_at_once_when_it_is_cancelled() {
    let server = Server::start(vec![Vec::new()]);
    let mut store = MemoryStore::paired();
    let pairing = store.known.pairing.as_mut().unwrap();
    pairing.url.clone_from(&server.url);
    pairing.fingerprint.clone_from(&server.fingerprint);
    let cancel = Cancel::default();
    let canceller = {
        let cancel = cancel.clone();
        std::thread::spawn(move || cancel.cancel())
    };
    let report = driver().sync_once(&mut store, Options::default(), &Deaf, &cancel);
    assert_eq!(report.checked().unwrap_err().code, code::CANCELLED);
    canceller.join().unwrap();
}
