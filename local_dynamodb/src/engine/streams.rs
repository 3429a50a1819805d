//! DynamoDB Streams on the records that the engine writes.
//!
//! The engine knows one stream of a table, and forgets it when it is disabled. Here a stream is a row of a table of our own
//! with the sequence numbers that belong to it: disabled streams can be read to their end, and a table can have several. The
//! engine always records both images. So a write that changed nothing is seen and its record deleted, and a reader gets
//! the images of the stream's view type.

use std::time::Duration;

use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::create_table::StreamSpecification;
use dynoxide::actions::describe_stream::{DescribeStreamRequest, SequenceNumberRange, Shard, StreamDescription};
use dynoxide::actions::get_records::{GetRecordsRequest, GetRecordsResponse, Record, StreamRecord, UserIdentity};
use dynoxide::actions::get_shard_iterator::{GetShardIteratorRequest, GetShardIteratorResponse};
use dynoxide::actions::list_streams::{ListStreamsRequest, ListStreamsResponse, StreamSummary};
use dynoxide::storage::Storage;
use dynoxide::streams::{LOCAL_REGION, stream_arn};
use dynoxide::types::KeySchemaElement;
use serde::Serialize;

use super::Database;
use crate::clock;
use crate::ledger::Attributes;

/// Reserved among the tables' names.
pub(super) const TABLE: &str = "_local_dynamodb_streams";
/// The engine orders records by this expression without an index of its own.
const PREPARE: &str = "CREATE TABLE IF NOT EXISTS _local_dynamodb_streams (
        table_name TEXT NOT NULL, label TEXT NOT NULL, view_type TEXT NOT NULL, created_at REAL NOT NULL,
        first INTEGER NOT NULL, last INTEGER, disabled_at REAL, PRIMARY KEY (table_name, label));
    CREATE INDEX IF NOT EXISTS _local_dynamodb_stream_records
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));";
const COLUMNS: &str = "SELECT table_name, label, view_type, created_at, first, last FROM _local_dynamodb_streams";

const BOTH_IMAGES: &str = "NEW_AND_OLD_IMAGES";
const VIEW_TYPES: [&str; 4] = ["NEW_IMAGE", "OLD_IMAGE", BOTH_IMAGES, "KEYS_ONLY"];
/// Developer Guide, "Change data capture for DynamoDB Streams": records are kept, and disabled streams readable, for 24 hours.
const RETENTION_SECONDS: f64 = 86_400.0;
/// API Reference, "GetRecords", "ListStreams" and "DescribeStream".
const MAX_RECORDS: usize = 1_000;
const MAX_PAGE: usize = 100;
/// API Reference, "GetShardIterator": 15 minutes.
const ITERATOR_LIFE: Duration = Duration::from_secs(15 * 60);
/// Makes the 21 digits that a sequence number has at least.
const SEQUENCE_NUMBER_OFFSET: i128 = 100_000_000_000_000_000_000;

#[derive(Clone, Debug)]
struct Stream {
    table: String,
    label: String,
    view_type: String,
    created_at: f64,
    /// The least sequence number that a record of it can have.
    first: i64,
    /// The greatest one that a record of it has; `None` while it is enabled.
    last: Option<i64>,
}

impl Stream {
    fn arn(&self) -> String {
        stream_arn(&self.table, &self.label)
    }

    /// In the form of DynamoDB's: 20 digits and 8 more.
    fn shard_id(&self) -> String {
        format!("shardId-{:020}-{:08x}", self.first / 1_000, crc32fast::hash(self.arn().as_bytes()))
    }

    fn shard(&self) -> Shard {
        Shard {
            shard_id: self.shard_id(),
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: Some(public(self.first)),
                ending_sequence_number: self.last.map(public),
            },
        }
    }
}

/// A DescribeStream's response, with the table's key that the engine's own leaves out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribedStream {
    stream_description: WithKeySchema,
}

#[derive(Debug, Serialize)]
struct WithKeySchema {
    #[serde(flatten)]
    description: StreamDescription,
    /// Empty if the table was deleted.
    #[serde(rename = "KeySchema", skip_serializing_if = "Vec::is_empty")]
    key_schema: Vec<KeySchemaElement>,
}

