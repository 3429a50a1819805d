//! The real binary: how it starts, keeps its data and stops.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use support::binary::{Binary, command};
use support::{client, create_table, item, s};

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
    for (file, reason) in [
        (path(""), "it is a directory".to_owned()),
        (path("text"), "it is not an SQLite database".to_owned()),
        (path("no/such.db"), format!("the folder {} does not exist", path("no"))),
    ] {
        let stderr = refused_to_start(&["--port", "0", "--db-path", &file]);
        let expected = format!("local_dynamodb: error: cannot open the database file {file}: {reason}\n");
        assert!(stderr.starts_with(&expected), "{stderr}");
    }
    assert_eq!(std::fs::read(path("text")).unwrap(), b"PK,GSI_1_PK\n");
}

#[test]
fn help_and_version_are_there() {
    let output = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for text in ["--port", "--host", "--db-path", "Examples:", "AWS_ENDPOINT_URL=http://127.0.0.1:8000"] {
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
