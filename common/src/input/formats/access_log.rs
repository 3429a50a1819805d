//! Common and Combined Log Format, as Apache and nginx write them (httpd.apache.org/docs/current/logs.html):
//! `host ident user [time] "request" status bytes ["referer" "agent"]`. More fields may follow.

use super::tokens::{REQUEST_COLUMNS, push_request, split, split_port};
use super::{Line, LineFormat};
use crate::input::fields::{Fields, Kind};
use crate::input::format::{Format, InputFormat};
use crate::input::record::RecordError;

/// Fields of a Combined line. A Common line ends behind the seventh.
const FIELDS: [&str; 9] = ["host", "ident", "user", "time", "request", "status", "bytes", "referer", "agent"];
const TIME: usize = 3;
const REQUEST: usize = 4;
const NEEDED: usize = 7;

/// Names of what some servers log behind the agent.
const MORE: [&str; 8] = ["extra1", "extra2", "extra3", "extra4", "extra5", "extra6", "extra7", "extra8"];

/// In the order in which a record has them: the parts of the request stand before the fields.
pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    REQUEST_COLUMNS.into_iter().chain(FIELDS).chain(MORE)
}

pub(super) struct AccessLog;

impl AccessLog {
    pub(super) fn new(format: &InputFormat, fields: &mut Fields) -> Self {
        fields.bind(&format.slots, format.keeps_others, columns());
        Self
    }
}

impl LineFormat for AccessLog {
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError> {
        let (found, oddities) = split(line, Format::AccessLog, &FIELDS, NEEDED)?;
        if found[TIME].text().is_none_or(|time| !time.contains('/')) {
            let time = found[TIME].text().unwrap_or("-");
            let reason = format!("field 4 (time) is {time:?}, and not such as 05/May/2026:09:12:33 +0000");
            return Err(RecordError::Malformed { format: Format::AccessLog.name(), reason });
        }
        fields.clear();
        push_request(&found[REQUEST], fields);
        match found[0].text() {
            Some(host) => fields.push(Kind::Text, split_port(host).0),
            None => fields.push(Kind::Absent, ""),
        }
        found[1..].iter().for_each(|token| token.push_to(fields));
        Ok(Line::Record(oddities))
    }
}
