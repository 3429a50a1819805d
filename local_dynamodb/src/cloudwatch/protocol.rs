//! The protocol of a request, and the form of its response.

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};

use super::error::{Error, Kind};
use super::value::{Name, Value};
use super::{Operation, Request, cbor, json, query, run};
use crate::alarms::Alarms;
use crate::metrics::Snapshot;
use crate::protocol::signing_region;

const SERVICE: &str = "GraniteServiceVersion20100801";
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const RPC_V2_CBOR: &str = "rpc-v2-cbor";
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// Smithy RPC v2 CBOR.
    Cbor,
    /// awsJson 1.0.
    Json,
    /// AWS query.
    Query,
}

/// A request to CloudWatch, as identified by its path and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    protocol: Protocol,
    /// In the query protocol it is in the body.
    operation: Option<String>,
    signed: bool,
    region: String,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    /// What is posted to `path`, if it is for CloudWatch and not for DynamoDB.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Option<Self> {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let call = |protocol, operation: Option<&str>| {
            let signed = headers.contains_key(AUTHORIZATION);
            let region = signing_region(headers).to_owned();
            Some(Self { protocol, operation: operation.map(ToOwned::to_owned), signed, region })
        };
        if let Some(operation) = operation_of(path) {
            return call(Protocol::Cbor, Some(operation));
        }
        if path != "/" {
            return None;
        }
        let target = text(&HeaderName::from_static("x-amz-target"));
        if let Some(operation) = target.strip_prefix(SERVICE).and_then(|rest| rest.strip_prefix('.')) {
            return call(Protocol::Json, Some(operation));
        }
        let essence = text(&CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
        let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        if is_form { call(Protocol::Query, None) } else { None }
    }

    /// Decodes the body of the request.
    ///
    /// # Errors
    /// The response if it is not one.
    pub(crate) fn decode(&self, body: &[u8]) -> Result<Request, Reply> {
        self.request(body).map_err(|error| self.refuse(&error))
    }

    fn request(&self, body: &[u8]) -> Result<Request, Error> {
        if !self.signed {
            return Err(Error::new(Kind::MissingAuthenticationToken, "Request is missing Authentication Token"));
        }
        let (operation, members) = match self.protocol {
            Protocol::Cbor => (self.operation.clone(), cbor::decode(body)?),
            Protocol::Json => (self.operation.clone(), json::decode(body)?),
            Protocol::Query => query::decode(body)?,
        };
        Ok(Request { operation: Operation::parse(operation.as_deref().unwrap_or_default())?, members })
    }

    /// Answers a request that was decoded.
    pub(crate) fn answer(&self, request: &Request, snapshot: &Snapshot<'_>, alarms: &mut Alarms) -> Reply {
        match run(request, &self.region, snapshot, alarms) {
            Err(error) => self.refuse(&error),
            Ok(answer) => {
                let id = crate::identifiers::uuid();
                let body = match self.protocol {
                    Protocol::Cbor => cbor::encode(&answer),
                    Protocol::Json => json::encode(&answer),
                    Protocol::Query => query::encode(request.operation.name(), &answer, &id),
                };
                self.reply(200, id, body)
            }
        }
    }

    /// The response to an internal error.
    pub(crate) fn internal(&self) -> Reply {
        self.refuse(&Error::new(Kind::InternalService, "The request processing has failed"))
    }

    fn refuse(&self, error: &Error) -> Reply {
        let id = crate::identifiers::uuid();
        let message = if self.protocol == Protocol::Query || error.kind != Kind::InternalService {
            "message"
        } else {
            "Message" // InternalServiceFault has this one capital letter.
        };
        let structure = || {
            let message = (Name::Borrowed(message), error.message.as_str().into());
            Value::Structure(vec![(Name::Borrowed("__type"), error.kind.shape().into()), message])
        };
        let body = match self.protocol {
            Protocol::Cbor => cbor::encode(&structure()),
            Protocol::Json => json::encode(&structure()),
            Protocol::Query => query::encode_error(error, &id),
        };
        let mut reply = self.reply(error.kind.status(), id, body);
        if self.protocol != Protocol::Query {
            reply.headers.push((QUERY_ERROR, format!("{};{}", error.kind.code(), error.kind.fault())));
        }
        reply
    }

    fn reply(&self, status: u16, id: String, body: Vec<u8>) -> Reply {
        let content_type = match self.protocol {
            Protocol::Cbor => "application/cbor",
            Protocol::Json => "application/x-amz-json-1.0",
            Protocol::Query => "text/xml",
        };
        let mut headers =
            vec![(CONTENT_TYPE, content_type.to_owned()), (HeaderName::from_static("x-amzn-requestid"), id)];
        if self.protocol == Protocol::Cbor {
            headers.push((SMITHY_PROTOCOL, RPC_V2_CBOR.to_owned()));
        }
        Reply { status, headers, body }
    }
}

/// The operation in the path of Smithy RPC: `/service/SERVICE/operation/OPERATION`.
fn operation_of(path: &str) -> Option<&str> {
    path.strip_prefix("/service/")?.strip_prefix(SERVICE)?.strip_prefix("/operation/")
}
