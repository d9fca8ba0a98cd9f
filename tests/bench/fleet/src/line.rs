//! One phone's line to the hub: TCP, TLS and HTTP/2 as the phone's own transport makes them, with
//! every byte counted. A connection is kept while it is used and closed when it is not, as the
//! phone's HTTP client does.

use std::cell::RefCell;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use yaoban_clerk_core::sync::event::FailureKind;
use yaoban_clerk_core::sync::transport::{Request, Response, TransportError};
use yaoban_protocol::codec::MEDIA_TYPE;

use crate::figures::{Figures, Wire, add};

/// A connection is made within this time or not at all, as on the phone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the hub is, and how to trust it.
pub struct Target {
    /// Its address.
    pub address: SocketAddr,
    /// The loopback address to call from: one alone has too few ports for all phones.
    pub from: Ipv4Addr,
    /// TLS that trusts its certificate alone; keeps the ticket of the last session.
    pub tls: Arc<rustls::ClientConfig>,
}

/// The line of one phone.
pub struct Line {
    target: Target,
    figures: Rc<Figures>,
    wire: Rc<Wire>,
    sender: RefCell<Option<SendRequest<Full<Bytes>>>>,
    making: tokio::sync::Mutex<()>,
}

fn broken(kind: FailureKind, message: impl std::fmt::Display) -> TransportError {
    TransportError {
        kind,
        message: message.to_string(),
    }
}

impl Line {
    /// A line that is not connected yet.
    pub fn new(target: Target, figures: Rc<Figures>, wire: Rc<Wire>) -> Self {
        Self {
            target,
            figures,
            wire,
            sender: RefCell::new(None),
            making: tokio::sync::Mutex::new(()),
        }
    }

    /// Hangs up.
    pub fn close(&self) {
        self.sender.borrow_mut().take();
    }

    /// One exchange. A request that a connection gave back unsent goes over a new one.
    pub async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let limit = Duration::from_millis(request.timeout_ms);
        let exchange = async {
            for _ in 0..2 {
                let mut sender = self.sender().await?;
                let ready = sender.ready().await;
                if ready.is_err() {
                    self.close();
                    continue;
                }
                match sender.try_send_request(head_and_body(&request)?).await {
                    Ok(response) => return body(response).await,
                    Err(mut error) => match error.take_message() {
                        Some(_unsent) => self.close(),
                        None => return Err(broken(FailureKind::Broken, error.into_error())),
                    },
                }
            }
            Err(broken(FailureKind::Broken, "the hub hung up twice"))
        };
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(broken(FailureKind::TimedOut, "no answer in time")))
    }

    async fn sender(&self) -> Result<SendRequest<Full<Bytes>>, TransportError> {
        let _one_at_a_time = self.making.lock().await;
        let held = self.sender.borrow().clone();
        if let Some(sender) = held.filter(|sender| !sender.is_closed()) {
            return Ok(sender);
        }
        let made = tokio::time::timeout(CONNECT_TIMEOUT, self.connect())
            .await
            .unwrap_or_else(|_| Err(broken(FailureKind::Unreachable, "no connection in time")))?;
        *self.sender.borrow_mut() = Some(made.clone());
        Ok(made)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, TransportError> {
        let fail = |e: std::io::Error| broken(FailureKind::Unreachable, e);
        let socket = TcpSocket::new_v4().map_err(fail)?;
        socket
            .bind(SocketAddr::from((self.target.from, 0)))
            .map_err(fail)?;
        let tcp = socket.connect(self.target.address).await.map_err(fail)?;
        tcp.set_nodelay(true).map_err(fail)?;
        add(&self.wire.connects, 1);
        self.figures.connections(1);
        let counted = Counted {
            tcp,
            wire: Rc::clone(&self.wire),
            figures: Rc::clone(&self.figures),
        };
        let name = ServerName::IpAddress(self.target.address.ip().into());
        let tls = TlsConnector::from(Arc::clone(&self.target.tls))
            .connect(name, counted)
            .await
            .map_err(fail)?;
        let (sender, connection) = http2::handshake(Local, TokioIo::new(tls))
            .await
            .map_err(|e| broken(FailureKind::Unreachable, e))?;
        tokio::task::spawn_local(async move {
            // How it ended is told to the requests that were on it.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

fn head_and_body(request: &Request) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
    let mut builder = hyper::Request::builder()
        .uri(format!("https://hub.fleet{}", request.path))
        .header(ACCEPT, "*/*");
    if let Some(token) = &request.token {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|e| broken(FailureKind::Garbled, e))?;
        value.set_sensitive(true);
        builder = builder.header(AUTHORIZATION, value);
    }
    let built = match &request.body {
        Some(body) => builder
            .method("POST")
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .body(Full::from(body.clone())),
        None => builder.method("GET").body(Full::default()),
    };
    built.map_err(|e| broken(FailureKind::Garbled, e))
}

async fn body(response: hyper::Response<hyper::body::Incoming>) -> Result<Response, TransportError> {
    let status = response.status().as_u16();
    let retry_after_ms = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|e| broken(FailureKind::Broken, e))?;
    Ok(Response {
        status,
        retry_after_ms,
        body: body.to_bytes().to_vec(),
    })
}

/// Runs connections on the one thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

/// A connection whose bytes are counted.
struct Counted {
    tcp: TcpStream,
    wire: Rc<Wire>,
    figures: Rc<Figures>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.figures.connections(-1);
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.tcp).poll_read(cx, buffer);
        add(&self.wire.down, (buffer.filled().len() - before) as u64);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            add(&self.wire.up, *written as u64);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
