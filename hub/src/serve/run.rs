//! A hub on a socket: TLS, background work, graceful stop.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsConfig;

use super::room;
use super::router::router;
use super::state::{Hub, HubError, blocking};
use super::tls::{self, TlsError};
use super::wire::Refusal;
use crate::backup::{BackupError, InUse};
use crate::clock::SystemClock;
use crate::daily;
use crate::recordings::leave;
use crate::storage::sqlite::{Database, Tx};
use crate::storage::{Records as _, StorageError};

/// Open requests get this long to end when the hub stops.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How often tasks are brought up to date.
const SETTLE_EVERY: Duration = Duration::from_mins(5);
/// A client that does not finish its TLS handshake in this time is cut off.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// A client that does not finish its request line and headers in this time is cut off.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);

/// Why the hub does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The hub could not be made ready.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// No usable certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The directory is in use.
    #[error(transparent)]
    InUse(#[from] BackupError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; pass another --listen")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Serving broke off.
    #[error("serving broke off: {0}")]
    Broken(std::io::Error),
}

impl From<StorageError> for ServeError {
    fn from(error: StorageError) -> Self {
        Self::Hub(error.into())
    }
}

/// The address under which phones reach the hub: the chain's own, else where it last listened.
pub fn phone_url(tx: &Tx<'_>) -> Result<Option<String>, StorageError> {
    let url = tx.meta("url")?.or(tx.meta("listen_url")?);
    Ok(url.map(|url| url.trim_end_matches('/').to_owned()))
}

/// Serves until a signal comes. `ready` is told the address and the certificate's fingerprint once
/// phones can connect.
pub async fn serve(
    database: Database,
    address: SocketAddr,
    ready: impl FnOnce(&str, &str),
) -> Result<(), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let _in_use = InUse::shared(database.dir())?;
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    let listen_url = format!("https://{}", reachable(local));
    let url = database.write::<_, StorageError>(|tx| {
        tx.set_meta("listen_url", &listen_url)?;
        Ok(phone_url(tx)?.unwrap_or_else(|| listen_url.clone()))
    })?;
    room::make();
    let identity = tls::identity(database.dir(), &tls::host_of(&url))?;
    let hub = Hub::new(database, Arc::new(SystemClock))?;
    tracing::info!(
        phones_max = hub.waiters_max,
        "phones that can wait for news at a time"
    );
    let daily = tokio::spawn(work_daily(Arc::clone(&hub)));

    let handle = Handle::new();
    tokio::spawn(stop_on_signal(Arc::clone(&hub), handle.clone()));
    let config = RustlsConfig::from_config(identity.config);
    let mut server = axum_server::from_tcp_rustls(listener, config)
        .map_err(failed)?
        // An answer does not wait for the phone to acknowledge what was sent before it (40 ms).
        .map(|acceptor| {
            acceptor
                .handshake_timeout(HANDSHAKE_TIME_MAX)
                .acceptor(NoDelayAcceptor::new())
        })
        .handle(handle);
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX);
    ready(&listen_url, &identity.fingerprint);
    let served = server
        .serve(router(Arc::clone(&hub)).into_make_service())
        .await
        .map_err(ServeError::Broken);
    daily.abort();
    hub.write_seen().await;
    tracing::info!("stopped");
    served
}

/// The fingerprint of the certificate in `DIR/tls`, made if there is none.
pub fn fingerprint(data_dir: &Path, url: &str) -> Result<String, TlsError> {
    Ok(tls::identity(data_dir, &tls::host_of(url))?.fingerprint)
}

/// An address that a client on this machine can use.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// Keeps tasks up to date, and does the work of each business date once.
async fn work_daily(hub: Arc<Hub>) {
    loop {
        let worker = Arc::clone(&hub);
        let done = blocking(move || {
            let now_ms = worker.now_ms();
            let database = &worker.database;
            let due = database.read::<_, Refusal>(|tx| Ok(daily::is_due(tx, now_ms)?))?;
            if due {
                let swept = leave::sweep(database, &worker.recordings, now_ms)?;
                worker
                    .metrics
                    .add("yaoban_recordings_deleted_total", "", swept.deleted as f64);
                Ok(daily::run(database, now_ms)?)
            } else {
                leave::remove_files_of_deleted(database, &worker.recordings)?;
                Ok(daily::settle_tasks(database, now_ms)?)
            }
        });
        match done.await {
            Ok(done) if done != daily::Done::default() => {
                tracing::info!(?done, "daily work");
                hub.notify();
            }
            Ok(_) => {}
            Err(refusal) => tracing::error!(code = refusal.code, "daily work failed, it is tried again"),
        }
        tokio::time::sleep(SETTLE_EVERY).await;
    }
}

async fn stop_on_signal(hub: Arc<Hub>, handle: Handle<SocketAddr>) {
    signal().await;
    tracing::info!("stopping: open requests get {} seconds", STOP_PATIENCE.as_secs());
    hub.stop();
    handle.graceful_shutdown(Some(STOP_PATIENCE));
    signal().await;
    handle.shutdown();
}

/// Waits for SIGINT or SIGTERM.
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
