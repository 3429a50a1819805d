//! The lab's steps through the real binary, against the engine.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, BillingMode};
use local_dynamodb::LocalDynamoDb;
use test_support::program::{Program, Run};
use test_support::table::{create_plain, with_client};

fn create_tables(engine: &LocalDynamoDb, args: &str) -> Run {
    Program::new(env!("CARGO_BIN_EXE_create_tables")).endpoint(&engine.url()).args(args.split_whitespace()).run()
}

#[track_caller]
fn assert_stdout(run: &Run, stdout: &str) {
    run.assert_code(0);
    assert_eq!(run.stdout, stdout);
}

/// stderr without the lines about waiting, which may or may not appear.
fn without_waits(stderr: &str) -> String {
    stderr
        .lines()
        .filter(|line| !line.starts_with("create_tables: waiting for "))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn all_tables_are_created_and_found_in_place_again() {
    let engine = test_support::engine();
    let run = create_tables(&engine, "--all");
    assert_stdout(
        &run,
        "logfile: created, 5/5 RCU/WCU, index GSI_1 5/5\n\
         logfile_gsi_low: created, 1000/1000 RCU/WCU, index GSI_1 1/1\n\
         logfile_scan: created, 5000/5000 RCU/WCU, index GSI_1 3000/5000\n",
    );
    assert_eq!(without_waits(&run.stderr), "", "no costs on this machine");
    let again = create_tables(&engine, "--all");
    assert_stdout(
        &again,
        "logfile: in place, 5/5 RCU/WCU, index GSI_1 5/5\n\
         logfile_gsi_low: in place, 1000/1000 RCU/WCU, index GSI_1 1/1\n\
         logfile_scan: in place, 5000/5000 RCU/WCU, index GSI_1 3000/5000\n",
    );
}

#[test]
fn a_created_table_is_the_workshop_s() {
    let engine = test_support::engine();
    create_tables(&engine, "logfile_scan").assert_code(0);
    let (table, tags) = with_client(&engine.url(), async |client| {
        let table = client.describe_table().table_name("logfile_scan").send().await.unwrap().table.unwrap();
        let tags = client.list_tags_of_resource().resource_arn(table.table_arn().unwrap()).send().await.unwrap();
        (table, tags)
    });
    let keys: Vec<(&str, &str)> =
        table.key_schema().iter().map(|key| (key.attribute_name(), key.key_type().as_str())).collect();
    assert_eq!(keys, [("PK", "HASH")]);
    let index = &table.global_secondary_indexes()[0];
    let keys: Vec<(&str, &str)> =
        index.key_schema().iter().map(|key| (key.attribute_name(), key.key_type().as_str())).collect();
    assert_eq!(keys, [("GSI_1_PK", "HASH"), ("GSI_1_SK", "RANGE")]);
    assert_eq!(index.projection().unwrap().projection_type().unwrap().as_str(), "KEYS_ONLY");
    let tags: Vec<(&str, &str)> = tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("workshop-design-patterns", "targeted-for-cleanup")]);
}

