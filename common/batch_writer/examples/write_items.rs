//! Writes items to a table whose partition key is the string `PK`, and prints the outcome.
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
use batch_writer::{BatchWriter, KeySchema, MissingKey, Options, SharedPacer, Summary, Table, WriteRequest};

/// Writes `items` items to the table. Each item's number is its tag.
///
/// # Errors
/// There is no region, endpoint or source of credentials; nothing was sent.
pub(crate) async fn write_items(settings: &Settings, table: &str, items: u64) -> Result<Summary<u64>, Box<dyn Error>> {
    // The batch writer retries, so the client does not.
    let connection = Connection::open(settings).await?;
    let schema = KeySchema::partition("PK");
    let table = Table::new(connection.client(Retries::Caller), table, schema.clone());

    let requests = (0..items).map(|number| WriteRequest::put_item(&schema, &item(number), number));
    let requests = requests.collect::<Result<Vec<_>, MissingKey>>()?;
    Ok(BatchWriter::new(table, Options::default(), SharedPacer::new()).write_all(requests).await)
}

fn item(number: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("PK".to_owned(), AttributeValue::S(format!("reading#{number}"))),
        ("celsius".to_owned(), AttributeValue::N(format!("{}.5", number % 40))),
        ("sensors".to_owned(), AttributeValue::Ss(vec!["roof".to_owned(), "cellar".to_owned()])),
    ])
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the summary is this program's output")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let table = arguments.next().ok_or("usage: write_items TABLE [ITEMS]")?;
    let items = arguments.next().map_or(Ok(1000), |items| items.parse())?;
    let summary = write_items(&Settings::default(), &table, items).await?;
    println!(
        "{} written, {} rejected, {} not written",
        summary.written,
        summary.rejected.len(),
        summary.not_written() + items - summary.pushed
    );
    for (number, error) in &summary.rejected {
        println!("item {number}: {error}");
    }
    if let Some(reason) = &summary.stop {
        println!("stopped: {reason}");
    }
    Ok(if summary.written == items { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
