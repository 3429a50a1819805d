//! The engine: dynoxide on SQLite, in memory or in a file, and what corrects or speeds it up.
//!
//! An [`Operation`] is a typed request of dynoxide, an [`OperationOutput`] its typed response. Where dynoxide's own method is
//! not enough, a module of this folder stands in front of it. `docs/differences.md` lists what is left.

mod batch_write;
mod conditions;
mod database;
mod error_wording;
mod exists_statement;
mod expressions;
mod file_lock;
mod hiding_view;
mod idempotency;
mod index_fill;
mod index_throughput;
mod index_updates;
mod item_counts;
mod kept_state;
mod key_conditions;
mod local_index;
mod operation;
mod ordering;
mod pagination;
mod read_refusals;
mod segments;
mod set_values;
#[expect(clippy::needless_pass_by_value, reason = "an operation takes its request, whichever it is")]
mod streams;
mod table_names;
mod tags;
mod throughput_settings;
mod time_to_live;
mod transactions;
mod update_expression;
mod update_item;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capacity::CapacityUnits;
use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::storage::Storage;

pub(crate) use self::database::Database;
pub(crate) use self::expressions::{MAX_EXPRESSION_SIZE, tokens};
use self::file_lock::FileLock;
pub(crate) use self::index_fill::PendingFill;
pub(crate) use self::index_throughput::UpdateTable;
use self::item_counts::Counting;
pub(crate) use self::kept_state::recovery_of;
pub(crate) use self::operation::{Operation, OperationName, OperationOutput};
pub(crate) use self::streams::is_expired_iterator;
pub(crate) use self::throughput_settings::{CreateTable, IndexSettings, ThroughputSettings, WarmThroughput};
use crate::clock::Clock;
use crate::ledger::FilledPage;
use crate::options::StartError;

/// The pause between two slices of a count.
const PAUSE_BETWEEN_SLICES: Duration = Duration::from_millis(1);

/// The open database. Operations may come from many threads; the engine runs one at a time.
pub(crate) struct Engine {
    database: Mutex<Database>,
    /// Held while the items of a table are counted, so that nobody counts the same a second time.
    counting: Mutex<()>,
    /// Dropped after the database is closed.
    lock_file: Option<FileLock>,
}

impl Engine {
    /// Opens the database in the file `path`, or one in memory.
    ///
    /// # Errors
    /// The file cannot be opened, or is not a database of this engine.
    pub(crate) fn open(path: Option<&Path>, clock: Clock) -> Result<Self, StartError> {
        let opened = match path {
            None => Storage::memory().map(|storage| (storage, None)).map_err(|error| error.to_string()),
            Some(path) => open_file(path).map(|(storage, lock)| (storage, Some(lock))),
        };
        let database = opened.and_then(|(storage, lock)| {
            let database = Database::new(storage, clock).map_err(|error| error.to_string())?;
            Ok(Self { database: Mutex::new(database), counting: Mutex::default(), lock_file: lock })
        });
        let path = path.unwrap_or(Path::new(":memory:"));
        database.map_err(|reason| StartError::Database { path: path.to_owned(), reason })
    }

    /// Runs one operation to its end.
    ///
    /// # Errors
    /// The engine's, as DynamoDB words them.
    pub(crate) fn run(&self, mut operation: Operation) -> Result<OperationOutput, DynoxideError> {
        conditions::prepare(&mut operation)?;
        if let Operation::DescribeTable(request) = &operation {
            self.count_items(&request.table_name)?;
        }
        let name = operation.name();
        let is_batch = name == OperationName::BatchWriteItem;
        let database = if is_batch { self.lock_with_batches() } else { self.lock() };
        let output = operation.run(&database).map_err(|error| error_wording::correct(name, error))?;
        if name.may_write_items() {
            streams::drop_unchanged(&database)?;
        }
        Ok(output)
    }

    /// A table's description, with the latest counts of its items, or none if they were not counted yet. `None` if there is no
    /// such table.
    pub(crate) fn describe(&self, table: &str) -> Option<TableDescription> {
        let request = DescribeTableRequest { table_name: table.to_owned() };
        index_throughput::describe_table(&self.lock(), request).ok().map(|response| response.table)
    }

