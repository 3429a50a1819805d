use super::*;
use crate::input::{Dialect, Oddity, check_positions};
use proptest::prelude::*;

/// The workshop's ten columns.
fn format() -> InputFormat {
    let names = [
        "requestid",
        "host",
        "date",
        "hourofday",
        "timezone",
        "method",
        "url",
        "responsecode",
        "bytessent",
        "useragent",
    ];
    InputFormat {
        format: Format::Csv,
        dialect: Dialect::CSV,
        slots: names.map(Box::from).into(),
        columns: names.len(),
        required: Vec::new(),
        keeps_others: false,
        strict: false,
    }
}

const GOOD: &str = "1,h,2017-07-20,01,GMT,GET,/,200,5,ua";

/// Rows as (line, raw, url or error).
fn read(input: &[u8]) -> Vec<(u64, String, Result<String, RecordError>)> {
    let mut reader = RecordReader::new(input, &format());
    let mut rows = Vec::new();
    while let Some(row) = reader.next_record() {
        let row = row.unwrap();
        let url = row.fields.map(|fields| fields.text(6).to_owned());
        rows.push((row.line, String::from_utf8_lossy(row.raw).into_owned(), url));
    }
    rows
}

fn lines_and_urls(input: &str) -> Vec<(u64, String)> {
    read(input.as_bytes()).into_iter().map(|(line, _, url)| (line, url.unwrap())).collect()
}

fn with_url(url: &str) -> String {
    GOOD.replace("/,", &format!("{url},"))
}

#[test]
fn every_line_end_is_tolerated_and_counted() {
    for end in ["\n", "\r\n", "\r"] {
        let text = [with_url("/1"), with_url("/2"), String::new(), with_url("/3")].join(end);
        let expected = vec![(1, "/1".into()), (2, "/2".into()), (4, "/3".into())];
        assert_eq!(lines_and_urls(&text), expected, "{end:?}");
        assert_eq!(lines_and_urls(&format!("{text}{end}")), expected, "{end:?} at the end, too");
        assert_eq!(lines_and_urls(&format!("\u{feff}{text}{end}{end}  {end}")), expected, "{end:?}, BOM, blank lines");
    }
}

#[test]
fn a_byte_order_mark_may_come_in_pieces() {
    let text = format!("\u{feff}{}", with_url("/1"));
    for at in 1..5 {
        let (first, second) = text.as_bytes().split_at(at);
        let mut reader = RecordReader::new(first.chain(second), &format());
        assert_eq!(reader.next_record().unwrap().unwrap().fields.unwrap().text(0), "1", "{at} bytes first");
    }
    assert!(RecordReader::new(b"\xef".chain(&b"\xbb\xbf"[..]), &format()).next_record().is_none());
}

#[test]
fn an_empty_input_has_no_rows() {
    for input in ["", "\n", "\r\n\r\n", "\u{feff}", "   \n"] {
        assert_eq!(read(input.as_bytes()), vec![], "{input:?}");
    }
}

#[test]
fn quotes_hold_commas_quotes_and_line_ends_which_become_lf() {
    let text = format!("{}\n{}\n", with_url("\"/a,\"\"b\"\"\r\nc\rd\ne\""), with_url("/2"));
    assert_eq!(lines_and_urls(&text), vec![(1, "/a,\"b\"\nc\nd\ne".into()), (5, "/2".into())]);
}

#[test]
fn raw_is_the_row_as_it_stands_in_the_file() {
    let quoted = with_url("\"/a\r\nb\"");
    let text = format!("\u{feff}\r\n{quoted}\r\n\r\nbad,row\r\n{GOOD}");
    let raws: Vec<_> = read(text.as_bytes()).into_iter().map(|(line, raw, _)| (line, raw)).collect();
    assert_eq!(raws, vec![(2, quoted), (5, "bad,row".into()), (6, GOOD.into())]);
}

#[test]
fn an_unclosed_quote_is_an_error_with_the_line_where_its_record_begins() {
    let open = with_url("\"/never closed");
    let text = format!("{GOOD}\n\n{open}\n{GOOD}\n");
    let rows = read(text.as_bytes());
    assert_eq!(rows.len(), 2);
    let position = QuotePosition { line: 3, character: 27 };
    let error = RecordError::UnclosedQuote { column: 7, position, lines: 1 };
    assert_eq!(rows[1], (3, format!("{open}\n{GOOD}"), Err(error)));
}

