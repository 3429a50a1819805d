//! `s3://bucket/key`

use std::fmt;

use super::error::{S3Error, S3ErrorKind};

const SCHEME: &str = "s3://";

/// An object, or a prefix: a key that is empty or ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Url {
    /// The bucket, or the alias of an access point.
    pub bucket: String,
    /// The key, not percent-encoded.
    pub key: String,
}

impl S3Url {
    /// Whether a name is meant to be such a URL.
    pub fn is_one(name: &str) -> bool {
        name.starts_with(SCHEME)
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// No bucket can have this name.
    pub fn parse(text: &str) -> Result<Self, S3Error> {
        let path = text.strip_prefix(SCHEME).unwrap_or(text);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        // "General purpose bucket naming rules" in the S3 User Guide; buckets made before 2018 may have upper case and underscores.
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(is_allowed) {
            let message = format!("{bucket:?} is not the name of a bucket");
            return Err(S3Error::new(text, S3ErrorKind::InvalidUrl, message));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// Whether it refers to all objects whose keys begin with its key.
    pub fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// An object of the same bucket.
    #[must_use]
    pub fn with_key(&self, key: impl Into<String>) -> Self {
        Self { bucket: self.bucket.clone(), key: key.into() }
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_an_object_or_a_prefix() {
        for (text, bucket, key, is_prefix) in [
            ("s3://logs/2026/a.csv.gz", "logs", "2026/a.csv.gz", false),
            ("s3://logs/2026/", "logs", "2026/", true),
            ("s3://logs/", "logs", "", true),
            ("s3://logs", "logs", "", true),
            ("s3://my.logs-1/a//b c%20\u{e4}", "my.logs-1", "a//b c%20\u{e4}", false),
        ] {
            let url = S3Url::parse(text).unwrap();
            assert_eq!((url.bucket.as_str(), url.key.as_str(), url.is_prefix()), (bucket, key, is_prefix), "{text}");
        }
        assert_eq!(S3Url::parse("s3://logs/a/b").unwrap().to_string(), "s3://logs/a/b");
    }

    #[test]
    fn no_bucket_is_called_that() {
        for wrong in ["s3://", "s3:///key", "s3://ab/key", "s3://a bucket/key", "s3://b\u{e4}r/key"] {
            let error = S3Url::parse(wrong).unwrap_err();
            assert_eq!(error.kind, S3ErrorKind::InvalidUrl, "{wrong}");
            assert!(error.to_string().starts_with(&format!("{wrong}: ")), "{error}");
        }
    }
}
