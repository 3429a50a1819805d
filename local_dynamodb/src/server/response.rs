//! The headers and kinds of responses.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Response, StatusCode};

use crate::monitor::{self, Asset};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const AMZ_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
pub(super) const AMZ_JSON_1_1: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
pub(super) const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const NOT_FOUND: &[u8] = b"<UnknownOperationException/>\n";

pub(super) type HttpResponse = Response<Full<Bytes>>;

pub(super) fn not_found() -> HttpResponse {
    answer(StatusCode::NOT_FOUND, TEXT, NOT_FOUND)
}

pub(super) fn file(asset: Asset) -> HttpResponse {
    let mut answer = answer(StatusCode::OK, HeaderValue::from_static(asset.content_type), asset.body);
    for (name, value) in monitor::HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

pub(super) fn status_of(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(super) fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> HttpResponse {
    let body = body.into();
    let checksum = crc32fast::hash(&body);
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(SERVER, HeaderValue::from_static("local_dynamodb"));
    headers.insert("x-amz-crc32", checksum.into());
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    answer
}

/// 52 capital letters and digits, as DynamoDB's.
fn request_id() -> String {
    std::iter::repeat_with(|| fastrand::alphanumeric().to_ascii_uppercase()).take(52).collect()
}