/// Makes the tables, and takes over streams of a file that another version wrote.
pub(super) fn prepare(storage: &Storage) -> Result<(), DynoxideError> {
    storage.conn().execute_batch(PREPARE)?;
    for table in storage.list_stream_enabled_tables()? {
        let label = table.stream_label.unwrap_or_default();
        storage.conn().execute(
            "INSERT OR IGNORE INTO _local_dynamodb_streams (table_name, label, view_type, created_at, first)
             VALUES (?1, ?2, ?3, ?4, 1)",
            (&table.table_name, &label, table.stream_view_type.as_deref().unwrap_or(BOTH_IMAGES), table.created_at),
        )?;
        storage.enable_stream(&table.table_name, BOTH_IMAGES, &label)?;
    }
    Ok(())
}

/// Checks how a stream is to show items.
///
/// # Errors
/// `ValidationException` for a view type that DynamoDB does not know.
pub(super) fn check_view_type(specification: Option<&StreamSpecification>) -> Result<(), DynoxideError> {
    let view_type = specification.and_then(|specification| specification.stream_view_type.as_deref());
    match view_type.filter(|view_type| !VIEW_TYPES.contains(view_type)) {
        None => Ok(()),
        Some(other) => Err(DynoxideError::ValidationException(format!(
            "1 validation error detected: Value '{other}' at 'streamSpecification.streamViewType' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            VIEW_TYPES.join(", ")
        ))),
    }
}

/// Refuses what an UpdateTable cannot do with the table's stream.
///
/// # Errors
/// `ValidationException` if the stream is enabled twice, or disabled without being enabled.
pub(super) fn check_update(database: &Database, table: &str, enable: bool) -> Result<(), DynoxideError> {
    let Some(metadata) = database.table(table)? else { return Ok(()) };
    match (metadata.stream_enabled, enable) {
        (true, true) => {
            Err(DynoxideError::ValidationException(format!("Table already has an enabled stream: TableName: {table}")))
        }
        (false, false) => {
            Err(DynoxideError::ValidationException(format!("Table has no stream to disable: TableName: {table}")))
        }
        _ => Ok(()),
    }
}

