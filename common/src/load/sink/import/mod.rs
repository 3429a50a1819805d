//! Items into files for DynamoDB's own bulk loaders, ImportTable and StartBulkPutItems, instead of into the table.
//!
//! An import keeps any one of several items with the same key, so each key must be in the files once, with its last
//! row. Rows go to the disk first, divided by their keys' hashes; when all have been read, one file after another is
//! read back, and the last row of each key is written, in the order of the hashes. That order is effectively random,
//! which suits an import: neighbouring rows of the input do not go to the same partition of the table together.

mod error;
mod figures;
mod part_file;
mod requests;
mod shared;
mod spill;
mod target;
mod worker_sink;

use std::fs;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use self::error::ImportError;
pub use self::figures::{PRICES, Price, Prices};
use self::requests::Location;
use self::shared::Shared;
use self::spill::Spill;
pub use self::target::ImportTarget;
use self::target::{SPILL, WorkFolder};
pub(super) use self::worker_sink::ImportSink;
use super::table::check_table;
use crate::batch_writer::client::{Connection, ConnectionError, Retries};
use crate::human;
use crate::load::LoadError;
use crate::mapping::Mapping;
use crate::tables::{self, TableDescription, TableName};

/// Files into which all workers together divide the rows.
const SPILL_FILES: usize = 256;

/// Bytes of rows that all workers together hold in memory.
const MEMORY: usize = 128 * 1024 * 1024;

/// The timeout for the table's description.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Import files, and the table that they are for.
#[derive(Debug)]
pub struct ImportDestination {
    pub target: ImportTarget,
    /// The table that the items are for. It need not exist.
    pub table: TableName,
    /// Where the table may be described.
    pub connection: Result<Connection, ConnectionError>,
    /// What things cost.
    pub prices: Prices,
}

/// What the sinks of one import share.
#[derive(Debug, Clone)]
pub(in crate::load) struct ImportSinks(Arc<Shared>);

impl ImportSinks {
    /// The mapping, with the key types of the table.
    pub(in crate::load) fn mapping(&self) -> Mapping {
        self.0.mapping.clone()
    }

