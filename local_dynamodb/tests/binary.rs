//! The real binary: how it starts, keeps its data and stops.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use aws_sdk_dynamodb::types::{ProvisionedThroughput, TableStatus};
use serde_json::Value;
use support::binary::{Binary, command};
use support::http::Raw;
use support::json::sum_in;
use support::{client, create_table, eventually, item, s};

fn refused_to_start(arguments: &[&str]) -> String {
    let output = command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let stderr = refused_to_start(&["--port", &port]);
    assert!(stderr.starts_with(&format!("local_dynamodb: error: cannot listen on 127.0.0.1:{port}: ")), "{stderr}");
    assert!(stderr.contains("choose another port with --port"), "{stderr}");
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("text"), "PK,GSI_1_PK\n").unwrap();
    std::fs::write(path("broken"), [&b"SQLite format 3\0"[..], &[7; 5000]].concat()).unwrap();
    for (file, reason) in [
        (path(""), "it is a directory".to_owned()),
        (path("text"), "it is not an SQLite database".to_owned()),
        (path("broken"), "it is not an SQLite database".to_owned()),
        (path("no/such.db"), format!("the folder {} does not exist", path("no"))),
        #[cfg(unix)]
        ("/dev/null".to_owned(), "it is not a regular file".to_owned()),
    ] {
        let stderr = refused_to_start(&["--port", "0", "--db-path", &file]);
        let expected = format!("local_dynamodb: error: cannot open the database file {file}: {reason}\n");
        assert!(stderr.starts_with(&expected), "{stderr}");
    }
    assert_eq!(std::fs::read(path("text")).unwrap(), b"PK,GSI_1_PK\n");
}

#[test]
fn a_file_is_open_in_one_server_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    let file = file.to_str().unwrap();
    let first = Binary::start(&["--db-path", file]);
    let stderr = refused_to_start(&["--port", "0", "--db-path", file]);
    assert!(
        stderr.contains(&format!("cannot open the database file {file}: another local_dynamodb has it open")),
        "{stderr}"
    );
    assert!(stderr.contains("stop the other server"), "{stderr}");
    // Also after a server that was killed.
    first.stop("KILL");
    Binary::start(&["--db-path", file]).stop("TERM");
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["lab.db"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_cannot_be_written_to_is_named() {
    // The kernel's own file system takes no files, not even from its administrator.
    let stderr = refused_to_start(&["--port", "0", "--db-path", "/proc/lab.db"]);
    assert!(stderr.starts_with("local_dynamodb: error: cannot open the database file /proc/lab.db: "), "{stderr}");
    assert!(!stderr.contains("unable to open database file"), "{stderr}");
}

#[tokio::test]
async fn names_that_mean_something_else_to_sqlite_are_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:lab.db?mode=memory"] {
        let start = || Binary::start_in(folder.path(), &["--db-path", name]);
        let server = start();
        create_table(&client(&server.url), "logfile").await;
        server.stop("TERM");
        let server = start();
        let tables = client(&server.url).list_tables().send().await.unwrap();
        assert_eq!(tables.table_names(), ["logfile"], "{name}");
    }
}

