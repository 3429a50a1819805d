//! Errors of DynamoDB and of the connection to it, grouped by what a caller can do about them.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemError;
use aws_sdk_dynamodb::types::ThrottlingReason;
use rustls::CertificateError;

use crate::ThrottleCause;

/// The kind of an error, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceErrorKind {
    /// Not enough capacity: retry later.
    Throttled,
    /// No response, or a server error: retry later.
    Unavailable,
    /// There is no such table. Item requests to a table that is still being created also get this error.
    NoSuchTable,
    /// The table is being created, updated or deleted.
    TableNotReady,
    /// The credentials are valid and do not allow this.
    AccessDenied,
    /// There are no credentials, or DynamoDB rejects them.
    Credentials,
    /// The request is invalid.
    Invalid,
    /// The keys of the table or of an index differ from those of every item: an error of the table, not of an item.
    SchemaMismatch,
    /// The endpoint's certificate is not trusted.
    UntrustedCertificate,
    /// The server at the endpoint is not DynamoDB.
    WrongEndpoint,
    /// Anything else.
    Other,
}

/// A request that failed. `Display` is one line with the service's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The kind.
    pub kind: ServiceErrorKind,
    /// DynamoDB's error code, such as `ResourceNotFoundException`, if there is one.
    pub code: Option<String>,
    /// The service's message, or the cause of the failure if there was no response.
    pub message: String,
    /// The causes of throttling that the response names.
    pub throttled_by: Vec<ThrottleCause>,
}

impl ServiceError {
    /// From an HTTP response: its status, and `__type` and `message` of its body if it has them.
    pub fn from_response(status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        // `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException` on the wire
        let code = code.map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
        let text = message.unwrap_or_default();
        let kind = match &code {
            Some(code) => kind_of_code(code, text, status),
            None => kind_of_status(status),
        };
        let message = match (text, kind) {
            ("", ServiceErrorKind::WrongEndpoint) => format!("HTTP status {status}, without an error code of DynamoDB"),
            ("", _) => format!("HTTP status {status}"),
            (text, _) => text.to_owned(),
        };
        let throttled_by = match kind {
            ServiceErrorKind::Throttled => vec![ThrottleCause::from_message(code.as_deref(), text)],
            _ => Vec::new(),
        };
        Self { kind, code, message, throttled_by }
    }

    /// Adds the causes of throttling that the response to a BatchWriteItem lists.
    pub(crate) fn with_reasons(mut self, error: &BatchWriteItemError) -> Self {
        let reasons = match error {
            BatchWriteItemError::ProvisionedThroughputExceededException(error) => error.throttling_reasons(),
            BatchWriteItemError::ThrottlingException(error) => error.throttling_reasons(),
            _ => &[],
        };
        let cause = |reason: &ThrottlingReason| {
            ThrottleCause::from_reason(reason.reason().unwrap_or_default(), reason.resource().unwrap_or_default())
        };
        let causes: BTreeSet<_> = reasons.iter().map(cause).collect();
        if !causes.is_empty() {
            self.throttled_by = causes.into_iter().collect();
        }
        self
    }

    /// Whether the same request may succeed if it is sent again later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ServiceErrorKind::Throttled | ServiceErrorKind::Unavailable)
    }

    /// Whether the credentials were valid once and have expired.
    pub fn is_expired_token(&self) -> bool {
        self.code.as_deref().is_some_and(is_expired_token)
    }

    fn without_response(kind: ServiceErrorKind, error: &(dyn Error + 'static)) -> Self {
        Self { kind, code: None, message: causes(error), throttled_by: Vec::new() }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ServiceErrorKind::Throttled => "DynamoDB throttled the request",
            ServiceErrorKind::Unavailable if self.code.is_some() => "DynamoDB could not serve the request",
            ServiceErrorKind::Unavailable => "the endpoint cannot be reached",
            ServiceErrorKind::NoSuchTable => "there is no such table",
            ServiceErrorKind::TableNotReady => "the table is not ready",
            ServiceErrorKind::AccessDenied => "access denied",
            ServiceErrorKind::Credentials => "the AWS credentials are not accepted",
            ServiceErrorKind::Invalid => "DynamoDB rejects the request",
            ServiceErrorKind::SchemaMismatch => "the items do not have the keys of the table",
            ServiceErrorKind::UntrustedCertificate => "the endpoint's certificate is not trusted",
            ServiceErrorKind::WrongEndpoint => "the server at the endpoint is not DynamoDB",
            ServiceErrorKind::Other => "DynamoDB returned an error",
        })?;
        write!(f, ": {}", self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl Error for ServiceError {}

impl<E> From<SdkError<E, HttpResponse>> for ServiceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        Self::from(&error)
    }
}

