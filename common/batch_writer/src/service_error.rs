//! Errors of DynamoDB and of the way to it, by what a caller can do about them.

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
    /// There is no such table. Requests about the items of a table that is still being created get this, too.
    NoSuchTable,
    /// The table is being created, updated or deleted.
    TableNotReady,
    /// The credentials are valid and do not allow this.
    AccessDenied,
    /// There are no credentials, or DynamoDB rejects them.
    Credentials,
    /// The request is invalid.
    Invalid,
    /// The table, or an index of it, has other keys than every item has: an error of the table, not of an item.
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
    /// The causes of throttling, as far as the response names them.
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

    /// May the same request succeed if it is sent again later?
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
                // rustls reports what is not TLS as invalid data.
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
        // Too many table operations at once pass by themselves. The limits of an account and of decreases per day do not.
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

/// Whether a message of a ValidationException is about the name of the table: one that no table can have.
fn is_about_table_name(message: &str) -> bool {
    let is_constraint = message.contains("failed to satisfy constraint");
    message.contains("Invalid table/index name")
        || message.contains("TableName must be at least")
        || is_constraint && ["'tableName'", "'requestItems'"].iter().any(|name| message.contains(name))
}

/// Every error of DynamoDB has a code, so a response without one is from somebody else: a proxy or load balancer in between (5xx, 429),
/// or another server.
fn kind_of_status(status: u16) -> ServiceErrorKind {
    match status {
        429 => ServiceErrorKind::Throttled,
        500.. => ServiceErrorKind::Unavailable,
        _ => ServiceErrorKind::WrongEndpoint,
    }
}

/// The causes of `error` in one line. The operating system's message is enough where there is one. Otherwise, from the outside in,
/// without repetition and without the messages that only name a layer of the SDK.
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

