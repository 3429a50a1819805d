//! Inputs in Amazon S3: the real client against a server of S3 on a folder.

use std::sync::Arc;

use test_support::canned::dead_endpoint;
use test_support::contract::{assert_same_items, sequential};
use test_support::lab::{Lab, gzip, without_times};
use test_support::log::{csv, rows};
use test_support::program::{Program, Run};
use test_support::s3::S3Server;

use crate::lab;

fn log(ids: std::ops::RangeInclusive<i64>) -> String {
    csv(&rows(ids))
}

fn program(lab: &Lab, s3: &S3Server, args: &[&str]) -> Program {
    s3.program(lab.program(args))
}

#[track_caller]
fn assert_loaded(lab: &Lab, run: &Run, log: &str) {
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""), "{}", run.stdout);
    let last = format!("RowCount: {}, Total seconds: S", log.lines().count());
    assert_eq!(without_times(&run.stdout).lines().last(), Some(last.as_str()));
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
}

#[test]
fn an_object_is_loaded_plain_or_compressed() {
    let (s3, log) = (S3Server::start(), log(1..=300));
    s3.put("plain.csv", &log);
    s3.put("deep/er/packed \u{e4}+%20.csv", gzip(log.as_bytes()));
    for key in ["plain.csv", "deep/er/packed \u{e4}+%20.csv"] {
        let lab = lab();
        assert_loaded(&lab, &program(&lab, &s3, &[&format!("s3://logs/{key}")]).run(), &log);
    }
}

#[test]
fn the_objects_of_a_prefix_are_loaded_in_sorted_order() {
    let (s3, lab) = (S3Server::start(), lab());
    // The same ids in both: the rows of the object that sorts last win.
    let (old, new) = (log(1..=100), csv(&rows(1..=100).into_iter().map(|row| row.url("/new")).collect::<Vec<_>>()));
    s3.put("day/a/2.csv", &old);
    s3.put("day/b.csv.gz", gzip(new.as_bytes()));
    s3.put("day/.hidden", "not a log");
    s3.put("other/c.csv", "not a log");
    assert_loaded(&lab, &program(&lab, &s3, &["s3://logs/day/"]).run(), &format!("{old}{new}"));
}

#[test]
fn lost_connections_are_resumed_where_they_broke() {
    let (s3, lab, log) = (S3Server::start(), lab(), log(1..=3000));
    s3.put("log.csv", &log);
    // The first one is for HeadObject. Some do not even deliver the head of a response.
    let url = s3.behind(|connection| [4000, 20_000, 100, 7000, 50_000, 0, 60_000][connection % 7]);
    let run = s3.program_at(&url, lab.program(&["s3://logs/log.csv"])).run();
    assert_loaded(&lab, &run, &log);
    let resumed = s3.requests().iter().filter(|line| line.starts_with("GET") && !line.ends_with("bytes=0-")).count();
    assert!(resumed >= 3, "{:?}", s3.requests());
}

#[test]
fn an_object_that_is_replaced_on_the_way_is_an_error_and_never_a_mix() {
    let (s3, lab, log) = (Arc::new(S3Server::start()), lab(), log(1..=3000));
    s3.put("log.csv", &log);
    let (other, server) = (log.replace("/", "!"), Arc::clone(&s3));
    let url = s3.behind(move |connection| {
        if connection == 1 {
            server.put("log.csv", &other);
        }
        [60_000, usize::MAX][connection.min(1)]
    });
    let run = s3.program_at(&url, lab.program(&["s3://logs/log.csv"])).run();
    run.assert_error(1, &["s3://logs/log.csv: the object has changed since the load began", "load it again"]);
    let (items, expected) = (lab.items(), sequential(log.as_bytes()));
    assert!(items.len() < 3000 && items.iter().all(|(key, item)| expected[key] == *item), "{}", items.len());
    assert_eq!(run.counts().written, items.len());
}

#[test]
fn a_checkpoint_resumes_in_the_object_and_knows_its_version() {
    let (s3, lab) = (S3Server::start(), lab());
    let (first, bad) = (log(1..=1000), "bad\n");
    s3.put("log.csv", format!("{first}{bad}{}", log(1001..=1100)));
    let args = ["s3://logs/log.csv", "--checkpoint", "checkpoint"];
    program(&lab, &s3, &args).run().assert_error(1, &["s3://logs/log.csv:1001: "]);
    let before = s3.requests().len();
    program(&lab, &s3, &args).run().assert_error(1, &["s3://logs/log.csv:1001: "]);
    let resumed = format!("bytes={}-", first.len());
    let requests = s3.requests().split_off(before);
    assert!(requests.iter().any(|line| line.ends_with(&resumed)), "{requests:?}");
    s3.put("log.csv", format!("{first}{}", log(1001..=1100)));
    program(&lab, &s3, &args).run().assert_error(4, &["belongs to a different load: s3://logs/log.csv had "]);
    assert_eq!(lab.items().len(), 1000);
}

#[test]
fn a_compressed_object_is_also_resumed_from_a_checkpoint() {
    let (s3, lab) = (S3Server::start(), lab());
    s3.put("log.csv.gz", gzip(format!("{}bad\n{}", log(1..=500), log(501..=600)).as_bytes()));
    let args = ["s3://logs/log.csv.gz", "--checkpoint", "checkpoint"];
    program(&lab, &s3, &args).run().assert_error(1, &["s3://logs/log.csv.gz:501: "]);
    let run = program(&lab, &s3, &args).run();
    run.assert_error(1, &["s3://logs/log.csv.gz:501: ", "500 of them in earlier runs"]);
}

#[test]
fn missing_or_forbidden_objects_are_reported_with_advice() {
    let (s3, lab) = (S3Server::start(), lab());
    s3.put("a.csv", log(1..=1));
    let fails = |args: &[&str], expected: &[&str]| {
        program(&lab, &s3, args).run().assert_error(1, expected);
    };
    fails(&["s3://logs/b.csv"], &["s3://logs/b.csv: there is no such object: ", "check the key"]);
    fails(&["s3://other/"], &["s3://other/: there is no bucket other: ", "check the bucket's name"]);
    fails(&["s3://logs/day/"], &["s3://logs/day/: there is no object with this prefix", "check the prefix"]);
    fails(&["s3://a/b"], &["s3://a/b: \"a\" is not the name of a bucket", "use s3://BUCKET/KEY"]);
    let run = program(&lab, &s3, &["s3://logs/a.csv"]).env("AWS_SECRET_ACCESS_KEY", "wrong").run();
    run.assert_error(1, &["s3://logs/a.csv: the AWS credentials are not accepted: ", "renew the credentials"]);
    let run = lab.program(&["s3://logs/a.csv"]).run();
    run.assert_error(1, &["s3://logs/a.csv: the server at the endpoint of S3 is not S3: ", "AWS_ENDPOINT_URL_S3"]);
    let run = s3.program_at(&dead_endpoint(), lab.program(&["s3://logs/a.csv"])).run();
    run.assert_error(1, &["s3://logs/a.csv: the endpoint of S3 cannot be reached: ", "AWS_ENDPOINT_URL_S3"]);
    assert!(lab.items().is_empty());
}

#[test]
fn a_dry_run_reads_objects_too() {
    let (s3, lab) = (S3Server::start(), lab());
    s3.put("day/a.csv", log(1..=10));
    s3.put("day/b.csv", format!("{}bad\n", log(11..=15)));
    let run = program(&lab, &s3, &["s3://logs/day/", "--dry-run"]).run();
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stdout.contains("16 rows read: 15 valid, 1 bad"), "{}", run.stdout);
}
