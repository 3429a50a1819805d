//! What each format has to read, in the documented shapes.

use proptest::prelude::*;

use crate::input::{Dialect, Field, Format, InputFormat, Oddity, RecordReader};

fn input_format(format: Format, columns: &[&str]) -> InputFormat {
    let delimited = format.is_delimited();
    InputFormat {
        format,
        dialect: if format == Format::Tsv { Dialect::TSV } else { Dialect::CSV },
        slots: columns.iter().map(|name| (*name).into()).collect(),
        columns: if delimited { columns.len() } else { 0 },
        required: Vec::new(),
        keeps_others: false,
        strict: false,
    }
}

/// One record as `name=value` of the columns asked for, or what is wrong with it.
fn read(format: Format, columns: &[&str], text: &[u8]) -> Vec<String> {
    let input = input_format(format, columns);
    let mut reader = RecordReader::new(text, &input);
    let mut records = Vec::new();
    while let Some(record) = reader.next_record() {
        let record = record.unwrap();
        records.push(match record.fields {
            Err(error) => format!("{}: {error}", record.line),
            Ok(fields) => {
                let value = |slot: usize| match fields.get(slot) {
                    Field::Absent => "-".to_owned(),
                    Field::Null => "null".to_owned(),
                    Field::Text(text) => text.to_owned(),
                    Field::Number(text) | Field::Json(text) | Field::Attribute(text) => format!("<{text}>"),
                    Field::Bool(value) => value.to_string(),
                };
                (0..columns.len()).map(value).collect::<Vec<_>>().join("|")
            }
        });
    }
    records
}

const ACCESS: [&str; 8] = ["host", "user", "time", "method", "url", "status", "bytes", "agent"];

#[test]
fn access_log() {
    let lines = [
        // Apache, Common Log Format, as its documentation has it.
        r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#,
        // Combined, with an agent that was sent with quotes: Apache escapes them.
        r#"203.0.113.7 - - [05/May/2026:09:12:33 +0000] "GET /a?b=%20c HTTP/1.1" 304 - "http://example.com/" "Mozilla/5.0 (X11; \"Linux\")""#,
        // nginx, which writes \x22, with fields of its own behind the agent, and an IPv6 address.
        r#"2001:db8::1 - - [05/May/2026:09:12:33 +0000] "POST /p HTTP/2.0" 201 12 "-" "curl/8.0 \x22x\x22" "10.0.0.1" 0.003"#,
        // A host with its port; a request that is none.
        r#"198.51.100.1:4711 - - [05/May/2026:09:12:33 +0000] "\x16\x03\x01" 400 150 "-" "-""#,
        r#"198.51.100.2 - - [05/May/2026:09:12:33 +0000] "-" 408 0 "-" "-""#,
    ];
    assert_eq!(
        read(Format::AccessLog, &ACCESS, lines.join("\n").as_bytes()),
        [
            "127.0.0.1|frank|10/Oct/2000:13:55:36 -0700|GET|/apache_pb.gif|200|2326|-",
            "203.0.113.7|-|05/May/2026:09:12:33 +0000|GET|/a?b=%20c|304|-|Mozilla/5.0 (X11; \"Linux\")",
            "2001:db8::1|-|05/May/2026:09:12:33 +0000|POST|/p|201|12|curl/8.0 \"x\"",
            "198.51.100.1|-|05/May/2026:09:12:33 +0000|-|\u{16}\u{3}\u{1}|400|150|-",
            "198.51.100.2|-|05/May/2026:09:12:33 +0000|-|-|408|0|-",
        ]
    );
    let bad =
        read(Format::AccessLog, &ACCESS, b"1,2,3\n127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0 200 1\n");
    assert!(bad[0].starts_with("1: is not of the format access-log: \"1,2,3\" has 1 fields, and"), "{bad:?}");
    assert!(
        bad[1].starts_with("2: is not of the format access-log: field 5 (request) opens and is not closed"),
        "{bad:?}"
    );
}

