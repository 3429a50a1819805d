//! An endpoint that accepts every BatchWriteItem, at once or after a delay, and does nothing else.
//!
//! It parses no JSON and checks no signature. It counts the rows, so that a client that does not send them all is found out.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use clap::Parser;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Accept every BatchWriteItem, over HTTP and over HTTPS.
///
/// Listens on two free ports of 127.0.0.1 and prints their URLs, HTTP first. GET /figures tells what arrived since it was last asked.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long to wait before each response, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    delay: u64,
    /// Certificate for 127.0.0.1, as PEM
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the URLs are this program's output")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let tls = tls_acceptor(&arguments)?;
    let endpoint = Arc::new(Endpoint::new(Duration::from_millis(arguments.delay)));
    let (http, https) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    println!("http://{} https://{}", http.local_addr()?, https.local_addr()?);
    loop {
        tokio::select! {
            accepted = http.accept() => {
                let stream = accepted?.0;
                stream.set_nodelay(true)?;
                tokio::spawn(Arc::clone(&endpoint).serve(stream));
            }
            accepted = https.accept() => {
                let stream = accepted?.0;
                stream.set_nodelay(true)?;
                let (endpoint, handshake) = (Arc::clone(&endpoint), tls.accept(stream));
                tokio::spawn(async {
                    // A client that does not trust the certificate says so itself.
                    if let Ok(stream) = handshake.await {
                        endpoint.serve(stream).await;
                    }
                });
            }
        }
    }
}

fn tls_acceptor(arguments: &Arguments) -> anyhow::Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(&arguments.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&arguments.key)?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    // As DynamoDB, which does not speak HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

struct Endpoint {
    delay: Duration,
    figures: Mutex<Figures>,
    accepted: Body,
    accepted_with_capacity: Body,
}

impl Endpoint {
    fn new(delay: Duration) -> Self {
        Self {
            delay,
            figures: Mutex::default(),
            accepted: Body::new(r#"{"UnprocessedItems":{}}"#),
            accepted_with_capacity: Body::new(CONSUMED_CAPACITY),
        }
    }

    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.respond(request));
        // A client may close its connection at any time; rows that it did not send are missing in the figures.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let arrival = tokio::time::Instant::now();
        if request.uri().path() == "/figures" {
            let figures = std::mem::take(&mut *self.figures.lock().unwrap_or_else(PoisonError::into_inner));
            return Ok(Response::new(figures.to_json().into()));
        }
        let Ok(body) = request.into_body().collect().await else {
            return Ok(Response::new(Full::default())); // the client has gone
        };
        let body = body.to_bytes();
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).count(&body);
        if !self.delay.is_zero() {
            tokio::time::sleep_until(arrival + self.delay).await;
        }
        let wants_capacity = memmem::find(&body, br#""ReturnConsumedCapacity":"INDEXES""#).is_some();
        Ok(if wants_capacity { &self.accepted_with_capacity } else { &self.accepted }.to_response())
    }
}

/// As DynamoDB returns it for a full batch of small items in a table with an index.
const CONSUMED_CAPACITY: &str = r#"{"ConsumedCapacity":[{"CapacityUnits":50.0,"GlobalSecondaryIndexes":{"GSI_1":{"CapacityUnits":25.0}},"Table":{"CapacityUnits":25.0},"TableName":"logfile_scan"}],"UnprocessedItems":{}}"#;

/// The body of a response.
struct Body {
    json: &'static str,
    crc32: String,
}

impl Body {
    fn new(json: &'static str) -> Self {
        Self { json, crc32: crc32fast::hash(json.as_bytes()).to_string() }
    }

    /// With the headers that DynamoDB sends.
    fn to_response(&self) -> Response<Full<Bytes>> {
        let response = Response::builder()
            .header("server", "Server")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amzn-requestid", "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG")
            .header("x-amz-crc32", &self.crc32);
        response.body(Full::from(self.json)).unwrap_or_default()
    }
}

/// What arrived.
#[derive(Debug, Default)]
struct Figures {
    rows: u64,
    first_request: Option<SystemTime>,
}

impl Figures {
    fn count(&mut self, body: &[u8]) {
        self.first_request.get_or_insert_with(wall_clock);
        self.rows += memmem::find_iter(body, br#""PutRequest""#).count() as u64;
    }

    fn to_json(&self) -> String {
        let since_epoch = self.first_request.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let first_request = since_epoch.map_or(0.0, |time| time.as_secs_f64());
        serde_json::json!({ "rows": self.rows, "first_request": first_request }).to_string()
    }
}

#[expect(clippy::disallowed_methods, reason = "compared with the time at which another process was started")]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}
