//! Access logs of Application Load Balancers (Elastic Load Balancing, "Access log entries"). AWS appends fields over time.

use super::tokens::{REQUEST_COLUMNS, push_request, split, split_port};
use super::{Line, LineFormat};
use crate::input::fields::{Fields, Kind};
use crate::input::format::{Format, InputFormat};
use crate::input::record::RecordError;

const FIELDS: [&str; 33] = [
    "type",
    "time",
    "elb",
    "client",
    "target",
    "request_processing_time",
    "target_processing_time",
    "response_processing_time",
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
    "target_group_arn",
    "trace_id",
    "domain_name",
    "chosen_cert_arn",
    "matched_rule_priority",
    "request_creation_time",
    "actions_executed",
    "redirect_url",
    "error_reason",
    "target_port_list",
    "target_status_code_list",
    "classification",
    "classification_reason",
    "conn_trace_id",
    "transformed_host",
    "transformed_uri",
    "request_transform_status",
];
const CLIENT: usize = 3;
const REQUEST: usize = 12;
const NEEDED: usize = 13;

pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    REQUEST_COLUMNS.into_iter().chain(["client_ip", "client_port"]).chain(FIELDS)
}

pub(super) struct Alb;

impl Alb {
    pub(super) fn new(format: &InputFormat, fields: &mut Fields) -> Self {
        fields.bind(&format.slots, format.keeps_others, columns());
        Self
    }
}

impl LineFormat for Alb {
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError> {
        let (found, oddities) = split(line, Format::Alb, &FIELDS, NEEDED)?;
        fields.clear();
        push_request(&found[REQUEST], fields);
        let (ip, port) = found[CLIENT].text().map_or((None, None), |client| {
            let (ip, port) = split_port(client);
            (Some(ip), port)
        });
        for part in [ip, port] {
            fields.push(if part.is_some() { Kind::Text } else { Kind::Absent }, part.unwrap_or_default());
        }
        found.iter().for_each(|token| token.push_to(fields));
        Ok(Line::Record(oddities))
    }
}
