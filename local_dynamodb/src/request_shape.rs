//! The JSON shape of requests: which member is a list, a map, a structure, a string or a number.
//!
//! The engine's request types keep some members as loose JSON, so a wrong shape there would pass its decoder silently;
//! and where the decoder does notice, serde words it as serde does. DynamoDB refuses both with a
//! `SerializationException` that names its Java types. The tables below follow the API reference, the wordings what the
//! engine's own server answers (which its authors captured from DynamoDB).

use serde_json::{Map, Value};

use crate::operation::Name;

/// What a member of a request has to be. Null and absent members always pass.
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

fn members(name: Name) -> &'static [Member] {
    match name {
        Name::CreateTable => CREATE_TABLE,
        Name::UpdateTable => UPDATE_TABLE,
        Name::BatchGetItem => BATCH_GET_ITEM,
        Name::BatchWriteItem => BATCH_WRITE_ITEM,
        Name::Query => QUERY,
        Name::Scan => SCAN,
        Name::PutItem | Name::UpdateItem | Name::DeleteItem => WRITE,
        Name::TagResource => TAG_RESOURCE,
        _ => &[],
    }
}

/// Checks the shape of a request; the error is the message of DynamoDB's `SerializationException`.
pub(crate) fn check(name: Name, request: &Value) -> Result<(), String> {
    // SearchVectors has an endpoint of its own at AWS, and words shapes in its own way: the engine's decoder does.
    let (Value::Object(request), false) = (request, name == Name::SearchVectors) else { return Ok(()) };
    check_members(members(name), request)?;
    check_members(COMMON, request)
}

fn check_members(members: &[Member], object: &Map<String, Value>) -> Result<(), String> {
    members.iter().try_for_each(|(name, shape)| match object.get(*name) {
        Some(value) => check_value(shape, value, Place::Member),
        None => Ok(()),
    })
}

/// Where a value stands, which decides the words of some refusals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    Element,
}

fn check_value(shape: &Shape, value: &Value, place: Place) -> Result<(), String> {
    match (shape, value) {
        (_, Value::Null) => Ok(()),
        (Struct(_, members), Value::Object(object)) => check_members(members, object),
        (List(element), Value::Array(list)) => {
            list.iter().try_for_each(|value| check_value(element, value, Place::Element))
        }
        (MapOf(_, element), Value::Object(map)) => {
            map.values().try_for_each(|value| check_value(element, value, Place::Element))
        }
        (Struct(class, _), Value::Array(_)) => {
            Err(format!("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.{class}"))
        }
        (Struct(..), _) if place == Place::Element => Err("Unexpected value type in payload".into()),
        // A map or a list inside another: DynamoDB shows its own failure.
        (List(_) | MapOf(..), _) if place == Place::Element => Err(CAST_FAILURE.into()),
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
pub(crate) const STRUCTURE: &str = "Start of structure or map found where not expected";
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
        assert_eq!(check(Name::PutItem, &put), Ok(()));
        let create =
            json!({"KeySchema": [{"AttributeName": "a"}, null], "ProvisionedThroughput": {"ReadCapacityUnits": 1}});
        assert_eq!(check(Name::CreateTable, &create), Ok(()));
        assert_eq!(check(Name::Query, &json!([1])), Ok(()));
    }

    #[test]
    fn wrong_shapes_are_named_as_dynamodb_names_them() {
        let cases = [
            (Name::GetItem, json!({"TableName": 1}), "NUMBER_VALUE cannot be converted to String"),
            (Name::GetItem, json!({"TableName": 1.5}), "DECIMAL_VALUE cannot be converted to String"),
            (Name::GetItem, json!({"ConsistentRead": "no"}), "Unexpected token received from parser"),
            (Name::Scan, json!({"Limit": "1"}), "STRING_VALUE cannot be converted to Integer"),
            (Name::PutItem, json!({"Item": {"a": "x"}}), "Unexpected value type in payload"),
            (Name::CreateTable, json!({"KeySchema": {}}), STRUCTURE),
            (Name::BatchWriteItem, json!({"RequestItems": {"t": {}}}), CAST_FAILURE),
            (
                Name::CreateTable,
                json!({"ProvisionedThroughput": []}),
                "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.ProvisionedThroughput",
            ),
            (
                Name::UpdateItem,
                json!({"Key": []}),
                "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>",
            ),
        ];
        for (name, request, message) in cases {
            assert_eq!(check(name, &request), Err(message.into()), "{request}");
        }
    }
}
