//! Loads into tables with little capacity, which local_dynamodb enforces, and loads that limit themselves; for both
//! loaders.
//!
//! Every function panics on failure.

use std::num::NonZeroU32;
use std::time::Duration;

use local_dynamodb::Options;
use serde_json::Value;

use crate::fault::Fault;
use crate::lab::Lab;
use crate::proxy::Proxy;
use crate::table::{Wcu, set_wcu};
use crate::trial::Trial;

/// A table of this capacity without burst, whose clock runs `speed` times faster; its index accepts at most `backlog`
/// writes in its queue.
pub fn lab_without_burst(table: &'static str, loader: &'static str, wcu: Wcu, speed: u32, backlog: usize) -> Lab {
    let mut options = Options { speed: NonZeroU32::new(speed).unwrap(), ..Options::default() };
    options.capacity.starting_burst = Duration::ZERO;
    options.capacity.index_backlog = backlog;
    Lab::provisioned(table, loader, wcu, &options)
}

/// The table accepts less than is sent: everything is written in the end, and few requests are refused completely.
pub fn throttled_all_the_time(trial: &Trial) {
    let run = trial.program(&trial.lab.url()).run();
    trial.assert_done(&run, "throttled");
    let metrics = trial.lab.metrics();
    let refused = total(&metrics, "ThrottledRequests", "Sum");
    let answered = total(&metrics, "SuccessfulRequestLatency", "SampleCount");
    assert!(total(&metrics, "WriteThrottleEvents", "Sum") > 0.0, "nothing was throttled");
    assert!(refused * 20.0 <= refused + answered, "{refused} requests refused whole, {answered} not\n{}", run.stderr);
}

/// A metric of BatchWriteItem, or of all operations, over all minutes, tables and indexes.
fn total(metrics: &Value, name: &str, statistic: &str) -> f64 {
    let is_wanted = |series: &&Value| {
        let dimensions = series["Dimensions"].as_array().unwrap();
        let mut operations = dimensions.iter().filter(|dimension| dimension["Name"] == "Operation");
        series["MetricName"] == name && operations.all(|operation| operation["Value"] == "BatchWriteItem")
    };
    let wanted = metrics["Metrics"].as_array().unwrap().iter().filter(is_wanted);
    wanted
        .flat_map(|series| series["Datapoints"].as_array().unwrap())
        .map(|point| point[statistic].as_f64().unwrap())
        .sum()
}

/// Loads with these arguments, and returns the seconds that the program reports.
fn seconds_of(trial: &Trial, args: &[&str]) -> f64 {
    let run = trial.program(&trial.lab.url()).args(args).run();
    trial.assert_done(&run, "limited");
    let last = run.stdout.lines().last().unwrap();
    last.split(' ').filter(|word| word.contains('.')).find_map(|word| word.parse().ok()).unwrap()
}

/// With `--max-wcu` set to a quarter of its rows, each of them one unit, a load takes four seconds, wherever there is capacity for more.
pub fn limited_to_units(trial: &Trial) {
    let seconds = seconds_of(trial, &["--max-wcu", &(trial.rows() / 4).to_string()]);
    assert!(seconds >= 3.0, "{seconds} s instead of 4 s");
}

/// As [`limited_to_units`], with a share of the capacity of the index, which is the smaller one: `percent` of it is a quarter of the rows.
pub fn limited_to_a_share(trial: &Trial, percent: &str) {
    let seconds = seconds_of(trial, &["--max-wcu", percent]);
    assert!(seconds >= 3.0, "{seconds} s instead of 4 s");
}

/// A percentage follows the table's capacity: a load of hours is done in seconds after the capacity was raised.
pub fn a_share_follows_the_table(trial: &Trial, table: &str, raised: i64) {
    let proxy = Proxy::start(&trial.lab.url(), |_, _| Fault::None);
    let running = trial.program(&proxy.url()).args(["--max-wcu", "50%"]).start();
    crate::program::eventually("the first call", || proxy.calls() > 0);
    set_wcu(&trial.lab.url(), table, raised);
    trial.assert_done(&running.finish(), "after the capacity was raised");
}

/// A table that accepts nothing for as long as the user waits: exact counts, and a checkpoint to resume from.
pub fn given_up(trial: Trial) {
    let trial = trial.with_args(&["--give-up-after", "2s", "--checkpoint", "progress"]);
    let failed = trial.fails(|call, _| match call {
        0..2 => Fault::None,
        _ if call % 2 == 0 => Fault::all_unprocessed(),
        _ => Fault::error("ProvisionedThroughputExceededException"),
    });
    let text = ["nothing was written for ", "ProvisionedThroughputExceededException", "it resumes from here"];
    failed.run.assert_error(1, &text);
    assert_eq!(failed.counts.written, failed.items.len());
    // An outage is probed a few times per second, so that its end is noticed soon.
    assert!(failed.calls < 20, "{} calls in two seconds", failed.calls);
}

/// What `--dry-run` says of the load with these arguments, on the line with this condition, matches the duration of the
/// load by the server's clock, which runs `speed` times faster, within 5%; and so do the consumed units.
pub fn assert_estimate(lab: &Lab, args: &[&str], condition: &str, speed: f64) {
    let forecast = lab.program(args).args(["--dry-run"]).run();
    forecast.assert_code(0);
    let line =
        forecast.stdout.lines().find(|line| line.contains(condition)).unwrap_or_else(|| panic!("{}", forecast.stdout));
    let estimate = seconds_in(line.trim().split(" (").next().unwrap());

    let run = lab.program(args).args(["--report", "report.json"]).timeout(Duration::from_secs(300)).run();
    run.assert_code(0);
    let report: Value = serde_json::from_str(&lab.read("report.json")).unwrap();
    let measured = report["seconds"].as_f64().unwrap() * speed;
    assert!(
        (estimate / measured - 1.0).abs() < 0.05,
        "estimated {estimate} s, measured {measured} s: {}",
        forecast.stdout
    );

    let consumed = &report["consumed_wcu"];
    let costs = forecast.stdout.lines().find(|line| line.starts_with("they cost ")).unwrap().replace(',', "");
    for units in [&consumed["table"], &consumed["indexes"]["GSI_1"]] {
        let units = format!(" {} ", units.as_f64().unwrap());
        assert!(costs.contains(&units), "{costs}: {consumed}");
    }
}

/// `3 min 20 s` in seconds.
fn seconds_in(text: &str) -> f64 {
    let text: Vec<&str> = text.split(' ').collect();
    let unit = |name: &str| match name {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => panic!("{text:?}"),
    };
    text.chunks(2).map(|pair| pair[0].parse::<f64>().unwrap() * unit(pair[1])).sum()
}
