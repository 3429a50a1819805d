//! The region that a request is signed for. Every ARN in its answer holds it: one set of tables is seen from all regions.

use std::str;

use crate::engine::OperationName;

/// What the engine writes in the region's place, in ARNs and in stream records.
const OF_ENGINE: [(&str, &str); 3] = [
    ("arn:aws:dynamodb:dynoxide:", "arn:aws:dynamodb:{}:"),
    ("arn:aws:kms:dynoxide:", "arn:aws:kms:{}:"),
    // Not text of an item: there, the value of a map's member is never a plain string.
    ("\"awsRegion\":\"dynoxide\"", "\"awsRegion\":\"{}\""),
];

/// Whether answers to an operation hold ARNs, and no text of items.
pub(crate) fn has_arns(name: OperationName) -> bool {
    matches!(
        name,
        OperationName::CreateTable
            | OperationName::UpdateTable
            | OperationName::DeleteTable
            | OperationName::DescribeTable
            | OperationName::ListStreams
            | OperationName::DescribeStream
            | OperationName::GetRecords
    )
}

/// The JSON of an answer, with the region where the engine has a name of its own.
pub(crate) fn put_into(json: Vec<u8>, region: &str) -> Vec<u8> {
    match str::from_utf8(&json) {
        Ok(text) if text.contains("dynoxide") => OF_ENGINE
            .iter()
            .fold(text.to_owned(), |text, (engines, ours)| text.replace(engines, &ours.replace("{}", region)))
            .into_bytes(),
        _ => json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_and_stream_records_hold_the_region() {
        let json =
            br#"{"TableArn":"arn:aws:dynamodb:dynoxide:000000000000:table/a","awsRegion":"dynoxide","x":"dynoxide"}"#;
        let expected =
            br#"{"TableArn":"arn:aws:dynamodb:eu-west-1:000000000000:table/a","awsRegion":"eu-west-1","x":"dynoxide"}"#;
        assert_eq!(put_into(json.to_vec(), "eu-west-1"), expected);
    }
}
