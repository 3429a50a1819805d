//! The JSON shape of requests: which member is a list, a map, a structure, a string or a number.
//!
//! The engine's request types keep some members as loose JSON, so its decoder does not notice a wrong shape there. Where
//! it does notice, the message is serde's. DynamoDB answers both with a `SerializationException` that names its Java types.
//! The tables below follow the API reference; the messages are those of the engine's own server, whose authors captured
//! them from DynamoDB.

use serde_json::{Map, Value};

use crate::engine::OperationName;

/// The type of a request's member. Null and absent members always pass.
enum Shape {
    Text,
    Long,
    Int,
    Flag,
    /// A structure of DynamoDB's class, with members of its own.
    Struct(&'static str, &'static [Member]),
    /// A list of elements of one shape.
    List(&'static Shape),
    /// A map of names to values of one shape; the text is how DynamoDB names the type of the values.
    Map(&'static str, &'static Shape),
}

use Shape::{Flag, Int, List, Long, Map as MapOf, Struct, Text};

type Member = (&'static str, Shape);

const VALUE: Shape = Struct("AttributeValue", &[]);
const VALUES: Shape = MapOf("com.amazonaws.dynamodb.v20120810.AttributeValue", &VALUE);
const NAMES: Shape = MapOf("java.lang.String", &Text);
const CONDITION: Shape = Struct("Condition", &[("ComparisonOperator", Text), ("AttributeValueList", List(&VALUE))]);
const CONDITIONS: Shape = MapOf("com.amazonaws.dynamodb.v20120810.Condition", &CONDITION);
const EXPECTED: Shape = MapOf(
    "com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue",
    &Struct("ExpectedAttributeValue", &[("Exists", Flag)]),
);
const UPDATES: Shape =
    MapOf("com.amazonaws.dynamodb.v20120810.AttributeValueUpdate", &Struct("AttributeValueUpdate", &[]));

const THROUGHPUT: Shape = Struct("ProvisionedThroughput", &[("WriteCapacityUnits", Long), ("ReadCapacityUnits", Long)]);
const PROJECTION: Shape = Struct("Projection", &[("ProjectionType", Text), ("NonKeyAttributes", List(&Text))]);
const KEY_SCHEMA: Shape = List(&Struct("KeySchemaElement", &[("KeyType", Text), ("AttributeName", Text)]));
const DEFINITIONS: Shape = List(&Struct("AttributeDefinition", &[("AttributeName", Text), ("AttributeType", Text)]));
const LOCAL_INDEX: Shape =
    Struct("LocalSecondaryIndex", &[("Projection", PROJECTION), ("KeySchema", KEY_SCHEMA), ("IndexName", Text)]);
const GLOBAL_INDEX: &[Member] = &[
    ("Projection", PROJECTION),
    ("ProvisionedThroughput", THROUGHPUT),
    ("KeySchema", KEY_SCHEMA),
    ("IndexName", Text),
];
const VECTOR_INDEX: &[Member] = &[
    ("VectorAttribute", Struct("VectorAttributeDefinition", &[("AttributeName", Text)])),
    ("Projection", PROJECTION),
    (
        "SearchSchema",
        List(&Struct("SearchSchemaElement", &[("AttributeName", Text), ("SearchSchemaElementType", Text)])),
    ),
    ("IndexName", Text),
    ("DistanceFunction", Text),
    ("Dimensions", Int),
];

const CREATE_TABLE: &[Member] = &[
    ("AttributeDefinitions", DEFINITIONS),
    ("KeySchema", KEY_SCHEMA),
    ("LocalSecondaryIndexes", List(&LOCAL_INDEX)),
    ("GlobalSecondaryIndexes", List(&Struct("GlobalSecondaryIndex", GLOBAL_INDEX))),
    ("VectorIndexes", List(&Struct("VectorIndex", VECTOR_INDEX))),
    ("ProvisionedThroughput", THROUGHPUT),
];
const GLOBAL_INDEX_UPDATE: &[Member] = &[
    ("Create", Struct("CreateGlobalSecondaryIndexAction", GLOBAL_INDEX)),
    ("Update", Struct("UpdateGlobalSecondaryIndexAction", &[("ProvisionedThroughput", THROUGHPUT)])),
    ("Delete", Struct("DeleteGlobalSecondaryIndexAction", &[])),
];
const VECTOR_INDEX_UPDATE: &[Member] = &[
    ("Create", Struct("CreateVectorIndexAction", VECTOR_INDEX)),
    ("Delete", Struct("DeleteVectorIndexAction", &[("IndexName", Text)])),
];
const UPDATE_TABLE: &[Member] = &[
    ("GlobalSecondaryIndexUpdates", List(&Struct("GlobalSecondaryIndexUpdate", GLOBAL_INDEX_UPDATE))),
    ("ProvisionedThroughput", THROUGHPUT),
    ("VectorIndexUpdates", List(&Struct("VectorIndexUpdate", VECTOR_INDEX_UPDATE))),
];
const BATCH_GET_ITEM: &[Member] = &[(
    "RequestItems",
    MapOf(
        "com.amazonaws.dynamodb.v20120810.KeysAndAttributes",
        &Struct("KeysAndAttributes", &[("ExpressionAttributeNames", NAMES), ("Keys", List(&VALUES))]),
    ),
)];
const BATCH_WRITE_ITEM: &[Member] = &[(
    "RequestItems",
    MapOf(
        "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>",
        &List(&Struct(
            "WriteRequest",
            &[
                ("DeleteRequest", Struct("DeleteRequest", &[("Key", VALUES)])),
                ("PutRequest", Struct("PutRequest", &[("Item", VALUES)])),
            ],
        )),
    ),
)];
const QUERY: &[Member] = &[("KeyConditions", CONDITIONS), ("QueryFilter", CONDITIONS), ("ExclusiveStartKey", VALUES)];
const SCAN: &[Member] = &[("ScanFilter", CONDITIONS), ("ExclusiveStartKey", VALUES)];
const WRITE: &[Member] = &[("AttributeUpdates", UPDATES)];
const TAG_RESOURCE: &[Member] = &[("Tags", List(&Struct("Tag", &[])))];

/// Members that mean the same in every operation, checked after the operation's own.
const COMMON: &[Member] = &[
    ("Key", VALUES),
    ("Item", VALUES),
    ("ExpressionAttributeNames", NAMES),
    ("ExpressionAttributeValues", VALUES),
    ("Expected", EXPECTED),
    ("TableName", Text),
    ("IndexName", Text),
    ("ReturnConsumedCapacity", Text),
    ("ReturnValues", Text),
    ("ReturnItemCollectionMetrics", Text),
    ("ConditionalOperator", Text),
    ("Select", Text),
    ("ConditionExpression", Text),
    ("FilterExpression", Text),
    ("KeyConditionExpression", Text),
    ("ProjectionExpression", Text),
    ("UpdateExpression", Text),
    ("Limit", Int),
    ("Segment", Int),
    ("TotalSegments", Int),
    ("ScanIndexForward", Flag),
    ("ConsistentRead", Flag),
];

fn members(name: OperationName) -> &'static [Member] {
    match name {
        OperationName::CreateTable => CREATE_TABLE,
        OperationName::UpdateTable => UPDATE_TABLE,
        OperationName::BatchGetItem => BATCH_GET_ITEM,
        OperationName::BatchWriteItem => BATCH_WRITE_ITEM,
        OperationName::Query => QUERY,
        OperationName::Scan => SCAN,
        OperationName::PutItem | OperationName::UpdateItem | OperationName::DeleteItem => WRITE,
        OperationName::TagResource => TAG_RESOURCE,
        _ => &[],
    }
}

/// Checks the shape of a request; the error is the message of DynamoDB's `SerializationException`.
pub(super) fn check(name: OperationName, request: &Value) -> Result<(), String> {
    // AWS serves SearchVectors from an endpoint of its own with messages of its own, which the engine's decoder has.
    let (Value::Object(request), false) = (request, name == OperationName::SearchVectors) else { return Ok(()) };
    check_members(members(name), request)?;
    check_members(COMMON, request)
}

fn check_members(members: &[Member], object: &Map<String, Value>) -> Result<(), String> {
    members.iter().try_for_each(|(name, shape)| match object.get(*name) {
        Some(value) => check_value(shape, value, Position::Member),
        None => Ok(()),
    })
}

/// The position of a value, which decides the message of some errors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Member,
    Element,
}

