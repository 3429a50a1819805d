//! The plain loop over aws-sdk-dynamodb: a map for each item, 25 items a call, one call after another.

use std::collections::HashMap;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use bench_parts::{BATCH, NumberedRow, Rows, TABLE};
use clap::Parser;

/// Load rows into table logfile_scan.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    rows: Rows,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { rows } = Arguments::parse();
    let http_client = Builder::new().tls_provider(Provider::rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client).endpoint_url(&rows.endpoint);
    let client = Client::new(&config.load().await);
    let mut batch = Vec::with_capacity(BATCH);
    for row in rows.read()? {
        let put = PutRequest::builder().set_item(Some(item(&row))).build()?;
        batch.push(WriteRequest::builder().put_request(put).build());
        if batch.len() == BATCH {
            write(&client, std::mem::take(&mut batch)).await?;
        }
    }
    if !batch.is_empty() {
        write(&client, batch).await?;
    }
    Ok(())
}

async fn write(client: &Client, batch: Vec<WriteRequest>) -> anyhow::Result<()> {
    let mut requests = HashMap::from([(TABLE.to_owned(), batch)]);
    while !requests.is_empty() {
        let response = client.batch_write_item().set_request_items(Some(requests)).send().await?;
        requests = response.unprocessed_items.unwrap_or_default();
    }
    Ok(())
}

fn item((id, row): &NumberedRow) -> HashMap<String, AttributeValue> {
    let text = |value: String| AttributeValue::S(value);
    let number = |value: &str| AttributeValue::N(value.trim_start_matches('0').to_owned());
    HashMap::from([
        ("PK".to_owned(), text(format!("request#{id}"))),
        ("GSI_1_PK".to_owned(), text(format!("shard#{}", id % 10 + 1))),
        ("GSI_1_SK".to_owned(), text(format!("{}#{}#{}", &row[7], &row[2], &row[3]))),
        ("requestid".to_owned(), AttributeValue::N(id.to_string())),
        ("host".to_owned(), text(row[1].to_owned())),
        ("date".to_owned(), text(row[2].to_owned())),
        ("hourofday".to_owned(), number(&row[3])),
        ("timezone".to_owned(), text(row[4].to_owned())),
        ("method".to_owned(), text(row[5].to_owned())),
        ("url".to_owned(), text(row[6].to_owned())),
        ("responsecode".to_owned(), number(&row[7])),
        ("bytessent".to_owned(), number(&row[8])),
        ("useragent".to_owned(), text(row[9].to_owned())),
    ])
}
