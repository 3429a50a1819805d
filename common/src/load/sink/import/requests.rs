//! The requests that start an import: `import-table.json` for a new table and `start-bulk-put-items.json` for an existing one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::ImportError;
use super::part_file::PREFIX;
use crate::capacity::{IndexScope, Projection, Throughput};
use crate::mapping::{KeyAttribute, Mapping};
use crate::s3::S3Url;
use crate::tables::{KeyElement, TableDescription, TableName};

pub(super) const IMPORT_TABLE: &str = "import-table.json";
pub(super) const BULK_PUT: &str = "start-bulk-put-items.json";
/// A placeholder for the bucket into which a folder will be copied.
pub(super) const BUCKET: &str = "BUCKET";

/// Where the objects are or will be: a bucket, and a prefix of all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) bucket: String,
    /// Ends with a slash, or is empty.
    pub(super) folder: String,
}

impl Location {
    pub(super) fn new(prefix: Option<&S3Url>, folder_name: &str) -> Self {
        match prefix {
            Some(prefix) => Self { bucket: prefix.bucket.clone(), folder: prefix.key.clone() },
            None => Self { bucket: BUCKET.to_owned(), folder: format!("{folder_name}/") },
        }
    }

    /// The prefix of the objects, without the requests next to them.
    fn objects(&self) -> String {
        format!("{}{PREFIX}", self.folder)
    }
}

/// The ImportTable request. The new table is like `described`; without it, the table has the mapping's key, no indexes
/// and on-demand capacity. `item` is one of the items.
pub(super) fn import_table(
    table: &TableName,
    location: &Location,
    described: Option<&TableDescription>,
    mapping: &Mapping,
    item: Option<&[u8]>,
) -> Result<Value, ImportError> {
    let mut creation = match described {
        Some(described) => of_table(described),
        None => of_mapping(mapping.key(), item)?,
    };
    creation["TableName"] = table.short().into();
    Ok(json!({
        "S3BucketSource": { "S3Bucket": location.bucket, "S3KeyPrefix": location.objects() },
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": "GZIP",
        "TableCreationParameters": creation,
    }))
}

/// The request of StartBulkPutItems. Items that it cannot write are reported next to the objects.
pub(super) fn start_bulk_put_items(table: &TableName, location: &Location) -> Value {
    json!({
        "TableName": table.as_str(),
        "InputS3Configuration": {
            "S3Bucket": location.bucket,
            "S3KeyPrefix": location.objects(),
            "InputFormat": "DYNAMODB_JSON",
            "InputCompressionType": "GZIP",
        },
        "OutputS3Configuration": {
            "S3Bucket": location.bucket,
            "S3KeyPrefix": format!("{}errors/", location.folder),
            "OutputType": ["ERROR"],
        },
    })
}

/// Local indexes are left out: an import cannot create them.
fn of_table(table: &TableDescription) -> Value {
    let global = || table.indexes.iter().filter(|index| index.scope == IndexScope::Global);
    let keys = table.key.iter().chain(global().flat_map(|index| &index.key));
    let kind = |element: &KeyElement| element.attribute_type.as_ref().map_or("S", |kind| kind.as_str()).to_owned();
    let definitions: BTreeMap<&str, String> = keys.map(|key| (key.attribute.as_str(), kind(key))).collect();
    let attributes: Vec<_> =
        definitions.iter().map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind })).collect();
    let mut creation = json!({ "AttributeDefinitions": attributes, "KeySchema": key_schema(&table.key) });
    set_throughput(&mut creation, table.throughput);
    creation["BillingMode"] = match table.throughput {
        Throughput::OnDemand => "PAY_PER_REQUEST".into(),
        Throughput::Provisioned { .. } => "PROVISIONED".into(),
    };
    let indexes: Vec<_> = global()
        .map(|index| {
            let projection = match &index.projection {
                Projection::All => json!({ "ProjectionType": "ALL" }),
                Projection::KeysOnly => json!({ "ProjectionType": "KEYS_ONLY" }),
                Projection::Include(names) => json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names }),
            };
            let mut json =
                json!({ "IndexName": index.name, "KeySchema": key_schema(&index.key), "Projection": projection });
            set_throughput(&mut json, index.throughput);
            json
        })
        .collect();
    if !indexes.is_empty() {
        creation["GlobalSecondaryIndexes"] = indexes.into();
    }
    creation
}

