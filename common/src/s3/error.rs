//! Errors of Amazon S3 and of the connection to it, grouped by what a user can do about them.

use std::error::Error;
use std::io;

use thiserror::Error;

/// The kind of an error, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3ErrorKind {
    /// It is not the URL of an object or a prefix.
    InvalidUrl,
    /// This program was built without the feature `s3`.
    NotBuilt,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object.
    NoSuchKey,
    /// No object's key begins with the prefix.
    EmptyPrefix,
    /// The object has changed since the load began.
    Changed,
    /// The object is archived and must be restored first.
    Archived,
    /// The credentials are valid and do not allow this.
    AccessDenied,
    /// S3 rejects the credentials.
    Credentials,
    /// The bucket is in another region.
    WrongRegion,
    /// No response or a server error, in spite of retries.
    Unavailable,
    /// The endpoint's certificate is not trusted.
    UntrustedCertificate,
    /// The server at the endpoint does not respond as S3 does.
    NotS3,
    /// Anything else.
    Other,
}

/// What is wrong with an object, a prefix or a bucket. `Display` is one line that begins with the URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{url}: {message}")]
pub struct S3Error {
    pub kind: S3ErrorKind,
    /// The URL as the user knows it.
    pub url: String,
    pub message: String,
}

impl S3Error {
    /// An error about the object or prefix at `url`.
    pub fn new(url: &(impl ToString + ?Sized), kind: S3ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, url: url.to_string(), message: message.into() }
    }

    /// The error of a program without the feature `s3`.
    pub fn not_built(url: &str) -> Self {
        Self::new(url, S3ErrorKind::NotBuilt, "this program was built without support for Amazon S3")
    }

    /// The error in what a reader returned.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(<dyn Error + Send + Sync>::downcast_ref)
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            S3ErrorKind::InvalidUrl => {
                "use s3://BUCKET/KEY for an object, or s3://BUCKET/PREFIX/ for all objects below it"
            }
            S3ErrorKind::NotBuilt => {
                "pipe the object: aws s3 cp s3://BUCKET/KEY - | load_logfile TABLE -, or build with --features s3"
            }
            S3ErrorKind::NoSuchBucket => {
                "check the bucket's name, and the endpoint (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL); aws s3 ls lists your buckets"
            }
            S3ErrorKind::NoSuchKey => {
                "check the key (aws s3 ls s3://BUCKET/PREFIX/ lists them); for all objects below a prefix, end it with a slash"
            }
            S3ErrorKind::EmptyPrefix => "check the prefix: aws s3 ls s3://BUCKET/ lists the objects",
            S3ErrorKind::Changed => {
                "load it again from its beginning when nothing writes to it any more; rows that are already in the table are only written again"
            }
            S3ErrorKind::Archived => "restore the object first: aws s3api restore-object",
            S3ErrorKind::AccessDenied => {
                "allow s3:GetObject for the objects and s3:ListBucket for a prefix, or use other credentials (--profile, AWS_PROFILE)"
            }
            S3ErrorKind::Credentials => {
                "renew the credentials (for SSO: aws sso login) or choose others (--profile, AWS_PROFILE), and check this computer's clock"
            }
            S3ErrorKind::WrongRegion => {
                "set the bucket's region for S3 alone through its endpoint: AWS_ENDPOINT_URL_S3=https://s3.REGION.amazonaws.com"
            }
            S3ErrorKind::Unavailable => {
                "check the endpoint (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL) and the network; then try again"
            }
            S3ErrorKind::UntrustedCertificate => {
                "set AWS_CA_BUNDLE (or ca_bundle in the profile) to a PEM file with the certificate of the authority that issued it, and check this computer's clock"
            }
            S3ErrorKind::NotS3 => {
                "set AWS_ENDPOINT_URL_S3 to the endpoint of S3: AWS_ENDPOINT_URL and the profile's endpoint_url apply to all services"
            }
            S3ErrorKind::Other => "see the message; RUST_LOG=debug shows more",
        }
    }
}

impl From<S3Error> for io::Error {
    fn from(error: S3Error) -> Self {
        Self::other(error)
    }
}

#[cfg(feature = "s3")]
mod of_sdk {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

    use super::{Error, S3Error, S3ErrorKind};
    use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
    use crate::s3::S3Url;

