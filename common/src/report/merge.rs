//! Merges the reports of a load's parts and checks that they are complete.

use std::collections::BTreeMap;

use super::input_totals::InputTotals;
use super::load_report::{
    Consumed, FORMAT_VERSION, LoadInfo, MergedParts, OddRows, Outcome, PartInfo, Report, Requests, Rows, ThrottleEvents,
};
use crate::human;

/// The report of a part, and where it was found.
struct PartReport<'a> {
    name: &'a str,
    part: PartInfo,
    report: Report,
}

/// Merges the reports of a load's parts, given by the names and contents of their files. The outcome is `done` or
/// `done_except_rejected` only if each part is present once and done, all have read the same input, and their rows add
/// up to the input's. Problems are listed in `errors`.
///
/// Reports that are already merged are left out.
pub fn merge(files: &[(String, Vec<u8>)]) -> Report {
    let mut problems = Vec::new();
    let mut found: Vec<_> = files.iter().filter_map(|(name, text)| read(name, text, &mut problems)).collect();
    let Some(info) = most_frequent(found.iter().map(|found| common_info(&found.report.info, found.part.count))) else {
        problems.push("no report of a part was found".to_owned());
        return merged(&[], None, None, problems);
    };
    found.retain(|found| {
        let of_found = common_info(&found.report.info, found.part.count);
        let is_same = of_found == info;
        if !is_same {
            problems.push(format!("{} belongs to a different load: {}", found.name, difference(&of_found, &info)));
        }
        is_same
    });
    found.sort_by_key(|found| found.part.index);
    check_presence(&found, info.1, &mut problems);
    found.dedup_by_key(|found| found.part.index);
    found.iter().for_each(|found| check_outcome(found, &mut problems));
    let input = most_frequent(found.iter().filter_map(|found| found.report.input.clone()));
    if let Some(input) = &input {
        check_input(&found, input, &mut problems);
    }
    merged(&found, Some(info), input, problems)
}

fn read<'a>(name: &'a str, text: &[u8], problems: &mut Vec<String>) -> Option<PartReport<'a>> {
    let report: Report = match serde_json::from_slice(text) {
        Ok(report) => report,
        Err(error) => {
            problems.push(format!("{name} is not a complete report: {error}"));
            return None;
        }
    };
    match (report.parts, report.info.part) {
        (Some(_), _) => None,
        _ if report.format_version != FORMAT_VERSION => {
            problems.push(format!(
                "{name} is a report of format version {}, but this program merges version {FORMAT_VERSION}",
                report.format_version
            ));
            None
        }
        (None, Some(part)) if part.index < part.count => Some(PartReport { name, part, report }),
        (None, _) => {
            problems.push(format!("{name} is the report of a load without parts"));
            None
        }
    }
}

/// What all parts of one load have in common. Paths may differ from machine to machine.
fn common_info(info: &LoadInfo, count: u32) -> (LoadInfo, u32) {
    let common = LoadInfo { part: None, inputs: Vec::new(), version: "".into(), ..info.clone() };
    (common, count)
}

fn most_frequent<T: PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counted: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counted.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counted.push((value, 1)),
        }
    }
    // Of equally frequent ones, the first.
    counted.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}

fn difference((found, count): &(LoadInfo, u32), (common, parts): &(LoadInfo, u32)) -> String {
    let count_text = |count: &u32| count.to_string();
    let pairs = [
        ("number of parts", count_text(count), count_text(parts)),
        ("program", found.program.to_string(), common.program.to_string()),
        ("table", found.table.clone(), common.table.clone()),
        ("destination", found.destination.clone(), common.destination.clone()),
        ("mapping", found.mapping.clone(), common.mapping.clone()),
    ];
    let different = pairs.into_iter().find(|(_, found, common)| found != common);
    different.map_or_else(String::new, |(what, found, common)| format!("its {what} is {found}, and not {common}"))
}