#[test]
fn w3c() {
    let iis = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-05-05 09:00:00\r\n\
               #Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)\r\n\
               2026-05-05 09:12:33 203.0.113.7 GET /a.htm q=1 200 Mozilla/5.0+(Windows+NT)\r\n\
               #Fields: date time cs-method cs-uri-stem sc-status\r\n\
               2026-05-05 09:12:34 POST /b 404\r\n";
    let columns = ["timestamp", "c-ip", "cs-method", "url", "sc-status", "cs(User-Agent)"];
    assert_eq!(
        read(Format::W3c, &columns, iis.as_bytes()),
        [
            "2026-05-05T09:12:33Z|203.0.113.7|GET|/a.htm?q=1|200|Mozilla/5.0 (Windows NT)",
            "2026-05-05T09:12:34Z|-|POST|/b|404|-",
        ]
    );
    let cloudfront = "#Version: 1.0\n#Fields: date time sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent) cs-uri-query\n\
                      2026-05-05\t09:12:33\t2390282\t192.0.2.202\tGET\td111.cloudfront.net\t/soundtrack.mp4\t206\tMozilla/5.0%20(X11)\t-\n";
    assert_eq!(
        read(Format::W3c, &columns, cloudfront.as_bytes()),
        ["2026-05-05T09:12:33Z|192.0.2.202|GET|/soundtrack.mp4|206|Mozilla/5.0 (X11)"]
    );
    let bad = read(Format::W3c, &columns, b"2026-05-05 09:12:33\n#Fields: date time\n2026-05-05\n");
    assert_eq!(bad[0], "1: is not of the format w3c: no line #Fields: before it names the columns");
    assert_eq!(bad[1], "3: is not of the format w3c: \"2026-05-05\" has 1 fields, and #Fields: names 2");
}

#[test]
fn alb() {
    let known = r#"http 2026-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#;
    let older = r#"https 2016-08-10T23:39:43.065466Z app/my-loadbalancer/50dc6c495c0c9188 [2001:db8::7]:2817 - -1 -1 -1 502 - 0 57 "GET https://www.example.com:443/ HTTP/1.1" "" ECDHE TLSv1.2"#;
    let newer = format!("{known} TID_1234 \"something new\" -");
    let columns = [
        "time",
        "client_ip",
        "client_port",
        "method",
        "url",
        "elb_status_code",
        "sent_bytes",
        "user_agent",
        "conn_trace_id",
    ];
    assert_eq!(
        read(Format::Alb, &columns, [known, older, &newer].join("\n").as_bytes()),
        [
            "2026-07-02T22:23:00.186641Z|192.168.131.39|2817|GET|http://www.example.com:80/|200|366|curl/7.46.0|-",
            "2016-08-10T23:39:43.065466Z|2001:db8::7|2817|GET|https://www.example.com:443/|502|57||-",
            "2026-07-02T22:23:00.186641Z|192.168.131.39|2817|GET|http://www.example.com:80/|200|366|curl/7.46.0|TID_1234",
        ]
    );
    assert!(
        read(Format::Alb, &columns, b"http 2026")[0]
            .contains("has 2 fields, and a line has at least 13 (type, time, elb")
    );
}

