//! Inputs in Amazon S3: the real client against a server of S3 on a folder.

use test_support::contract::{assert_same_items, parallel};
use test_support::lab::{Lab, gzip, without_times};
use test_support::log::{csv, rows};
use test_support::s3::S3Server;

use crate::LOADER;

#[test]
fn the_objects_of_a_prefix_are_the_files() {
    let (s3, lab) = (S3Server::start(), Lab::new("logfile_scan", LOADER));
    let logs = [csv(&rows(1..=300)), csv(&rows(1..=200))];
    s3.put("day/a.csv", &logs[0]);
    s3.put("day/b.csv.gz", gzip(logs[1].as_bytes()));
    // The ids in the objects are read before the load, to check that there is room for the copies.
    let run = s3.program(lab.program(&["s3://logs/day/", "--copies=3"])).run();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""), "{}", run.stdout);
    let stdout = without_times(&run.stdout);
    assert!(stdout.starts_with("starting thread for file: s3://logs/day/a.csv\n"), "{stdout}");
    assert!(stdout.ends_with("total rows 1500 in S seconds\n"), "{stdout}");
    let logs: Vec<&[u8]> = logs.iter().map(String::as_bytes).collect();
    assert_same_items(&lab.items(), &parallel("logfile_scan", &logs, 3, 2000, 500_000));
}
