//! A dry run: what a load would do, without writing anything. Counts valid and bad rows, what they cost, and how long they take.

mod item;
mod load_time;
mod row_costs;

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use self::row_costs::{RowCosts, SHOWN};
use super::LoadError;
use super::sink::check_table;
use crate::batch_writer::client::{Connection, ConnectionError, Retries};
use crate::batch_writer::service_error::ServiceErrorKind;
use crate::human;
use crate::input::Source;
use crate::mapping::{Mapping, Numbering};
use crate::report::{KEYS, KeyCounter, replaced_line};
use crate::tables::{self, TableDescription};
use capacity::CapacityUnits;

/// The load to examine.
#[derive(Debug)]
pub struct DryRun<'a> {
    pub table: &'a str,
    /// The inputs.
    pub sources: &'a [Source],
    /// How a record becomes an item.
    pub mapping: &'a Mapping,
    /// How often, and with which ids.
    pub numbering: Numbering,
}

/// The result.
#[derive(Debug)]
pub struct Forecast {
    /// Lines to print.
    pub lines: Vec<String>,
    /// Bad rows; copies count.
    pub bad: u64,
}

impl DryRun<'_> {
    /// Reads all inputs and writes nothing. The only request is a DescribeTable; without its answer, what depends on it is left out.
    ///
    /// # Errors
    /// An input cannot be opened or read to its end, or the table has other keys than the items.
    pub fn run(&self, connection: Result<Connection, ConnectionError>) -> Result<Forecast, LoadError> {
        let (description, note) = self.describe(connection);
        let mapping = match &description {
            Some(description) => check_table(self.mapping, self.table, description)?,
            None => self.mapping.clone(),
        };
        let definitions = description.as_ref().map(TableDescription::index_definitions).unwrap_or_default();
        let keys = Mutex::new(KeyCounter::new(KEYS));
        let of_source = (&mapping, self.numbering);
        let count = |source: (usize, &Source)| RowCosts::of_source(of_source, source, &definitions, &keys);
        let counts: Vec<RowCosts> = self.sources.par_iter().enumerate().map(count).collect::<Result<_, _>>()?;
        let mut all = RowCosts::new(&definitions);
        let mut lines = vec!["dry run: nothing is written".to_owned()];
        for (source, count) in self.sources.iter().zip(counts) {
            if self.sources.len() > 1 {
                lines.push(format!("{}: {}", source.name(), count.summary()));
            }
            all.merge(count);
        }
        if let Some(error) = all.key_mismatch(self.table) {
            return Err(error);
        }
        lines.push(format!("{} read: {}", human::counted(all.valid + all.bad, "row"), all.summary()));
        lines.extend(all.shown.iter().map(|row| format!("  {}:{}: {}", row.source, row.line, row.reason)));
        let copies = u64::from(self.numbering.copies());
        if let Some(more) = (all.bad / copies.max(1)).checked_sub(SHOWN as u64).filter(|more| *more > 0) {
            lines.push(format!("  and {} more", human::count(more)));
        }
        lines.extend(all.oddities.lines());
        let replaced = keys.into_inner().unwrap_or_else(PoisonError::into_inner).replaced();
        lines.extend(replaced_line(replaced, Some(all.valid)));
        lines.push(self.cost_line(&all, description.as_ref()));
        lines.extend(note);
        if let Some(description) = &description {
            lines.extend(self.time_lines(&all, description));
        }
        Ok(Forecast { lines, bad: all.bad })
    }

    /// The table as it is, or as `create_tables` would make it, with a note that says so.
    fn describe(&self, connection: Result<Connection, ConnectionError>) -> (Option<TableDescription>, Option<String>) {
        let described = match connection {
            Ok(connection) => describe(&connection, self.table),
            Err(error) => Err(error.to_string()),
        };
        let reason = match described {
            Ok(description) => return (Some(description), None),
            Err(reason) => reason,
        };
        let table = self.table;
        match tables::table(table) {
            Some(definition) => {
                let note = format!(
                    "the table cannot be described ({reason}); assuming the one that `create_tables {table}` makes"
                );
                (Some(TableDescription::of_definition(definition)), Some(note))
            }
            None => {
                let note = format!(
                    "the table cannot be described ({reason}), so its indexes, their cost and the duration of the load are unknown"
                );
                (None, Some(note))
            }
        }
    }

    fn cost_line(&self, all: &RowCosts, description: Option<&TableDescription>) -> String {
        let mut line = format!("they cost {} WCU of {}", amount(all.totals.table_units()), self.table);
        for index in description.iter().flat_map(|table| table.global_indexes()) {
            let name = &index.name;
            let _ = write!(line, ", {} of {name}", amount(all.totals.index_units(name)));
        }
        line.push_str(", if none of them is in the table yet");
        line
    }
}

fn describe(connection: &Connection, table: &str) -> Result<TableDescription, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let client = connection.client(Retries::Sdk);
    match runtime.block_on(TableDescription::read(&client, table)) {
        Ok(description) => Ok(description),
        Err(error) if error.kind == ServiceErrorKind::NoSuchTable => {
            Err(format!("there is none of this name at {connection}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn amount(units: CapacityUnits) -> String {
    human::count(units.rounded_up())
}
