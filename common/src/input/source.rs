//! Where records come from: files, the files of folders, objects of Amazon S3, and standard input, plain or compressed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use super::compression::{is_packed, unpack};
use super::object_errors::Failure;
use super::stored_file::StoredFile;
use crate::batch_writer::client::ConnectionError;
use crate::s3::S3Error;

/// How far one source is: bytes, counted by its reader and the collector.
#[derive(Debug, Default)]
pub struct SourceProgress {
    /// Its length in bytes, as it is stored; 0 if it is not known.
    pub length: AtomicU64,
    /// Bytes read of it, as they are stored.
    pub stored_read: Arc<AtomicU64>,
    /// Bytes read of it, unpacked.
    pub read: Arc<AtomicU64>,
    settled: AtomicU64,
}

impl SourceProgress {
    /// All rows before this offset, unpacked, are settled.
    pub fn set_settled(&self, offset: u64) {
        self.settled.store(offset, Ordering::Relaxed);
    }

    /// The share of its bytes up to which all rows are settled; `None` if its length is not known.
    pub fn share(&self) -> Option<f64> {
        let [length, stored_read, read, settled] = [&self.length, &self.stored_read, &self.read, &self.settled]
            .map(|count| count.load(Ordering::Relaxed) as f64);
        let share = (settled / read.max(1.0)) * (stored_read / length.max(1.0));
        (length > 0.0).then_some(share.min(1.0))
    }
}

/// An input of a load.
#[derive(Debug, Clone)]
pub struct Source {
    place: Place,
    name: String,
}

/// What an input is known again by before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceStamp {
    /// Its length in bytes, as it is stored; `None` if it is not known.
    pub size: Option<u64>,
    /// Differs where the contents do; `None` where only reading can tell.
    pub version: Option<String>,
}

#[derive(Debug, Clone)]
enum Place {
    StandardInput,
    File(PathBuf),
    #[cfg(feature = "s3")]
    S3 {
        s3: crate::s3::S3,
        object: crate::s3::Object,
    },
}

type Input = Box<dyn Read + Send>;

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
    /// It is a folder without a file in it.
    #[error("cannot read {name}: there is no file in this folder")]
    EmptyFolder {
        /// The folder as the user named it.
        name: String,
    },
    /// It is an object or a prefix of Amazon S3.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// The AWS configuration, which S3 needs, cannot be used.
    #[error("cannot read {name}: {source}")]
    Connection {
        /// The URL.
        name: String,
        /// Why.
        source: ConnectionError,
    },
}

/// The user's settings of the connection to Amazon S3. What is `None` is found as the AWS CLI finds it.
#[derive(Debug, Clone, Default)]
pub struct S3Settings {
    /// Name of the region.
    pub region: Option<String>,
    /// Name of a profile in the AWS configuration files.
    pub profile: Option<String>,
}

impl Source {
    #[cfg(feature = "s3")]
    pub(super) fn of_object(s3: crate::s3::S3, object: crate::s3::Object) -> Self {
        Self { name: object.url.to_string(), place: Place::S3 { s3, object } }
    }

    /// A file by its path, or `-` for standard input.
    pub fn new(name: &str) -> Self {
        match name {
            "-" => Self { place: Place::StandardInput, name: "standard input".to_owned() },
            path => Self { place: Place::File(path.into()), name: path.to_owned() },
        }
    }

    /// As the user named it, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can be read more than once.
    pub fn is_repeatable(&self) -> bool {
        match &self.place {
            Place::StandardInput => false,
            Place::File(path) => fs::metadata(path).is_ok_and(|metadata| metadata.is_file()),
            #[cfg(feature = "s3")]
            Place::S3 { .. } => true,
        }
    }

    /// Whether it is an object of Amazon S3.
    pub fn is_object(&self) -> bool {
        match &self.place {
            Place::StandardInput | Place::File(_) => false,
            #[cfg(feature = "s3")]
            Place::S3 { .. } => true,
        }
    }

