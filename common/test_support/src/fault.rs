//! Faults of networks and services, which a proxy injects into writes.

use std::time::Duration;

use serde_json::json;

use crate::canned::CannedResponse;

/// The fault of one BatchWriteItem call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// None: the call reaches the engine, and the response is returned.
    None,
    /// The connection ends before the engine sees the call.
    DropBefore,
    /// The engine writes the items, and the connection ends without a response.
    DropAfter,
    /// The engine writes the items, and the connection ends in the middle of the response.
    HalfResponse,
    /// The engine writes the items, and the connection is reset in the middle of the response.
    Reset,
    /// The engine never sees the call; this is the response.
    Respond(CannedResponse),
    /// The engine writes the items, and this is the response.
    RespondAfter(CannedResponse),
    /// The engine receives the requests whose index satisfies this; the others come back as UnprocessedItems.
    Partly(fn(usize) -> bool),
    /// The response is delayed by this time.
    Late(Duration),
    /// This connection ends, and new ones are refused for this time.
    Away(Duration),
}

impl Fault {
    /// An error of DynamoDB with HTTP status 400, such as throttling.
    pub fn error(code: &str) -> Self {
        Self::Respond(CannedResponse::error(code, "says the proxy"))
    }

    /// All requests come back unprocessed, in a successful response.
    pub fn all_unprocessed() -> Self {
        Self::Partly(|_| false)
    }

    /// DynamoDB's own `500 Internal Server Error`.
    pub fn internal_server_error() -> Self {
        Self::Respond(server_error("500 Internal Server Error", "InternalServerError"))
    }

    /// Faults of networks and of failing services.
    pub fn network_faults() -> Vec<Self> {
        let page = "<html><h1>Bad Gateway</h1></html>";
        vec![
            Self::DropBefore,
            Self::DropAfter,
            Self::Reset,
            Self::HalfResponse,
            Self::internal_server_error(),
            Self::RespondAfter(CannedResponse::http("500 Internal Server Error", "text/html", page)),
            Self::Respond(CannedResponse::http("503 Service Unavailable", "text/plain", "")),
            Self::Respond(CannedResponse::http("502 Bad Gateway", "text/html", page)),
            Self::Late(Duration::from_millis(50)),
            Self::Away(Duration::from_millis(100)),
        ]
    }

    /// Responses without any information about the items, or about other items, whether the items were written or not.
    pub fn nonsense() -> Vec<Self> {
        let page = CannedResponse::http("200 OK", "text/html", "<html>Log in to this hotel's network</html>");
        let json = |body| CannedResponse::http("200 OK", "application/x-amz-json-1.0", body);
        let mut all =
            vec![Self::RespondAfter(unknown_unprocessed()), Self::Respond(CannedResponse::raw("220 ESMTP ready\r\n"))];
        for answer in [page, json(""), json("{}"), json("{\"UnprocessedIt"), json("{\"UnprocessedItems\":7}")] {
            all.extend([Self::Respond(answer.clone()), Self::RespondAfter(answer)]);
        }
        all
    }

    /// The ways to be throttled.
    pub fn throttles() -> Vec<Self> {
        vec![
            Self::error("ProvisionedThroughputExceededException"),
            Self::error("ThrottlingException"),
            Self::error("RequestLimitExceeded"),
            Self::Respond(CannedResponse::http("429 Too Many Requests", "text/html", "<html>slow down</html>")),
            Self::all_unprocessed(),
            Self::Partly(|index| index % 2 == 0),
            Self::Partly(|index| index != 24),
        ]
    }

    /// A random fault other than throttling, or none: about two of three calls succeed, half of them late.
    pub fn random(random: &mut fastrand::Rng) -> Self {
        let page = "<html><h1>Service Unavailable</h1></html>";
        match random.u8(..24) {
            0 => Self::DropBefore,
            1 => Self::DropAfter,
            2 => Self::HalfResponse,
            3 => Self::internal_server_error(),
            4 => Self::RespondAfter(server_error("503 Service Unavailable", "ServiceUnavailable")),
            5 => Self::Respond(CannedResponse::http("502 Bad Gateway", "text/html", page)),
            6 => Self::Away(Duration::from_millis(random.u64(..50))),
            7 => Self::RespondAfter(unknown_unprocessed()),
            8..16 => Self::Late(Duration::from_millis(random.u64(..30))),
            _ => Self::None,
        }
    }

    /// Random throttling.
    pub fn random_throttling(random: &mut fastrand::Rng) -> Self {
        match random.u8(..5) {
            0 => Self::error("ProvisionedThroughputExceededException"),
            1 => Self::error("ThrottlingException"),
            2 => Self::error("RequestLimitExceeded"),
            3 => Self::all_unprocessed(),
            _ => Self::Partly(|index| index % 3 != 0),
        }
    }
}

/// A response for a different batch: it contains an unprocessed item that no test writes.
pub fn unknown_unprocessed() -> CannedResponse {
    let item = json!({ "PutRequest": { "Item": { "PK": { "S": "request#-1000000" } } } });
    CannedResponse::ok(&json!({ "UnprocessedItems": { "logfile": [item] } }).to_string())
}

/// A response with a 5xx status and DynamoDB's error code.
fn server_error(status: &str, code: &str) -> CannedResponse {
    CannedResponse::http(
        status,
        "application/x-amz-json-1.0",
        &json!({ "__type": code, "message": "says the proxy" }).to_string(),
    )
}
