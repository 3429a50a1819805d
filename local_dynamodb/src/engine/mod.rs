//! The engine: dynoxide on SQLite, in memory or in a file, and what corrects or speeds it up.
//!
//! An [`Operation`] is a typed request of dynoxide, an [`OperationOutput`] its typed response. Where dynoxide's own method is
//! not enough, a module of this folder stands in front of it: `pagination`, `table_names`, `index_throughput`.

mod index_throughput;
mod operation;
mod pagination;
mod table_names;
mod throughput_settings;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use dynoxide::{Database, DynoxideError};

pub(crate) use self::index_throughput::UpdateTable;
pub(crate) use self::operation::{Operation, OperationName, OperationOutput};
pub(crate) use self::throughput_settings::{CreateTable, IndexSettings, ThroughputSettings, WarmThroughput};
use crate::options::StartError;

/// The open database. Operations may come from many threads; the engine runs one at a time, under its own lock.
pub(crate) struct Engine {
    database: Database,
}

impl Engine {
    /// Opens the database in the file `path`, or one in memory.
    ///
    /// # Errors
    /// The file cannot be opened, or is not a database of this engine.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, StartError> {
        let database = match path {
            None => Database::memory()
                .map_err(|error| StartError::Database { path: ":memory:".into(), reason: error.to_string() })?,
            Some(path) => open_file(path).map_err(|reason| StartError::Database { path: path.to_owned(), reason })?,
        };
        Ok(Self { database })
    }

    /// Runs one operation to its end.
    ///
    /// # Errors
    /// The engine's, as DynamoDB words them.
    pub(crate) fn run(&self, operation: Operation) -> Result<OperationOutput, DynoxideError> {
        operation.run(&self.database)
    }
}

fn open_file(path: &Path) -> Result<Database, String> {
    check_file(path)?;
    let name = path.to_str().ok_or("its name is not UTF-8")?;
    let database = Database::new(name).map_err(|error| error.to_string())?;
    // Meant for the end of a bulk load, this sets `synchronous = NORMAL`: SQLite's default waits for the disk at every
    // commit. With the engine's write-ahead log no acknowledged write is lost when the process dies, and the file stays
    // consistent when the machine does.
    database.disable_bulk_loading().map_err(|error| error.to_string())?;
    Ok(database)
}

/// Says what is wrong where SQLite would only say "unable to open database file". Changes nothing.
fn check_file(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err("it is a directory".into());
    }
    match File::options().read(true).write(true).open(path) {
        Ok(file) => {
            let mut start = Vec::new();
            file.take(SQLITE_HEADER.len() as u64).read_to_end(&mut start).map_err(|error| error.to_string())?;
            if start.is_empty() || start == SQLITE_HEADER { Ok(()) } else { Err("it is not an SQLite database".into()) }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(format!("the folder {} does not exist", folder.display()))
            }
            _ => Ok(()),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// The header of every SQLite file.
const SQLITE_HEADER: &[u8] = b"SQLite format 3\0";