fn check_presence(found: &[PartReport<'_>], count: u32, problems: &mut Vec<String>) {
    let mut missing = Vec::new();
    let mut names: BTreeMap<u32, Vec<&str>> = (0..count).map(|index| (index, Vec::new())).collect();
    found.iter().for_each(|found| names.entry(found.part.index).or_default().push(found.name));
    for (index, names) in names {
        match names[..] {
            [] => missing.push(index),
            [_] => {}
            _ => problems.push(format!("part {index} was found {} times: {}", names.len(), names.join(", "))),
        }
    }
    match missing[..] {
        [] => {}
        [index] => problems.push(format!("part {index} of {count} is missing")),
        _ => problems.push(format!("parts {} of {count} are missing", ranges(&missing))),
    }
}

/// `1-3, 7`
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn is_done(report: &Report) -> bool {
    matches!(&*report.outcome.outcome, "done" | "done_except_rejected")
}

fn check_outcome(PartReport { name, part, report }: &PartReport<'_>, problems: &mut Vec<String>) {
    let PartInfo { index, .. } = part;
    let Rows { read, written, rejected, not_written, .. } = report.rows;
    if !is_done(report) {
        let why = report.outcome.error.as_deref().unwrap_or("its report gives no reason");
        problems.push(format!("part {index} is not done ({}: {why}): {name}", report.outcome.outcome));
    } else if not_written > 0 || read != written + rejected {
        problems.push(format!("part {index} has not written all of its rows: {name}"));
    } else if report.input.is_none() {
        problems.push(format!("part {index} has not read its input to the end: {name}"));
    }
}

fn check_input(found: &[PartReport<'_>], input: &InputTotals, problems: &mut Vec<String>) {
    let text = |input: &InputTotals| {
        format!("{} with the fingerprint {}", human::counted(input.rows, "row"), input.fingerprint)
    };
    let before = problems.len();
    for PartReport { name, part, report } in found {
        if let Some(other) = report.input.as_ref().filter(|other| *other != input) {
            let (other, others) = (text(other), text(input));
            problems.push(format!("part {} has read a different input: {other}, and not {others}: {name}", part.index));
        }
    }
    // If something else is wrong, the sum cannot match.
    let own: u64 = found.iter().map(|found| found.report.rows.read).sum();
    if before == 0 && problems.is_empty() && own != input.rows {
        let own = human::counted(own, "row");
        problems.push(format!("the parts have {own} together, but the input has {}", human::count(input.rows)));
    }
}

fn merged(
    found: &[PartReport<'_>],
    info: Option<(LoadInfo, u32)>,
    input: Option<InputTotals>,
    problems: Vec<String>,
) -> Report {
    let reports = || found.iter().map(|found| &found.report);
    let (info, count) = info.map_or((None, 0), |(info, count)| (Some(info), count));
    let sum = |count: fn(&Report) -> u64| reports().map(count).sum::<u64>();
    let rows = Rows {
        read: sum(|report| report.rows.read),
        written: sum(|report| report.rows.written),
        rejected: sum(|report| report.rows.rejected),
        not_written: sum(|report| report.rows.not_written),
        written_in_earlier_runs: sum(|report| report.rows.written_in_earlier_runs),
    };
    let seconds = reports().map(|report| report.seconds).fold(0.0, f64::max);
    Report {
        format_version: FORMAT_VERSION,
        info: LoadInfo {
            version: env!("CARGO_PKG_VERSION").into(),
            inputs: found.first().map(|found| found.report.info.inputs.clone()).unwrap_or_default(),
            ..info.unwrap_or_else(LoadInfo::unknown)
        },
        parts: Some(MergedParts { count, done: reports().filter(|report| is_done(report)).count() as u32 }),
        outcome: outcome(problems, &rows, reports()),
        rows,
        input,
        odd_rows: odd_rows(reports()),
        seconds,
        rows_per_second: reports().map(|report| report.rows_per_second).sum(),
        rows_replaced: sum(|report| report.rows_replaced),
        rows_replaced_is_estimate: reports().any(|report| report.rows_replaced_is_estimate),
        consumed_wcu: consumed(reports()),
        requests: Requests {
            sent: sum(|report| report.requests.sent),
            throttled: sum(|report| report.requests.throttled),
            failed: sum(|report| report.requests.failed),
        },
        throttle_events: throttle_events(reports()),
        rows_sent_again: sum(|report| report.rows_sent_again),
        latency_ms: None,
    }
}

fn outcome<'a>(problems: Vec<String>, rows: &Rows, mut reports: impl Iterator<Item = &'a Report>) -> Outcome {
    let (outcome, exit_code) = match (problems.is_empty(), rows.rejected) {
        (false, _) => ("failed", 1),
        (true, 0) => ("done", 0),
        // If all parts ran with --rejects-ok, rejected rows are no failure of the job either.
        (true, _) => ("done_except_rejected", if reports.any(|report| report.outcome.exit_code == 3) { 3 } else { 0 }),
    };
    let what_to_do = match problems[..] {
        [] => Vec::new(),
        _ => vec![
            "run the parts named above again; parts that are done send nothing if they have checkpoints".to_owned(),
        ],
    };
    Outcome { outcome: outcome.into(), exit_code, error: problems.first().cloned(), errors: problems, what_to_do }
}

fn odd_rows<'a>(reports: impl Iterator<Item = &'a Report>) -> Vec<OddRows> {
    let mut merged: Vec<OddRows> = Vec::new();
    for odd in reports.flat_map(|report| &report.odd_rows) {
        match merged.iter_mut().find(|known| known.kind == odd.kind) {
            Some(known) => known.rows += odd.rows,
            None => merged.push(odd.clone()),
        }
    }
    merged
}

fn throttle_events<'a>(reports: impl Iterator<Item = &'a Report>) -> Vec<ThrottleEvents> {
    let mut merged: Vec<ThrottleEvents> = Vec::new();
    let cause = |events: &ThrottleEvents| (events.resource.clone(), events.index.clone(), events.reason.clone());
    for events in reports.flat_map(|report| &report.throttle_events) {
        match merged.iter_mut().find(|known| cause(known) == cause(events)) {
            Some(known) => known.events += events.events,
            None => merged.push(events.clone()),
        }
    }
    merged
}

