//! The contents of the table after a load, item by item and attribute by attribute.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;
use test_support::canned::{CannedResponse, CannedServer};
use test_support::contract::{assert_same_items, sequential};
use test_support::lab::without_times;
use test_support::log::{Row, csv, row, rows};
use test_support::oracle::{self, NASTY_ROWS, nasty_items, python_items};
use test_support::program::Program;
use test_support::table::{Item, with_client};

use crate::{LOADER, lab};

/// Loads the file and compares the table with what the Python script leaves; returns the items.
fn load_and_compare(log: &[u8]) -> BTreeMap<String, Item> {
    let lab = lab();
    lab.file("log.csv", log);
    lab.load(&["log.csv"]).assert_code(0);
    let items = lab.items();
    assert_same_items(&items, &sequential(log));
    items
}

#[test]
fn every_attribute_of_many_rows_is_the_scripts() {
    let items = load_and_compare(csv(&rows(1..=300)).as_bytes());
    assert_eq!(items.len(), 300);
    let failed = items.values().filter(|item| item.contains_key("servererror")).count();
    assert!(failed > 0 && items.values().all(|item| item.contains_key("servererror") == is_500(item)));
}

fn is_500(item: &Item) -> bool {
    item["responsecode"].as_n().is_ok_and(|code| code == "500")
}

#[test]
fn numbers_are_read_as_python_reads_them() {
    let numbers =
        ["007", "-3", "+5", " 12 ", "\t13", "1_000", "0_1_4", "-0", "00", "99999999999999999999999999999999999999"];
    let log: Vec<Row> = numbers.iter().map(row).collect();
    let items = load_and_compare(csv(&log).as_bytes());
    let keys = ["-3", "0", "1000", "12", "13", "14", "5", "7", "99999999999999999999999999999999999999"];
    assert_eq!(items.into_keys().collect::<Vec<_>>(), keys.map(|id| format!("request#{id}")));

    let log = ["01", "-1", "+0500", "5_00", " 500", "0"].map(|n| row(n.len()).hour(n).code(n).bytes(n));
    let log: Vec<Row> = (1..).zip(log).map(|(id, mut row)| (row.0[0] = i64::to_string(&id), row).1).collect();
    let items = load_and_compare(csv(&log).as_bytes());
    let failed: Vec<_> =
        items.iter().filter(|(_, item)| item.contains_key("servererror")).map(|(key, _)| key).collect();
    assert_eq!(failed, ["request#3", "request#4", "request#5"], "servererror is about the number, not its text");
}

#[test]
fn texts_are_kept_as_they_are() {
    let log = [
        row(1).url("/caf\u{e9}/\u{65e5}\u{672c}/\u{1f980}").agent("Mozilla, \"like\" Gecko"),
        row(2).url("").agent("").host(" spaced ").date(" "),
        row(3).url("back\\slash / \u{0} \u{1} \u{7f} \u{2028} \t tab").agent("'; DROP TABLE"),
        row(4).url("two\nlines").agent("\n"),
        row(5).agent("in\"side"),
        row(6).host(&"h".repeat(2043)).url(&"u".repeat(10_000)),
        row(7).host("\u{65e5}\u{672c}#host"),
    ];
    assert_eq!(load_and_compare(csv(&log).as_bytes()).len(), 7);
}

#[test]
fn odd_quotes_are_read_as_python_reads_them() {
    let log = "1,\"h\"ost,d,20,z,GET,\"a\"\"b\"c,200,5,x\"y\"z\n\
               2, \"h\",d,20,z,GET,\"\",200,5,\"\"\"\"\n\
               3,h,d,20,z,GET,\"/a,b\r\nc\rd\ne\",200,5,ua,eleven,\"twelve\"\n\
               \"4\",\"h\",\"d\",\"20\",\"z\",\"GET\",\"/\",\"200\",\"5\",\"ua\"\n\
               5,h,d,20,z,GET,/,200,5,\n";
    let items = load_and_compare(log.as_bytes());
    assert_eq!(items["request#1"]["host"].as_s().unwrap(), "host");
    assert_eq!(items["request#2"]["host"].as_s().unwrap(), " \"h\"");
    assert_eq!(items["request#3"]["url"].as_s().unwrap(), "/a,b\nc\nd\ne");
    assert_eq!(items["request#3"].len(), 12, "columns past the tenth are ignored");
}

#[test]
fn the_last_row_of_an_id_wins() {
    // Hundreds of duplicates: some next to each other, some in one batch, some a whole file apart.
    let ids = (0..900).map(|n| match n % 3 {
        0 => n % 7,
        1 => 100 + n / 30,
        _ => 1000 + n % 450,
    });
    let log: Vec<Row> = ids.enumerate().map(|(line, id)| row(id).url(&format!("/line/{line}"))).collect();
    assert!(load_and_compare(csv(&log).as_bytes()).len() < 300);
}

#[test]
fn one_id_throughout_the_file_leaves_the_last_row() {
    let log: Vec<Row> =
        (0..200).map(|line| row(if line % 2 == 0 { "7" } else { "007" }).bytes(&line.to_string())).collect();
    let items = load_and_compare(csv(&log).as_bytes());
    assert_eq!((items.len(), items["request#7"]["bytessent"].as_n().unwrap().as_str()), (1, "199"));
}