    impl S3Error {
        /// The error of a failed request for the object at `url`.
        pub(in crate::s3) fn of_request<E>(url: &S3Url, error: &SdkError<E, HttpResponse>) -> Self
        where
            E: ProvideErrorMetadata + Error + 'static,
        {
            let (code, said) = (error.code(), error.message().unwrap_or_default());
            let status = error.raw_response().map(|response| response.status().as_u16());
            let kind = match code {
                Some(code) => kind_of_code(code, status),
                None => None,
            };
            let kind = kind.or_else(|| status.map(|status| kind_of_status(status, code.is_some())));
            let Some(kind) = kind else {
                // There was no response, so the cause is the same for all services.
                let error = ServiceError::from(error);
                let (kind, what) = match error.kind {
                    ServiceErrorKind::UntrustedCertificate => {
                        (S3ErrorKind::UntrustedCertificate, "the endpoint's certificate is not trusted")
                    }
                    ServiceErrorKind::Credentials => (S3ErrorKind::Credentials, "the AWS credentials cannot be loaded"),
                    ServiceErrorKind::WrongEndpoint => {
                        (S3ErrorKind::NotS3, "the server at the endpoint of S3 is not S3")
                    }
                    ServiceErrorKind::Unavailable => (S3ErrorKind::Unavailable, "the endpoint of S3 cannot be reached"),
                    _ => (S3ErrorKind::Other, "the request failed"),
                };
                return Self::new(url, kind, format!("{what}: {}", error.message));
            };
            let status = status.map_or_else(String::new, |status| format!("HTTP status {status}"));
            let details = match (code, said) {
                (None, _) => status,
                (Some(code), "") => code.to_owned(),
                (Some(code), said) => format!("{said} ({code})"),
            };
            Self::new(url, kind, format!("{}: {details}", what(kind, url)))
        }
    }

    fn what(kind: S3ErrorKind, url: &S3Url) -> String {
        match kind {
            S3ErrorKind::NoSuchBucket => format!("there is no bucket {}", url.bucket),
            S3ErrorKind::NoSuchKey => "there is no such object".to_owned(),
            S3ErrorKind::Changed => "the object has changed since the load began".to_owned(),
            S3ErrorKind::Archived => "the object is archived".to_owned(),
            S3ErrorKind::AccessDenied => "access denied".to_owned(),
            S3ErrorKind::Credentials => "the AWS credentials are not accepted".to_owned(),
            S3ErrorKind::WrongRegion => format!("the bucket {} is in another region", url.bucket),
            S3ErrorKind::Unavailable => "S3 could not serve the request".to_owned(),
            S3ErrorKind::NotS3 => "the server at the endpoint of S3 is not S3".to_owned(),
            _ => "S3 returned an error".to_owned(),
        }
    }

    /// "Error responses" in the S3 API Reference. `None` for a code that says no more than the status.
    fn kind_of_code(code: &str, status: Option<u16>) -> Option<S3ErrorKind> {
        Some(match code {
            "NoSuchBucket" | "InvalidBucketName" => S3ErrorKind::NoSuchBucket,
            "NoSuchKey" | "NoSuchVersion" => S3ErrorKind::NoSuchKey,
            "PreconditionFailed" | "InvalidRange" => S3ErrorKind::Changed,
            "InvalidObjectState" => S3ErrorKind::Archived,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" => S3ErrorKind::AccessDenied,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "RequestTimeTooSkewed" => S3ErrorKind::Credentials,
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "TemporaryRedirect" => S3ErrorKind::WrongRegion,
            "SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout" => S3ErrorKind::Unavailable,
            // An error code of DynamoDB: AWS_ENDPOINT_URL applies to all services.
            code if code.contains("Exception") && status == Some(400) => S3ErrorKind::NotS3,
            _ => return None,
        })
    }

    fn kind_of_status(status: u16, has_code: bool) -> S3ErrorKind {
        match status {
            403 => S3ErrorKind::AccessDenied,
            412 | 416 => S3ErrorKind::Changed,
            301 | 307 => S3ErrorKind::WrongRegion,
            429 | 500.. => S3ErrorKind::Unavailable,
            // Every error of S3 has a code in its body.
            _ if !has_code => S3ErrorKind::NotS3,
            _ => S3ErrorKind::Other,
        }
    }
}