/// Opens or closes the table's stream after it was created, updated or deleted.
pub(super) fn follow(database: &Database, table: &str) -> Result<(), DynoxideError> {
    let metadata = database.table(table)?.filter(|metadata| metadata.stream_enabled);
    let open = streams(database, Some(table))?.into_iter().find(|stream| stream.last.is_none());
    let conn = database.storage.conn();
    match (metadata, open) {
        (Some(metadata), open) if open.as_ref().map(|open| &open.label) != metadata.stream_label.as_ref() => {
            let now = database.clock.now();
            let label = clock::stream_label(now);
            conn.execute(
                "INSERT INTO _local_dynamodb_streams (table_name, label, view_type, created_at, first)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    table,
                    &label,
                    metadata.stream_view_type.as_deref().unwrap_or(BOTH_IMAGES),
                    now.as_secs_f64(),
                    last_record(database, table, i64::MAX)?.max(i64::try_from(now.as_micros()).unwrap_or(i64::MAX) - 1)
                        + 1,
                ),
            )?;
            database.storage.enable_stream(table, BOTH_IMAGES, &label)
        }
        (None, Some(open)) => {
            let last = last_record(database, table, i64::MAX)?.max(open.first);
            conn.execute(
                "UPDATE _local_dynamodb_streams SET last = ?3, disabled_at = ?4 WHERE table_name = ?1 AND label = ?2",
                (table, &open.label, last, database.clock.now().as_secs_f64()),
            )?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Puts the table's latest stream, enabled or not, into a description of the table.
pub(super) fn complete(database: &Database, table: &mut TableDescription) -> Result<(), DynoxideError> {
    // Of a table of the same name that was deleted there may still be streams.
    let created_at = table.creation_date_time.unwrap_or_default();
    let Some(stream) =
        streams(database, Some(&table.table_name))?.pop().filter(|stream| stream.created_at >= created_at)
    else {
        return Ok(());
    };
    table.latest_stream_arn = Some(stream.arn());
    table.latest_stream_label = Some(stream.label);
    if let Some(specification) = &mut table.stream_specification {
        specification.stream_view_type = Some(stream.view_type);
    }
    Ok(())
}

/// Deletes the records of writes since the last call that left their item as it was.
pub(super) fn drop_unchanged(database: &Database) -> Result<(), DynoxideError> {
    let conn = database.storage.conn();
    let mut select =
        conn.prepare_cached("SELECT id, event_name, old_image, new_image FROM _stream_records WHERE id > ?1")?;
    let mut rows = select.query([database.last_record.get()])?;
    let mut unchanged = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, event, old, new): (i64, String, Option<String>, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        database.last_record.set(id);
        if event == "MODIFY" && image(old.as_deref()) == image(new.as_deref()) {
            unchanged.push(id);
        }
    }
    for id in unchanged {
        conn.execute("DELETE FROM _stream_records WHERE id = ?1", [id])?;
    }
    Ok(())
}

/// Deletes the records that DynamoDB would not keep any more, and the streams that have none.
pub(super) fn trim(database: &Database) -> Result<(), DynoxideError> {
    let oldest = database.clock.now().as_secs_f64() - RETENTION_SECONDS;
    let conn = database.storage.conn();
    conn.execute("DELETE FROM _stream_records WHERE created_at < ?1", [oldest])?;
    conn.execute("DELETE FROM _local_dynamodb_streams WHERE disabled_at < ?1", [oldest])?;
    Ok(())
}

/// Runs a ListStreams.
///
/// # Errors
/// The engine's.
pub(crate) fn list_streams(
    database: &Database,
    request: ListStreamsRequest,
) -> Result<ListStreamsResponse, DynoxideError> {
    let limit = checked_limit(request.limit, MAX_PAGE)?;
    let mut streams = streams(database, request.table_name.as_deref())?;
    if let Some(start) = &request.exclusive_start_stream_arn {
        let start = parse_arn(start).ok_or_else(|| invalid_arn(start))?;
        streams.retain(|stream| (stream.table.as_str(), stream.label.as_str()) > start);
    }
    let has_more = streams.len() > limit;
    streams.truncate(limit);
    let summary = |stream: &Stream| StreamSummary {
        stream_arn: stream.arn(),
        table_name: stream.table.clone(),
        stream_label: stream.label.clone(),
    };
    Ok(ListStreamsResponse {
        last_evaluated_stream_arn: streams.last().filter(|_| has_more).map(Stream::arn),
        streams: streams.iter().map(summary).collect(),
    })
}

/// Runs a DescribeStream. Each stream has one shard.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such stream.
pub(crate) fn describe_stream(
    database: &Database,
    request: DescribeStreamRequest,
) -> Result<DescribedStream, DynoxideError> {
    checked_limit(request.limit, MAX_PAGE)?;
    let stream = find(database, &request.stream_arn)?;
    let is_asked_for =
        |shard: &Shard| request.exclusive_start_shard_id.as_ref().is_none_or(|start| shard.shard_id > *start);
    let table = database.table(&stream.table)?;
    let key_schema = table.and_then(|table| serde_json::from_str(&table.key_schema).ok()).unwrap_or_default();
    let description = StreamDescription {
        stream_arn: stream.arn(),
        stream_status: if stream.last.is_none() { "ENABLED" } else { "DISABLED" }.into(),
        shards: Some(stream.shard()).filter(is_asked_for).into_iter().collect(),
        creation_request_date_time: stream.created_at,
        stream_label: stream.label,
        stream_view_type: stream.view_type,
        table_name: stream.table,
    };
    Ok(DescribedStream { stream_description: WithKeySchema { description, key_schema } })
}

/// Runs a GetShardIterator.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such stream or shard, `ValidationException` for a position that cannot be.
pub(crate) fn get_shard_iterator(
    database: &Database,
    request: GetShardIteratorRequest,
) -> Result<GetShardIteratorResponse, DynoxideError> {
    let invalid = |message: String| Err(DynoxideError::ValidationException(message));
    if let Some(number) = &request.sequence_number
        && !(21..=40).contains(&number.len())
    {
        let bound = if number.len() < 21 { "greater than or equal to 21" } else { "less than or equal to 40" };
        return invalid(format!(
            "1 validation error detected: Value at 'sequenceNumber' failed to satisfy constraint: Member must have length {bound}"
        ));
    }
    let stream = find(database, &request.stream_arn)?;
    if request.shard_id != stream.shard_id() {
        return Err(DynoxideError::ResourceNotFoundException(format!(
            "Requested resource not found: Shard: {} in Stream: {} not found",
            request.shard_id, request.stream_arn
        )));
    }
    let kind = request.shard_iterator_type.as_str();
    // The position is before the first record that is read.
    let position = match (kind, request.sequence_number.as_deref()) {
        ("TRIM_HORIZON" | "LATEST", Some(_)) => {
            return invalid(
                "One or more parameter values were invalid: SequenceNumber should not be passed for this iterator type"
                    .into(),
            );
        }
        ("TRIM_HORIZON", None) => stream.first - 1,
        ("LATEST", None) => {
            last_record(database, &stream.table, stream.last.unwrap_or(i64::MAX))?.max(stream.first - 1)
        }
        ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", None) => {
            return invalid("One or more parameter values were invalid: SequenceNumber cannot be null".into());
        }
        ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER", Some(number)) => match stored(number) {
            Some(number) if kind == "AT_SEQUENCE_NUMBER" => number - 1,
            Some(number) => number,
            None => return invalid("Invalid SequenceNumber for the shard".into()),
        },
        _ => {
            return invalid(format!(
                "1 validation error detected: Value '{kind}' at 'shardIteratorType' failed to satisfy constraint: Member must \
                 satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
            ));
        }
    };
    let position = position.max(stream.first - 1);
    Ok(GetShardIteratorResponse { shard_iterator: Some(iterator(database, &stream, position)) })
}

