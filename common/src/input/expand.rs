//! The inputs that a command line names.

use std::path::Path;
use std::{fs, io};

use super::objects::Objects;
use super::source::{S3Settings, Source, SourceError};
use crate::human;
use crate::s3::S3Url;

impl Source {
    /// Inputs as a command line names them: files, `-`, folders, which stand for their files in sorted order, and objects and prefixes of
    /// Amazon S3. Names that begin with a dot are left out, and so are folders in folders. Of a folder or prefix to which DynamoDB has
    /// exported a table, the data.
    ///
    /// # Errors
    /// [`SourceError`] if a folder or prefix cannot be read or has nothing in it, or an object cannot be read.
    pub fn expand(names: &[String], settings: &S3Settings) -> Result<Vec<Self>, SourceError> {
        let mut objects = Objects::new(settings);
        let mut sources = Vec::new();
        for name in names {
            if S3Url::is_one(name) {
                objects.add(name, &mut sources)?;
                continue;
            }
            let path = Path::new(name);
            if name == "-" || !path.is_dir() {
                sources.push(Self::new(name));
                continue;
            }
            let before = sources.len();
            let is_export = path.join("manifest-files.json").is_file() && path.join("data").is_dir();
            let folder = if is_export { path.join("data") } else { path.to_owned() };
            add_files(&folder, &mut sources)?;
            if sources.len() == before {
                return Err(SourceError::EmptyFolder { name: name.clone() });
            }
        }
        Ok(sources)
    }
}

/// The files of a folder, in sorted order.
fn add_files(folder: &Path, sources: &mut Vec<Source>) -> Result<(), SourceError> {
    let io_error = |path: &Path, source| SourceError::Io { name: path.display().to_string(), source };
    let mut folders = 0;
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io_error(folder, error))? {
        let path = entry.map_err(|error| io_error(folder, error))?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        match () {
            () if is_hidden => {}
            () if path.is_dir() => folders += 1,
            () => paths.push(path),
        }
    }
    if folders > 0 {
        let name = folder.display();
        log::warn!("{name}: {} in it left out; name them, too: {name}/*", human::counted(folders, "folder"));
    }
    paths.sort();
    for path in paths {
        let not_utf8 = || io::Error::new(io::ErrorKind::InvalidFilename, "its name is not UTF-8");
        let name = path.to_str().ok_or_else(|| io_error(&path, not_utf8()))?;
        sources.push(Source::new(name));
    }
    Ok(())
}
