//! The parts of a load together are one load.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::load::channel::{Received, channel};
use crate::mapping::{BuiltIn, Overrides};
use crate::report::Tally;

/// What a load leaves: the last item of each key, its counts, and the places of the rows that it rejects.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    items: BTreeMap<u64, String>,
    tally: Tally,
    rejected: Vec<u64>,
    odd: Vec<u64>,
    ends: Vec<RecordEnd>,
}

/// Loads these files into memory.
fn load(mapping: &Mapping, copies: u32, files: &[String], part: Option<Part>) -> Left {
    let numbering = if copies == 1 { Numbering::AS_IN_FILE } else { Numbering::with_stride(copies, 7) };
    let (worker, chunks) = channel(100_000);
    let (events, told) = crossbeam_channel::unbounded();
    let counts = Arc::new(RowCounts::new(files.iter().map(|_| Tally::default())));
    let production = Production {
        mapping: mapping.clone(),
        table: "tab".into(),
        is_table_right: Arc::default(),
        numbering,
        part,
        collects_rejects: true,
        workers: vec![worker],
        events,
        phase: SharedPhase::new(files.len()),
        counts: Arc::clone(&counts),
    };
    for (source, file) in files.iter().enumerate() {
        let mut producer = Producer::new(production.clone(), source, "a.csv", ResumePoint::default());
        let mut reader = RecordReader::new(file.as_bytes(), mapping.input());
        producer.produce(&mut reader).unwrap();
        assert!(producer.chunks.flush().is_ok());
    }
    drop(production);
    let mut left = Left { tally: counts.total(), ..Left::default() };
    while let Received::Chunk(chunk) = chunks.try_receive() {
        for request in chunk {
            left.tally.written += 1;
            let mut json = Vec::new();
            request.push_json(&mut json);
            left.items.insert(request.key().hash(), String::from_utf8(json).unwrap());
        }
    }
    for event in told.try_iter() {
        match event {
            Event::Rejected { row, origin } => {
                left.tally.rejected += origin.record.rows;
                left.rejected.push((u64::from(origin.source) << 32) + row.line);
            }
            Event::Odd { source, line, .. } => left.odd.push((u64::from(source) << 32) + line),
            Event::SourceRead { end, .. } => left.ends.push(end),
            Event::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
    left.rejected.sort_unstable();
    left.odd.sort_unstable();
    left
}

/// Good rows of few ids, so that most of them replace another; some hide a row in a quoted line break, and some are bad in any way.
fn row() -> impl Strategy<Value = String> {
    let good = |id: u16, code: u16, url: &str| format!("{id},10.0.0.7,2017-07-20,20,GMT,GET,{url},{code},12,agent");
    prop_oneof![
        8 => (0..40_u16, 0..9999_u16).prop_map(move |(id, code)| good(id, code, "/")),
        2 => (0..40_u16, 0..9999_u16).prop_map(move |(id, code)| good(id, code, &format!("\"/a\n{}\"", good(id, 7, "/hidden").replace('"', "")))),
        1 => (0..40_u16).prop_map(move |id| good(id, 1, "/").replace(",12,", ",x,")),
        1 => Just("bad,row".to_owned()),
        1 => Just(good(1, 1, "/").replacen('1', "no id", 1)),
        1 => Just("\"caf\u{e9} \"\"".to_owned() + "x\""),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_parts_of_a_load_are_one_load(
        first in proptest::collection::vec(row(), 0..60),
        second in proptest::collection::vec(row(), 0..60),
        count in 1..12_u32,
        copies in prop_oneof![Just(1), 2..6_u32],
    ) {
        let built_in = if copies == 1 { BuiltIn::Sequential } else { BuiltIn::parallel("logfile_scan") };
        let mapping = built_in.mapping(&Overrides::default());
        // A first row that is bad makes the input one of another format.
        let files = [first, second].map(|rows| format!("0,h,d,1,z,GET,/,200,1,a\n{}", rows.join("\n")));
        let whole = load(&mapping, copies, &files, None);
        let mut union = Left::default();
        for index in 0..count {
            let part = load(&mapping, copies, &files, Part::new(index, count));
            prop_assert!(part.tally.is_complete(), "{:?}", part.tally);
            prop_assert_eq!(&part.ends, &whole.ends, "each part has seen all of the input");
            let before = union.items.len() + part.items.len();
            union.items.extend(part.items);
            prop_assert_eq!(union.items.len(), before, "a key belongs to one part");
            union.tally += part.tally;
            union.rejected.extend(part.rejected);
            union.odd.extend(part.odd);
        }
        union.rejected.sort_unstable();
        union.odd.sort_unstable();
        union.ends.clone_from(&whole.ends);
        prop_assert_eq!(union, whole);
    }
}