    /// Creates the work folder and describes the table.
    ///
    /// # Errors
    /// The folder or prefix cannot be used, or the table's key differs from the items'.
    pub(in crate::load) async fn open(import: &ImportDestination, mapping: &Mapping) -> Result<Self, LoadError> {
        let ImportDestination { target, table, prices, .. } = import;
        let (described, note) = match describe(import).await {
            Ok(described) => {
                check_table(mapping, table.as_str(), &described)?;
                (Some(described), None)
            }
            Err(reason) => {
                let known = tables::table(table.short()).map(TableDescription::of_definition);
                let known = known.filter(|known| check_table(mapping, table.as_str(), known).is_ok());
                let assumed = match known {
                    Some(_) => format!("it is assumed to be as `create_tables {table}` creates it"),
                    None => "a new one gets the mapping's key, no indexes and on-demand capacity".to_owned(),
                };
                (known, Some(format!("the table cannot be described ({reason}); {assumed}")))
            }
        };
        let shared = Shared {
            work: WorkFolder::open(target)?,
            target: target.clone(),
            table: table.clone(),
            prices: *prices,
            mapping: described.as_ref().map_or_else(|| mapping.clone(), |described| mapping.with_key_types(described)),
            schema: mapping.key_schema(),
            indexes: described.as_ref().map(TableDescription::index_definitions).unwrap_or_default(),
            described,
            note,
            next: AtomicU32::new(0),
            state: Mutex::default(),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// The sink of worker `number` of `workers`.
    pub(in crate::load) fn sink(&self, number: usize, workers: usize) -> ImportSink {
        let bits = (SPILL_FILES / workers).max(8).ilog2();
        let spill = Spill::new(self.0.work.path.join(format!("{SPILL}-{number}")), bits);
        ImportSink::new(Arc::clone(&self.0), MEMORY / workers, spill)
    }

    /// Completes what the sinks have written, and describes it for the user. On an error, nothing is left.
    pub(in crate::load) fn finish(&self) -> Result<Vec<String>, LoadError> {
        let shared = &*self.0;
        let location = Location::new(shared.target.prefix(), &folder_name(&shared.target));
        let item = shared.state().item.clone();
        let described = shared.described.as_ref();
        let import = requests::import_table(&shared.table, &location, described, &shared.mapping, item.as_deref())?;
        let bulk = requests::start_bulk_put_items(&shared.table, &location);
        // Last: where the requests are, everything is.
        for (name, request) in [(requests::BULK_PUT, bulk), (requests::IMPORT_TABLE, import)] {
            let path = shared.work.path.join(name);
            let written = fs::write(&path, format!("{request:#}\n")).and_then(|()| fs::File::open(&path)?.sync_all());
            written.map_err(|error| ImportError::io(&path, error))?;
            shared.deliver(&path)?;
        }
        shared.work.complete()?;
        Ok(self.lines(&location))
    }

    /// Removes everything: the load has failed.
    pub(in crate::load) fn abandon(&self) {
        #[cfg(feature = "s3")]
        if let ImportTarget::S3 { s3, prefix } = &self.0.target {
            for key in std::mem::take(&mut self.0.state().uploaded) {
                if let Err(error) = s3.delete(&prefix.with_key(key)) {
                    log::warn!("{error}; remove it before loading again");
                }
            }
        }
        self.0.work.abandon();
    }

    fn lines(&self, location: &Location) -> Vec<String> {
        let shared = &*self.0;
        let (figures, target) = (shared.state().figures, shared.target.name());
        let mut lines: Vec<String> = shared.note.iter().cloned().collect();
        lines.push(format!(
            "{} in {} in {target}, with the requests {} and {}",
            human::counted(figures.items, "item"),
            human::counted(figures.objects, "object"),
            requests::IMPORT_TABLE,
            requests::BULK_PUT
        ));
        if figures.items < figures.rows {
            lines.push(format!(
                "{} left out because a later row has the same key",
                human::counted(figures.rows - figures.items, "row")
            ));
        }
        lines.extend(figures.lines(shared.prices, shared.described.is_some()));
        let folder = target.trim_end_matches('/');
        let requests = match shared.target.prefix() {
            Some(_) => {
                lines.push(format!(
                    "copy the requests: aws s3 cp {target} . --recursive --exclude '*' --include '*.json'"
                ));
                String::new()
            }
            None => {
                let bucket = requests::BUCKET;
                lines.push(format!(
                    "copy it to a bucket: aws s3 cp {folder} s3://{bucket}/{} --recursive, and replace {bucket} in both requests with the bucket's name",
                    location.folder
                ));
                format!("{folder}/")
            }
        };
        for (what, command, file) in [
            ("for a new table", "import-table", requests::IMPORT_TABLE),
            ("for an existing table", "start-bulk-put-items", requests::BULK_PUT),
        ] {
            lines.push(format!("{what}: aws dynamodb {command} --cli-input-json file://{requests}{file}"));
        }
        lines
    }
}

fn folder_name(target: &ImportTarget) -> String {
    match target {
        ImportTarget::Folder(folder) => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        #[cfg(feature = "s3")]
        ImportTarget::S3 { .. } => String::new(),
    }
}

async fn describe(import: &ImportDestination) -> Result<TableDescription, String> {
    let connection = import.connection.as_ref().map_err(ToString::to_string)?;
    let client = connection.client(Retries::Caller);
    let described =
        tokio::time::timeout(DESCRIBE_TIMEOUT, TableDescription::read(&client, import.table.as_str())).await;
    let described = described.map_err(|_| "no description within 5 s".to_owned())?;
    described.map_err(|error| error.to_string())
}
