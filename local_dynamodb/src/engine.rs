//! The database: in memory, or in a file that SQLite keeps.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use dynoxide::{Database, DynoxideError};

use crate::StartError;
use crate::operation::{Answer, Operation};

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
    pub(crate) fn run(&self, operation: Operation) -> Result<Answer, DynoxideError> {
        operation.run(&self.database)
    }
}

fn open_file(path: &Path) -> Result<Database, String> {
    examine(path)?;
    let name = path.to_str().ok_or("its name is not UTF-8")?;
    let database = Database::new(name).map_err(|error| error.to_string())?;
    // Named for the end of a bulk load, this sets `synchronous = NORMAL`: SQLite's default asks the disk to sync at
    // every commit. With the engine's write-ahead log nothing acknowledged is lost when the process dies, and the file
    // stays consistent when the machine does.
    database.disable_bulk_loading().map_err(|error| error.to_string())?;
    Ok(database)
}

/// Finds what SQLite would only call "unable to open database file", without changing anything.
fn examine(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err("it is a directory".into());
    }
    match File::options().read(true).write(true).open(path) {
        Ok(file) => {
            let mut start = Vec::new();
            file.take(SQLITE.len() as u64).read_to_end(&mut start).map_err(|error| error.to_string())?;
            if start.is_empty() || start == SQLITE { Ok(()) } else { Err("it is not an SQLite database".into()) }
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

/// How every file of SQLite begins.
const SQLITE: &[u8] = b"SQLite format 3\0";
