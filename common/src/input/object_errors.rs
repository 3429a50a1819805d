//! Errors of Amazon S3 behind a decompressor.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::s3::S3Error;

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
