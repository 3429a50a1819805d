//! Ready bodies, and requests with them, each signed anew as AWS's own crate signs.

use std::io::Write as _;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use common::batch_writer::{ItemJson, KeySchema, MissingKey, WriteBatch, WriteRequest};

use crate::{NumberedRow, Rows};

const TABLE: &str = "logfile_scan";
const BATCH: u64 = 25;
/// Enough that no cache holds them all, as it does not hold what a loader sends.
const BODIES: u64 = 400;

/// Bodies of 25 rows of table logfile_scan, used over and over until there have been enough rows.
#[derive(Debug)]
pub struct Bodies {
    bodies: Vec<Vec<u8>>,
    batches: usize,
}

impl Bodies {
    /// # Errors
    /// The number of rows is no multiple of 25, or the files cannot be read.
    pub fn build(rows: &Rows) -> anyhow::Result<Self> {
        if !rows.rows.is_multiple_of(BATCH) {
            bail!("the number of rows must be a multiple of {BATCH}");
        }
        let batches = usize::try_from(rows.rows / BATCH)?;
        let first = Rows { rows: BATCH * BODIES, ..rows.clone() };
        Ok(Self { bodies: bodies(first.read()?)?, batches })
    }

    /// The body of a batch, by its number; none if there have been enough.
    pub fn get(&self, batch: usize) -> Option<&[u8]> {
        (batch < self.batches).then(|| self.bodies[batch % self.bodies.len()].as_slice())
    }
}

fn bodies(rows: impl Iterator<Item = NumberedRow>) -> anyhow::Result<Vec<Vec<u8>>> {
    let rows: Vec<NumberedRow> = rows.collect();
    let batches = rows.chunks_exact(BATCH as usize).map(|rows| {
        let mut batch: Option<WriteBatch<()>> = None;
        for row in rows {
            match &mut batch {
                None => batch = Some(WriteBatch::new(request(row)?)),
                Some(batch) => batch.push(request(row)?).ok().context("a key occurs twice in a batch")?,
            }
        }
        Ok(batch.map(|batch| batch.body(TABLE, false)).unwrap_or_default())
    });
    batches.collect()
}

/// The same item as load_logfile_parallel's.
fn request((id, row): &NumberedRow) -> Result<WriteRequest<()>, MissingKey> {
    let id_text = id.to_string();
    let mut item = ItemJson::keyed(KeySchema::partition("PK"));
    item.string("PK", &["request#", &id_text]);
    item.number("requestid", &id_text);
    item.string("GSI_1_PK", &["shard#", &(id % 10 + 1).to_string()]);
    item.string("GSI_1_SK", &[&row[7], "#", &row[2], "#", &row[3]]);
    for (name, column) in [("host", 1), ("date", 2), ("timezone", 4), ("method", 5), ("url", 6), ("useragent", 9)] {
        item.string(name, &[&row[column]]);
    }
    for (name, column) in [("hourofday", 3), ("responsecode", 7), ("bytessent", 8)] {
        item.number(name, row[column].trim_start_matches('0'));
    }
    WriteRequest::put(&[&item], ())
}

/// Makes requests to one server.
#[derive(Debug)]
pub struct Requests {
    address: String,
    uri: String,
    identity: Identity,
    request: Vec<u8>,
}

impl Requests {
    /// To the server at this address.
    pub fn to(address: &str) -> Self {
        let identity = Credentials::new("benchmark", "benchmark", None, None, "benchmark").into();
        let (address, uri) = (address.to_owned(), format!("http://{address}/"));
        Self { address, uri, identity, request: Vec::with_capacity(32 * 1024) }
    }

    /// A request as it is on the wire.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn with_body(&mut self, body: &[u8]) -> anyhow::Result<&[u8]> {
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [
            ("host", self.address.as_str()),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "DynamoDB_20120810.BatchWriteItem"),
        ];
        let signable = SignableRequest::new("POST", &self.uri, headers.into_iter(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        self.request.clear();
        self.request.extend_from_slice(b"POST / HTTP/1.1\r\n");
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            write!(self.request, "{name}: {value}\r\n")?;
        }
        write!(self.request, "content-length: {}\r\n\r\n", body.len())?;
        self.request.extend_from_slice(body);
        Ok(&self.request)
    }
}

#[expect(clippy::disallowed_methods, reason = "a signature holds the time")]
fn now() -> SystemTime {
    SystemTime::now()
}
