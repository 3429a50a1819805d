//! HTTP/1.1 to a server on this machine, cheap with hundreds of connections: an HTTP client for the SDK.
//!
//! Where an answer takes 10 ms, hundreds of batches must be in flight for two processors to be busy. The SDK's own client keeps a task,
//! two channels and two buffers for each connection, 50 KB that do not stay in a processor's cache when there are hundreds. To this
//! machine there is no proxy, no TLS and nothing to stream, so none of that is needed: here the request that uses a connection moves it
//! along, and one that is idle is a socket and nothing else. Requests to all other endpoints go through the SDK's client.
//!
//! What stays the SDK's: it makes the requests and reads the answers, says how long to wait, and has connections closed that it
//! distrusts.
//!
//! Measured with `scripts/bench cpu delay`, against the SDK's client for the same endpoint: a row costs 1.03 µs of CPU instead of
//! 1.19, and where an answer takes 10 ms, a quarter more rows come through in a second.

mod answer;
mod exchange;
mod server;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::RuntimeComponents;
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;
use http::uri::Authority;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use self::exchange::{Unsent, exchange};
use self::server::{Poison, Server};

/// Where a URL of `http` names no port.
const PORT: u16 = 80;

/// A client for one server. Its connections belong to the runtime that opened them.
#[derive(Debug)]
pub(super) struct LoopbackHttp {
    server: Arc<Server>,
}

impl LoopbackHttp {
    /// For the server at `authority`, such as `127.0.0.1:8000`.
    pub(super) fn new(authority: Authority) -> Self {
        Self { server: Arc::new(Server::new(authority)) }
    }
}

impl HttpClient for LoopbackHttp {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            server: Arc::clone(&self.server),
            connect_timeout: settings.connect_timeout().unwrap_or(Duration::MAX),
            read_timeout: settings.read_timeout().unwrap_or(Duration::MAX),
        })
    }
}

#[derive(Debug, Clone)]
struct Connector {
    server: Arc<Server>,
    connect_timeout: Duration,
    read_timeout: Duration,
}

/// Something took longer than it may.
#[derive(Debug, Error)]
#[error("HTTP {what} timeout occurred after {limit:?}")]
struct TimedOut {
    what: &'static str,
    limit: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let poison = poison_for(&request);
        // Not part of the future, which is kept small: there are as many as requests in flight.
        let unsent = match self.prepare(request) {
            Ok(unsent) => unsent,
            Err(error) => return HttpConnectorFuture::ready(Err(error)),
        };
        let (connector, mut unsent) = (self.clone(), Some(unsent));
        HttpConnectorFuture::new(async move {
            let mut connection = connector.connection().await?;
            let answer = timeout(connector.read_timeout, exchange(&mut connection, &mut unsent)).await;
            let (response, is_reusable) = answer.map_err(|_| timed_out("read", connector.read_timeout))??;
            // Whatever goes wrong, or when the request is abandoned, its connection ends with it.
            if is_reusable {
                connector.server.put_idle(connection, poison);
            }
            Ok(response)
        })
    }
}

impl Connector {
    fn prepare(&self, request: HttpRequest) -> Result<Unsent, ConnectorError> {
        let uri = request.uri().parse::<Uri>().map_err(|error| ConnectorError::user(error.into()))?;
        if uri.authority() != Some(self.server.authority()) {
            return Err(ConnectorError::user(format!("{uri} is not at {}", self.server.authority()).into()));
        }
        Unsent::new(request, &uri)
            .ok_or_else(|| ConnectorError::user("the body of the request is not in memory".into()))
    }

    async fn connection(&self) -> Result<TcpStream, ConnectorError> {
        match self.server.take_idle() {
            Some(connection) => Ok(connection),
            // It is rare, and large.
            None => Box::pin(self.connect()).await,
        }
    }

    async fn connect(&self) -> Result<TcpStream, ConnectorError> {
        let connected = match timeout(self.connect_timeout, self.server.connect()).await {
            Ok(connected) => connected.map_err(|error| ConnectorError::io(error.into())),
            Err(_) => Err(timed_out("connect", self.connect_timeout)),
        };
        connected.map_err(|error| {
            self.server.forget_address();
            error.never_connected()
        })
    }
}

fn timed_out(what: &'static str, limit: Duration) -> ConnectorError {
    ConnectorError::timeout(TimedOut { what, limit }.into())
}

/// For the SDK, which has a connection closed after a failure that may have been the connection's. It asks when it has read the answer.
fn poison_for(request: &HttpRequest) -> Option<Poison> {
    let capture = request.extension::<CaptureSmithyConnection>()?;
    let poison = Poison::default();
    let of_the_connection = poison.clone();
    capture.set_connection_retriever(move || {
        let poison = of_the_connection.clone();
        Some(ConnectionMetadata::builder().proxied(false).poison_fn(move || poison.take_effect()).build())
    });
    Some(poison)
}

#[cfg(test)]
mod tests;
