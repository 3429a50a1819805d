//! Common and Combined Log Format, as Apache and nginx write them (httpd.apache.org/docs/current/logs.html):
//! `host ident user [time] "request" status bytes ["referer" "agent"]`. More fields may follow, and the virtual host may come first, as in
//! Debian's `vhost_combined`.

use super::tokens::{REQUEST_COLUMNS, Token, push_request, split, split_port};
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

/// The name of what stands before the host in some logs. It is the last column, because most lines do not have it.
const VIRTUAL_HOST: &str = "virtual_host";

/// In the order in which a record has them: the parts of the request stand before the fields.
pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    REQUEST_COLUMNS.into_iter().chain(FIELDS).chain(MORE).chain([VIRTUAL_HOST])
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
        let (mut found, oddities) = split(line, Format::AccessLog, &FIELDS, NEEDED)?;
        let is_time = |token: &Token<'_>| token.text().is_some_and(|time| time.contains('/') && time.contains(':'));
        if !is_time(&found[TIME]) && found.len() > NEEDED && is_time(&found[TIME + 1]) {
            let virtual_host = found.remove(0);
            found.resize(FIELDS.len() + MORE.len(), Token::Absent);
            found.push(virtual_host);
        }
        if !is_time(&found[TIME]) {
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