/// `None` if it is unknown for any of the parts.
fn consumed<'a>(reports: impl Iterator<Item = &'a Report>) -> Option<Consumed> {
    let mut merged = Consumed::default();
    for report in reports {
        let Consumed { table, indexes } = report.consumed_wcu.as_ref()?;
        merged.table += table;
        indexes.iter().for_each(|(name, units)| *merged.indexes.entry(name.clone()).or_default() += units);
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{LoadFigures, Tally};

    fn input(rows: u64) -> InputTotals {
        InputTotals { rows, bytes: rows * 100, fingerprint: format!("{rows:016x}") }
    }

    fn part(index: u32, count: u32, read: u64, rejected: u64) -> Report {
        let info = LoadInfo {
            table: "logfile".into(),
            part: Some(PartInfo { index, count }),
            inputs: vec![format!("/node{index}/a.csv")],
            ..LoadInfo::unknown()
        };
        let (outcome, exit_code) = if rejected > 0 { ("done_except_rejected", 3) } else { ("done", 0) };
        let outcome = Outcome { outcome: outcome.into(), exit_code, ..Outcome::default() };
        let tally = Tally { read, written: read - rejected, rejected };
        Report::new(info, outcome, &LoadFigures { tally, input: Some(input(30)), ..LoadFigures::default() })
    }

    fn parts() -> Vec<Report> {
        vec![part(0, 3, 11, 0), part(1, 3, 9, 0), part(2, 3, 10, 0)]
    }

    fn merge_all(reports: &[Report]) -> Report {
        let text =
            |(number, report): (usize, &Report)| (format!("{number}.json"), report.to_json().unwrap().into_bytes());
        merge(&reports.iter().enumerate().map(text).collect::<Vec<_>>())
    }

    #[track_caller]
    fn assert_fails(reports: &[Report], text: &str) {
        let merged = merge_all(reports);
        assert_eq!((&*merged.outcome.outcome, merged.outcome.exit_code), ("failed", 1));
        assert!(merged.outcome.errors.iter().any(|error| error.contains(text)), "{:?}", merged.outcome.errors);
    }

    #[test]
    fn complete_parts_are_one_load() {
        let merged = merge_all(&parts());
        assert_eq!((&*merged.outcome.outcome, merged.outcome.exit_code), ("done", 0), "{:?}", merged.outcome);
        assert_eq!((merged.rows.read, merged.rows.written), (30, 30));
        assert_eq!((merged.parts, merged.input.clone()), (Some(MergedParts { count: 3, done: 3 }), Some(input(30))));
        // A merged report among the others is ignored.
        let again = merge_all(&[parts(), vec![merged]].concat());
        assert_eq!(again.outcome.exit_code, 0);
    }

    #[test]
    fn rejected_rows_are_3_unless_the_parts_say_0() {
        let mut reports = parts();
        reports[1] = part(1, 3, 9, 2);
        assert_eq!(merge_all(&reports).outcome.exit_code, 3);
        reports[1].outcome.exit_code = 0;
        let merged = merge_all(&reports);
        assert_eq!((merged.outcome.exit_code, merged.rows.rejected), (0, 2));
    }

    #[test]
    fn missing_failed_duplicate_and_foreign_parts_are_named() {
        assert_fails(&[], "no report of a part was found");
        assert_fails(&parts()[..2], "part 2 of 3 is missing");
        assert_fails(&parts()[1..2], "parts 0, 2 of 3 are missing");
        assert_fails(&[parts(), parts()[..1].to_vec()].concat(), "part 0 was found 2 times: 0.json, 3.json");
        let changed = |change: fn(&mut Report)| {
            let mut reports = parts();
            change(&mut reports[1]);
            reports
        };
        assert_fails(
            &changed(|report| {
                report.outcome = Outcome {
                    outcome: "failed".into(),
                    exit_code: 1,
                    error: Some("boom".into()),
                    ..Outcome::default()
                };
            }),
            "part 1 is not done (failed: boom): 1.json",
        );
        assert_fails(&changed(|report| report.input = Some(input(31))), "part 1 has read a different input: 31 rows");
        assert_fails(&changed(|report| report.input = None), "part 1 has not read its input to the end");
        assert_fails(
            &changed(|report| report.info.table = "other".into()),
            "1.json belongs to a different load: its table is other",
        );
        assert_fails(&changed(|report| report.info.mapping = "other".into()), "its mapping is other");
        assert_fails(
            &changed(|report| report.info.part = Some(PartInfo { index: 1, count: 4 })),
            "its number of parts is 4",
        );
        assert_fails(&changed(|report| report.info.part = None), "1.json is the report of a load without parts");
        assert_fails(&changed(|report| report.rows.not_written = 1), "part 1 has not written all of its rows");
        assert_fails(
            &changed(|report| (report.rows.read, report.rows.written) = (8, 8)),
            "the parts have 29 rows together, but the input has 30",
        );
    }

    #[test]
    fn a_truncated_report_is_never_complete() {
        let texts: Vec<Vec<u8>> = parts().iter().map(|report| report.to_json().unwrap().into_bytes()).collect();
        // The last byte is the line's end.
        for length in 0..texts[1].len() - 1 {
            let files = [(0, &texts[0][..]), (1, &texts[1][..length]), (2, &texts[2][..])];
            let merged = merge(&files.map(|(number, text)| (format!("{number}.json"), text.to_vec())));
            assert_eq!(merged.outcome.exit_code, 1, "{length}");
            assert!(
                merged.outcome.errors[0].starts_with("1.json is not a complete report: "),
                "{:?}",
                merged.outcome.errors
            );
        }
    }

    #[test]
    fn numbers_in_a_row_are_a_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
    }
}
