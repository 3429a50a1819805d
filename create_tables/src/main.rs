//! Creates, describes, resizes and deletes the tables of the lab.

mod arguments;
mod capacity;
mod cost;
mod create;
mod delete;
mod difference;
mod lab;
mod status;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use common::cli::{self, Exit, init_logging, print_error};
use common::tables;

use crate::arguments::{Action, Arguments};
use crate::capacity::Target;
use crate::cost::{HourlyCost, PRICES};
use crate::lab::{Lab, report};

const PROGRAM: &str = "create_tables";

fn main() -> ExitCode {
    let arguments = cli::parse::<Arguments>();
    init_logging(PROGRAM);
    if let Action::Delete { confirmed } = arguments.action()
        && let Err(error) = delete::check_confirmation(confirmed)
    {
        print_error(PROGRAM, &error);
        return Exit::Usage.into();
    }
    match run(&arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            print_error(PROGRAM, error.as_ref());
            Exit::Failed.into()
        }
    }
}

fn run(arguments: &Arguments) -> Result<Exit> {
    let action = arguments.action();
    if action == Action::Explain {
        return explain();
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the async runtime")?;
    runtime.block_on(async {
        let lab = Lab::new(arguments.connection.connect().await?, arguments.wait_timeout());
        let tables = arguments.tables();
        match action {
            Action::Explain => return explain(),
            Action::Create => create::create(&lab, &tables).await?,
            Action::Resize { table, index } => capacity::resize(&lab, &tables, Target { table, index }).await?,
            Action::Status { count } => status::status(&lab, &tables, count).await?,
            Action::Delete { confirmed } => return delete::delete(&lab, &tables, confirmed).await,
        }
        Ok(Exit::Done)
    })
}

fn explain() -> Result<Exit> {
    report("Without a table's name, nothing is changed. The workshop's tables:\n")?;
    for table in &tables::TABLES {
        let cost = HourlyCost::of_definition(table);
        let (name, capacity, index) = (table.name, table.throughput.to_string(), &table.index);
        report(format_args!(
            "  {name:<16} {capacity:>9} RCU/WCU, index {} {:>9}   on AWS about {cost}",
            index.name,
            index.throughput.to_string()
        ))?;
    }
    report(format_args!("  ({PRICES})"))?;
    report("\nWhat to do with them:\n")?;
    for (command, purpose) in [
        ("create_tables logfile", "create it (--all: all three) and wait until it is ACTIVE"),
        ("create_tables logfile --capacity 100/100", "change its capacity (--index-capacity: its index's) and wait"),
        ("create_tables --status", "show their state"),
        ("create_tables --delete logfile", "delete it with its items, after asking"),
        ("create_tables --help", "all options"),
    ] {
        report(format_args!("  {command:<42} {purpose}"))?;
    }
    Ok(Exit::Done)
}
