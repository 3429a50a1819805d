//! The least that writing rows costs: bodies built beforehand, signed with aws-sigv4, sent with hyper and, over HTTPS, rustls.
//! It retries nothing, times nothing out and looks at nothing of a response but its status.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningInstructions, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bench_parts::{BATCH, NumberedRow, Rows, TABLE};
use bytes::Bytes;
use clap::Parser;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Send batches of 25 rows until enough rows are written.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    rows: Rows,
    /// A file with the certificates to trust
    #[arg(long, env = "AWS_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// Threads, each with its own runtime
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Connections of each thread, each with one request in flight
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Sign the requests and send none; with the hash of each body, or with a hash that is given
    #[arg(long, value_enum)]
    only_sign: Option<Hash>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Hash {
    Computed,
    Given,
}

/// More than a processor's cache holds, because a loader's bodies are not in the cache either.
const BODIES: usize = 400;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let floor = Arc::new(Floor::new(&arguments)?);
    let threads: Vec<_> = (0..arguments.threads)
        .map(|_| {
            let floor = Arc::clone(&floor);
            thread::spawn(move || match arguments.only_sign {
                Some(hash) => floor.only_sign(hash),
                None => {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
                    runtime.block_on(floor.send_all(arguments.connections))
                }
            })
        })
        .collect();
    threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
}

struct Floor {
    uri: Uri,
    /// None over plain HTTP.
    tls: Option<TlsConnector>,
    identity: Identity,
    bodies: Vec<Bytes>,
    batches: usize,
    next_batch: AtomicUsize,
}

impl Floor {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let rows = &arguments.rows;
        if !rows.rows.is_multiple_of(BATCH as u64) {
            bail!("the number of rows must be a multiple of {BATCH}");
        }
        let batches = usize::try_from(rows.rows)? / BATCH;
        let first_rows: Vec<_> = rows.read()?.take(BODIES * BATCH).collect();
        let uri: Uri = rows.endpoint.parse()?;
        let tls = match uri.scheme_str() {
            Some("https") => Some(connector(arguments.ca_bundle.as_ref().context("--ca-bundle is missing")?)?),
            _ => None,
        };
        Ok(Self {
            uri,
            tls,
            identity: Credentials::new("benchmark", "benchmark", None, None, "benchmark").into(),
            bodies: first_rows.chunks(BATCH).map(body).collect(),
            batches,
            next_batch: AtomicUsize::new(0),
        })
    }

    /// The body of a batch that no other connection has taken; none when there were enough.
    fn next_body(&self) -> Option<&Bytes> {
        let batch = self.next_batch.fetch_add(1, Ordering::Relaxed);
        (batch < self.batches).then(|| &self.bodies[batch % self.bodies.len()])
    }

    fn only_sign(&self, hash: Hash) -> anyhow::Result<()> {
        const GIVEN: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        while let Some(body) = self.next_body() {
            let request = self.request(body)?;
            std::hint::black_box(self.sign(
                &request,
                match hash {
                    Hash::Computed => SignableBody::Bytes(body),
                    Hash::Given => SignableBody::Precomputed(GIVEN.to_owned()),
                },
            )?);
        }
        Ok(())
    }

    async fn send_all(self: Arc<Self>, connections: usize) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            tasks.spawn(Arc::clone(&self).send());
        }
        while let Some(sent) = tasks.join_next().await {
            sent??;
        }
        Ok(())
    }

    /// Sends batches on one connection, one after the other.
    async fn send(self: Arc<Self>) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        while let Some(body) = self.next_body() {
            let mut request = self.request(body)?;
            self.sign(&request, SignableBody::Bytes(body))?.apply_to_request_http1x(&mut request);
            connection.ready().await?;
            let response = connection.send_request(request).await?;
            if !response.status().is_success() {
                bail!("not accepted: {}", response.status());
            }
            response.into_body().collect().await?;
        }
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let (host, address) = (self.uri.host().context("no host")?, self.uri.authority().context("no address")?);
        let stream = TcpStream::connect(address.as_str()).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => {
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
            Some(tls) => {
                let stream = tls.connect(ServerName::try_from(host)?.to_owned(), stream).await?;
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        })
    }

    fn request(&self, body: &Bytes) -> anyhow::Result<Request<Full<Bytes>>> {
        Ok(Request::post(self.uri.path())
            .header("host", self.uri.authority().context("no address")?.as_str())
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.BatchWriteItem")
            .body(Full::new(body.clone()))?)
    }

    fn sign(&self, request: &Request<Full<Bytes>>, body: SignableBody<'_>) -> anyhow::Result<SigningInstructions> {
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new("POST", self.uri.path(), headers, body)?;
        Ok(sign(signable, &params)?.into_parts().0)
    }
}

fn connector(ca_bundle: &PathBuf) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_bundle)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The body of a BatchWriteItem with these rows. Written as text, because it must not take long compared with what is measured.
fn body(rows: &[NumberedRow]) -> Bytes {
    let requests: Vec<_> =
        rows.iter().map(|row| format!(r#"{{"PutRequest":{{"Item":{{{}}}}}}}"#, attributes(row))).collect();
    let requests = requests.join(",");
    format!(r#"{{"RequestItems":{{"{TABLE}":[{requests}]}},"ReturnConsumedCapacity":"INDEXES"}}"#).into()
}

/// Those of load_logfile_parallel's item.
fn attributes((id, row): &NumberedRow) -> String {
    let text = |name: &str, value: &str| format!(r#""{name}":{{"S":{}}}"#, serde_json::Value::from(value));
    let number = |name: &str, value: &str| format!(r#""{name}":{{"N":"{}"}}"#, value.trim_start_matches('0'));
    [
        text("PK", &format!("request#{id}")),
        text("GSI_1_PK", &format!("shard#{}", id % 10 + 1)),
        text("GSI_1_SK", &format!("{}#{}#{}", &row[7], &row[2], &row[3])),
        number("requestid", &id.to_string()),
        text("host", &row[1]),
        text("date", &row[2]),
        number("hourofday", &row[3]),
        text("timezone", &row[4]),
        text("method", &row[5]),
        text("url", &row[6]),
        number("responsecode", &row[7]),
        number("bytessent", &row[8]),
        text("useragent", &row[9]),
    ]
    .join(",")
}

#[expect(clippy::disallowed_methods, reason = "a signature holds the time")]
fn now() -> SystemTime {
    SystemTime::now()
}