    /// What it is known again by. Whatever cannot be found out now, opening it will tell.
    pub fn stamp(&self) -> SourceStamp {
        match &self.place {
            Place::StandardInput => SourceStamp::default(),
            Place::File(path) => {
                let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file);
                SourceStamp { size: metadata.map(|metadata| metadata.len()), version: None }
            }
            #[cfg(feature = "s3")]
            Place::S3 { object, .. } => SourceStamp { size: Some(object.size), version: Some(object.etag.clone()) },
        }
    }

    /// Opens it and unpacks it, if its first bytes are those of compressed data.
    ///
    /// # Errors
    /// [`SourceError`] with the name of the file and what is wrong with it.
    pub fn open(&self) -> Result<Input, SourceError> {
        self.open_watched(&SourceProgress::default())
    }

    /// As [`open`](Self::open), and tells how long it is and how much of it was read.
    ///
    /// # Errors
    /// [`SourceError`] with the name of the file and what is wrong with it.
    pub fn open_watched(&self, progress: &SourceProgress) -> Result<Input, SourceError> {
        let stored = self.open_stored(0, progress)?;
        let failure = Failure::default();
        let noted = if self.is_object() { failure.note(stored) } else { stored };
        let input = unpack(noted).map_err(|error| self.io_error(failure.or(error)))?;
        let input = if self.is_object() { failure.restore(input) } else { input };
        Ok(Box::new(Counted { input, bytes: Arc::clone(&progress.read) }))
    }

    /// Opens it behind the first `offset` bytes without reading these, which is safe for an object: its ETag says that they are the same
    /// as before. `None` if that cannot be done: it is no object, or its bytes are packed.
    ///
    /// # Errors
    /// [`SourceError`] with the name of the object and what is wrong with it.
    pub fn open_behind(&self, offset: u64, progress: &SourceProgress) -> Result<Option<Input>, SourceError> {
        if !self.is_object() || offset == 0 {
            return Ok(None);
        }
        let begin = self.open_stored(0, &SourceProgress::default())?;
        if is_packed(begin).map_err(|error| self.io_error(error))? {
            return Ok(None);
        }
        let input = self.open_stored(offset, progress)?;
        for bytes in [&progress.stored_read, &progress.read] {
            bytes.fetch_add(offset, Ordering::Relaxed);
        }
        Ok(Some(Box::new(Counted { input, bytes: Arc::clone(&progress.read) })))
    }

    /// Its bytes as they are stored, from `offset` on, which is 0 but for an object.
    fn open_stored(&self, offset: u64, progress: &SourceProgress) -> Result<Input, SourceError> {
        let (input, length): (Input, _) = match &self.place {
            Place::StandardInput => (Box::new(io::stdin()), 0),
            Place::File(path) => {
                let file = File::open(path).map_err(|error| self.io_error(error))?;
                let metadata = file.metadata().map_err(|error| self.io_error(error))?;
                let length = metadata.len();
                match metadata.is_file() {
                    true => (Box::new(StoredFile::new(file, metadata)), length),
                    false => (Box::new(file), 0),
                }
            }
            #[cfg(feature = "s3")]
            Place::S3 { s3, object } => (Box::new(s3.read(object, offset)), object.size),
        };
        #[cfg(not(feature = "s3"))]
        let _ = offset;
        progress.length.store(length, Ordering::Relaxed);
        Ok(Box::new(Counted { input, bytes: Arc::clone(&progress.stored_read) }))
    }

    /// An error of reading it. An object's own error names it.
    pub(crate) fn io_error(&self, error: io::Error) -> SourceError {
        match S3Error::in_io(&error) {
            Some(error) => error.clone().into(),
            None => SourceError::Io { name: self.name.clone(), source: error },
        }
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
        let mut input = Source::new(file.path().to_str().unwrap()).open().map_err(io::Error::other)?;
        input.read_to_string(&mut text)?;
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
    fn other_compressions_and_utf16_are_told_by_their_first_bytes() {
        // "some text\n", as bzip2, xz and zstd pack it; files put together are one, and zstd skips frames of other data.
        let bzip2 = b"BZh91AY&SY\x10ib\xf5\x00\x00\x03Q\x80\x00\x10@\x00\x02\x02\x8c@ \x00\x22\x03\x1a\x840\x22r\xd7\x18\x1e.\xe4\x8ap\xa1  \xd2\xc5\xea";
        let xz = b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x16\x00\x00\x00t/\xe5\xa3\x01\x00\x09some text\x0a\x00\x00\x00\x80AI\x0d\x11\xda\xfe\x1b\x00\x01\x22\x0a\x15\x1a\xe1g\x1f\xb6\xf3}\x01\x00\x00\x00\x00\x04YZ";
        let zstd = b"(\xb5/\xfd\x04XQ\x00\x00some text\x0a\x02\xe5\x1a\x06";
        let skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";
        for packed in [&bzip2[..], xz, zstd] {
            assert_eq!(read_back(packed).unwrap(), "some text\n");
            assert_eq!(read_back(&packed.repeat(2)).unwrap(), "some text\nsome text\n");
            assert!(read_back(&packed[..packed.len() - 5]).is_err(), "cut short");
        }
        assert_eq!(read_back(&[&zstd[..], skippable, zstd].concat()).unwrap(), "some text\nsome text\n");
        let damaged = [&zstd[..zstd.len() - 1], &[!zstd[zstd.len() - 1]]].concat();
        assert!(read_back(&damaged).unwrap_err().to_string().contains("checksum"));
        for utf16 in [&b"\xff\xfe1\0,\0\xe9\0\n\0"[..], b"\xfe\xff\x001\0,\0\xe9\0\n"] {
            assert_eq!(read_back(utf16).unwrap(), "\u{feff}1,\u{e9}\n");
        }
    }

    #[test]
    fn zero_bytes_behind_a_gzip_file_are_padding_and_others_are_damage() {
        let mut padded = [gzip("a\n"), vec![0; 1000]].concat();
        assert_eq!(read_back(&padded).unwrap(), "a\n");
        padded.extend_from_slice(b"x");
        assert_eq!(read_back(&padded).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_folder_stands_for_its_files_in_sorted_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.log", "a.log", "a/1.log", ".hidden"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let name = folder.path().to_str().unwrap().to_owned();
        let expand = |names: &[String]| {
            let sources = Source::expand(names, &S3Settings::default())?;
            Ok::<_, SourceError>(sources.iter().map(|source| source.name().replace(&name, "F")).collect::<Vec<_>>())
        };
        assert_eq!(expand(&[name.clone(), "-".into()]).unwrap(), ["F/a.log", "F/b.log", "standard input"]);
        // Of an export to S3, the data.
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/x.json.gz"), "").unwrap();
        fs::write(folder.path().join("manifest-files.json"), "").unwrap();
        assert_eq!(expand(std::slice::from_ref(&name)).unwrap(), ["F/data/x.json.gz"]);
        fs::remove_file(folder.path().join("data/x.json.gz")).unwrap();
        let empty = expand(std::slice::from_ref(&name)).unwrap_err().to_string();
        assert!(empty.ends_with("there is no file in this folder"), "{empty}");
        let url = expand(&["s3://b/a.csv".into()]).unwrap_err().to_string();
        assert_eq!(url, "s3://b/a.csv: \"b\" is not the name of a bucket");
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
    }

    #[test]
    fn a_share_counts_compressed_bytes() {
        let progress = SourceProgress::default();
        assert_eq!(progress.share(), None);
        progress.length.store(1000, Ordering::Relaxed);
        assert_eq!(progress.share(), Some(0.0));
        // 500 bytes read became 5,000, of which half are settled.
        progress.stored_read.store(500, Ordering::Relaxed);
        progress.read.store(5000, Ordering::Relaxed);
        progress.set_settled(2500);
        assert_eq!(progress.share(), Some(0.25));
    }
}