/// Runs a GetRecords.
///
/// # Errors
/// `ValidationException` if the iterator is not one, `ResourceNotFoundException` if its stream is gone.
pub(crate) fn get_records(
    database: &Database,
    request: GetRecordsRequest,
) -> Result<GetRecordsResponse, DynoxideError> {
    let limit = checked_limit(request.limit, MAX_RECORDS)?;
    let invalid = || DynoxideError::ValidationException("Invalid ShardIterator".into());
    let ShardIterator { table, label, position, .. } =
        ShardIterator::parse(&request.shard_iterator).ok_or_else(invalid)?;
    let stream = find(database, &stream_arn(table, label))?;
    let mut select = database.storage.conn().prepare_cached(
        "SELECT CAST(sequence_number AS INTEGER), event_name, keys_json, new_image, old_image, created_at, user_identity,
            event_id
         FROM _stream_records
         WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) BETWEEN ?2 AND ?3
         ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?4",
    )?;
    let last = stream.last.unwrap_or(i64::MAX);
    let mut rows = select.query((&stream.table, position + 1, last, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let (mut records, mut end) = (Vec::new(), position);
    while let Some(row) = rows.next()? {
        let created_at: i64 = row.get(5)?;
        end = row.get(0)?;
        let identity: Option<String> = row.get(6)?;
        let images: (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        records.push(Record {
            event_id: row.get::<_, Option<String>>(7)?.unwrap_or_else(|| end.to_string()),
            event_name: row.get(1)?,
            event_version: "1.1".into(),
            event_source: "aws:dynamodb".into(),
            aws_region: LOCAL_REGION.into(),
            dynamodb: record(&stream, end, &row.get::<_, String>(2)?, images, created_at),
            user_identity: identity.map(|_| UserIdentity {
                identity_type: "Service".into(),
                principal_id: "dynamodb.amazonaws.com".into(),
            }),
        });
    }
    let is_at_end = stream.last.is_some_and(|last| end >= last || records.len() < limit);
    let next_shard_iterator = (!is_at_end).then(|| iterator(database, &stream, end));
    Ok(GetRecordsResponse { records, next_shard_iterator })
}

fn record(
    stream: &Stream,
    number: i64,
    keys: &str,
    (new, old): (Option<String>, Option<String>),
    created_at: i64,
) -> StreamRecord {
    let view = stream.view_type.as_str();
    let keys = image(Some(keys)).unwrap_or_default();
    let new_image = image(new.as_deref()).filter(|_| matches!(view, "NEW_IMAGE" | BOTH_IMAGES));
    let old_image = image(old.as_deref()).filter(|_| matches!(view, "OLD_IMAGE" | BOTH_IMAGES));
    let size = [Some(&keys), new_image.as_ref(), old_image.as_ref()];
    let size: usize = size.into_iter().flatten().flatten().map(|(name, value)| name.len() + value.size()).sum();
    StreamRecord {
        sequence_number: public(number),
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        stream_view_type: stream.view_type.clone(),
        approximate_creation_date_time: created_at as f64,
        keys,
        new_image,
        old_image,
    }
}

fn image(json: Option<&str>) -> Option<Attributes> {
    serde_json::from_str(json?).ok()
}

/// Those of a table or of all, ordered by table and age.
fn streams(database: &Database, table: Option<&str>) -> Result<Vec<Stream>, DynoxideError> {
    let sql = format!("{COLUMNS} WHERE ?1 IS NULL OR table_name = ?1 ORDER BY table_name, label");
    let mut select = database.storage.conn().prepare_cached(&sql)?;
    let mut rows = select.query([table])?;
    let mut streams = Vec::new();
    while let Some(row) = rows.next()? {
        streams.push(Stream {
            table: row.get(0)?,
            label: row.get(1)?,
            view_type: row.get(2)?,
            created_at: row.get(3)?,
            first: row.get(4)?,
            last: row.get(5)?,
        });
    }
    Ok(streams)
}

fn find(database: &Database, arn: &str) -> Result<Stream, DynoxideError> {
    let (table, label) = parse_arn(arn).ok_or_else(|| invalid_arn(arn))?;
    let mut streams = streams(database, Some(table))?.into_iter();
    streams.find(|stream| stream.label == label).ok_or_else(|| no_stream(arn))
}

fn no_stream(arn: &str) -> DynoxideError {
    DynoxideError::ResourceNotFoundException(format!("Requested resource not found: Stream: {arn} not found"))
}

fn invalid_arn(arn: &str) -> DynoxideError {
    DynoxideError::ValidationException(format!("Invalid StreamArn: {arn}"))
}

/// The table and the label in `arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/LABEL`.
fn parse_arn(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix("arn:")?.split_once(":table/")?.1.split_once("/stream/")
}

/// The sequence number of the table's last record up to `last`; 0 if it has none.
fn last_record(database: &Database, table: &str, last: i64) -> Result<i64, DynoxideError> {
    let number: Option<i64> = database.storage.conn().query_row(
        "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
         WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2",
        (table, last),
        |row| row.get(0),
    )?;
    Ok(number.unwrap_or_default())
}

fn checked_limit(limit: Option<usize>, maximum: usize) -> Result<usize, DynoxideError> {
    let violation = match limit {
        Some(0) => "greater than or equal to 1".to_owned(),
        Some(limit) if limit > maximum => format!("less than or equal to {maximum}"),
        limit => return Ok(limit.unwrap_or(maximum)),
    };
    Err(DynoxideError::ValidationException(format!(
        "1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: Member must have value {violation}",
        limit.unwrap_or_default()
    )))
}

/// A shard iterator: `STREAM-ARN|1|POSITION|MICROSECONDS`, the last of them the time that it was made at.
struct ShardIterator<'a> {
    table: &'a str,
    label: &'a str,
    position: i64,
    made: Duration,
}

impl<'a> ShardIterator<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (arn, rest) = text.split_once("|1|")?;
        let (table, label) = parse_arn(arn)?;
        let (position, made) = rest.split_once('|')?;
        Some(Self { table, label, position: position.parse().ok()?, made: Duration::from_micros(made.parse().ok()?) })
    }
}

fn iterator(database: &Database, stream: &Stream, position: i64) -> String {
    let made = database.clock.now().as_micros();
    format!("{}|1|{position}|{made}", stream.arn())
}

/// Whether a shard iterator is too old at `now`. What is none is not.
pub(crate) fn is_expired_iterator(iterator: &str, now: Duration) -> bool {
    ShardIterator::parse(iterator).is_some_and(|iterator| now.saturating_sub(iterator.made) > ITERATOR_LIFE)
}

fn public(number: i64) -> String {
    (SEQUENCE_NUMBER_OFFSET + i128::from(number)).to_string()
}

fn stored(number: &str) -> Option<i64> {
    i64::try_from(number.parse::<i128>().ok()? - SEQUENCE_NUMBER_OFFSET).ok().filter(|number| *number > 0)
}
