//! The operations on streams: ListStreams, DescribeStream, GetShardIterator, GetRecords.

use std::time::Duration;

use dynoxide::DynoxideError;
use dynoxide::actions::describe_stream::{DescribeStreamRequest, SequenceNumberRange, Shard, StreamDescription};
use dynoxide::actions::get_records::{GetRecordsRequest, GetRecordsResponse, Record, StreamRecord, UserIdentity};
use dynoxide::actions::get_shard_iterator::{GetShardIteratorRequest, GetShardIteratorResponse};
use dynoxide::actions::list_streams::{ListStreamsRequest, ListStreamsResponse, StreamSummary};
use dynoxide::streams::{LOCAL_REGION, stream_arn};
use dynoxide::types::KeySchemaElement;
use serde::Serialize;

use super::store::{BOTH_IMAGES, Stream, image, last_record, streams};
use crate::engine::Database;

/// API Reference, "GetRecords", "ListStreams" and "DescribeStream".
const MAX_RECORDS: usize = 1_000;
const MAX_PAGE: usize = 100;
/// API Reference, "GetShardIterator": 15 minutes.
const ITERATOR_LIFE: Duration = Duration::from_secs(15 * 60);
/// Makes the 21 digits that a sequence number has at least.
const SEQUENCE_NUMBER_OFFSET: i128 = 100_000_000_000_000_000_000;

impl Stream {
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
