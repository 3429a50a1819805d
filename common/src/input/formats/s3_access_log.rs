//! S3 server access logs (Amazon S3 User Guide, "Amazon S3 server access log format"). AWS appends fields over time.

use super::tokens::{REQUEST_COLUMNS, push_request, split};
use super::{Line, LineFormat};
use crate::input::fields::Fields;
use crate::input::format::{Format, InputFormat};
use crate::input::record::RecordError;

const FIELDS: [&str; 27] = [
    "bucket_owner",
    "bucket",
    "time",
    "remote_ip",
    "requester",
    "request_id",
    "operation",
    "key",
    "request",
    "http_status",
    "error_code",
    "bytes_sent",
    "object_size",
    "total_time",
    "turn_around_time",
    "referer",
    "user_agent",
    "version_id",
    "host_id",
    "signature_version",
    "cipher_suite",
    "authentication_type",
    "host_header",
    "tls_version",
    "access_point_arn",
    "acl_required",
    "source_region",
];
const REQUEST: usize = 8;
const NEEDED: usize = 17;

pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    REQUEST_COLUMNS.into_iter().chain(FIELDS)
}

pub(super) struct S3AccessLog;

impl S3AccessLog {
    pub(super) fn new(format: &InputFormat, fields: &mut Fields) -> Self {
        fields.bind(&format.slots, format.keeps_others, columns());
        Self
    }
}

impl LineFormat for S3AccessLog {
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError> {
        let (found, oddities) = split(line, Format::S3AccessLog, &FIELDS, NEEDED)?;
        fields.clear();
        push_request(&found[REQUEST], fields);
        found.iter().for_each(|token| token.push_to(fields));
        Ok(Line::Record(oddities))
    }
}
