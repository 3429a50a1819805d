//! Objects of Amazon S3 as inputs.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::source::{S3Settings, Source, SourceError};
use crate::s3::{S3Error, S3Url};

/// Finds objects, with one connection to S3 for all of them.
pub(super) struct Objects<'a> {
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "there is nothing to connect to"))]
    settings: &'a S3Settings,
    #[cfg(feature = "s3")]
    s3: Option<crate::s3::S3>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(settings: &'a S3Settings) -> Self {
        #[cfg(feature = "s3")]
        return Self { settings, s3: None };
        #[cfg(not(feature = "s3"))]
        return Self { settings };
    }

    /// Adds the object of that URL, or those of the prefix.
    #[cfg(feature = "s3")]
    pub(super) fn add(&mut self, name: &str, sources: &mut Vec<Source>) -> Result<(), SourceError> {
        let url = S3Url::parse(name)?;
        let s3 = match &self.s3 {
            Some(s3) => s3.clone(),
            None => {
                let S3Settings { region, profile } = self.settings.clone();
                let connected = crate::s3::S3::connect(region, profile);
                let s3 = connected.map_err(|source| SourceError::Connection { name: name.to_owned(), source })?;
                self.s3.insert(s3).clone()
            }
        };
        sources.extend(s3.objects(&url)?.into_iter().map(|object| Source::of_object(s3.clone(), object)));
        Ok(())
    }

    /// Without the feature there are none.
    #[cfg(not(feature = "s3"))]
    pub(super) fn add(&mut self, name: &str, _: &mut Vec<Source>) -> Result<(), SourceError> {
        S3Url::parse(name)?;
        Err(S3Error::not_built(name).into())
    }
}

/// An error of S3 on its way through a decompressor, which would take it for damaged data.
#[derive(Debug, Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<S3Error>>>);

impl Failure {
    /// `input`, whose errors are noted.
    pub(super) fn note(&self, input: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        Box::new(Noting { input, failure: self.clone() })
    }

    /// `input`, whose errors are replaced by the one that was noted.
    pub(super) fn restore(&self, input: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        Box::new(Restoring { input, failure: self.clone() })
    }

    /// The error that was noted, or else this one.
    pub(super) fn or(&self, error: io::Error) -> io::Error {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        noted.map_or(error, io::Error::from)
    }
}

struct Noting<R> {
    input: R,
    failure: Failure,
}

impl<R: Read> Read for Noting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer).inspect_err(|error| {
            *self.failure.0.lock().unwrap_or_else(PoisonError::into_inner) = S3Error::in_io(error).cloned();
        })
    }
}

struct Restoring<R> {
    input: R,
    failure: Failure,
}

impl<R: Read> Read for Restoring<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer).map_err(|error| self.failure.or(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::compression::unpack;
    use crate::s3::S3ErrorKind;

    /// Data that breaks off with an error of S3.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(S3Error::new("s3://logs/a", S3ErrorKind::Changed, "it has changed").into()),
                read => Ok(read),
            }
        }
    }

    #[test]
    fn an_error_of_s3_is_not_taken_for_damaged_data() {
        let begins: [&[u8]; 5] = [
            b"1,2",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"\x28\xb5\x2f\xfd\x04XQ\x00\x00some",
            b"BZh91AY&SY",
            b"\xfd7zXZ\0\0\x04",
        ];
        for begin in begins {
            let failure = Failure::default();
            let read = unpack(failure.note(Broken(begin))).map_err(|error| failure.or(error)).and_then(|input| {
                let mut bytes = Vec::new();
                failure.restore(input).read_to_end(&mut bytes)
            });
            let error = read.unwrap_err();
            assert_eq!(
                S3Error::in_io(&error).map(|error| error.kind),
                Some(S3ErrorKind::Changed),
                "{begin:?}: {error}"
            );
        }
    }
}
