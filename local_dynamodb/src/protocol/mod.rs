//! The protocol: which requests are let in from where, the operation and typed request that they carry, and errors as
//! DynamoDB writes them.

pub(crate) mod allowed_origin;
mod expression_limits;
mod java_values;
mod request_shape;
mod signing_region;
mod validation;
pub(crate) mod wire_error;

pub(crate) use self::signing_region::signing_region;
pub(crate) use self::validation::decode;
use crate::engine::OperationName;

const TARGET_PREFIXES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// The operation that the header `X-Amz-Target` names; `None` if the engine does not have it.
pub(crate) fn operation_name(target: &str) -> Option<OperationName> {
    TARGET_PREFIXES.iter().find_map(|prefix| target.strip_prefix(prefix)).and_then(OperationName::parse)
}
