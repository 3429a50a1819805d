//! One of the lab's tables in an engine of its own, a folder for files, and a loader to run on them.

use std::fs;
use std::path::{Path, PathBuf};

use local_dynamodb::{LocalDynamoDb, Options};
use tempfile::TempDir;

use crate::contract::Items;
use crate::program::{Program, Run};
use crate::table::Wcu;
use crate::{engine, table};

/// A table, a folder and a loader.
#[derive(Debug)]
pub struct Lab {
    engine: LocalDynamoDb,
    table: &'static str,
    folder: TempDir,
    loader: &'static str,
}

impl Lab {
    /// With the lab's table of that name, empty, and the loader at `loader` (`env!("CARGO_BIN_EXE_…")`).
    pub fn new(table: &'static str, loader: &'static str) -> Self {
        let engine = engine();
        table::create_lab(&engine.url(), table);
        Self { engine, table, folder: tempfile::tempdir().unwrap(), loader }
    }

    /// With the lab's table of that name, of this capacity, in an engine with these options.
    pub fn provisioned(table: &'static str, loader: &'static str, wcu: Wcu, options: &Options) -> Self {
        let engine = LocalDynamoDb::start(options).unwrap();
        table::create_provisioned(&engine.url(), table, wcu);
        Self { engine, table, folder: tempfile::tempdir().unwrap(), loader }
    }

    /// What the engine has counted.
    pub fn metrics(&self) -> serde_json::Value {
        self.engine.metrics()
    }

    /// The engine's URL.
    pub fn url(&self) -> String {
        self.engine.url()
    }

    /// The folder in which the loader runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file to the folder, creating parent folders as needed.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// The contents of a file of the folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder().join(name)).unwrap()
    }

    /// The loader with the table's name and these arguments, in the folder and against the engine.
    pub fn program(&self, args: &[&str]) -> Program {
        Program::new(self.loader).directory(self.folder()).endpoint(&self.url()).args([self.table]).args(args)
    }

    /// Runs the loader with these arguments after the table's name.
    pub fn load(&self, args: &[&str]) -> Run {
        self.program(args).run()
    }

    /// The table's items.
    pub fn items(&self) -> Items {
        table::items(&self.url(), self.table)
    }
}

/// The text with every time (a number with a point) replaced by `S`.
pub fn without_times(text: &str) -> String {
    let elided = |word: &str| match word.trim_end().parse::<f64>() {
        Ok(_) if word.contains(['.', 'e']) => format!("S{}", &word[word.trim_end().len()..]),
        _ => word.to_owned(),
    };
    text.split_inclusive([' ', '\n']).map(elided).collect()
}

/// These bytes compressed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_are_elided() {
        let text = "row: 100 in 0.5\nthread_id: 0, row: 5000, 1e-05\ntotal rows 10 in 2.25 seconds\n./data/1.5.csv 7\n";
        let elided = "row: 100 in S\nthread_id: 0, row: 5000, S\ntotal rows 10 in S seconds\n./data/1.5.csv 7\n";
        assert_eq!(without_times(text), elided);
    }
}