impl<E> From<&SdkError<E, HttpResponse>> for ServiceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            error if let Some(problem) = certificate_problem(error) => {
                Self { message: problem, ..Self::without_response(ServiceErrorKind::UntrustedCertificate, error) }
            }
            error if has_cause::<CredentialsError>(error) => {
                Self::without_response(ServiceErrorKind::Credentials, error)
            }
            SdkError::ServiceError(answer) => {
                let (status, metadata) = (answer.raw().status().as_u16(), answer.err().meta());
                Self::from_response(status, metadata.code(), metadata.message())
            }
            SdkError::ResponseError(answer) => match answer.raw().body().bytes() {
                // The whole body arrived and cannot be parsed, for example the page of a web server.
                Some(_) => Self::from_response(answer.raw().status().as_u16().min(499), None, None),
                None => Self::without_response(ServiceErrorKind::Unavailable, error),
            },
            SdkError::TimeoutError(_) => Self::without_response(ServiceErrorKind::Unavailable, error),
            SdkError::DispatchFailure(failure) => {
                let retryable = failure.is_io() || failure.is_timeout() || failure.as_other().is_some();
                // rustls reports data that is not TLS as invalid.
                let kind = if retryable && !is_invalid_data(error) {
                    ServiceErrorKind::Unavailable
                } else {
                    ServiceErrorKind::WrongEndpoint
                };
                Self::without_response(kind, error)
            }
            _ => Self::without_response(ServiceErrorKind::Other, error),
        }
    }
}

/// Whether an error code, with or without its namespace, says that credentials have expired.
pub(crate) fn is_expired_token(code: &str) -> bool {
    matches!(code.rsplit('#').next(), Some("ExpiredTokenException" | "ExpiredToken"))
}

/// Why a certificate is not trusted, if that is the cause.
fn certificate_problem(error: &(dyn Error + 'static)) -> Option<String> {
    let errors = chain(error).filter_map(|cause| cause.downcast_ref::<rustls::Error>());
    errors.into_iter().find_map(|error| match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("its issuer is unknown (UnknownIssuer)".to_owned())
        }
        rustls::Error::InvalidCertificate(problem) => Some(problem.to_string()),
        _ => None,
    })
}

fn kind_of_code(code: &str, message: &str, status: u16) -> ServiceErrorKind {
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => ServiceErrorKind::Throttled,
        // Too many concurrent table operations are transient. The limits of an account and of decreases per day are
        // not.
        "LimitExceededException"
            if !["decrease", "per subscriber", "per account"].iter().any(|limit| message.contains(limit)) =>
        {
            ServiceErrorKind::Throttled
        }
        "ResourceNotFoundException" | "TableNotFoundException" => ServiceErrorKind::NoSuchTable,
        "ResourceInUseException" | "TableInUseException" => ServiceErrorKind::TableNotReady,
        "AccessDeniedException" | "AccessDenied" | "OptInRequired" | "SubscriptionRequiredException" => {
            ServiceErrorKind::AccessDenied
        }
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "RequestExpired" => ServiceErrorKind::Credentials,
        "ValidationException" if is_about_table_name(message) => ServiceErrorKind::NoSuchTable,
        // A request always has the key attributes that the writer's schema names.
        "ValidationException" if message.contains("Missing the key") => ServiceErrorKind::SchemaMismatch,
        "ValidationException" | "SerializationException" | "ItemCollectionSizeLimitExceededException" => {
            ServiceErrorKind::Invalid
        }
        "UnknownOperationException" => ServiceErrorKind::WrongEndpoint,
        "RequestTimeout" | "RequestTimeoutException" => ServiceErrorKind::Unavailable,
        _ if status >= 500 => ServiceErrorKind::Unavailable,
        _ => ServiceErrorKind::Other,
    }
}

/// Whether the message of a ValidationException is about an invalid table name.
fn is_about_table_name(message: &str) -> bool {
    let is_constraint = message.contains("failed to satisfy constraint");
    message.contains("Invalid table/index name")
        || message.contains("TableName must be at least")
        || is_constraint && ["'tableName'", "'requestItems'"].iter().any(|name| message.contains(name))
}

/// Every error of DynamoDB has a code, so a response without one comes from another server: a proxy or load balancer in
/// between (5xx, 429), or a wrong endpoint.
fn kind_of_status(status: u16) -> ServiceErrorKind {
    match status {
        429 => ServiceErrorKind::Throttled,
        500.. => ServiceErrorKind::Unavailable,
        _ => ServiceErrorKind::WrongEndpoint,
    }
}

/// The causes of `error` in one line: the operating system's message if there is one; otherwise all causes from the
/// outside in, without repetition and without messages that only name a layer of the SDK.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    if let Some(system) = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last() {
        return system.to_string();
    }
    let mut text = String::new();
    for cause in chain(error).skip(usize::from(error.source().is_some())) {
        let message = cause.to_string();
        let names_a_layer = cause.is::<ConnectorError>() || message.starts_with("client error (");
        if (!names_a_layer || cause.source().is_none()) && !text.contains(&message) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&message);
        }
    }
    text
}

/// `error` and what caused it. The source of an `io::Error` is that of its payload, which would skip the payload.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| match cause.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|payload| payload as &(dyn Error + 'static)),
        None => cause.source(),
    })
}

fn has_cause<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(<dyn Error>::is::<T>)
}

fn is_invalid_data(error: &(dyn Error + 'static)) -> bool {
    chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests;
