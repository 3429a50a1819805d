//! Reading the body of a request.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};

/// DynamoDB's limit for the body of a request.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// How much of a body over the limit is read and discarded, so that a client that is still sending can read the
/// response.
const MAX_DISCARDED: usize = 4 * MAX_BODY;

pub(super) enum BodyError {
    TooLarge,
    Broken(hyper::Error),
}

pub(super) async fn read_body(mut body: Incoming) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut read = Vec::with_capacity(announced.min(MAX_BODY));
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        size += data.len();
        if size > MAX_DISCARDED {
            break;
        } else if size > MAX_BODY {
            read = Vec::new();
        } else {
            read.extend_from_slice(&data);
        }
    }
    if size > MAX_BODY { Err(BodyError::TooLarge) } else { Ok(read.into()) }
}
