//! The HTTP server: connections, routes, the headers of requests and responses.

mod body;
mod dynamodb;
mod response;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, HOST, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use self::body::{BodyError, read_body};
use self::dynamodb::{answer_unused, frame, run, text};
use self::response::{AMZ_JSON, AMZ_JSON_1_1, HttpResponse, JSON, TEXT, answer, file, not_found, status_of};
use crate::admission::AdmissionGate;
use crate::automation::Automation;
use crate::metrics::{Snapshot, report};
use crate::monitor::Asset;
use crate::options::Options;
use crate::protocol::allowed_origin::{self, AllowedHosts};
use crate::protocol::{Target, signing_region, wire_error};
use crate::{auto_scaling, cloudwatch, monitor, upkeep};

/// The engine runs one operation at a time; the other threads decode and encode meanwhile.
const ENGINE_THREADS: usize = 8;
/// Enough for the deepest expression that is let through to the engine, in a build without optimizations too.
const STACK_SIZE: usize = 8 * 1024 * 1024;
/// The pause before the next accept when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const HEALTHY: &[u8] = b"healthy: dynamodb.us-east-1.amazonaws.com ";
/// The runtime that [`Server::run`] needs.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(ENGINE_THREADS)
        .thread_stack_size(STACK_SIZE)
        .build()
}

/// What every connection shares.
pub(crate) struct Server {
    gate: Arc<AdmissionGate>,
    automation: Arc<Automation>,
    hosts: AllowedHosts,
    ttl_delay: Duration,
    header_timeout: Duration,
    body_timeout: Duration,
    stop_timeout: Duration,
}

impl Server {
    /// `address` is the one that the server listens on.
    pub(crate) fn new(gate: Arc<AdmissionGate>, options: &Options, address: SocketAddr) -> Self {
        Self {
            automation: Arc::new(Automation::new(Arc::clone(&gate))),
            gate,
            hosts: AllowedHosts::new(address.ip().is_loopback(), &options.host, &options.allowed_hosts),
            ttl_delay: options.ttl_delay,
            header_timeout: options.header_timeout,
            body_timeout: options.body_timeout,
            stop_timeout: options.stop_timeout,
        }
    }

    /// Serves until `stopped` resolves, then lets running requests finish, but no longer than the stop timeout.
    pub(crate) fn run(self, runtime: Runtime, listener: TcpListener, stopped: impl Future<Output = ()>) {
        let stop_timeout = self.stop_timeout;
        runtime.block_on(Arc::new(self).serve(listener, stopped));
        // Connections are gone by now; an operation of theirs may still run.
        runtime.shutdown_timeout(stop_timeout);
    }