fn check_value(shape: &Shape, value: &Value, position: Position) -> Result<(), String> {
    match (shape, value) {
        (_, Value::Null) => Ok(()),
        (Struct(_, members), Value::Object(object)) => check_members(members, object),
        (List(element), Value::Array(list)) => {
            list.iter().try_for_each(|value| check_value(element, value, Position::Element))
        }
        (MapOf(_, element), Value::Object(map)) => {
            map.values().try_for_each(|value| check_value(element, value, Position::Element))
        }
        (Struct(class, _), Value::Array(_)) => {
            Err(format!("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{class}"))
        }
        (Struct(..), _) if position == Position::Element => Err("Unexpected value type in payload".into()),
        // A map or a list inside another: DynamoDB shows its own failure.
        (List(_) | MapOf(..), _) if position == Position::Element => Err(CAST_FAILURE.into()),
        (MapOf(values, _), Value::Array(_)) => {
            Err(format!("Unrecognized collection type java.util.Map<java.lang.String, {values}>"))
        }
        (List(_), Value::Object(_)) => Err(STRUCTURE.into()),
        (Struct(..) | List(_) | MapOf(..), _) => Err("Unexpected field type".into()),
        (Text | Long | Int | Flag, _) => check_scalar(shape, value),
    }
}

fn check_scalar(shape: &Shape, value: &Value) -> Result<(), String> {
    let class = match shape {
        Text => "String",
        Flag => "Boolean",
        Long => "Long",
        _ => "Integer",
    };
    let converted = match (shape, value) {
        (Text, Value::String(_)) | (Long | Int, Value::Number(_)) | (Flag, Value::Bool(_)) => return Ok(()),
        // DynamoDB reads a string of these words, in any case, as a flag.
        (Flag, Value::String(word)) if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => {
            return Ok(());
        }
        (Flag, Value::String(_)) => return Err("Unexpected token received from parser".into()),
        (_, Value::Array(_)) => return Err(format!("Unrecognized collection type class java.lang.{class}")),
        (_, Value::Object(_)) => return Err(STRUCTURE.into()),
        (_, Value::Bool(true)) => "TRUE_VALUE",
        (_, Value::Bool(false)) => "FALSE_VALUE",
        (_, Value::Number(number)) if number.is_f64() => "DECIMAL_VALUE",
        (_, Value::Number(_)) => "NUMBER_VALUE",
        _ => "STRING_VALUE",
    };
    Err(format!("{converted} cannot be converted to {class}"))
}

