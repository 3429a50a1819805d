//! Log files as the loaders under comparison read them: each row some times over, with the ids of the workshop's parallel loader.

pub mod signed;

use std::path::PathBuf;

use anyhow::Context as _;

/// How far apart the ids of a row's copies are, and those of two files.
const ID_STRIDE: u64 = 2_000;
const FILE_STRIDE: u64 = 500_000;

/// Which rows a loader writes.
#[derive(Debug, Clone, clap::Args)]
pub struct Rows {
    /// Address of the endpoint: 127.0.0.1:8000
    pub address: String,
    /// How many rows to write, copies counted
    pub rows: u64,
    /// CSV files; they are begun again when they hold too few rows
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// A row and the id that its item gets.
pub type NumberedRow = (u64, csv::StringRecord);

impl Rows {
    /// The rows, file by file, each 250 times with ids of its own.
    ///
    /// # Errors
    /// A file cannot be read, or is no CSV file with the log's columns.
    pub fn read(&self) -> anyhow::Result<impl Iterator<Item = NumberedRow>> {
        let mut records = Vec::new();
        for (number, path) in self.files.iter().enumerate() {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
            for record in reader.records() {
                let record = record?;
                let id: u64 = record[0].parse().with_context(|| format!("{}: no id: {record:?}", path.display()))?;
                records.push((number as u64 * FILE_STRIDE + id, record));
            }
        }
        let copies = records
            .into_iter()
            .flat_map(|(id, record)| (0..250).map(move |copy| (id + copy * ID_STRIDE, record.clone())));
        Ok(copies.take(usize::try_from(self.rows)?))
    }
}