#[test]
fn s3_access_log() {
    let owner = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    let get = format!(
        r#"{owner} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 {owner} 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /amzn-s3-demo-bucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 arn:aws:s3:us-west-1:123456789012:accesspoint/example-AP Yes us-east-1"#
    );
    let old = format!(
        r#"{owner} bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F33A59F07 REST.PUT.OBJECT a%2520b.jpg "PUT /bucket/a%20b.jpg HTTP/1.1" 403 AccessDenied 243 - 11 - "http://a/" "My "quoted" agent" -"#
    );
    let columns = [
        "time",
        "remote_ip",
        "operation",
        "key",
        "method",
        "url",
        "http_status",
        "bytes_sent",
        "user_agent",
        "tls_version",
    ];
    assert_eq!(
        read(Format::S3AccessLog, &columns, format!("{get}\n{get} appended \"by AWS\"\n{old}\n").as_bytes()),
        [
            "06/Feb/2019:00:00:38 +0000|192.0.2.3|REST.GET.VERSIONING|-|GET|/amzn-s3-demo-bucket1?versioning|200|113|S3Console/0.4|TLSV1.2",
            "06/Feb/2019:00:00:38 +0000|192.0.2.3|REST.GET.VERSIONING|-|GET|/amzn-s3-demo-bucket1?versioning|200|113|S3Console/0.4|TLSV1.2",
            "06/Feb/2019:00:00:38 +0000|192.0.2.3|REST.PUT.OBJECT|a%2520b.jpg|PUT|/bucket/a%20b.jpg|403|243|My \"quoted|-",
        ]
    );
    // S3 does not escape quotes: where a text is cut at one, the row is counted as odd.
    let odd = format!("{get}\n{old}\n");
    let input = input_format(Format::S3AccessLog, &columns);
    let mut reader = RecordReader::new(odd.as_bytes(), &input);
    let oddities = std::iter::from_fn(|| Some(reader.next_record()?.unwrap().oddities.iter().collect::<Vec<_>>()));
    assert_eq!(oddities.collect::<Vec<_>>(), [vec![], vec![Oddity::TextBehindQuote]]);
}

#[test]
fn jsonl() {
    let lines = [
        r#"{"id":1,"name":"a\"b","price":12.50,"big":123456789012345678901234567890,"ok":true,"none":null}"#,
        r#" {"id":2,"user":{"id":7,"tags":["x",{"y":1e3}]},"id":3} "#,
        "{}",
    ];
    let columns = ["id", "name", "price", "big", "ok", "none", "user", "user.id"];
    assert_eq!(
        read(Format::Jsonl, &columns, lines.join("\n").as_bytes()),
        [
            r#"<1>|a"b|<12.50>|<123456789012345678901234567890>|true|null|-|-"#,
            r#"<3>|-|-|-|-|-|<{"id":7,"tags":["x",{"y":1e3}]}>|<7>"#,
            "-|-|-|-|-|-|-|-",
        ]
    );
    let bad = read(Format::Jsonl, &columns, b"{\"id\":1,}\n[1]\n\"x\"\n{\"a\":\"\\ud800\"}");
    assert_eq!(bad.len(), 4);
    assert!(bad[..3].iter().all(|text| text.contains("is not of the format jsonl")), "{bad:?}");
}

#[test]
fn a_virtual_host_may_stand_before_the_line() {
    let line = r#"203.0.113.9 - - [05/May/2026:16:12:33 +0200] "GET /a HTTP/2.0" 200 512 "-" "UA""#;
    let text = format!("{line}\nexample.com:443 {line}\nexample.com:80 {line} rt=0.1\n");
    let columns = ["host", "url", "agent", "extra1", "virtual_host"];
    assert_eq!(
        read(Format::AccessLog, &columns, text.as_bytes()),
        ["203.0.113.9|/a|UA|-|-", "203.0.113.9|/a|UA|-|example.com:443", "203.0.113.9|/a|UA|rt=0.1|example.com:80",]
    );
}

#[test]
fn a_w3c_log_without_the_names_of_its_columns_is_one_error() {
    let format = input_format(Format::W3c, &["c-ip"]);
    let mut reader =
        RecordReader::new(&b"2026-05-05 00:00:01 10.0.0.1 GET /a\n2026-05-05 00:00:02 10.0.0.1 GET /a\n"[..], &format);
    assert!(reader.next_record().unwrap().unwrap().fields.is_err());
    assert!(reader.wrong_format().unwrap().to_string().contains("without the line #Fields:"));
}

