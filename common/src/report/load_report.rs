//! The result of a load: a few lines for people, and the same as JSON for programs. `docs/report.md` describes the
//! JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::input_totals::InputTotals;
use super::replaced::ReplacedRows;
use super::tally::Tally;
use crate::batch_writer::{ThrottleCause, ThrottledResource, Traffic};
use crate::input::{Location, Oddity, OddityCounts};

/// Incremented when a member is removed or its meaning changes. New members do not change it.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The parameters of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadInfo {
    pub program: Cow<'static, str>,
    pub version: Cow<'static, str>,
    /// Where the table is: the endpoint, or `DynamoDB in us-east-1`.
    pub destination: String,
    pub table: String,
    /// The inputs as the user named them.
    pub inputs: Vec<String>,
    /// Which part of a load it is.
    pub part: Option<PartInfo>,
    /// How rows become items: a fingerprint of the mapping, and how copies are numbered.
    pub mapping: String,
}

impl LoadInfo {
    /// The parameters of an unknown load.
    pub(super) fn unknown() -> Self {
        Self {
            program: "".into(),
            version: "".into(),
            destination: String::new(),
            table: String::new(),
            inputs: Vec::new(),
            part: None,
            mapping: String::new(),
        }
    }
}

/// A part of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInfo {
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// How it ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// `done`, `done_except_rejected`, `failed`, `interrupted` or `terminated`.
    pub outcome: Cow<'static, str>,
    pub exit_code: u8,
    /// The error that ended it early, in one line.
    pub error: Option<String>,
    /// All errors that ended it, `error` first: for example, a bad row and a missing table.
    pub errors: Vec<String>,
    pub what_to_do: Vec<String>,
}

/// The figures of a load.
#[derive(Debug, Clone, Default)]
pub struct LoadFigures {
    /// The rows, those of earlier runs included.
    pub tally: Tally,
    /// Those of earlier runs.
    pub resumed: Tally,
    /// The whole input, including rows that other parts write; `None` if it was not read to its end.
    pub input: Option<InputTotals>,
    /// The requests of this run.
    pub traffic: Traffic,
    /// Rows of this run that were loaded although they look wrong.
    pub oddities: OddityCounts,
    /// Rows of this run with the key of an earlier row.
    pub replaced: ReplacedRows,
    pub elapsed: Duration,
}

impl LoadFigures {
    /// Rows written in this run.
    pub fn written(&self) -> u64 {
        self.tally.written.saturating_sub(self.resumed.written)
    }
}

/// Counts of rows; copies count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rows {
    pub(super) read: u64,
    pub(super) written: u64,
    pub(super) rejected: u64,
    pub(super) not_written: u64,
    pub(super) written_in_earlier_runs: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Consumed {
    pub(super) table: f64,
    pub(super) indexes: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Requests {
    pub(super) sent: u64,
    pub(super) throttled: u64,
    pub(super) failed: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ThrottleEvents {
    pub(super) resource: Option<Cow<'static, str>>,
    pub(super) index: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) events: u64,
}

/// Rows that look wrong in one way; `first` is `FILE:LINE`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OddRows {
    pub(super) kind: Cow<'static, str>,
    pub(super) rows: u64,
    pub(super) first: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct LatencyMs {
    p50: f64,
    p99: f64,
}

/// The parts of a load whose reports were merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedParts {
    /// How many parts the load has.
    pub count: u32,
    /// How many of them are done.
    pub done: u32,
}

/// The result of a load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    #[serde(rename = "form")]
    pub(super) format_version: u32,
    #[serde(flatten)]
    pub(super) info: LoadInfo,
    /// Only in a merged report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<MergedParts>,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    pub(super) rows: Rows,
    pub(super) input: Option<InputTotals>,
    pub(super) odd_rows: Vec<OddRows>,
    pub(super) seconds: f64,
    pub(super) rows_per_second: f64,
    pub(super) rows_replaced: u64,
    pub(super) rows_replaced_is_estimate: bool,
    pub(super) consumed_wcu: Option<Consumed>,
    pub(super) requests: Requests,
    pub(super) throttle_events: Vec<ThrottleEvents>,
    pub(super) rows_sent_again: u64,
    pub(super) latency_ms: Option<LatencyMs>,
}

