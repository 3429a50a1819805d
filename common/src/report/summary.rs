//! The lines at the end of a load, for people.

use super::load_report::LoadFigures;
use super::replaced::ReplacedRows;
use crate::batch_writer::Traffic;
use crate::human;

/// The lines at the end of a load.
pub fn summary(table: &str, figures: &LoadFigures) -> Vec<String> {
    let LoadFigures { tally, resumed, traffic, oddities, replaced, elapsed, .. } = figures;
    let rate = human::rate(figures.written(), *elapsed);
    let mut rows = format!("{tally}, in {} ({rate} rows/s)", human::time(*elapsed));
    if resumed.read > 0 {
        rows.push_str(&format!("; {} of them in earlier runs", human::count(resumed.read)));
    }
    let mut lines = vec![rows];
    lines.extend(oddities.lines());
    // Rows of earlier runs may have the same keys, and rows that were not written may replace none.
    let is_complete = tally.not_written() == 0 && resumed.read == 0;
    lines.extend(replaced_line(*replaced, is_complete.then_some(tally.written)));
    if traffic.written > 0 {
        lines.push(consumed_line(table, traffic));
    }
    if traffic.requests > 0 {
        lines.push(requests_line(traffic));
    }
    lines
}

/// `20 rows have the key of an earlier row and replace it: 30 rows, 10 items`, where the number of written rows is known.
pub fn replaced_line(replaced: ReplacedRows, written: Option<u64>) -> Option<String> {
    if replaced.rows == 0 {
        return None;
    }
    let about = if replaced.is_estimate { "about " } else { "" };
    let verbs = if replaced.rows == 1 { ("has", "replaces") } else { ("have", "replace") };
    let rows = human::counted(replaced.rows, "row");
    let mut line = format!("{about}{rows} {} the key of an earlier row and {} it", verbs.0, verbs.1);
    if let Some(written) = written {
        let items = human::counted(written.saturating_sub(replaced.rows), "item");
        line.push_str(&format!(": {}, {about}{items}", human::counted(written, "row")));
    }
    Some(line)
}

fn consumed_line(table: &str, traffic: &Traffic) -> String {
    if traffic.written_without_consumption == traffic.written {
        return "the responses did not include the consumed capacity".to_owned();
    }
    let mut line = format!("consumed {} WCU of {table}", traffic.consumed_by_table);
    for (index, units) in &traffic.consumed_by_index {
        line.push_str(&format!(", {units} of {index}"));
    }
    if !traffic.knows_consumption() {
        line.push_str(&format!(
            "; the responses for {} rows did not include it",
            human::count(traffic.written_without_consumption)
        ));
    }
    line
}

fn requests_line(traffic: &Traffic) -> String {
    let mut line = human::counted(traffic.requests, "request");
    let latencies = &traffic.latencies;
    if let Some((p50, p99)) = latencies.percentile(50).zip(latencies.percentile(99)) {
        let answered = match traffic.requests {
            1 => format!(", answered within {}", human::time(p99)),
            _ => format!(", half answered within {}, 99% within {}", human::time(p50), human::time(p99)),
        };
        line.push_str(&answered);
    }
    if traffic.throttle_events.is_empty() {
        line.push_str("; nothing throttled");
    } else {
        let events =
            traffic.throttle_events.iter().map(|(cause, events)| format!("{} by {cause}", human::count(*events)));
        let events = events.collect::<Vec<_>>().join(", ");
        line.push_str(&format!(
            "; throttled: {} whole, {} ({events})",
            human::counted(traffic.throttled_requests, "request"),
            human::counted(traffic.throttled(), "row"),
        ));
    }
    if traffic.failed_requests > 0 {
        line.push_str(&format!("; failed: {}", human::counted(traffic.failed_requests, "request")));
    }
    if traffic.retried > 0 {
        line.push_str(&format!("; {} sent again", human::counted(traffic.retried, "row")));
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::load_report::tests::figures;
    use super::*;

    #[test]
    fn the_summary_for_people() {
        let lines = summary("logfile", &figures());
        assert_eq!(
            lines,
            [
                "75 rows read = 45 written + 0 rejected + 30 not written, in 9.0 s (5.0 rows/s)",
                "consumed 45 WCU of logfile, 44.5 of GSI_1",
                "3 requests, half answered within 2.0 ms, 99% within 4.0 ms; throttled: 1 request whole, 30 rows \
                 (25 by the table, 5 by a cause that the response does not name); 30 rows sent again",
            ]
        );
    }

    #[test]
    fn rows_that_replace_others_are_reported() {
        let line = |rows, is_estimate, written| replaced_line(ReplacedRows { rows, is_estimate }, written);
        for (line, expected) in [
            (line(20, false, Some(30)), "20 rows have the key of an earlier row and replace it: 30 rows, 10 items"),
            (line(1, false, None), "1 row has the key of an earlier row and replaces it"),
            (
                line(2048, true, Some(10_000)),
                "about 2,048 rows have the key of an earlier row and replace it: 10,000 rows, about 7,952 items",
            ),
        ] {
            assert_eq!(line.unwrap(), expected);
        }
        assert_eq!(line(0, true, Some(30)), None);
    }

    #[test]
    fn a_load_that_sent_nothing_says_little() {
        let lines = summary("logfile", &LoadFigures { elapsed: Duration::from_millis(1), ..LoadFigures::default() });
        assert_eq!(lines, ["0 rows read = 0 written + 0 rejected + 0 not written, in 1.0 ms (0.0 rows/s)"]);
    }
}
