//! The command line.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Parser};
use common::cli::{ConnectionOptions, EXIT_CODES_HELP};
use common::tables::{self, ProvisionedThroughput, TableDefinition};

const EXAMPLES: &str = "\
Examples:
  create_tables logfile                                  create it and wait until it is ACTIVE
  create_tables logfile --capacity 100/100               set 100 RCU and 100 WCU and wait
  create_tables logfile_gsi_low --index-capacity 5/5     the same for its index
  create_tables --status                                 show the state of all tables
  create_tables --status --count logfile_scan            count its items by reading all of them
  create_tables --delete --all                           delete them, after asking
";

/// Creates the tables of the DynamoDB workshop and waits until they are ACTIVE; changes their capacity, shows their
/// state, deletes them.
///
/// Without a table's name it changes nothing and prints its commands. Existing tables are left unchanged.
#[derive(Debug, Parser)]
#[command(version, after_help = format!("{EXAMPLES}\n{EXIT_CODES_HELP}"), max_term_width = 120)]
#[command(group = ArgGroup::new("tables").args(["names", "all"]))]
#[command(group = ArgGroup::new("action").args(["capacity", "index_capacity", "status", "delete"]).multiple(true))]
pub(crate) struct Arguments {
    /// Tables of the workshop
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(tables::TABLES.map(|table| table.name)))]
    names: Vec<String>,
    /// All three tables
    #[arg(long)]
    all: bool,
    /// Change the provisioned capacity of existing tables: read and write capacity units, such as 100/100
    #[arg(long, value_name = "RCU/WCU", requires = "tables", conflicts_with_all = ["status", "delete"])]
    capacity: Option<ProvisionedThroughput>,
    /// Change the provisioned capacity of their index GSI_1
    #[arg(long, value_name = "RCU/WCU", requires = "tables", conflicts_with_all = ["status", "delete"])]
    index_capacity: Option<ProvisionedThroughput>,
    /// Show the state, capacity and item count of the tables [default: all three]
    #[arg(long, conflicts_with = "delete")]
    status: bool,
    /// With --status: count the items by reading the whole table, which consumes read capacity
    #[arg(long, requires = "status")]
    count: bool,
    /// Delete the tables with all their items, after confirmation
    #[arg(long, requires = "tables")]
    delete: bool,
    /// With --delete: do not ask for confirmation
    #[arg(long, requires = "delete")]
    yes: bool,
    /// Maximum time to wait for a table
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    wait_timeout: NonZeroU64,
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Print the program's commands.
    Explain,
    /// Create the tables that do not exist.
    Create,
    /// Change provisioned capacity, of the table, its index or both.
    Resize { table: Option<ProvisionedThroughput>, index: Option<ProvisionedThroughput> },
    /// Show the state of the tables.
    Status { count: bool },
    /// Delete the tables.
    Delete { confirmed: bool },
}

impl Arguments {
    pub(crate) fn action(&self) -> Action {
        if self.status {
            Action::Status { count: self.count }
        } else if self.delete {
            Action::Delete { confirmed: self.yes }
        } else if self.capacity.is_some() || self.index_capacity.is_some() {
            Action::Resize { table: self.capacity, index: self.index_capacity }
        } else if self.all || !self.names.is_empty() {
            Action::Create
        } else {
            Action::Explain
        }
    }

    /// The named tables, in the workshop's order, each once. If the action needs no name, none means all.
    pub(crate) fn tables(&self) -> Vec<&'static TableDefinition> {
        let named =
            |table: &&TableDefinition| self.names.is_empty() || self.names.iter().any(|name| name == table.name);
        tables::TABLES.iter().filter(named).collect()
    }

    pub(crate) fn wait_timeout(&self) -> Duration {
        Duration::from_secs(self.wait_timeout.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::ErrorKind;

    fn parse(line: &str) -> Result<Arguments, ErrorKind> {
        Arguments::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
    }

    #[test]
    fn each_line_of_the_lab_means_one_action() {
        let hundred = Some(ProvisionedThroughput::new(100, 100));
        for (line, action, tables) in [
            ("create_tables", Action::Explain, 3),
            ("create_tables logfile", Action::Create, 1),
            ("create_tables logfile_scan logfile logfile", Action::Create, 2),
            ("create_tables --all", Action::Create, 3),
            ("create_tables logfile --capacity 100/100", Action::Resize { table: hundred, index: None }, 1),
            ("create_tables --all --index-capacity 100/100", Action::Resize { table: None, index: hundred }, 3),
            ("create_tables --status", Action::Status { count: false }, 3),
            ("create_tables --status --count logfile", Action::Status { count: true }, 1),
            ("create_tables --delete --all --yes", Action::Delete { confirmed: true }, 3),
            ("create_tables --delete logfile", Action::Delete { confirmed: false }, 1),
        ] {
            let arguments = parse(line).unwrap();
            assert_eq!((arguments.action(), arguments.tables().len()), (action, tables), "{line}");
        }
    }

    #[test]
    fn lines_that_make_no_sense_are_refused() {
        for (line, kind) in [
            ("create_tables logfile2", ErrorKind::InvalidValue),
            ("create_tables logfile --all", ErrorKind::ArgumentConflict),
            ("create_tables --capacity 100/100", ErrorKind::MissingRequiredArgument),
            ("create_tables logfile --capacity 100", ErrorKind::ValueValidation),
            ("create_tables logfile --capacity 0/5", ErrorKind::ValueValidation),
            ("create_tables logfile --capacity 5/5 --delete", ErrorKind::ArgumentConflict),
            ("create_tables logfile --capacity 5/5 --status", ErrorKind::ArgumentConflict),
            ("create_tables --status --delete logfile", ErrorKind::ArgumentConflict),
            ("create_tables --delete", ErrorKind::MissingRequiredArgument),
            ("create_tables --delete --yes", ErrorKind::MissingRequiredArgument),
            ("create_tables logfile --yes", ErrorKind::MissingRequiredArgument),
            ("create_tables logfile --count", ErrorKind::MissingRequiredArgument),
            ("create_tables logfile --wait-timeout 0", ErrorKind::ValueValidation),
        ] {
            assert_eq!(parse(line).unwrap_err(), kind, "{line}");
        }
    }
}
