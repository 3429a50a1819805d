//! BatchWriteItem in one transaction of the database, and in memory many of them in one.
//!
//! The engine commits each item. In SQLite, a commit after pages were split looks through all pages that are in memory
//! (`balance_nonroot` lends a page a number far beyond the end, and `pcache1Truncate` then removes what is there), so it takes
//! longer the larger the database is. Here the transaction is begun and committed around the engine, and the engine's own
//! BEGIN, COMMIT and ROLLBACK do nothing: SQLite compiles them to nothing when its authorizer says "ignore"
//! (<https://www.sqlite.org/c3ref/set_authorizer.html>).
//!
//! A file is committed before a batch is acknowledged. Data in memory ends with the process, committed or not: there each batch
//! is a savepoint, and the commit waits for more of them, or for the next operation of another kind. Only if memory runs out
//! would SQLite undo more than the last batch, and then nothing of the process is left anyway.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dynoxide::DynoxideError;
use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, BatchWriteItemResponse};
use dynoxide::storage::Storage;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::Database;

/// Batches in memory that are committed together: 5,000 items.
const BATCHES_PER_COMMIT: u32 = 200;

/// The transaction that is around those of the engine.
#[derive(Debug)]
pub(super) struct OuterTransaction {
    /// Whether the engine's transactions are ignored.
    ignoring: Arc<AtomicBool>,
    /// The batches that it holds; 0 if there is none.
    batches: Cell<u32>,
    most_batches: u32,
}

impl OuterTransaction {
    pub(super) fn new(storage: &Storage) -> Self {
        let ignoring = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ignoring);
        storage.conn().authorizer(Some(move |context: AuthContext<'_>| match context.action {
            AuthAction::Transaction { .. } if seen.load(Ordering::Relaxed) => Authorization::Ignore,
            _ => Authorization::Allow,
        }));
        let is_in_memory = storage.conn().path().is_none_or(str::is_empty);
        let most_batches = if is_in_memory { BATCHES_PER_COMMIT } else { 1 };
        Self { ignoring, batches: Cell::new(0), most_batches }
    }
}

/// Commits the batches that are not committed yet.
pub(super) fn commit(database: &Database) {
    if database.outer_transaction.batches.take() > 0
        && let Err(error) = database.storage.commit()
    {
        log::error!("the database cannot commit: {error}");
    }
}

/// A batch in the outer transaction. Its writes are undone if it is dropped before it is complete, also by a panic.
struct Batch<'a> {
    database: &'a Database,
    is_complete: bool,
}

impl<'a> Batch<'a> {
    fn begin(database: &'a Database) -> Result<Self, DynoxideError> {
        let outer = &database.outer_transaction;
        if outer.batches.get() == 0 {
            database.storage.begin_transaction()?;
        }
        outer.batches.set(outer.batches.get() + 1);
        if outer.most_batches > 1 {
            database.storage.conn().execute_batch("SAVEPOINT batch")?;
        }
        outer.ignoring.store(true, Ordering::Relaxed);
        Ok(Self { database, is_complete: false })
    }

    fn complete(mut self) -> Result<(), DynoxideError> {
        let Database { outer_transaction: outer, storage, .. } = self.database;
        outer.ignoring.store(false, Ordering::Relaxed);
        if outer.most_batches > 1 {
            storage.conn().execute_batch("RELEASE batch")?;
        }
        if outer.batches.get() >= outer.most_batches {
            storage.commit()?;
            outer.batches.set(0);
        }
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        let Database { outer_transaction: outer, storage, .. } = self.database;
        outer.ignoring.store(false, Ordering::Relaxed);
        let undone = if outer.most_batches > 1 {
            storage.conn().execute_batch("ROLLBACK TO batch; RELEASE batch").map_err(DynoxideError::from)
        } else {
            outer.batches.set(0);
            storage.rollback()
        };
        // After some errors SQLite has rolled back by itself.
        if storage.conn().is_autocommit() {
            outer.batches.set(0);
        } else if let Err(error) = undone {
            log::error!("the database cannot undo a batch: {error}");
        }
    }
}