    async fn serve(self: Arc<Self>, listener: TcpListener, stopped: impl Future<Output = ()>) {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return log::error!("cannot serve: {error}"),
        };
        let ticking = tokio::spawn(keep_ticking(Arc::clone(&self.automation)));
        let upkeep = tokio::spawn(upkeep::run(Arc::clone(&self.gate), self.ttl_delay));
        let filling = tokio::spawn(upkeep::fill_indexes(Arc::clone(&self.gate)));
        let graceful = GracefulShutdown::new();
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let stream = tokio::select! {
                () = &mut stopped => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        log::warn!("cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            // Responses are written completely; waiting to fill a packet would only add latency.
            let _ = stream.set_nodelay(true);
            let server = Arc::clone(&self);
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                // A client that shut down its sending side still reads the response.
                .half_close(true)
                .header_read_timeout(self.header_timeout)
                .serve_connection(
                    TokioIo::new(stream),
                    service_fn(move |request| {
                        let server = Arc::clone(&server);
                        async move { Ok::<_, Infallible>(server.answer(request).await) }
                    }),
                );
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    log::debug!("a connection ended: {error}");
                }
            });
        }
        drop(listener);
        ticking.abort();
        upkeep.abort();
        filling.abort();
        if timeout(self.stop_timeout, graceful.shutdown()).await.is_err() {
            log::warn!("stopped with connections that did not finish within {:?}", self.stop_timeout);
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> HttpResponse {
        if let Err(refusal) = allowed_origin::check(request.headers(), &self.hosts) {
            log::warn!("refused: {refusal}");
            return answer(StatusCode::FORBIDDEN, TEXT, format!("{refusal}\n"));
        }
        let (parts, body) = request.into_parts();
        if parts.method == Method::POST
            && let Some(call) = cloudwatch::Call::of(parts.uri.path(), &parts.headers)
        {
            return self.cloudwatch(call, body).await;
        }
        if parts.method == Method::POST && parts.uri.path() == "/" && auto_scaling_operation(&parts.headers).is_some() {
            return self.application_auto_scaling(parts.headers, body).await;
        }
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/") if !is_browser(&parts.headers) => answer(StatusCode::OK, TEXT, HEALTHY),
            (&Method::GET | &Method::HEAD, "/health") => answer(StatusCode::OK, TEXT, HEALTHY),
            (&Method::GET, "/monitor.json") => self.monitor(&parts.uri).await,
            (&Method::GET, "/monitor/items.json") => self.items(&parts.uri).await,
            (&Method::GET, "/metrics.json") => self.look(JSON, report::json).await,
            (&Method::GET, "/metrics.txt") => self.look(TEXT, report::text).await,
            (&Method::POST, "/") => self.post(&parts.headers, &parts.uri, body).await,
            (&Method::GET, path) => Asset::at(path).map_or_else(not_found, file),
            _ => not_found(),
        }
    }

    /// Responds with the result of `look` for the current state. A day of metrics is megabytes, too much for the thread
    /// that serves connections.
    async fn look(
        &self,
        content_type: HeaderValue,
        look: impl FnOnce(&Snapshot<'_>) -> String + Send + 'static,
    ) -> HttpResponse {
        let gate = Arc::clone(&self.gate);
        self.text(content_type, move || gate.snapshot(look)).await
    }

    /// Responds with a text that is created off the thread that serves connections.
    async fn text(&self, content_type: HeaderValue, make: impl FnOnce() -> String + Send + 'static) -> HttpResponse {
        match tokio::task::spawn_blocking(make).await {
            Ok(text) => answer(StatusCode::OK, content_type, text),
            Err(panic) => {
                log::error!("the metrics failed: {panic}");
                answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the metrics cannot be shown\n")
            }
        }
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, Box<HttpResponse>> {
        Err(Box::new(match timeout(self.body_timeout, read_body(body)).await {
            Ok(Ok(body)) => return Ok(body),
            Ok(Err(BodyError::TooLarge)) => {
                let error = wire_error::of_protocol("RequestEntityTooLargeException", None);
                answer(StatusCode::PAYLOAD_TOO_LARGE, AMZ_JSON, error)
            }
            Ok(Err(BodyError::Broken(error))) => {
                answer(StatusCode::BAD_REQUEST, TEXT, format!("the body could not be read: {error}\n"))
            }
            Err(_) => answer(StatusCode::REQUEST_TIMEOUT, TEXT, "the body did not arrive in time\n"),
        }))
    }

    async fn monitor(&self, uri: &Uri) -> HttpResponse {
        let since = uri.query().and_then(|query| query.strip_prefix("since=")?.parse().ok()).unwrap_or_default();
        let automation = Arc::clone(&self.automation);
        let look = move || {
            automation.look(|snapshot, auto_scaling, alarms| {
                let automatic = monitor::Automatic { auto_scaling, alarms };
                monitor::json(snapshot, automatic, since).to_string()
            })
        };
        self.text(JSON, look).await
    }

    /// Items of a table, for the monitor page.
    async fn items(&self, uri: &Uri) -> HttpResponse {
        let query = uri.query().unwrap_or_default().to_owned();
        let gate = Arc::clone(&self.gate);
        self.text(JSON, move || monitor::items::json(&query, &gate).to_string()).await
    }

    async fn cloudwatch(&self, call: cloudwatch::Call, body: Incoming) -> HttpResponse {
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(answer) => return *answer,
        };
        let automation = Arc::clone(&self.automation);
        let worker = call.clone();
        let ran = tokio::task::spawn_blocking(move || automation.cloudwatch(&worker, &body));
        let reply = ran.await.unwrap_or_else(|panic| {
            log::error!("CloudWatch failed: {panic}");
            call.internal()
        });
        let mut answer = answer(status_of(reply.status), TEXT, reply.body);
        for (name, value) in reply.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().insert(name, value);
            }
        }
        answer
    }

    async fn application_auto_scaling(&self, headers: HeaderMap, body: Incoming) -> HttpResponse {
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(answer) => return *answer,
        };
        let automation = Arc::clone(&self.automation);
        let ran = tokio::task::spawn_blocking(move || {
            let operation = auto_scaling_operation(&headers).unwrap_or_default();
            automation.application_auto_scaling(operation, &headers, &body)
        });
        let (status, body) = ran.await.unwrap_or_else(|panic| {
            log::error!("Application Auto Scaling failed: {panic}");
            auto_scaling::api::internal()
        });
        answer(status_of(status), AMZ_JSON_1_1, body)
    }

    async fn post(&self, headers: &HeaderMap, uri: &Uri, body: Incoming) -> HttpResponse {
        let body = match self.body(body).await {
            Ok(body) => body,
            Err(answer) => return *answer,
        };
        let (target, content_type) = match frame(headers, uri, &body) {
            Ok(frame) => frame,
            Err(answer) => return *answer,
        };
        let gate = Arc::clone(&self.gate);
        let region = signing_region(headers).to_owned();
        let host = text(headers, &HOST).unwrap_or_default().to_owned();
        let ran = tokio::task::spawn_blocking(move || match target {
            Target::Operation(name) => run(&gate, name, &region, &body),
            Target::Unused(feature) => answer_unused(&gate, feature, &host, &body),
        })
        .await;
        let (status, body) = ran.unwrap_or_else(|panic| {
            log::error!("{target:?} failed: {panic}");
            wire_error::internal()
        });
        answer(status_of(status), content_type, body)
    }
}

/// The operation, if the request is for Application Auto Scaling.
fn auto_scaling_operation(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()?.strip_prefix(auto_scaling::api::TARGET_PREFIX)
}

async fn keep_ticking(automation: Arc<Automation>) {
    loop {
        tokio::time::sleep(automation.pause()).await;
        let own = Arc::clone(&automation);
        if let Err(panic) = tokio::task::spawn_blocking(move || own.tick()).await {
            log::error!("a step of the automation failed: {panic}");
        }
    }
}

/// Whether a browser asks, not a health check.
fn is_browser(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accepted| accepted.contains("text/html"))
}