#[test]
fn without_a_name_nothing_is_done_and_the_commands_are_explained() {
    // No endpoint, no region, no credentials: no request is sent.
    let run = Program::new(env!("CARGO_BIN_EXE_create_tables")).run();
    run.assert_code(0);
    for text in ["logfile ", "logfile_gsi_low", "logfile_scan", "7.54 USD an hour", "--capacity 100/100", "--delete"] {
        assert!(run.stdout.contains(text), "{text:?} in {}", run.stdout);
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn capacity_is_changed_once() {
    let engine = test_support::engine();
    create_tables(&engine, "logfile").assert_code(0);
    let run = create_tables(&engine, "logfile --capacity 100/100");
    assert_stdout(&run, "logfile: changed, 100/100 RCU/WCU, index GSI_1 5/5\n");
    let run = create_tables(&engine, "logfile --capacity 100/100 --index-capacity 5/5");
    assert_stdout(&run, "logfile: unchanged, 100/100 RCU/WCU, index GSI_1 5/5\n");
    let run = create_tables(&engine, "logfile logfile_scan --capacity 7/7");
    run.assert_error(1, &["logfile_scan", "there is no such table", "create it first: create_tables logfile_scan"]);
    let run = create_tables(&engine, "--status logfile");
    assert!(run.stdout.contains(" 100/100 "), "all tables are looked at before one is changed: {}", run.stdout);
}

#[test]
fn a_different_capacity_is_a_difference_that_the_command_shown_fixes() {
    let engine = test_support::engine();
    create_tables(&engine, "logfile").assert_code(0);
    create_tables(&engine, "logfile --capacity 100/100").assert_code(0);
    let run = create_tables(&engine, "--all");
    run.assert_error(
        1,
        &[
            "create_tables: error: the definition differs from the workshop's; nothing was changed\n",
            "\n  logfile: capacity: found 100/100, wanted 5/5\n",
            "\ncreate_tables: what to do: create_tables logfile --capacity 5/5\n",
        ],
    );
    let status = create_tables(&engine, "--status logfile_scan");
    assert!(status.stdout.contains("does not exist"), "no other table was created: {}", status.stdout);
    create_tables(&engine, "logfile --capacity 5/5").assert_code(0);
    create_tables(&engine, "--all").assert_code(0);
}

#[test]
fn a_table_with_another_key_is_shown_and_left_alone() {
    let engine = test_support::engine();
    create_plain(&engine.url(), "logfile", "id");
    let run = create_tables(&engine, "logfile");
    run.assert_error(
        1,
        &[
            "\n  logfile: key: found id (S), wanted PK (S)\n",
            "\n  logfile: billing mode: found PAY_PER_REQUEST, wanted PROVISIONED\n",
            "\n  logfile: index GSI_1 key: found nothing, wanted GSI_1_PK (S)\n",
            "\n  logfile: index GSI_1 projection: found nothing, wanted INCLUDE bytessent\n",
            "create_tables --delete logfile && create_tables logfile",
        ],
    );
    create_tables(&engine, "logfile --capacity 5/5")
        .assert_error(1, &["cannot be changed: it has on-demand capacity; nothing was changed"]);
    let mode = with_client(&engine.url(), async |client| {
        let table = client.describe_table().table_name("logfile").send().await.unwrap().table.unwrap();
        table.billing_mode_summary.unwrap().billing_mode.unwrap()
    });
    assert_eq!(mode, BillingMode::PayPerRequest);
}

#[test]
fn status_shows_state_and_counts() {
    let engine = test_support::engine();
    create_tables(&engine, "logfile").assert_code(0);
    // More than a page of a megabyte, so that the count needs another page.
    with_client(&engine.url(), async |client| {
        for id in 0..8 {
            let request =
                client.put_item().table_name("logfile").item("PK", AttributeValue::S(format!("request#{id}")));
            request.item("url", AttributeValue::S("x".repeat(300_000))).send().await.unwrap();
        }
    });
    let run = create_tables(&engine, "--status --count");
    assert_stdout(
        &run,
        "TABLE            STATUS    RCU/WCU     ITEMS COUNTED  INDEX  STATUS    RCU/WCU\n\
         logfile          ACTIVE    5/5                     8  GSI_1  ACTIVE    5/5\n\
         logfile_gsi_low  does not exist\n\
         logfile_scan     does not exist\n",
    );
    assert!(run.stderr.contains("consumes read capacity"), "{}", run.stderr);
    let run = create_tables(&engine, "--status logfile");
    run.assert_code(0);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
}

#[test]
fn deleting_needs_a_yes() {
    let engine = test_support::engine();
    create_tables(&engine, "logfile").assert_code(0);
    create_tables(&engine, "--delete logfile").assert_error(2, &["nothing was deleted", "confirm with --yes"]);
    assert!(create_tables(&engine, "--status logfile").stdout.contains("ACTIVE"));
    assert_stdout(&create_tables(&engine, "--delete logfile --yes"), "logfile: deleted\n");
    assert_stdout(&create_tables(&engine, "--delete logfile --yes"), "logfile: does not exist, nothing to delete\n");
}

#[test]
fn a_closed_pipe_leaves_no_work_undone() {
    let engine = test_support::engine();
    let program = Program::new(env!("CARGO_BIN_EXE_create_tables")).endpoint(&engine.url()).args(["--all"]);
    let mut child = program.into_command().stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let status = create_tables(&engine, "--status");
    assert_eq!(status.stdout.matches("ACTIVE").count(), 6, "{}", status.stdout);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for line in ["logfile2", "logfile --all", "--capacity 5/5", "logfile --capacity 5", "--delete --yes", "--nonsense"]
    {
        let run = Program::new(env!("CARGO_BIN_EXE_create_tables")).args(line.split_whitespace()).run();
        run.assert_error(2, &["error: "]);
    }
    let run = Program::new(env!("CARGO_BIN_EXE_create_tables")).args(["logfile2"]).run();
    assert!(run.stderr.contains("logfile, logfile_gsi_low, logfile_scan"), "{}", run.stderr);
    for option in ["--help", "--version"] {
        let run =
            Program::new(env!("CARGO_BIN_EXE_create_tables")).args([option]).timeout(Duration::from_secs(10)).run();
        run.assert_code(0);
        assert!(run.stdout.contains("create_tables"), "{}", run.stdout);
    }
}