/// Runs a BatchWriteItem: all of it is written, or nothing.
///
/// # Errors
/// The engine's, or the database's.
pub(super) fn batch_write_item(
    database: &Database,
    request: BatchWriteItemRequest,
) -> Result<BatchWriteItemResponse, DynoxideError> {
    let batch = Batch::begin(database)?;
    let response = database.batch_write_item(request)?;
    batch.complete()?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::path::Path;

    use serde_json::{Value, json};

    use super::super::{Engine, Operation, OperationName};
    use crate::clock::Clock;

    struct World(Engine);

    impl World {
        /// A table, one of whose keys the database refuses.
        fn new(file: Option<&Path>) -> Self {
            let world = Self(Engine::open(file, Clock::start(NonZeroU32::MIN)).unwrap());
            world.done(
                "CreateTable",
                &json!({"TableName": "logfile", "BillingMode": "PAY_PER_REQUEST",
                    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}]}),
            );
            let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON logfile WHEN NEW.pk LIKE '%refused%'
                BEGIN SELECT RAISE(ABORT, 'refused'); END";
            world.0.lock().storage.conn().execute_batch(refuse).unwrap();
            world
        }

        fn run(&self, operation: &str, request: &Value) -> Result<Value, String> {
            let name = OperationName::parse(operation).unwrap();
            let operation = Operation::from_json(name, &request.to_string()).unwrap();
            let output = self.0.run(operation).map_err(|error| error.to_string())?;
            Ok(serde_json::from_slice(&output.to_json().unwrap()).unwrap())
        }

        fn done(&self, operation: &str, request: &Value) -> Value {
            self.run(operation, request).unwrap()
        }

        fn write(&self, keys: &[&str]) -> Result<Value, String> {
            let put = |key: &&str| json!({"PutRequest": {"Item": {"PK": {"S": key}}}});
            let puts: Vec<_> = keys.iter().map(put).collect();
            self.run("BatchWriteItem", &json!({"RequestItems": {"logfile": puts}}))
        }

        fn count(&self) -> Value {
            self.done("Scan", &json!({"TableName": "logfile", "Select": "COUNT"}))["Count"].clone()
        }

        fn is_committed(&self) -> bool {
            self.0.lock_with_batches().storage.conn().is_autocommit()
        }
    }

    #[test]
    fn a_batch_that_fails_is_undone_and_those_before_it_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lab.db");
        for path in [None, Some(&*file)] {
            let world = World::new(path);
            world.write(&["a", "b"]).unwrap();
            assert!(world.write(&["c", "refused", "d"]).unwrap_err().contains("refused"));
            world.write(&["e"]).unwrap();
            assert!(world.write(&["refused"]).is_err());
            assert_eq!(world.count(), 3);
            // The engine's transactions are its own again.
            world.done("PutItem", &json!({"TableName": "logfile", "Item": {"PK": {"S": "f"}}}));
            assert!(world.run("PutItem", &json!({"TableName": "logfile", "Item": {"PK": {"S": "refused"}}})).is_err());
            assert!(world.is_committed());
            assert_eq!(world.count(), 4);
        }
    }

    #[test]
    fn a_file_is_committed_at_once_and_memory_with_the_next_operation_or_after_many_batches() {
        let folder = tempfile::tempdir().unwrap();
        let file = World::new(Some(&folder.path().join("lab.db")));
        file.write(&["a"]).unwrap();
        assert!(file.is_committed());
        let memory = World::new(None);
        memory.write(&["a"]).unwrap();
        assert!(!memory.is_committed());
        assert_eq!(memory.count(), 1);
        assert!(memory.is_committed());
        let commits = (0..3 * super::BATCHES_PER_COMMIT).filter(|n| {
            memory.write(&[&n.to_string()]).unwrap();
            memory.is_committed()
        });
        assert_eq!(commits.count(), 3);
    }
}