fn key_schema(key: &[KeyElement]) -> Value {
    let element =
        |element: &KeyElement| json!({ "AttributeName": element.attribute, "KeyType": element.key_type.as_str() });
    key.iter().map(element).collect::<Vec<_>>().into()
}

fn set_throughput(json: &mut Value, throughput: Throughput) {
    if let Throughput::Provisioned { read, write } = throughput {
        json["ProvisionedThroughput"] = json!({ "ReadCapacityUnits": read.max(1), "WriteCapacityUnits": write.max(1) });
    }
}

fn of_mapping(key: &[KeyAttribute], item: Option<&[u8]>) -> Result<Value, ImportError> {
    let item: Value = item.and_then(|item| serde_json::from_slice(item).ok()).unwrap_or_default();
    let in_item = |name: &str| Some(item["Item"][name].as_object()?.keys().next()?.clone());
    let mut definitions = Vec::new();
    for KeyAttribute { name, kind } in key {
        let kind = kind.map(|kind| kind.name().to_owned()).or_else(|| in_item(name));
        let kind = kind.ok_or_else(|| ImportError::NoItem { attribute: name.clone() })?;
        definitions.push(json!({ "AttributeName": name, "AttributeType": kind }));
    }
    let schema: Vec<_> = key
        .iter()
        .zip(["HASH", "RANGE"])
        .map(|(key, kind)| json!({ "AttributeName": key.name, "KeyType": kind }))
        .collect();
    Ok(json!({ "AttributeDefinitions": definitions, "KeySchema": schema, "BillingMode": "PAY_PER_REQUEST" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{BuiltIn, Overrides};
    use crate::tables;

    fn request(described: Option<&TableDescription>) -> Value {
        let mapping = BuiltIn::Sequential.mapping(&Overrides::default());
        let location = Location::new(Some(&S3Url::parse("s3://logs/import/").unwrap()), "");
        import_table(&"logfile".parse().unwrap(), &location, described, &mapping, None).unwrap()
    }

    #[test]
    fn a_new_table_is_like_the_one_that_is_described() {
        let table = TableDescription::of_definition(tables::table("logfile").unwrap());
        assert_eq!(
            request(Some(&table)),
            json!({
                "S3BucketSource": { "S3Bucket": "logs", "S3KeyPrefix": "import/part-" },
                "InputFormat": "DYNAMODB_JSON",
                "InputCompressionType": "GZIP",
                "TableCreationParameters": {
                    "TableName": "logfile",
                    "AttributeDefinitions": [
                        { "AttributeName": "GSI_1_PK", "AttributeType": "S" },
                        { "AttributeName": "PK", "AttributeType": "S" },
                    ],
                    "KeySchema": [{ "AttributeName": "PK", "KeyType": "HASH" }],
                    "BillingMode": "PROVISIONED",
                    "ProvisionedThroughput": { "ReadCapacityUnits": 5, "WriteCapacityUnits": 5 },
                    "GlobalSecondaryIndexes": [{
                        "IndexName": "GSI_1",
                        "KeySchema": [{ "AttributeName": "GSI_1_PK", "KeyType": "HASH" }],
                        "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["bytessent"] },
                        "ProvisionedThroughput": { "ReadCapacityUnits": 5, "WriteCapacityUnits": 5 },
                    }],
                },
            })
        );
    }

    #[test]
    fn without_a_description_the_table_has_the_mapping_s_key() {
        assert_eq!(
            request(None)["TableCreationParameters"],
            json!({
                "TableName": "logfile",
                "AttributeDefinitions": [{ "AttributeName": "PK", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "PK", "KeyType": "HASH" }],
                "BillingMode": "PAY_PER_REQUEST",
            })
        );
        let unknown = [KeyAttribute { name: "id".into(), kind: None }];
        let creation = of_mapping(&unknown, Some(br#"{"Item":{"id":{"N":"1"}}}"#)).unwrap();
        assert_eq!(creation["AttributeDefinitions"][0]["AttributeType"], "N");
        assert!(matches!(of_mapping(&unknown, None), Err(ImportError::NoItem { .. })));
    }

    #[test]
    fn an_existing_table_may_be_named_by_its_arn() {
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/logs";
        let request = start_bulk_put_items(&arn.parse().unwrap(), &Location::new(None, "out"));
        assert_eq!(request["TableName"], arn);
        assert_eq!(request["InputS3Configuration"]["S3KeyPrefix"], "out/part-");
        assert_eq!(request["OutputS3Configuration"]["S3KeyPrefix"], "out/errors/");
    }
}
