//! The table contents that the workshop's Python scripts produce: a second, short and slow implementation that shares
//! nothing with the loaders, so that a mistake would have to be made twice.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::table::Item;

/// A table's items by their partition key.
pub type Items = BTreeMap<String, Item>;

/// The table after `load_logfile.py` has loaded this file. Only for valid files.
pub fn sequential(file: &[u8]) -> Items {
    let mut items = Items::new();
    for fields in csv_reader(file) {
        let mut item = columns(&fields);
        let id = python_int(&fields[0]);
        put_string(&mut item, "GSI_1_PK", &format!("host#{}", fields[1]));
        if python_int(&fields[7]) == "500" {
            put_string(&mut item, "servererror", "5xx");
        }
        write(&mut items, &id, item);
    }
    items
}

/// The table after `load_logfile_parallel.py` has loaded these files into the table `name`, each row `copies` times, the copies' ids
/// `copy_stride` apart and those of the next file `file_stride` further. Only for valid files whose ids are small.
pub fn parallel(name: &str, files: &[&[u8]], copies: i64, copy_stride: i64, file_stride: i64) -> Items {
    let mut items = Items::new();
    for (thread_id, file) in (0..).zip(files) {
        for fields in csv_reader(file) {
            for copy in 0..copies {
                let own: i64 = python_int(&fields[0]).parse().unwrap();
                let id = own + thread_id * file_stride + copy * copy_stride;
                let mut item = columns(&fields);
                if name == "logfile_gsi_low" {
                    put_string(&mut item, "GSI_1_PK", &format!("host#{}", fields[1]));
                } else {
                    let code = python_int(&fields[7]);
                    put_string(&mut item, "GSI_1_PK", &format!("shard#{}", (id % 10 + 10) % 10 + 1));
                    put_string(&mut item, "GSI_1_SK", &format!("{code}#{}#{}", fields[2], fields[3]));
                }
                write(&mut items, &id.to_string(), item);
            }
        }
    }
    items
}

/// Fails the test unless the tables are equal, item by item and attribute by attribute; shows the first difference.
#[track_caller]
pub fn assert_same_items(found: &Items, expected: &Items) {
    for (key, item) in expected {
        match found.get(key) {
            None => panic!("{key} is missing; {} items found, {} expected", found.len(), expected.len()),
            Some(other) => assert_eq!(sorted(other), sorted(item), "item {key} (found, expected)"),
        }
    }
    if let Some((key, item)) = found.iter().find(|(key, _)| !expected.contains_key(*key)) {
        panic!(
            "{key} should not be there: {:?}; {} items found, {} expected",
            sorted(item),
            found.len(),
            expected.len()
        );
    }
}

fn sorted(item: &Item) -> BTreeMap<&String, &AttributeValue> {
    item.iter().collect()
}

fn columns(fields: &[String]) -> Item {
    let mut item = Item::new();
    for (column, name) in [(1, "host"), (2, "date"), (4, "timezone"), (5, "method"), (6, "url"), (9, "useragent")] {
        put_string(&mut item, name, &fields[column]);
    }
    for (column, name) in [(3, "hourofday"), (7, "responsecode"), (8, "bytessent")] {
        put_number(&mut item, name, &python_int(&fields[column]));
    }
    item
}

fn write(items: &mut Items, id: &str, mut item: Item) {
    let key = format!("request#{id}");
    put_string(&mut item, "PK", &key);
    put_number(&mut item, "requestid", id);
    items.insert(key, item);
}

fn put_string(item: &mut Item, name: &str, value: &str) {
    item.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
}

fn put_number(item: &mut Item, name: &str, value: &str) {
    item.insert(name.to_owned(), AttributeValue::N(value.to_owned()));
}

/// `str(int(text))`.
fn python_int(text: &str) -> String {
    let text = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()), "{text:?}");
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => format!("{sign}{digits}"),
    }
}

/// `list(csv.reader(open(file, encoding="utf-8")))`, without a byte-order mark and without blank lines.
fn csv_reader(file: &[u8]) -> Vec<Vec<String>> {
    let text =
        std::str::from_utf8(file).unwrap().trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut rows = Vec::new();
    let mut fields = Vec::new();
    let mut field = String::new();
    // `quoted` is where we are, `was_quoted` whether this field began with a quote.
    let (mut quoted, mut was_quoted) = (false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            ',' | '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                was_quoted = false;
                if character == '\n' {
                    rows.push(std::mem::take(&mut fields));
                }
            }
            other => field.push(other),
        }
    }
    assert!(!quoted, "a quote is not closed");
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        rows.push(fields);
    }
    rows.retain(|fields| fields.len() > 1 || !fields[0].trim().is_empty());
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out by hand from the scripts.
    #[test]
    fn an_item_of_each_loader() {
        let file = b"\xef\xbb\xbf007,h,2017-07-20,01,tz,GET,\"/a,\"\"b\"\"\r\nc\",500,1_0,ua,extra\r\n";
        let items = sequential(file);
        let item = &items["request#7"];
        for (name, value) in
            [("url", "/a,\"b\"\nc"), ("GSI_1_PK", "host#h"), ("servererror", "5xx"), ("useragent", "ua")]
        {
            assert_eq!(item[name], AttributeValue::S(value.to_owned()));
        }
        for (name, value) in [("requestid", "7"), ("hourofday", "1"), ("responsecode", "500"), ("bytessent", "10")] {
            assert_eq!(item[name], AttributeValue::N(value.to_owned()));
        }
        assert_eq!((items.len(), item.len()), (1, 13));

        let items = parallel("logfile_scan", &[b"", file], 2, 2000, 500_000);
        assert_eq!(items.keys().collect::<Vec<_>>(), ["request#500007", "request#502007"]);
        let item = &items["request#502007"];
        assert_eq!(item["GSI_1_SK"], AttributeValue::S("500#2017-07-20#01".to_owned()));
        assert_eq!(item["GSI_1_PK"], AttributeValue::S("shard#8".to_owned()));
        assert_eq!(item.len(), 13);
    }

    #[test]
    #[should_panic(expected = "request#1 is missing")]
    fn a_lost_item_is_a_difference() {
        assert_same_items(&Items::new(), &sequential(b"1,h,d,01,z,GET,/,200,5,ua"));
    }
}