impl Report {
    /// The report of a load.
    pub fn new(info: LoadInfo, outcome: Outcome, figures: &LoadFigures) -> Self {
        let LoadFigures { tally, resumed, input, traffic, oddities, replaced, elapsed } = figures;
        let indexes = traffic.consumed_by_index.iter().map(|(name, units)| (name.clone(), units.as_f64()));
        let consumed = Consumed { table: traffic.consumed_by_table.as_f64(), indexes: indexes.collect() };
        let latencies = &traffic.latencies;
        Self {
            format_version: FORMAT_VERSION,
            info,
            parts: None,
            outcome,
            rows: Rows {
                read: tally.read,
                written: tally.written,
                rejected: tally.rejected,
                not_written: tally.not_written(),
                written_in_earlier_runs: resumed.written,
            },
            input: input.clone(),
            odd_rows: oddities.iter().map(odd_rows).collect(),
            seconds: elapsed.as_secs_f64(),
            rows_per_second: figures.written() as f64 / elapsed.as_secs_f64().max(1e-9),
            rows_replaced: replaced.rows,
            rows_replaced_is_estimate: replaced.is_estimate,
            consumed_wcu: traffic.knows_consumption().then_some(consumed),
            requests: Requests {
                sent: traffic.requests,
                throttled: traffic.throttled_requests,
                failed: traffic.failed_requests,
            },
            throttle_events: traffic.throttle_events.iter().map(throttle_events).collect(),
            rows_sent_again: traffic.retried,
            latency_ms: latencies
                .percentile(50)
                .zip(latencies.percentile(99))
                .map(|(p50, p99)| LatencyMs { p50: millis(p50), p99: millis(p99) }),
        }
    }

    /// How the load ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Counts rejected rows as no failure.
    pub fn accept_rejects(&mut self) {
        self.outcome.exit_code = 0;
    }

    /// Its rows.
    pub fn tally(&self) -> Tally {
        Tally { read: self.rows.read, written: self.rows.written, rejected: self.rows.rejected }
    }

    /// The parts, in a merged report.
    pub fn merged_parts(&self) -> Option<MergedParts> {
        self.parts
    }

    /// As JSON.
    ///
    /// # Errors
    /// Never for a report.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        Ok(json)
    }
}

fn odd_rows((oddity, rows, first): (Oddity, u64, &Location)) -> OddRows {
    OddRows { kind: oddity.name().into(), rows, first: first.to_string() }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn throttle_events((cause, &events): (&ThrottleCause, &u64)) -> ThrottleEvents {
    let (resource, index) = match &cause.resource {
        ThrottledResource::Table => (Some("table".into()), None),
        ThrottledResource::Index(name) => (Some("index".into()), Some(name.clone())),
        ThrottledResource::UnnamedIndex => (Some("index".into()), None),
        ThrottledResource::Unknown => (None, None),
    };
    ThrottleEvents { resource, index, reason: cause.reason(), events }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::capacity::CapacityUnits;
    use batch_writer::ThrottleLimit;

    const MILLI: Duration = Duration::from_millis(1);

    fn table_throttled() -> ThrottleCause {
        ThrottleCause { resource: ThrottledResource::Table, limit: ThrottleLimit::ProvisionedThroughput }
    }

    /// Three requests of 25: one accepted, one accepted in part, one refused.
    fn traffic() -> Traffic {
        let mut traffic = Traffic::default();
        (0..3).for_each(|_| traffic.sent());
        traffic.responded(25, 0, MILLI * 2);
        traffic.responded(25, 5, MILLI * 4);
        traffic.throttled_whole(25, &[table_throttled()]);
        traffic.consumed_by_table(CapacityUnits::new(45));
        traffic.consumed_by_index("GSI_1", CapacityUnits::from_halves(89));
        traffic
    }

    /// Three requests of 75 rows.
    pub(in crate::report) fn figures() -> LoadFigures {
        let tally = Tally { read: 75, written: 45, rejected: 0 };
        LoadFigures { tally, traffic: traffic(), elapsed: Duration::from_secs(9), ..LoadFigures::default() }
    }

    #[test]
    fn the_report_for_programs() {
        let info = LoadInfo {
            program: "load_logfile".into(),
            version: "1.2.3".into(),
            destination: "http://127.0.0.1:8000".into(),
            table: "logfile".into(),
            inputs: vec!["a.csv".into()],
            part: None,
            mapping: "0".into(),
        };
        let outcome = Outcome { outcome: "interrupted".into(), exit_code: 130, ..Outcome::default() };
        let report = Report::new(info, outcome, &figures());
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert_eq!(json["rows"]["not_written"], 30);
        assert_eq!(json["consumed_wcu"], serde_json::json!({"table": 45.0, "indexes": {"GSI_1": 44.5}}));
        assert_eq!(json["requests"], serde_json::json!({"sent": 3, "throttled": 1, "failed": 0}));
        assert_eq!(
            json["throttle_events"],
            serde_json::json!([
                {"resource": "table", "index": null, "reason": "TableWriteProvisionedThroughputExceeded", "events": 25},
                {"resource": null, "index": null, "reason": null, "events": 5},
            ])
        );
        assert_eq!(json["rows_per_second"], 5.0);
    }
}
