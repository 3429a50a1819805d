//! Files for DynamoDB's own bulk loaders, read back as strictly as an import reads them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::contract::Items;
use crate::oracle;

/// The text of each object in a folder, by its name.
pub fn objects(folder: &Path) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".json.gz") {
            let mut text = String::new();
            GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
            objects.insert(name, text);
        }
    }
    objects
}

/// The items in the objects of a folder.
///
/// # Panics
/// If a line is not strict JSON or contains more than an item, or if a key occurs twice: an import would keep an
/// arbitrary one.
pub fn items(folder: &Path) -> Items {
    let objects = objects(folder);
    assert_eq!(objects.keys().next().map(String::as_str), Some("part-00000.json.gz"));
    let lines: Vec<String> = objects.values().flat_map(|text| text.lines()).map(item).collect();
    let items = oracle::items(&lines.join("\n"));
    assert_eq!(items.len(), lines.len(), "a key occurs twice");
    items
}

fn item(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap();
    let members = value.as_object().unwrap();
    assert_eq!(members.keys().collect::<Vec<_>>(), ["Item"]);
    members["Item"].to_string()
}

/// A file of JSON.
pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
