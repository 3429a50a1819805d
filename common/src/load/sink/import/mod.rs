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
mod spill;
mod target;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use self::error::ImportError;
use self::figures::Figures;
pub use self::figures::{PRICES, Price, Prices};
use self::part_file::{PartFile, Written};
use self::requests::Location;
use self::spill::{Spill, SpillContents, SpillFile};
pub use self::target::ImportTarget;
use self::target::{SPILL, WorkFolder};
use super::Sink;
use super::table::check_table;
use crate::batch_writer::client::{Connection, ConnectionError, Retries};
use crate::batch_writer::{KeySchema, Settled, Turn};
use crate::capacity::IndexDefinition;
use crate::human;
use crate::load::LoadError;
use crate::load::request::{Origin, Request};
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

#[derive(Debug)]
struct Shared {
    work: WorkFolder,
    target: ImportTarget,
    table: TableName,
    prices: Prices,
    mapping: Mapping,
    schema: KeySchema,
    described: Option<TableDescription>,
    /// A note for the user about the description.
    note: Option<String>,
    indexes: Vec<IndexDefinition>,
    /// The number of the next object.
    next: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    figures: Figures,
    /// One of the items.
    item: Option<Box<[u8]>>,
    /// Keys of the objects that are in the bucket already.
    #[cfg(feature = "s3")]
    uploaded: Vec<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io_error(&self, error: io::Error) -> LoadError {
        ImportError::io(&self.work.path, error).into()
    }

    /// Moves a completed file into the bucket, if the target is one.
    #[cfg_attr(not(feature = "s3"), expect(unused_variables, reason = "there is no bucket"))]
    fn deliver(&self, path: &Path) -> Result<(), ImportError> {
        match &self.target {
            ImportTarget::Folder(_) => Ok(()),
            #[cfg(feature = "s3")]
            ImportTarget::S3 { s3, prefix } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let url = prefix.with_key(format!("{}{name}", prefix.key));
                self.state().uploaded.push(url.key.clone());
                s3.put_file(&url, path)?;
                fs::remove_file(path).map_err(|error| ImportError::io(path, error))
            }
        }
    }
}

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
        ImportSink {
            shared: Arc::clone(&self.0),
            memory: MEMORY / workers,
            step: Step::Filling(spill),
            json: Vec::new(),
            settled: Vec::new(),
            figures: Figures::default(),
            error: None,
        }
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

/// One worker's share of an import.
pub(in crate::load) struct ImportSink {
    shared: Arc<Shared>,
    /// Bytes for the rows that are being sorted.
    memory: usize,
    step: Step,
    json: Vec<u8>,
    settled: Vec<Settled<Arc<Origin>>>,
    figures: Figures,
    error: Option<LoadError>,
}

enum Step {
    /// Rows arrive.
    Filling(Spill),
    /// All rows are on the disk; the last row of each key is written, file by file.
    Sorting {
        files: Vec<SpillFile>,
        object: Option<PartFile>,
    },
    Done,
    Stopped,
}

impl ImportSink {
    fn push(&mut self, request: Request) -> Result<(), LoadError> {
        let Step::Filling(spill) = &mut self.step else { return Ok(()) };
        self.json.clear();
        request.push_item_json(&mut self.json);
        spill.add(request.key().hash(), &self.json).map_err(|error| self.shared.io_error(error))?;
        self.figures.add_row(request.item_size(), &self.json, &self.shared.indexes);
        self.settled.push(Settled::Written(request.tag));
        Ok(())
    }

    /// The next file; `false` when that was the last one.
    fn sort_next(&mut self) -> Result<bool, LoadError> {
        let shared = Arc::clone(&self.shared);
        let io_error = |error| shared.io_error(error);
        let Step::Sorting { files, object } = &mut self.step else { return Ok(false) };
        let Some(file) = files.pop() else {
            let last = object.take();
            self.written(last)?;
            return Ok(false);
        };
        let rows = match file.take(&shared.schema, self.memory).map_err(io_error)? {
            SpillContents::LastRows(rows) => rows,
            SpillContents::Divided(into) => {
                files.extend(into);
                return Ok(true);
            }
        };
        let mut full = Vec::new();
        for (_, row) in &rows {
            let mut part = match object.take() {
                Some(part) => part,
                None => {
                    let number = shared.next.fetch_add(1, Ordering::Relaxed);
                    PartFile::create(&shared.work.path, number).map_err(io_error)?
                }
            };
            part.add(row).map_err(io_error)?;
            if part.is_full() {
                full.push(part);
            } else {
                *object = Some(part);
            }
        }
        if let Some((_, row)) = rows.into_iter().next() {
            shared.state().item.get_or_insert(row);
        }
        full.into_iter().try_for_each(|part| self.written(Some(part)))?;
        Ok(true)
    }

    fn written(&mut self, part: Option<PartFile>) -> Result<(), LoadError> {
        let Some(part) = part else { return Ok(()) };
        let Written { path, items, bytes } = part.finish().map_err(|error| self.shared.io_error(error))?;
        self.figures += Figures { items, bytes, objects: 1, ..Figures::default() };
        Ok(self.shared.deliver(&path)?)
    }

    fn begin_sorting(&mut self) -> Result<(), LoadError> {
        if let Step::Filling(spill) = std::mem::replace(&mut self.step, Step::Stopped) {
            let files = spill.finish().map_err(|error| self.shared.io_error(error))?;
            self.step = Step::Sorting { files, object: None };
        }
        Ok(())
    }

    fn fail(&mut self, error: LoadError) {
        self.error.get_or_insert(error);
        self.step = Step::Stopped;
    }
}

impl Sink for ImportSink {
    /// Always: rows are on the disk before this is called again.
    fn has_room(&self) -> bool {
        true
    }

    fn push_all(&mut self, requests: Vec<Request>) {
        for request in requests {
            if let Err(error) = self.push(request) {
                return self.fail(error);
            }
        }
    }

    fn close(&mut self) {
        if let Err(error) = self.begin_sorting() {
            self.fail(error);
        }
    }

    fn stop(&mut self) {
        self.step = Step::Stopped;
    }

    async fn turn(&mut self) -> Turn {
        // Lets other futures run between two files.
        tokio::task::yield_now().await;
        match self.step {
            Step::Filling(_) => return Turn::NeedsInput,
            Step::Stopped => return Turn::Stopped,
            Step::Done => return Turn::Done,
            Step::Sorting { .. } => {}
        }
        match self.sort_next() {
            Ok(true) => Turn::Progress,
            Ok(false) => {
                self.shared.state().figures += std::mem::take(&mut self.figures);
                self.step = Step::Done;
                Turn::Done
            }
            Err(error) => {
                self.fail(error);
                Turn::Stopped
            }
        }
    }

    fn take_settled(&mut self) -> Vec<Settled<Arc<Origin>>> {
        std::mem::take(&mut self.settled)
    }

    fn take_error(&mut self) -> Option<LoadError> {
        self.error.take()
    }
}
