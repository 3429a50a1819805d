//! The objects of an import: items in DynamoDB JSON, one a line, compressed with gzip.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// "Best practices for importing from Amazon S3" in the Developer Guide recommends at most this many items of less than
/// 1 KB per object.
const MAX_ITEMS: u64 = 4_000_000;
/// The limit for an object of an import is 5 GB. Counting uncompressed bytes stays below it.
const MAX_BYTES: u64 = 4 << 30;

/// The prefix of their names, by which an import finds them.
pub(super) const PREFIX: &str = "part-";

/// An object that is being written.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    gzip: GzEncoder<BufWriter<File>>,
    items: u64,
    /// Before compression.
    bytes: u64,
}

/// An object that is written and on the disk.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) items: u64,
    pub(super) bytes: u64,
}

impl PartFile {
    pub(super) fn create(folder: &Path, number: u32) -> io::Result<Self> {
        let path = folder.join(format!("{PREFIX}{number:05}.json.gz"));
        // An import is billed by uncompressed bytes, so better compression saves little.
        let gzip = GzEncoder::new(BufWriter::new(File::create(&path)?), Compression::fast());
        Ok(Self { path, gzip, items: 0, bytes: 0 })
    }

    /// Adds an item: `{"Item":{…}}`.
    pub(super) fn add(&mut self, item: &[u8]) -> io::Result<()> {
        self.gzip.write_all(item)?;
        self.gzip.write_all(b"\n")?;
        self.items += 1;
        self.bytes += item.len() as u64 + 1;
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.items >= MAX_ITEMS || self.bytes >= MAX_BYTES
    }

    pub(super) fn finish(self) -> io::Result<Written> {
        let file = self.gzip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Written { path: self.path, items: self.items, bytes: self.bytes })
    }
}