#[test]
fn help_and_version_are_there() {
    let output = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for text in [
        "--port",
        "--host",
        "--db-path",
        "--speed",
        "--no-throttle",
        "--metrics-file",
        "--allow-host",
        "--ttl-delay",
        "--health",
        "Examples:",
        "AWS_ENDPOINT_URL=http://127.0.0.1:8000",
    ] {
        assert!(help.contains(text), "{text}: {help}");
    }
    let version = String::from_utf8(command(&["--version"]).output().unwrap().stdout).unwrap();
    assert_eq!(version, format!("local_dynamodb {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_file_keeps_the_data_and_memory_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    let arguments = ["--db-path", file.to_str().unwrap()];

    let server = Binary::start(&arguments);
    let first = client(&server.url);
    create_table(&first, "logfile").await;
    let kept = item(&[("PK", "request#1"), ("GSI_1_PK", "host#a"), ("bytessent", "7")]);
    first.put_item().table_name("logfile").set_item(Some(kept.clone())).send().await.unwrap();
    let (status, stderr) = server.stop("INT");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["lab.db"], "the database is closed");

    let server = Binary::start(&arguments);
    let read = client(&server.url).get_item().table_name("logfile").key("PK", s("request#1")).send().await.unwrap();
    assert_eq!(read.item, Some(kept));
    drop(server);

    let server = Binary::start(&[]);
    assert!(client(&server.url).list_tables().send().await.unwrap().table_names().is_empty());
}

/// What was acknowledged before a kill is there after it.
#[tokio::test]
async fn a_killed_server_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    let arguments = ["--db-path", file.to_str().unwrap()];
    let server = Binary::start(&arguments);
    let first = client(&server.url);
    create_table(&first, "logfile").await;
    for n in 0..50 {
        let item = item(&[("PK", &n.to_string()), ("GSI_1_PK", "host#a")]);
        first.put_item().table_name("logfile").set_item(Some(item)).send().await.unwrap();
    }
    let (status, _) = server.stop("KILL");
    assert_eq!(status.code(), None);
    let server = Binary::start(&arguments);
    let scanned = client(&server.url).scan().table_name("logfile").send().await.unwrap();
    assert_eq!(scanned.count, 50);
}

#[tokio::test]
async fn sigterm_under_load_finishes_what_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    let arguments = ["--db-path", file.to_str().unwrap()];
    let server = Binary::start(&arguments);
    create_table(&client(&server.url), "logfile").await;

    let (sender, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (client, sender) = (client(&server.url), sender.clone());
        writers.spawn(async move {
            for n in 0.. {
                let item = item(&[("PK", &format!("{writer}#{n}")), ("GSI_1_PK", "host#a")]);
                match client.put_item().table_name("logfile").set_item(Some(item)).send().await {
                    Ok(_) => sender.send(()).unwrap(),
                    Err(_) => return,
                }
            }
        });
    }
    drop(sender);
    // A client that has sent half a request must not hold up the end.
    let mut half_open = support::http::connect(server.url.trim_start_matches("http://"));
    std::io::Write::write_all(&mut half_open, b"POST / HTTP/1.1\r\nHost: 127").unwrap();

    let mut count = 0;
    while count < 100 {
        acknowledged.recv().await.unwrap();
        count += 1;
    }
    let stopped = tokio::task::spawn_blocking(move || server.stop("TERM"));
    let (status, stderr) = tokio::time::timeout(Duration::from_secs(15), stopped).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0), "{stderr}");
    writers.join_all().await;
    while acknowledged.recv().await.is_some() {
        count += 1;
    }

    let server = Binary::start(&arguments);
    let scanned = client(&server.url).scan().table_name("logfile").send().await.unwrap();
    // Every acknowledged item is there; one item of each writer may have been written without its answer being read.
    assert!((count..=count + 8).contains(&scanned.count), "{count} acknowledged, {} found", scanned.count);
}

/// An item of 1 WCU in a table of 5 WCU.
async fn put_one(url: &str) {
    let client = client(url);
    create_table(&client, "logfile").await;
    let item = item(&[("PK", "request#1"), ("GSI_1_PK", "host#a")]);
    client.put_item().table_name("logfile").set_item(Some(item)).send().await.unwrap();
}

fn get(url: &str, path: &str) -> support::http::Answer {
    let request = Raw { method: "GET", path: path.into(), headers: Vec::new(), body: Vec::new() };
    request.send(url.trim_start_matches("http://"))
}

