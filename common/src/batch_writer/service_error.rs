//! What DynamoDB answered instead of doing what it was asked, sorted by what a caller can do about it.

use std::error::Error;
use std::fmt;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// What went wrong, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceErrorKind {
    /// Too many requests for the capacity there is: send again later.
    Throttled,
    /// No answer, or one that says the server is in trouble: send again later.
    Unavailable,
    /// There is no such table. A table that is still being created gives this, too, for requests about items.
    NoSuchTable,
    /// The table is being created, updated or deleted.
    TableNotReady,
    /// The credentials are valid and do not allow this.
    AccessDenied,
    /// There are no credentials, or DynamoDB does not accept them.
    Credentials,
    /// DynamoDB finds a fault in the request.
    Invalid,
    /// Whatever answers at the endpoint, it is not DynamoDB.
    WrongEndpoint,
    /// Anything else.
    Other,
}

/// A request that failed. `Display` is one line with the service's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// What can be done about it.
    pub kind: ServiceErrorKind,
    /// DynamoDB's name for it, such as `ResourceNotFoundException`, if it gave one.
    pub code: Option<String>,
    /// The service's own words, or the cause of the failure if there was no answer.
    pub message: String,
}

impl ServiceError {
    /// From an HTTP answer: its status, and `__type` and `message` of its body if it has them.
    pub fn from_answer(status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        // `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException` on the wire
        let code = code.map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
        let words = message.unwrap_or_default();
        let kind = match &code {
            Some(code) => kind_of_code(code, words, status),
            None => kind_of_status(status),
        };
        let message = match (words, kind) {
            ("", ServiceErrorKind::WrongEndpoint) => format!("HTTP status {status}, without an error of DynamoDB's"),
            ("", _) => format!("HTTP status {status}"),
            (words, _) => words.to_owned(),
        };
        Self { kind, code, message }
    }

    /// May the same request succeed if it is sent again later?
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ServiceErrorKind::Throttled | ServiceErrorKind::Unavailable)
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            ServiceErrorKind::Throttled => {
                "wait and try again, or raise the capacity: create_tables TABLE --capacity RCU/WCU"
            }
            ServiceErrorKind::Unavailable => {
                "check the endpoint (--endpoint-url, AWS_ENDPOINT_URL) and the network, and that the server is running; then try again"
            }
            ServiceErrorKind::NoSuchTable => {
                "check the table's name, the region and the endpoint; create_tables makes the lab's tables; a table just made must be ACTIVE first"
            }
            ServiceErrorKind::TableNotReady => "wait until the table is ACTIVE (create_tables --status) and try again",
            ServiceErrorKind::AccessDenied => {
                "ask for the permission that the message names, or use other credentials (--profile, AWS_PROFILE)"
            }
            ServiceErrorKind::Credentials => {
                "renew the credentials (for SSO: aws sso login) or choose others (--profile, AWS_PROFILE), and check this computer's clock"
            }
            ServiceErrorKind::Invalid => "mend what the message names",
            ServiceErrorKind::WrongEndpoint => {
                "check the endpoint (--endpoint-url, AWS_ENDPOINT_URL, the profile's endpoint_url): another program listens there, or it wants https instead of http"
            }
            ServiceErrorKind::Other => "see the message; RUST_LOG=debug shows more",
        }
    }

    fn without_answer(kind: ServiceErrorKind, error: &(dyn Error + 'static)) -> Self {
        Self { kind, code: None, message: causes(error) }
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
            ServiceErrorKind::Invalid => "DynamoDB refuses the request",
            ServiceErrorKind::WrongEndpoint => "what answers at the endpoint is not DynamoDB",
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
            SdkError::ServiceError(answer) => {
                let (status, metadata) = (answer.raw().status().as_u16(), answer.err().meta());
                Self::from_answer(status, metadata.code(), metadata.message())
            }
            SdkError::ResponseError(answer) => match answer.raw().body().bytes() {
                // The whole body arrived and made no sense, for example the page of a web server.
                Some(_) => Self::from_answer(answer.raw().status().as_u16().min(499), None, None),
                None => Self::without_answer(ServiceErrorKind::Unavailable, error),
            },
            SdkError::TimeoutError(_) => Self::without_answer(ServiceErrorKind::Unavailable, error),
            SdkError::DispatchFailure(failure) => {
                let retryable = failure.is_io() || failure.is_timeout() || failure.as_other().is_some();
                // rustls reports what is not TLS, and certificates it does not trust, as invalid data.
                let kind = if retryable && !is_invalid_data(error) {
                    ServiceErrorKind::Unavailable
                } else {
                    ServiceErrorKind::WrongEndpoint
                };
                Self::without_answer(kind, error)
            }
            SdkError::ConstructionFailure(_) if has_cause::<CredentialsError>(error) => {
                Self::without_answer(ServiceErrorKind::Credentials, error)
            }
            _ => Self::without_answer(ServiceErrorKind::Other, error),
        }
    }
}

fn kind_of_code(code: &str, message: &str, status: u16) -> ServiceErrorKind {
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => ServiceErrorKind::Throttled,
        // Too many table operations at once pass by themselves; the number of decreases a day, and of tables, does not.
        "LimitExceededException" if !message.contains("decrease") && !message.contains("limit of tables") => {
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
        "ValidationException" | "SerializationException" | "ItemCollectionSizeLimitExceededException" => {
            ServiceErrorKind::Invalid
        }
        "UnknownOperationException" => ServiceErrorKind::WrongEndpoint,
        "RequestTimeout" | "RequestTimeoutException" => ServiceErrorKind::Unavailable,
        _ if status >= 500 => ServiceErrorKind::Unavailable,
        _ => ServiceErrorKind::Other,
    }
}

/// DynamoDB names every error of its own, so an answer without a name comes from somebody else: a proxy or load balancer in between
/// (5xx, 429), or another server.
fn kind_of_status(status: u16) -> ServiceErrorKind {
    match status {
        429 => ServiceErrorKind::Throttled,
        500.. => ServiceErrorKind::Unavailable,
        _ => ServiceErrorKind::WrongEndpoint,
    }
}

/// The causes of `error` in one line. The operating system's words say it all where there are any; otherwise from the outside in, without
/// the SDK's general word for the failure and without repetition.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    if let Some(system) = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last() {
        return system.to_string();
    }
    let mut text = String::new();
    for cause in chain(error).skip(usize::from(error.source().is_some())) {
        let words = cause.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
    }
    text
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

fn has_cause<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(<dyn Error>::is::<T>)
}

fn is_invalid_data(error: &(dyn Error + 'static)) -> bool {
    chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|io| io.kind() == io::ErrorKind::InvalidData)
}
