//! The protocol: which requests are let in from where, the operation and typed request that they carry, and errors as
//! DynamoDB writes them.

pub(crate) mod allowed_origin;
mod expression_limits;
mod java_values;
mod member_path;
mod point_in_time_recovery;
pub(crate) mod region;
mod request_shape;
mod signing_region;
mod table_arns;
mod table_limits;
mod unused_feature;
mod validation;
pub(crate) mod wire_error;

pub(crate) use self::point_in_time_recovery::Recovery;
pub(crate) use self::signing_region::signing_region;
pub(crate) use self::table_arns::TableArns;
pub(crate) use self::unused_feature::{Account, UnusedFeature};
pub(crate) use self::validation::decode;
use crate::engine::OperationName;

const TARGET_PREFIXES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// What the header `X-Amz-Target` names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Operation(OperationName),
    Unused(UnusedFeature),
}

impl Target {
    /// `None` if DynamoDB has no such operation.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let operation = TARGET_PREFIXES.iter().find_map(|prefix| header.strip_prefix(prefix))?;
        let unused = || UnusedFeature::parse(operation).map(Self::Unused);
        OperationName::parse(operation).map(Self::Operation).or_else(unused)
    }
}