    /// Counts the items of a large table, unless it was counted before.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn count_items(&self, table: &str) -> Result<(), DynoxideError> {
        if !item_counts::is_unknown(&self.lock(), table)? {
            return Ok(());
        }
        let _counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        if item_counts::is_unknown(&self.lock(), table)? { self.count(table) } else { Ok(()) }
    }

    /// Counts the items of a table that was described with an old count.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn count_outdated(&self) -> Result<(), DynoxideError> {
        let outdated = item_counts::take_outdated(&self.lock());
        outdated.map_or(Ok(()), |table| self.count(&table))
    }

    fn count(&self, table: &str) -> Result<(), DynoxideError> {
        let counting = Counting::begin(&self.lock(), table)?;
        if let Some(mut counting) = counting {
            while counting.slice(&self.lock())? {
                // Who waits for the lock gets it now.
                std::thread::sleep(PAUSE_BETWEEN_SLICES);
            }
        }
        Ok(())
    }

    /// Deletes a page of the items that had expired at `delay` before now: the tables and how many of their items.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn delete_expired(&self, delay: Duration) -> Result<Vec<(String, usize)>, DynoxideError> {
        time_to_live::delete_expired(&self.lock(), delay)
    }

    /// A text that was kept under this name.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn kept(&self, name: &str) -> Result<Option<String>, DynoxideError> {
        kept_state::get(&self.lock().storage, name)
    }

    /// Keeps a text under a name, for the next server on this database.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn keep(&self, name: &str, value: &str) -> Result<(), DynoxideError> {
        kept_state::put(&self.lock().storage, name, value)
    }

    /// What was kept of a table's account.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn kept_of_table(&self, table: &str) -> Result<Option<String>, DynoxideError> {
        self.kept(&kept_state::of_table(table))
    }

    /// Keeps what is to be kept of a table's account, until the table is deleted.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn keep_of_table(&self, table: &str, value: &str) -> Result<(), DynoxideError> {
        self.keep(&kept_state::of_table(table), value)
    }

    /// Whether the data is in a file.
    pub(crate) fn is_persistent(&self) -> bool {
        self.lock_file.is_some()
    }

    /// The indexes that are not filled completely.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn pending_fills(&self) -> Result<Vec<PendingFill>, DynoxideError> {
        index_fill::pending(&self.lock().storage)
    }

    /// Puts the next items of a table into an index that is being filled, for no more than about `allowance`. `None` if the
    /// index is not being filled.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn fill_index(
        &self,
        table: &str,
        index: &str,
        allowance: CapacityUnits,
    ) -> Result<Option<FilledPage>, DynoxideError> {
        index_fill::fill_page(&self.lock(), table, index, allowance)
    }

    /// Deletes the stream records that are too old to be read.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn trim_streams(&self) -> Result<(), DynoxideError> {
        streams::trim(&self.lock())
    }

    /// The database, with no transaction open.
    fn lock(&self) -> MutexGuard<'_, Database> {
        let database = self.lock_with_batches();
        batch_write::commit(&database);
        database
    }

    /// The database, with batches that may not be committed yet. A thread that panicked in the middle of another operation left
    /// a transaction that the next one cannot begin, and says so.
    fn lock_with_batches(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_file(path: &Path) -> Result<(Storage, FileLock), String> {
    check_file(path)?;
    let lock = FileLock::new(path)?;
    // SQLite takes a relative `:memory:` or `file:…` for something else than a file.
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let name = path.to_str().ok_or("its name is not UTF-8")?;
    let storage = Storage::new(name).map_err(|error| match error.to_string() {
        message if message.contains("not a valid SQLite database") => NOT_A_DATABASE.to_owned(),
        message => message,
    })?;
    // Meant for the end of a bulk load, this sets `synchronous = NORMAL`: SQLite's default waits for the disk at every
    // commit. With the engine's write-ahead log no acknowledged write is lost when the process dies, and the file stays
    // consistent when the machine does.
    storage.disable_bulk_loading().map_err(|error| error.to_string())?;
    storage.conn().execute_batch(FILE_SETTINGS).map_err(|error| error.to_string())?;
    Ok((storage, lock))
}

/// Says what is wrong where SQLite would only say "unable to open database file". Makes the file if there is none.
fn check_file(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err("it is a directory".into());
    }
    // To open a named pipe would wait for its other end.
    if path.exists() && !path.is_file() {
        return Err("it is not a regular file".into());
    }
    match File::options().read(true).write(true).open(path) {
        Ok(file) => {
            let mut start = Vec::new();
            file.take(SQLITE_HEADER.len() as u64).read_to_end(&mut start).map_err(|error| error.to_string())?;
            if start.is_empty() || start == SQLITE_HEADER { Ok(()) } else { Err(NOT_A_DATABASE.into()) }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(format!("the folder {} does not exist", folder.display()))
            }
            // An empty file is a new database. A disk that cannot be written to is named here.
            _ => File::create_new(path).map(drop).map_err(|error| error.to_string()),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// 64 MB of pages in memory instead of 2, and a write-ahead log of up to 32 MB instead of 4: both are read and copied back less
/// often during a load.
const FILE_SETTINGS: &str = "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000;";

const NOT_A_DATABASE: &str = "it is not an SQLite database";
/// The header of every SQLite file.
const SQLITE_HEADER: &[u8] = b"SQLite format 3\0";
