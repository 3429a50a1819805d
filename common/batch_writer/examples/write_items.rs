//! Writes items of its own into a table whose partition key is the string `PK`, and says of each what became of it.
//!
//! ```text
//! cargo run -p local_dynamodb &
//! export AWS_ENDPOINT_URL=http://127.0.0.1:8000
//! cargo run -p create_tables -- logfile
//! cargo run -p batch_writer --example write_items -- logfile 1000
//! ```
//!
//! Without `AWS_ENDPOINT_URL` it goes to AWS, with the region and the credentials that the AWS CLI would use.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;

use aws_sdk_dynamodb::types::AttributeValue;
use batch_writer::client::{Connection, Retries, Settings};
use batch_writer::{BatchWriter, KeySchema, Options, Settled, SharedPacer, Table, Turn, WriteRequest};

/// What became of the items; together they are all that were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Acknowledged by DynamoDB.
    pub(crate) written: u64,
    /// Refused for what they are, with DynamoDB's reason: the number of the item, and why.
    pub(crate) rejected: Vec<(u64, String)>,
    /// Not written when the writer stopped, with the reason.
    pub(crate) not_written: u64,
    /// Why it stopped, if it did.
    pub(crate) stopped: Option<String>,
}

/// Writes so many items into the table.
///
/// # Errors
/// There is no region, endpoint or source of credentials; nothing was sent.
pub(crate) async fn write_items(settings: &Settings, table: &str, items: u64) -> Result<Report, Box<dyn Error>> {
    // Where the table is, and a client that leaves it to the batch writer to send again what failed.
    let connection = Connection::open(settings).await?;
    let schema = KeySchema::partition("PK");
    let table = Table::new(connection.client(Retries::Caller), table, schema.clone());

    let mut writer = BatchWriter::new(table, Options::default(), SharedPacer::new());
    let mut requests = (0..items).map(|number| {
        // The tag is ours: it comes back when the request is settled.
        WriteRequest::put_item(&schema, &item(number), number).ok_or("an item without its key")
    });
    let mut report = Report::default();
    loop {
        // As long as there is room, so that memory does not depend on the number of items.
        while writer.has_room() {
            match requests.next() {
                Some(request) => writer.push(request?),
                None => {
                    writer.close();
                    break;
                }
            }
        }
        let turn = writer.turn().await;
        for settled in writer.take_settled() {
            match settled {
                Settled::Written(_) => report.written += 1,
                Settled::Rejected(number, error) => report.rejected.push((number, error.to_string())),
            }
        }
        match turn {
            Turn::Progress | Turn::NeedsInput => {}
            Turn::Done | Turn::Stopped => break,
        }
    }
    report.stopped = writer.stopped().map(ToString::to_string);
    report.not_written = items - report.written - report.rejected.len() as u64;
    Ok(report)
}

fn item(number: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("PK".to_owned(), AttributeValue::S(format!("reading#{number}"))),
        ("celsius".to_owned(), AttributeValue::N(format!("{}.5", number % 40))),
        ("sensors".to_owned(), AttributeValue::Ss(vec!["roof".to_owned(), "cellar".to_owned()])),
    ])
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the report is this program's output")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let table = arguments.next().ok_or("usage: write_items TABLE [ITEMS]")?;
    let items = arguments.next().map_or(Ok(1000), |items| items.parse())?;
    let report = write_items(&Settings::default(), &table, items).await?;
    println!("{} written, {} rejected, {} not written", report.written, report.rejected.len(), report.not_written);
    for (number, reason) in &report.rejected {
        println!("item {number}: {reason}");
    }
    if let Some(reason) = &report.stopped {
        println!("stopped: {reason}");
    }
    Ok(if report.written == items { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
