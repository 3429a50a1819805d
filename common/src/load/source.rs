//! Where rows come from: a file or standard input, plain or compressed with gzip.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

use super::progress::SourceProgress;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An input of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `None` is standard input.
    path: Option<PathBuf>,
    name: String,
}

/// An input that cannot be opened.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The operating system refuses.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file as the user named it.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It is a directory.
    #[error("cannot read {name}: it is a directory; name a CSV file in it")]
    Directory {
        /// The file as the user named it.
        name: String,
    },
}

impl Source {
    /// A file by its path, or `-` for standard input.
    pub fn new(name: &str) -> Self {
        let path = (name != "-").then(|| PathBuf::from(name));
        let name = if path.is_some() { name.to_owned() } else { "standard input".to_owned() };
        Self { path, name }
    }

    /// As the user named it, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its path; `None` for standard input.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether it can be read more than once.
    pub fn is_regular_file(&self) -> bool {
        self.path.as_ref().is_some_and(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file()))
    }

    /// Opens it and unpacks it if it begins as gzip data do.
    ///
    /// # Errors
    /// [`SourceError`] with the name of the file and what is wrong with it.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, SourceError> {
        self.open_watched(&SourceProgress::default())
    }

    /// As [`open`](Self::open), and tells how long it is and how much of it was read.
    pub(super) fn open_watched(&self, progress: &SourceProgress) -> Result<Box<dyn Read + Send>, SourceError> {
        let io_error = |source| SourceError::Io { name: self.name.clone(), source };
        let mut input: Box<dyn Read + Send> = match &self.path {
            None => Box::new(io::stdin()),
            Some(path) => {
                let file = File::open(path).map_err(io_error)?;
                let metadata = file.metadata().map_err(io_error)?;
                if metadata.is_dir() {
                    return Err(SourceError::Directory { name: self.name.clone() });
                }
                if metadata.is_file() {
                    progress.length.store(metadata.len(), Ordering::Relaxed);
                }
                Box::new(Counted { input: file, bytes: Arc::clone(&progress.stored_read) })
            }
        };
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        input.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic).map_err(io_error)?;
        let compressed = magic == GZIP_MAGIC;
        let whole = Cursor::new(magic).chain(input);
        let bytes = Arc::clone(&progress.read);
        Ok(if compressed {
            Box::new(Counted { input: MultiGzDecoder::new(whole), bytes })
        } else {
            Box::new(Counted { input: whole, bytes })
        })
    }
}

/// Counts the bytes read.
struct Counted<R> {
    input: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;

    fn read_back(bytes: &[u8]) -> io::Result<String> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), bytes)?;
        let mut text = String::new();
        Source::new(file.path().to_str().unwrap()).open().unwrap().read_to_string(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_compressed_files_read_the_same() {
        for text in ["", "1", "some text\n"] {
            assert_eq!(read_back(text.as_bytes()).unwrap(), text);
            assert_eq!(read_back(&gzip(text)).unwrap(), text);
        }
        // Files compressed one by one and put together are one file to gzip.
        assert_eq!(read_back(&[gzip("a\n"), gzip("b\n")].concat()).unwrap(), "a\nb\n");
    }

    #[test]
    fn a_compressed_file_cut_short_is_an_error() {
        let whole = gzip(&"some text\n".repeat(100));
        assert_eq!(read_back(&whole[..whole.len() - 4]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let message = |name: &str| Source::new(name).open().err().unwrap().to_string();
        assert_eq!(message("/no/such/file"), "cannot read /no/such/file: No such file or directory (os error 2)");
        assert_eq!(message("/tmp"), "cannot read /tmp: it is a directory; name a CSV file in it");
    }
}