/// `error` and what caused it. The source of an `io::Error` is its payload's source, which would skip the payload.
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
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::thread;
    use std::time::Duration;

    use aws_credential_types::provider::{self, ProvideCredentials, future};
    use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};

    use super::*;

    /// Sends these bytes in response to every request, then closes the connection.
    fn canned(answer: String) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                read_request(&mut connection);
                // The client may have closed the connection.
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        address
    }

    fn read_request(connection: &mut TcpStream) {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && connection.read(&mut byte).is_ok_and(|read| read == 1) {
            request.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        let _ = connection.read_exact(&mut body);
    }

    fn http(status: &str, content_type: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }

    fn dynamodb(status: &str, code: &str, message: &str) -> String {
        let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{message}"}}"#);
        http(status, "application/x-amz-json-1.0", &body)
    }

    fn config(endpoint: &str) -> Builder {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(endpoint)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
    }

    async fn describe_at(server: SocketAddr, timeouts: TimeoutConfig) -> ServiceError {
        let http = aws_smithy_http_client::Builder::new().build_http();
        describe(config(&format!("http://{server}")).timeout_config(timeouts).http_client(http)).await
    }

    async fn describe(config: Builder) -> ServiceError {
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        client.describe_table().table_name("logfile").send().await.unwrap_err().into()
    }

    async fn error_of(answer: String) -> ServiceError {
        describe_at(canned(answer), TimeoutConfig::disabled()).await
    }

    #[tokio::test]
    async fn dynamodbs_own_errors_are_sorted_by_their_code() {
        for (status, code, message, kind) in [
            ("400 Bad Request", "ProvisionedThroughputExceededException", "The level of", ServiceErrorKind::Throttled),
            ("400 Bad Request", "ThrottlingException", "Rate exceeded", ServiceErrorKind::Throttled),
            ("400 Bad Request", "RequestLimitExceeded", "Too many", ServiceErrorKind::Throttled),
            ("400 Bad Request", "LimitExceededException", "Too many operations", ServiceErrorKind::Throttled),
            ("400 Bad Request", "LimitExceededException", "throughput decreases are limited", ServiceErrorKind::Other),
            (
                "400 Bad Request",
                "ResourceNotFoundException",
                "Requested resource not found",
                ServiceErrorKind::NoSuchTable,
            ),
            (
                "400 Bad Request",
                "ResourceInUseException",
                "Table is being created: logfile",
                ServiceErrorKind::TableNotReady,
            ),
            ("400 Bad Request", "AccessDeniedException", "User: x is not authorized", ServiceErrorKind::AccessDenied),
            ("400 Bad Request", "UnrecognizedClientException", "The security token", ServiceErrorKind::Credentials),
            ("400 Bad Request", "ExpiredTokenException", "The security token", ServiceErrorKind::Credentials),
            ("400 Bad Request", "InvalidSignatureException", "Signature expired", ServiceErrorKind::Credentials),
            ("400 Bad Request", "ValidationException", "One or more parameter", ServiceErrorKind::Invalid),
            (
                "400 Bad Request",
                "ValidationException",
                "One or more parameter values were invalid: Missing the key id in the item",
                ServiceErrorKind::SchemaMismatch,
            ),
            (
                "400 Bad Request",
                "ValidationException",
                "1 validation error detected: Value 'my table' at 'tableName' failed to satisfy constraint: Member must",
                ServiceErrorKind::NoSuchTable,
            ),
            (
                "400 Bad Request",
                "ValidationException",
                "Invalid table/index name.  Table/index names must be",
                ServiceErrorKind::NoSuchTable,
            ),
            ("400 Bad Request", "UnknownOperationException", "", ServiceErrorKind::WrongEndpoint),
            ("400 Bad Request", "NeverHeardOfException", "what", ServiceErrorKind::Other),
            ("500 Internal Server Error", "InternalServerError", "Internal", ServiceErrorKind::Unavailable),
            ("503 Service Unavailable", "ServiceUnavailable", "Later", ServiceErrorKind::Unavailable),
        ] {
            let error = error_of(dynamodb(status, code, message)).await;
            assert_eq!(error.kind, kind, "{error}");
            assert_eq!(error.code.as_deref(), Some(code), "{error}");
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[tokio::test]
    async fn the_service_s_message_is_kept() {
        let error = error_of(dynamodb("400 Bad Request", "AccessDeniedException", "User: me is not authorized")).await;
        assert_eq!(error.to_string(), "access denied: User: me is not authorized (AccessDeniedException)");
        assert!(!error.is_retryable());
    }

    #[tokio::test]
    async fn responses_of_other_servers_are_recognized() {
        let page = "<!DOCTYPE html><html><title>Welcome</title></html>";
        for (answer, kind) in [
            (http("200 OK", "text/html", page), ServiceErrorKind::WrongEndpoint),
            (http("404 Not Found", "text/html", page), ServiceErrorKind::WrongEndpoint),
            (http("405 Method Not Allowed", "text/plain", ""), ServiceErrorKind::WrongEndpoint),
            (http("301 Moved Permanently", "text/html", page), ServiceErrorKind::WrongEndpoint),
            (http("403 Forbidden", "text/html", page), ServiceErrorKind::WrongEndpoint),
            (http("502 Bad Gateway", "text/html", page), ServiceErrorKind::Unavailable),
            (http("504 Gateway Timeout", "text/html", ""), ServiceErrorKind::Unavailable),
            (http("429 Too Many Requests", "text/html", page), ServiceErrorKind::Throttled),
            ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), ServiceErrorKind::WrongEndpoint),
        ] {
            let error = error_of(answer.clone()).await;
            assert_eq!(error.kind, kind, "{answer}: {error:?}");
            assert!(!error.message.is_empty(), "{answer}");
        }
    }

    #[tokio::test]
    async fn connections_that_break_may_be_tried_again() {
        let whole = http("200 OK", "application/x-amz-json-1.0", r#"{"Table":{"TableName":"logfile"}}"#);
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le", &whole[..whole.len() - 5]] {
            let error = error_of(answer.to_owned()).await;
            assert_eq!(error.kind, ServiceErrorKind::Unavailable, "{answer:?}: {error:?}");
            assert!(error.is_retryable());
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_refuses_connections() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = describe_at(free, TimeoutConfig::disabled()).await;
        assert_eq!(error.kind, ServiceErrorKind::Unavailable);
        assert_eq!(error.to_string(), "the endpoint cannot be reached: Connection refused (os error 111)");
    }

    #[tokio::test]
    async fn a_server_that_never_answers_is_a_timeout() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let timeouts = TimeoutConfig::builder().read_timeout(Duration::from_millis(50)).build();
        let error = describe_at(silent.local_addr().unwrap(), timeouts).await;
        assert_eq!(error.kind, ServiceErrorKind::Unavailable, "{error:?}");
        assert!(error.message.contains("timeout"), "{error}");
    }

    #[tokio::test]
    async fn tls_asked_of_a_server_without_it_is_a_wrong_endpoint() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 16]);
            let _ = connection.write_all(http("400 Bad Request", "text/plain", "").as_bytes());
            let _ = io::copy(&mut connection, &mut io::sink()); // an early close would look like a lost connection
        });
        let tls = aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        );
        let https = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
        let error = describe(config(&format!("https://{address}")).http_client(https)).await;
        assert_eq!(error.kind, ServiceErrorKind::WrongEndpoint, "{error:?}");
    }

    #[tokio::test]
    async fn credentials_that_cannot_be_renewed() {
        #[derive(Debug)]
        struct Expired;
        impl ProvideCredentials for Expired {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                let error: provider::Result = Err(CredentialsError::provider_error("the SSO session has expired"));
                future::ProvideCredentials::ready(error)
            }
        }
        let error = describe(config("http://127.0.0.1:9").credentials_provider(Expired)).await;
        assert_eq!(error.kind, ServiceErrorKind::Credentials, "{error:?}");
        assert!(error.message.contains("the SSO session has expired"), "{error}");
    }
}