#[test]
fn dynamodb_json() {
    let lines = [
        r#"{"Item":{"PK":{"S":"a"},"n":{"N":"1.50"},"ok":{"BOOL":false},"none":{"NULL":true},"m":{"M":{"x":{"L":[{"N":"1"}]}}}}}"#,
        r#"{"PK":{"S":"b"},"n":{"N":"2"},"m":{"SS":["x","y"]}}"#,
        r#"{"Item":{"PK":"a"}}"#,
        r#"{"Item":{"PK":{"S":1}}}"#,
    ];
    let columns = ["PK", "n", "ok", "none", "m"];
    let read = read(Format::DynamodbJson, &columns, lines.join("\n").as_bytes());
    assert_eq!(read[0], r#"a|<1.50>|false|null|<{"M":{"x":{"L":[{"N":"1"}]}}}>"#);
    assert_eq!(read[1], r#"b|<2>|-|-|<{"SS":["x","y"]}>"#);
    assert!(read[2].contains("PK is \"a\", and not a value such as"), "{}", read[2]);
    assert!(read[3].contains("PK is {\"S\":1}, and not a value such as"), "{}", read[3]);
}

#[test]
fn delimited_text() {
    assert_eq!(read(Format::Tsv, &["a", "b"], b"1\t\"x\ty\"\n2\t\n"), ["1|x\ty", "2|"]);
    assert_eq!(
        read(Format::Csv, &["a", "b"], b"1,\"x,\"\"y\"\"\"\n\n2,z,,\n3\n"),
        ["1|x,\"y\"", "2|z", "4: has 1 column, and the mapping has 2 (a, b)",]
    );
    // A byte-order mark at the beginning of any line: files put together with cat.
    assert_eq!(read(Format::Csv, &["a", "b"], "\u{feff}1,\"x\"\n\u{feff}\"2\",y\r\n".as_bytes()), ["1|x", "2|y"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever the bytes, a reader says something about them, and ends.
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "([a-z0-9\"'\\[\\]{}:,;\\\\\t #-]|\n|#Fields: a b|\\{\"a\":|é){0,60}",
        index in 0_usize..8,
    ) {
        let format = Format::ALL[index];
        for input in [&bytes[..], text.as_bytes()] {
            let columns: &[&str] = match format {
                Format::AccessLog => &["url", "agent"],
                Format::Alb => &["url", "client_ip"],
                Format::S3AccessLog => &["url", "key"],
                _ => &["a", "b"],
            };
            let is_archive = crate::input::wrong_format::of_bytes(input).is_some();
            if !is_archive {
                let records = read(format, columns, input);
                prop_assert!(records.len() <= input.len());
            }
        }
    }

    /// What a CSV writer wrote in any dialect is read back.
    #[test]
    fn what_was_written_is_read_back(
        rows in prop::collection::vec(prop::collection::vec("\\PC{0,10}|[\n\",;\t']{0,6}", 3), 1..10),
        delimiter in prop::sample::select(b",;\t|".to_vec()),
        quote in prop::sample::select(b"\"'".to_vec()),
    ) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .quote(quote)
            .quote_style(csv::QuoteStyle::Always)
            .from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let text = writer.into_inner().unwrap();
        let input = InputFormat {
            format: Format::Csv,
            dialect: Dialect { delimiter, quote, ..Dialect::CSV },
            slots: ["a", "b", "c"].map(Box::from).into(),
            columns: 3,
            required: Vec::new(),
            keeps_others: false,
            strict: false,
        };
        let mut reader = RecordReader::new(&text[..], &input);
        for row in &rows {
            let record = reader.next_record().unwrap().unwrap();
            let fields = record.fields.unwrap();
            let read: Vec<_> = (0..3).map(|slot| fields.text(slot)).collect();
            prop_assert_eq!(&read, row);
        }
        prop_assert!(reader.next_record().is_none());
    }
}
