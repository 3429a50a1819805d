//! The rows that the programs under comparison write, and where they write them.

use std::path::PathBuf;

use anyhow::Context as _;

/// The table that they write to.
pub const TABLE: &str = "logfile_scan";
/// The most requests that a BatchWriteItem takes.
pub const BATCH: usize = 25;

/// Distance between the ids of a row's copies, and between those of two files.
const ID_STRIDE: u64 = 2_000;
const FILE_STRIDE: u64 = 500_000;
const COPIES: u64 = 250;

/// Where to write, and which rows.
#[derive(Debug, Clone, clap::Args)]
pub struct Rows {
    /// URL of the endpoint, such as https://127.0.0.1:8443
    pub endpoint: String,
    /// How many rows to write, copies included
    pub rows: u64,
    /// CSV files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// A row, and the id of its item.
pub type NumberedRow = (u64, csv::StringRecord);

impl Rows {
    /// Reads the files one after the other and yields each row 250 times, with the ids of the workshop's parallel loader.
    ///
    /// # Errors
    /// If a file cannot be read, or is not a CSV file with the log's columns.
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
            .flat_map(|(id, record)| (0..COPIES).map(move |copy| (id + copy * ID_STRIDE, record.clone())));
        Ok(copies.take(usize::try_from(self.rows)?))
    }
}
