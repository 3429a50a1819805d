//! Requests to DynamoDB: what they ask for, and its response.

use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::auth_material::{self, AuthMaterial};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use hyper::{StatusCode, Uri};

use super::response::{AMZ_JSON, HttpResponse, JSON, answer, not_found};
use crate::admission::{AdmissionGate, Failure};
use crate::engine::{Operation, OperationName, recovery_of};
use crate::protocol::{Account, Recovery, TableArns, Target, UnusedFeature, decode, region, wire_error};

/// Decodes, admits, runs and encodes an operation, off the thread that serves connections.
pub(super) fn run(gate: &AdmissionGate, name: OperationName, region: &str, body: &[u8]) -> (u16, Vec<u8>) {
    log::trace!("{} {}", name.as_str(), String::from_utf8_lossy(body));
    let Ok(body) = std::str::from_utf8(body) else {
        return (400, wire_error::of_protocol("SerializationException", None));
    };
    let (body, table_arns) = TableArns::take_from(body);
    let ran = decode(name, &body).map_err(Failure::Engine).and_then(|operation| gate.run(operation));
    match ran.map(|output| gate.to_json(&output)) {
        Ok(Ok(json)) => (200, region::put_into_answer(name, table_arns.put_into(json), region)),
        Ok(Err(error)) => {
            log::error!("{}: the output cannot be written as JSON: {error}", name.as_str());
            wire_error::internal()
        }
        Err(Failure::Engine(error)) => {
            gate.count_error(&error);
            wire_error::of_engine(name, error)
        }
        Err(Failure::ExpiredIterator) => wire_error::expired_iterator(),
        Err(Failure::Throttled(error)) => match error.to_json() {
            Ok(json) => (400, region::put_into_arns(json, region)),
            Err(_) => wire_error::internal(),
        },
    }
}

impl Account for AdmissionGate {
    fn has_table(&self, name: &str) -> bool {
        let request = DescribeTableRequest { table_name: name.to_owned() };
        self.run(Operation::DescribeTable(Box::new(request))).is_ok()
    }

    fn quotas(&self) -> (u64, u64) {
        self.quotas()
    }

    fn now_seconds(&self) -> u64 {
        self.now().as_secs()
    }

    fn recovery(&self, table: &str) -> Option<Recovery> {
        let kept = self.kept(&recovery_of(table)).ok().flatten()?;
        serde_json::from_str(&kept).ok().flatten()
    }

    fn set_recovery(&self, table: &str, recovery: Option<Recovery>) {
        let kept = serde_json::to_string(&recovery).unwrap_or_default();
        if let Err(error) = self.keep(&recovery_of(table), &kept) {
            log::error!("the recovery of {table} is not kept: {error}");
        }
    }
}

pub(super) fn answer_unused(gate: &AdmissionGate, feature: UnusedFeature, host: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let body = String::from_utf8_lossy(body);
    let (body, _) = TableArns::take_from(&body);
    let Ok(request) = serde_json::from_str(&body) else {
        return (400, wire_error::of_protocol("SerializationException", None));
    };
    let (status, answer) = feature.answer(&request, host, gate);
    (status, answer.to_string().into_bytes())
}

/// The requested operation and the content type of its response; or the response, if the request names no operation.
/// The order of the checks is DynamoDB's.
pub(super) fn frame(headers: &HeaderMap, uri: &Uri, body: &[u8]) -> Result<(Target, HeaderValue), Box<HttpResponse>> {
    let given = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let content_type = if essence.eq_ignore_ascii_case("application/x-amz-json-1.0") {
        AMZ_JSON
    } else if essence.eq_ignore_ascii_case("application/json") || (given.is_empty() && body.is_empty()) {
        JSON
    } else {
        return Err(Box::new(not_found()));
    };
    let refuse = |error| Box::new(answer(StatusCode::BAD_REQUEST, content_type.clone(), error));
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let Some(target) = target.and_then(Target::parse) else {
        return Err(refuse(wire_error::of_protocol("UnknownOperationException", None)));
    };
    let material = AuthMaterial {
        authorization: text(headers, &AUTHORIZATION),
        query: uri.query().unwrap_or_default(),
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key(DATE),
    };
    if let Some(error) = auth_material::validate(material) {
        return Err(refuse(error.into_bytes()));
    }
    if body.is_empty() {
        return Err(refuse(wire_error::of_protocol("SerializationException", None)));
    }
    Ok((target, content_type))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