#[tokio::test]
async fn metrics_are_shown_and_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.json");
    let server = Binary::start(&["--metrics-file", file.to_str().unwrap()]);
    put_one(&server.url).await;

    let answer = get(&server.url, "/metrics.json");
    assert!(answer.headers.contains("content-type: application/json"), "{answer:?}");
    let shown: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(shown["Clock"]["Speed"], 1);
    assert_eq!(shown["Tables"][0]["TableName"], "logfile");
    assert_eq!(sum_in(&shown, "ConsumedWriteCapacityUnits", &["logfile"]), 1.0);
    assert_eq!(sum_in(&shown, "ConsumedWriteCapacityUnits", &["logfile", "GSI_1"]), 1.0);

    let printed = command(&["--print-metrics", &server.url]).output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let text = String::from_utf8(printed.stdout).unwrap();
    for line in ["METRIC\tTABLE\tINDEX\tOPERATION\tSUM", "ConsumedWriteCapacityUnits\tlogfile\tGSI_1\t-\t1"] {
        assert!(text.lines().any(|each| each == line), "{text}");
    }

    server.signal("USR1");
    let written = eventually(|| std::fs::read(&file).ok());
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(sum_in(&written, "ConsumedWriteCapacityUnits", &["logfile"]), 1.0);

    client(&server.url).delete_item().table_name("logfile").key("PK", s("request#1")).send().await.unwrap();
    let (status, stderr) = server.stop("TERM");
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(sum_in(&written, "ConsumedWriteCapacityUnits", &["logfile"]), 2.0);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["metrics.json"]);
}

#[test]
fn metrics_that_cannot_be_read_or_written_are_an_error() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let stderr = refused_to_start(&["--print-metrics", &format!("http://{nobody}")]);
    assert!(
        stderr.starts_with(&format!("local_dynamodb: error: cannot read the metrics at http://{nobody}: ")),
        "{stderr}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no/metrics.json");
    let stderr = refused_to_start(&["--port", "0", "--metrics-file", file.to_str().unwrap()]);
    let (file, missing) = (file.display(), folder.path().join("no"));
    let message = format!("cannot write the metrics to {file}: the folder {} does not exist\n", missing.display());
    assert!(stderr.starts_with(&format!("local_dynamodb: error: {message}")), "{stderr}");
    assert!(stderr.contains("--metrics-file"), "{stderr}");
}

#[test]
fn a_health_check_tells_by_its_status() {
    let server = Binary::start(&[]);
    let check = |url: &str| command(&["--health", url]).output().unwrap();
    let healthy = check(&server.url);
    assert!(healthy.status.success() && healthy.stdout.is_empty() && healthy.stderr.is_empty(), "{healthy:?}");
    assert!(check(&format!("{}/health", server.url)).status.success());
    let url = server.url.clone();
    server.stop("TERM");
    let gone = check(&url);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    assert!(String::from_utf8(gone.stderr).unwrap().contains(&format!("no healthy server at {url}")));
}

#[test]
fn an_ipv6_address_may_stand_in_brackets() {
    let server = Binary::start(&["--host", "[::1]"]);
    assert!(server.url.starts_with("http://[::1]:"), "{}", server.url);
    assert_eq!(get(&server.url, "/").status, 200);
}

/// A table that was in the file is there before anybody asks for it, with the capacity that it had.
#[tokio::test]
async fn a_fast_clock_and_a_table_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.db");
    let path = path.to_str().unwrap();
    let server = Binary::start(&["--db-path", path]);
    put_one(&server.url).await;
    server.stop("TERM");
    let server = Binary::start(&["--db-path", path, "--speed", "100000", "--starting-burst", "0"]);
    // Five units a second of a clock that makes 300 s in 3 ms: the burst is soon full.
    eventually(|| {
        let shown: Value = serde_json::from_str(&get(&server.url, "/metrics.json").body).unwrap();
        assert_eq!(shown["Clock"]["Speed"], 100_000);
        let write = &shown["Tables"][0]["Write"];
        (write["BurstBalance"] == 1_500 && write["BurstLimit"] == 1_500).then_some(())
    });
}

#[tokio::test]
async fn without_throttling_nothing_is_refused() {
    let server = Binary::start(&["--no-throttle", "--starting-burst", "0", "--update-time", "3600"]);
    put_one(&server.url).await;
    let client = client(&server.url);
    let more = ProvisionedThroughput::builder().read_capacity_units(7).write_capacity_units(7).build().unwrap();
    client.update_table().table_name("logfile").provisioned_throughput(more).send().await.unwrap();
    let table = client.describe_table().table_name("logfile").send().await.unwrap().table.unwrap();
    let units = table.provisioned_throughput().unwrap().write_capacity_units();
    assert_eq!((table.table_status(), units), (Some(&TableStatus::Active), Some(7)));
}