#[test]
fn the_place_of_an_unclosed_quote_is_that_of_the_quote_not_of_the_record() {
    for (record, line, character, lines) in [
        ("\"never", 1, 1, 0),
        ("\u{e9}\u{e9},\"never\n\n\n", 1, 4, 0),
        ("a,\"b\nc\",\"never", 2, 4, 0),
        ("a,\"b\r\nc\",\"never\nd,e\nf", 2, 4, 2),
        ("a,\"b\"\"\"\"c\",d\"e\",\"never\r1\r2", 1, 17, 2),
        ("a,\"b\"c\"d,\"never", 1, 10, 0),
    ] {
        let rows = read(format!("{GOOD}\n{record}").as_bytes());
        let Err(RecordError::UnclosedQuote { position, lines: behind, .. }) = rows[1].2 else { panic!("{rows:?}") };
        assert_eq!((position.line, position.character, behind), (line + 1, character, lines), "{record:?}");
    }
}

#[test]
fn a_closed_quote_at_the_very_end_is_none() {
    for url in ["\"/x\"", "\"\"\"\"", "\"/x\n\""] {
        let line = format!("1,h,2017-07-20,01,GMT,GET,/,200,5,{url}");
        let rows = read(line.as_bytes());
        assert!(rows.len() == 1 && rows[0].2.is_ok(), "{line:?}: {rows:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_an_error_of_their_row_only() {
    let mut text = with_url("/caf\u{e9}").replace('\u{e9}', "#").into_bytes();
    let at = text.iter().position(|&b| b == b'#').unwrap();
    text[at] = 0xe9;
    let mut input = text.clone();
    input.push(b'\n');
    input.extend_from_slice(GOOD.as_bytes());
    let mut reader = RecordReader::new(&input[..], &format());
    let row = reader.next_record().unwrap().unwrap();
    assert_eq!(row.raw, text);
    assert_eq!(row.fields.unwrap_err(), RecordError::InvalidUtf8 { column: 7, byte: 5, value: "/caf\u{fffd}".into() });
    assert!(reader.next_record().unwrap().unwrap().fields.is_ok());
    assert!(reader.next_record().is_none());
}

#[test]
fn a_record_without_end_stops_the_reading_before_memory_is_full() {
    let endless = format!("{GOOD}\n\n\"").into_bytes();
    let mut reader = RecordReader::new(endless.chain(io::repeat(b'x').take(1 << 30)), &format());
    assert!(reader.next_record().unwrap().is_ok());
    let error = reader.next_record().unwrap().unwrap_err();
    let quote = Some(QuotePosition { line: 3, character: 1 });
    assert!(matches!(error, ReadError::RecordTooLong { line: 3, quote: found } if found == quote), "{error}");
    assert!(reader.window.from(0).len() < 4 * MAX_RECORD);
    let mut reader = RecordReader::new(io::repeat(b'x').take(1 << 30), &format());
    let error = reader.next_record().unwrap().unwrap_err();
    assert!(matches!(error, ReadError::RecordTooLong { line: 1, quote: None }), "{error}");
}

#[test]
fn a_failing_input_says_where() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let input = format!("{GOOD}\n{GOOD}\n").into_bytes();
    let mut reader = RecordReader::new(input.chain(Failing), &format());
    assert!(reader.next_record().unwrap().is_ok());
    assert!(reader.next_record().unwrap().is_ok());
    assert_eq!(reader.next_record().unwrap().unwrap_err().to_string(), "line 3: the disk is gone");
}

#[test]
fn a_row_is_known_to_be_buffered_or_not() {
    let first = format!("{GOOD}\n");
    let mut reader = RecordReader::new(first.as_bytes().chain(GOOD.as_bytes()), &format());
    assert!(!reader.is_row_buffered());
    reader.next_record().unwrap().unwrap();
    assert!(!reader.is_row_buffered());
    reader.next_record().unwrap().unwrap();
    assert!(reader.is_row_buffered());
    assert!(reader.next_record().is_none());
}

#[test]
fn another_input_is_not_resumed() {
    let text = format!("{GOOD}\n{GOOD}\n");
    let mut reader = RecordReader::new(text.as_bytes(), &format());
    let position = reader.next_record().unwrap().unwrap().end;
    assert!(RecordReader::resume(text.as_bytes(), &format(), position).is_ok());
    let fixed = format!("{GOOD}\nfixed, and longer\n\n");
    assert!(RecordReader::resume(fixed.as_bytes(), &format(), position).is_ok(), "what follows may change");
    for other in [text.replace("200", "404"), text[..20].to_owned(), String::new()] {
        let error = RecordReader::resume(other.as_bytes(), &format(), position).err().unwrap();
        assert_eq!(error.to_string(), format!("its first {} bytes are not those that were loaded", position.offset));
    }
}

#[test]
fn all_positions_of_another_input_are_checked() {
    let text = format!("{GOOD}\n").repeat(4);
    let mut reader = RecordReader::new(text.as_bytes(), &format());
    let ends: Vec<Position> = std::iter::from_fn(|| Some(reader.next_record()?.unwrap().end)).collect();
    assert!(check_positions(text.as_bytes(), &ends).is_ok());
    let fixed = format!("{GOOD}\n{GOOD}\n{}\n", GOOD.replace("200", "404"));
    assert!(check_positions(fixed.as_bytes(), &ends[..2]).is_ok());
    let error = check_positions(fixed.as_bytes(), &ends).unwrap_err().to_string();
    assert_eq!(error, format!("its first {} bytes are not those that were loaded", ends[2].offset));
}

fn oddities(input: &str) -> Vec<(u64, Vec<Oddity>)> {
    let format = format();
    let mut reader = RecordReader::new(input.as_bytes(), &format);
    std::iter::from_fn(|| {
        let record = reader.next_record()?.unwrap();
        Some((record.line, record.oddities.iter().collect()))
    })
    .collect()
}

#[test]
fn rows_that_look_wrong_are_noticed() {
    let text = [
        GOOD.to_owned(),
        format!("{GOOD},,"),
        format!("{GOOD}, like Gecko)"),
        with_url("\"/a\nb\""),
        with_url("\"/a\"b"),
        with_url("/a\"b\""),
        with_url("\"/a\"\"b\""),
    ];
    let found: Vec<_> = oddities(&text.join("\n")).into_iter().map(|(_, oddities)| oddities).collect();
    assert_eq!(
        found,
        [
            vec![],
            vec![],
            vec![Oddity::ExtraColumns],
            vec![Oddity::LineBreakInQuotes],
            vec![Oddity::TextBehindQuote],
            vec![],
            vec![],
        ]
    );
}

#[test]
fn strict_rejects_them() {
    let strict = InputFormat { strict: true, ..format() };
    let text = format!("{GOOD}\n{GOOD},more\n");
    let mut reader = RecordReader::new(text.as_bytes(), &strict);
    assert!(reader.next_record().unwrap().unwrap().fields.is_ok());
    let error = reader.next_record().unwrap().unwrap().fields.unwrap_err();
    assert_eq!(error, RecordError::Odd(Oddity::ExtraColumns));
}

#[test]
fn a_header_names_the_columns_in_any_order() {
    let dialect = Dialect { header: true, comment: Some(b'#'), skip_rows: 1, ..Dialect::CSV };
    let named = InputFormat {
        dialect,
        slots: ["a", "b"].map(Box::from).into(),
        columns: 0,
        required: vec![0, 1],
        keeps_others: true,
        ..format()
    };
    let text = "a report\n# made today\nb,c,a\n1,2,3\n\n4,5,6\n";
    let mut reader = RecordReader::new(text.as_bytes(), &named);
    let first = reader.next_record().unwrap().unwrap();
    let fields = first.fields.unwrap();
    assert_eq!((first.line, fields.text(0), fields.text(1)), (4, "3", "1"));
    let extras: Vec<_> = fields.extras().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(extras, ["c"]);
    let position = first.end;
    let mut rest = RecordReader::resume(text.as_bytes(), &named, position).unwrap();
    assert_eq!(rest.next_record().unwrap().unwrap().fields.unwrap().text(0), "6");
    let mut reader = RecordReader::new(&b"x\nb,c\n1,2\n"[..], &named);
    let error = reader.next_record().unwrap().unwrap_err().to_string();
    assert_eq!(error, "line 2: the header has no column \"a\", which the mapping uses; it has \"b\", \"c\"");
}

#[test]
fn rows_are_skipped_once_not_again_after_a_resumption() {
    let skipping = InputFormat { dialect: Dialect { skip_rows: 1, ..Dialect::CSV }, ..format() };
    let text = format!("skipped\n{GOOD}\n{GOOD}\n");
    let mut reader = RecordReader::new(text.as_bytes(), &skipping);
    let position = reader.next_record().unwrap().unwrap().end;
    let mut rest = RecordReader::resume(text.as_bytes(), &skipping, position).unwrap();
    assert_eq!(rest.next_record().unwrap().unwrap().line, 3);
}

#[test]
fn what_an_input_is_instead_is_said_with_what_loads_it() {
    let found = |text: &[u8]| {
        let format = format();
        let mut reader = RecordReader::new(text, &format);
        match reader.next_record() {
            Some(Ok(_)) => reader.wrong_format().map(|wrong| wrong.to_string()),
            Some(Err(error)) => Some(error.to_string()),
            None => None,
        }
    };
    let header = format().slots.join(",");
    let semicolons = GOOD.replace(',', ";");
    for (text, words) in [
        (header.as_bytes(), ["header", "--header"]),
        (b"id,ip,day\n1,2,3", ["header", "--skip-rows 1"]),
        (semicolons.as_bytes(), ["semicolons", "--delimiter ';'"]),
        (GOOD.replace(',', "\t").as_bytes(), ["tabs", "--format tsv"]),
        (b"{\"a\":1}\n", ["JSON Lines", "--format jsonl"]),
        (b"[{\"a\":1}]", ["JSON array", "jq -c"]),
        (b"{\"Item\":{\"PK\":{\"S\":\"a\"}}}\n", ["DynamoDB JSON", "--format dynamodb-json"]),
        (b"h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2", ["Common or Combined", "--format access-log"]),
        (b"#Fields: date time\n", ["W3C", "--format w3c"]),
        (b"<?xml version=\"1.0\"?>", ["XML", "convert"]),
        (b"PK\x03\x04\x14\0\0\0", ["zip archive", "unzip -p"]),
        (b"1\0,\0h\0,\0d\0", ["UTF-16LE", "iconv"]),
        (b"\0\0\0\0\0\0\0\0", ["NUL", "tr -d"]),
        (b"PAR1\x15\x04", ["Parquet", "convert"]),
        ("1,\u{43f},2".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>().as_slice(), ["UTF-16BE", "iconv"]),
        (b"\0\0\xfe\xff\0\0\x001\0\0\0,", ["UTF-32", "iconv"]),
        ("\u{feff}\x001\x00,\x00h\x00".as_bytes(), ["UTF-32", "iconv"]),
        (b"1\0\0\0,\0\0\0h\0\0\0,\0\0\0", ["UTF-32", "iconv"]),
        (b"PK\x03\x04\x14\0\0\0[Content_Types].xml", ["Excel workbook", "CSV"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", ["binary data", "name a log file"]),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\xb0\x20", ["binary data", "name a log file"]),
        (
            b"May 5 host sshd[1]: a\nMay 5 host sshd[1]: b\nMay 5 host sshd[1]: c\n",
            ["text without", "--suggest-mapping"],
        ),
        (b"hello", ["text without", "--suggest-mapping"]),
        (b"a,b,c\n1,2,3\n4,5,6\n", ["header", "--skip-rows"]),
        (b"1,2,3\n4,5,6\n7,8,9\n10,1", ["text of 3 columns, and the mapping has 10", "--suggest-mapping"]),
        (format!("'{}'", GOOD.replace(',', "','")).as_bytes(), ["single quotes", "quote = "]),
        (
            b"2026/05/05 10:00:00 [error] 1#1: *1 open() failed, client: 1.2.3.4, server: _",
            ["error log of nginx", "access log"],
        ),
        (b"[Tue May 05 10:00:00.000000 2026] [core:error] [pid 1] AH1: a, b", ["error log of Apache", "access log"]),
        (b"\x1f\x8b\x08\0\0\0\0\0", ["compressed twice", "zcat"]),
        (
            b"{\"Metadata\":{\"WriteTimestampMicros\":\"1\"},\"Keys\":{\"id\":{\"S\":\"1\"}},\"NewImage\":{}}\n",
            ["incremental export", ".NewImage"],
        ),
        (b"$ion_1_0 {Item:{id:\"1\"}}\n", ["Amazon Ion", "DYNAMODB_JSON"]),
        (b"{\"Items\":[{\"PK\":{\"S\":\"a\"}}],\"Count\":1}\n", ["aws dynamodb scan", "jq -c '.Items[] | {Item: .}'"]),
        (b"{\n    \"Records\": [\n        {\"a\":1}]}\n", ["array of records", "jq -c '.Records[]'"]),
        (b"{\n  \"a\": 1\n}\n", ["several lines", "--format jsonl"]),
    ] {
        let message = found(text).unwrap_or_default();
        assert!(words.iter().all(|word| message.contains(word)), "{:?}: {message:?}", String::from_utf8_lossy(text));
    }
    for (text, words) in [
        ("1,узел,2026-05-01,1,МСК,GET,/журнал/запись,200,10,Обозреватель\n", "UTF-16"),
        ("訪問者,の,2026-05-01,端末,要求,頁面\n", "UTF-16"),
        ("1,𝒽ost,2026-05-01,🦀🦀🦀", "UTF-16"),
    ] {
        for is_big in [false, true] {
            let pair = |unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> = text.repeat(200).encode_utf16().flat_map(pair).collect();
            let name = if is_big { "UTF-16BE" } else { "UTF-16LE" };
            for length in [bytes.len(), bytes.len() / 200, bytes.len() / 200 - 1, 4098] {
                let message = found(&bytes[..length.min(bytes.len())]).unwrap_or_default();
                assert!(message.contains(words) && message.contains(name), "{text} {length}: {message:?}");
            }
        }
    }
    let mut tar = vec![b'x'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(found(&tar).unwrap().contains("tar -xOf"));
    // Where all columns are text, the names of the columns are still no record.
    let text = InputFormat { slots: ["id", "host"].map(Box::from).into(), columns: 2, ..format() };
    let error = RecordReader::new(&b"id,host\n1,a\n"[..], &text).next_record().unwrap().unwrap_err().to_string();
    assert!(error.contains("--header"), "{error}");
    // Text in an older encoding is no binary data, and lines without a delimiter among others are bad rows.
    for good in [
        &b"caf\xe9 au lait, na\xefve, f\xfcr\n"[..],
        b"\x1b[31mred\x1b[0m, caf\xe9",
        b"bad\nbad\n1,2",
        b"a\0b,c\0d\n",
        b"1,2\n3,4\n5,6,7\n",
    ] {
        assert_eq!(found(good), None, "{}", String::from_utf8_lossy(good));
    }
    for good in [GOOD, "x,h,2017-07-20,01,GMT,GET,/,200,5,ua"] {
        assert_eq!(found(good.as_bytes()), None, "{good}");
    }
}

proptest! {
    /// An unclosed quote is where the error says that it is.
    #[test]
    fn an_unclosed_quote_is_found(text in "[a,\"\n\r]{0,40}") {
        let lines: Vec<&str> = text.split('\n').collect();
        for (_, _, row) in read(text.as_bytes()) {
            if let Err(RecordError::UnclosedQuote { position, .. }) = row
                && !text.contains('\r')
            {
                let line = lines[usize::try_from(position.line).unwrap() - 1];
                prop_assert_eq!(line.chars().nth(position.character - 1), Some('"'));
            }
        }
    }

    /// Resuming at any position gives the rows that reading in one go gives, with the same places.
    #[test]
    fn reading_resumes_where_it_stopped(text in "[a,\"\n\r 1é]{0,100}", stop in 0_usize..20) {
        let text = text.repeat(3);
        let mut whole = RecordReader::new(text.as_bytes(), &format());
        let mut rows = Vec::new();
        while let Some(row) = whole.next_record() {
            let row = row.unwrap();
            rows.push((row.line, row.raw.to_vec(), row.end));
        }
        let stop = stop.min(rows.len());
        let position = if stop == 0 { Position::default() } else { rows[stop - 1].2 };
        let mut rest = RecordReader::resume(text.as_bytes(), &format(), position).unwrap();
        for (line, raw, end) in &rows[stop..] {
            let row = rest.next_record().unwrap().unwrap();
            prop_assert_eq!((row.line, row.raw, row.end), (*line, &raw[..], *end));
        }
        prop_assert!(rest.next_record().is_none());
    }

    /// The rows of any text, in buffers of any size, put together again are the text's own.
    #[test]
    fn any_text_is_read_to_its_end(text in "[a,\"\n\r 1é\u{feff}]{0,200}") {
        let mut reader = RecordReader::new(text.as_bytes(), &format());
        let mut previous = 0;
        while let Some(row) = reader.next_record() {
            let row = row.unwrap();
            prop_assert!(row.line > previous || row.line == previous && previous > 0);
            previous = row.line;
            prop_assert!(text.contains(std::str::from_utf8(row.raw).unwrap()));
        }
    }

    /// What is written by a CSV writer is read back, field by field, with its line.
    #[test]
    fn every_url_survives(urls in prop::collection::vec("\\PC{0,30}|[\n\",]{0,10}", 1..20)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for url in &urls {
            writer.write_record(["1", "h", "d", "01", "z", "GET", url, "200", "5", "ua"]).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let read: Vec<String> = read(&text).into_iter().map(|(_, _, url)| url.unwrap()).collect();
        prop_assert_eq!(read, urls);
    }
}