/// A structure or map where something else belongs.
pub(super) const STRUCTURE: &str = "Start of structure or map found where not expected";
const CAST_FAILURE: &str = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class \
    java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module \
    java.base of loader 'bootstrap')";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn well_shaped_requests_pass() {
        let put =
            json!({"TableName": "t", "Item": {"a": {"S": "x"}}, "Expected": {"a": {"Exists": "TRUE"}}, "Other": 1});
        assert_eq!(check(OperationName::PutItem, &put), Ok(()));
        let create =
            json!({"KeySchema": [{"AttributeName": "a"}, null], "ProvisionedThroughput": {"ReadCapacityUnits": 1}});
        assert_eq!(check(OperationName::CreateTable, &create), Ok(()));
        assert_eq!(check(OperationName::Query, &json!([1])), Ok(()));
    }

    #[test]
    fn wrong_shapes_are_named_as_dynamodb_names_them() {
        let cases = [
            (OperationName::GetItem, json!({"TableName": 1}), "NUMBER_VALUE cannot be converted to String"),
            (OperationName::GetItem, json!({"TableName": 1.5}), "DECIMAL_VALUE cannot be converted to String"),
            (OperationName::GetItem, json!({"ConsistentRead": "no"}), "Unexpected token received from parser"),
            (OperationName::Scan, json!({"Limit": "1"}), "STRING_VALUE cannot be converted to Integer"),
            (OperationName::PutItem, json!({"Item": {"a": "x"}}), "Unexpected value type in payload"),
            (OperationName::CreateTable, json!({"KeySchema": {}}), STRUCTURE),
            (OperationName::BatchWriteItem, json!({"RequestItems": {"t": {}}}), CAST_FAILURE),
            (
                OperationName::CreateTable,
                json!({"ProvisionedThroughput": []}),
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.ProvisionedThroughput",
            ),
            (
                OperationName::UpdateItem,
                json!({"Key": []}),
                "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
            ),
        ];
        for (name, request, message) in cases {
            assert_eq!(check(name, &request), Err(message.into()), "{request}");
        }
    }
}
