//! The production transport: reqwest over rustls, trusting exactly the certificate whose fingerprint
//! came with the pairing code. Names, dates and authorities of certificates do not matter: a hub in
//! a chain's own network has none that a phone could check, and phones' clocks are off by days.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};
use yaoban_protocol::codec::MEDIA_TYPE;

use super::code;
use super::event::{FailureKind, Problem};
use super::transport::{Connect, Exchange, Method, Request, Response, Transport, TransportError};

/// Content type of bytes as they are.
const BYTES: &str = "application/octet-stream";
/// A connection is made within this time or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nobody uses is closed after this time: longer than the pause between a round and the
/// long poll after it, and no longer, because the hub holds memory and a file for each. Before a long
/// rest it is closed at once ([`Transport::hang_up`]).
pub const IDLE_MAX: Duration = Duration::from_secs(20);

/// Makes transports over HTTPS.
#[derive(Debug, Clone, Copy, Default)]
pub struct Https;

impl Connect for Https {
    fn connect(&self, url: &str, fingerprint: &str) -> Result<Arc<dyn Transport>, Problem> {
        let bad = |what: String| Problem::new(code::NOT_PAIRED, what);
        let base = url::Url::parse(url).map_err(|e| bad(format!("the hub's address is none: {e}")))?;
        if base.scheme() != "https" {
            return Err(bad("the hub's address is not https".to_owned()));
        }
        let pin = hex::decode(fingerprint)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let pin = pin.ok_or_else(|| bad("the certificate's fingerprint is no SHA-256".to_owned()))?;
        let tls = tls_config(pin).map_err(|e| bad(format!("TLS: {e}")))?;
        let client = client(&tls).map_err(|e| bad(format!("HTTPS client: {e}")))?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Arc::new(HttpsTransport {
            tls,
            client: Mutex::new(client),
            base,
        }))
    }
}

/// A client without a connection. All clients of one TLS take up each other's sessions.
fn client(tls: &ClientConfig) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_MAX)
        .build()
}

struct HttpsTransport {
    tls: ClientConfig,
    client: Mutex<reqwest::Client>,
    base: String,
}

impl Transport for HttpsTransport {
    fn exchange(&self, request: Request) -> Exchange<'_> {
        Box::pin(self.run(request))
    }

    fn hang_up(&self) {
        // Connections go with the client that made them; exchanges under way hold it.
        if let Ok(fresh) = client(&self.tls) {
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

impl HttpsTransport {
    async fn run(&self, request: Request) -> Result<Response, TransportError> {
        let url = format!("{}{}", self.base, request.path);
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let builder = match request.method {
            Method::Get => client.get(url),
            Method::Post => client.post(url).header(CONTENT_TYPE, MEDIA_TYPE),
            Method::Put => client.put(url).header(CONTENT_TYPE, BYTES),
        };
        let builder = match request.body {
            Some(body) => builder.body(body),
            None => builder,
        };
        let builder = match request.token {
            Some(token) => builder.bearer_auth(token),
            None => builder,
        };
        let send = builder.timeout(Duration::from_millis(request.timeout_ms)).send();
        let mut response = send.await.map_err(|e| failure(&e))?;
        let retry_after_ms = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
            .map(|seconds| seconds.saturating_mul(1_000));
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|e| failure(&e))? {
            if (body.len() + part.len()) as u64 > request.response_bytes_max {
                let message = format!("the answer is longer than {} bytes", request.response_bytes_max);
                return Err(TransportError {
                    kind: FailureKind::Garbled,
                    message,
                });
            }
            body.extend_from_slice(&part);
        }
        Ok(Response {
            status: response.status().as_u16(),
            retry_after_ms,
            body,
        })
    }
}

/// What went wrong, without the URL: it may name a member.
fn failure(error: &reqwest::Error) -> TransportError {
    let mut reasons = Vec::new();
    let mut cause = error.source();
    let mut not_trusted = false;
    while let Some(inner) = cause {
        let text = inner.to_string();
        not_trusted |= text.contains(PIN_MISMATCH);
        reasons.push(text);
        cause = inner.source();
    }
    let reason = reasons.pop().unwrap_or_else(|| "no further reason".to_owned());
    let (kind, what) = if not_trusted {
        (FailureKind::NotTrusted, "the server is not the paired hub")
    } else if error.is_connect() {
        (FailureKind::Unreachable, "the hub cannot be reached")
    } else if error.is_timeout() {
        (FailureKind::TimedOut, "the hub did not answer in time")
    } else {
        (FailureKind::Broken, "the connection to the hub broke")
    };
    TransportError {
        kind,
        message: format!("{what} ({reason})"),
    }
}

/// How rustls words the error that [`Pin`] gives; asserted by a test.
const PIN_MISMATCH: &str = "ApplicationVerificationFailure";

/// TLS that trusts exactly the certificate with this SHA-256.
pub fn tls_config(pin: [u8; 32]) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pin {
        sha256: pin,
        provider: Arc::clone(&provider),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Trusts one certificate. The handshake's signature is verified as ever: only the holder of the
/// certificate's key passes.
#[derive(Debug)]
struct Pin {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if Sha256::digest(end_entity.as_ref())[..] == self.sha256 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
