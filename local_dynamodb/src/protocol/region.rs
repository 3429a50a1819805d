//! The region that a request is signed for, in the ARNs and stream records of its answer: one set of tables is seen from all
//! regions.

use std::str;

use crate::engine::OperationName;

/// What the engine writes in ARNs.
const IN_ARNS: [(&str, &str); 2] =
    [("arn:aws:dynamodb:dynoxide:", "arn:aws:dynamodb:{}:"), ("arn:aws:kms:dynoxide:", "arn:aws:kms:{}:")];
/// What the engine writes in stream records: its name for the region, and the service's identity with the names of Lambda's
/// events instead of the API's. In the items there the value of a map's member is never a plain string, so this is not text
/// of theirs.
const IN_RECORDS: [(&str, &str); 3] = [
    ("\"NextShardIterator\":\"arn:aws:dynamodb:dynoxide:", "\"NextShardIterator\":\"arn:aws:dynamodb:{}:"),
    ("\"awsRegion\":\"dynoxide\"", "\"awsRegion\":\"{}\""),
    (
        "\"userIdentity\":{\"type\":\"Service\",\"principalId\":\"",
        "\"userIdentity\":{\"Type\":\"Service\",\"PrincipalId\":\"",
    ),
];

/// The JSON of an answer to an operation, with the region where the engine has a name of its own.
pub(crate) fn put_into_answer(name: OperationName, json: Vec<u8>, region: &str) -> Vec<u8> {
    match name {
        // These have ARNs, and no text of items.
        OperationName::CreateTable
        | OperationName::UpdateTable
        | OperationName::DeleteTable
        | OperationName::DescribeTable
        | OperationName::GetShardIterator
        | OperationName::ListStreams
        | OperationName::DescribeStream => put_into_arns(json, region),
        OperationName::GetRecords => replace(json, &IN_RECORDS, region),
        _ => json,
    }
}

/// The same for JSON that holds no text of items.
pub(crate) fn put_into_arns(json: Vec<u8>, region: &str) -> Vec<u8> {
    replace(json, &IN_ARNS, region)
}

fn replace(json: Vec<u8>, texts: &[(&str, &str)], region: &str) -> Vec<u8> {
    match str::from_utf8(&json) {
        Ok(text) if text.contains("dynoxide") => texts
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
        let table = br#"{"TableArn":"arn:aws:dynamodb:dynoxide:000000000000:table/a","x":"dynoxide"}"#;
        let expected = br#"{"TableArn":"arn:aws:dynamodb:eu-west-1:000000000000:table/a","x":"dynoxide"}"#;
        assert_eq!(put_into_answer(OperationName::DescribeTable, table.to_vec(), "eu-west-1"), expected);
        let records =
            br#"{"awsRegion":"dynoxide","S":"arn:aws:dynamodb:dynoxide:1","M":{"awsRegion":{"S":"dynoxide"}}}"#;
        let expected =
            br#"{"awsRegion":"eu-west-1","S":"arn:aws:dynamodb:dynoxide:1","M":{"awsRegion":{"S":"dynoxide"}}}"#;
        assert_eq!(put_into_answer(OperationName::GetRecords, records.to_vec(), "eu-west-1"), expected);
        assert_eq!(put_into_answer(OperationName::GetItem, table.to_vec(), "eu-west-1"), table);
    }
}