#[test]
fn an_item_of_exactly_400_kb_is_written() {
    let empty = sequential(row(1).agent("").csv().as_bytes());
    let size = |item: &Item| -> usize {
        let value = |name: &str| item[name].as_s().map_or(0, String::len);
        item.keys().map(|name| name.len() + value(name)).sum::<usize>()
            // requestid 1, hourofday 20, responsecode 200, bytessent 1234: a byte for two digits, and one more
            + 2 + 2 + 2 + 3
    };
    let room = 400 * 1024 - size(&empty["request#1"]);
    let lab = lab();
    lab.file("log.csv", csv(&[row(1).agent(&"x".repeat(room)), row(2).agent(&"x".repeat(room + 1))]));
    let run = lab.load(&["log.csv"]);
    run.assert_error(1, &["log.csv:2: makes an item of 409601 bytes, and DynamoDB accepts at most 409600 (400 KB)"]);
    assert_eq!(lab.items().into_keys().collect::<Vec<_>>(), ["request#1"]);
}

#[test]
fn nasty_rows_become_the_items_that_python_makes_of_them() {
    let lab = lab();
    lab.file("log.csv", NASTY_ROWS);
    lab.load(&["log.csv"]).assert_code(0);
    assert_same_items(&lab.items(), &nasty_items("logfile"));
}

#[test]
fn where_the_original_s_items_are_at_hand_they_are_the_same() {
    let Some(folder) = python_items() else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let lab = lab();
    let path = folder.join("sequential.csv");
    let run = lab.load(&[path.to_str().unwrap()]);
    run.assert_code(0);
    assert_same_items(&lab.items(), &oracle::items(&read("sequential.jsonl")));
    assert_eq!(without_times(&run.stdout), without_times(&read("sequential.stdout")));
}

#[test]
fn rows_that_replace_others_are_counted() {
    let lab = lab();
    let log: Vec<Row> = (0..30).map(|number| row(number % 10).url(&format!("/{number}"))).collect();
    lab.file("log.csv", csv(&log));
    let line = "20 rows have the key of an earlier row and replace it: 30 rows, 10 items\n";
    let dry = lab.load(&["log.csv", "--dry-run"]);
    assert!(dry.stdout.contains(line), "{}", dry.stdout);
    let run = lab.load(&["log.csv", "--report", "report.json"]);
    run.assert_code(0);
    assert!(run.stderr.contains(line), "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&lab.read("report.json")).unwrap();
    assert_eq!((&report["rows_replaced"], &report["rows_replaced_is_estimate"]), (&20.into(), &false.into()));
    assert_same_items(&lab.items(), &sequential(csv(&log).as_bytes()));
    lab.file("other.csv", csv(&rows(100..200)));
    let run = lab.load(&["other.csv"]);
    assert!(!run.stderr.contains("earlier row"), "{}", run.stderr);
}

/// The attributes of an item in the order of the built-in mapping.
const ORDER: [&str; 13] = [
    "PK",
    "requestid",
    "GSI_1_PK",
    "host",
    "date",
    "hourofday",
    "timezone",
    "method",
    "url",
    "responsecode",
    "bytessent",
    "useragent",
    "servererror",
];

type RawMap = HashMap<String, Box<RawValue>>;

#[test]
fn requests_are_to_the_byte_those_of_the_sdk_s_serializer() {
    let server = CannedServer::start(|request| match request.operation.as_str() {
        "BatchWriteItem" => CannedResponse::ok(r#"{"UnprocessedItems":{}}"#),
        "PutItem" => CannedResponse::ok("{}"),
        _ => CannedResponse::error("AccessDeniedException", "not allowed"),
    });
    let bodies = |operation: &str| {
        let requests = server.requests().into_iter().filter(|request| request.operation == operation);
        requests.map(|request| serde_json::from_str(&request.body).unwrap()).collect::<Vec<RawMap>>()
    };
    let lab = lab();
    lab.file("log.csv", NASTY_ROWS);
    let program = Program::new(LOADER).directory(lab.folder()).endpoint(&server.url());
    program.args(["logfile", "log.csv"]).run().assert_code(0);
    let mut sent = BTreeMap::new();
    for body in bodies("BatchWriteItem") {
        let tables: HashMap<String, Vec<Box<RawValue>>> = serde_json::from_str(body["RequestItems"].get()).unwrap();
        for request in &tables["logfile"] {
            let json: serde_json::Value = serde_json::from_str(request.get()).unwrap();
            let key = json["PutRequest"]["Item"]["PK"]["S"].as_str().unwrap().to_owned();
            sent.insert(key, request.get().to_owned());
        }
    }
    let items = nasty_items("logfile");
    with_client(&server.url(), async |client| {
        for item in items.values() {
            client.put_item().table_name("logfile").set_item(Some(item.clone())).send().await.unwrap();
        }
    });
    let mut expected = BTreeMap::new();
    for (body, key) in bodies("PutItem").iter().zip(items.keys()) {
        let item: RawMap = serde_json::from_str(body["Item"].get()).unwrap();
        // One of the two ways in which JSON writes a tab.
        let value = |name: &str| Some(item.get(name)?.get().replace("\\t", "\\u0009"));
        let attribute = |name: &&str| Some(format!("\"{name}\":{}", value(name)?));
        let attributes = ORDER.iter().filter_map(attribute).collect::<Vec<_>>().join(",");
        expected.insert(key.clone(), format!("{{\"PutRequest\":{{\"Item\":{{{attributes}}}}}}}"));
    }
    assert_eq!(sent.len(), expected.len());
    for (key, request) in &expected {
        assert_eq!(sent.get(key), Some(request));
    }
}
