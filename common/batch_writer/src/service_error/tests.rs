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
        ("400 Bad Request", "ResourceNotFoundException", "Requested resource not found", ServiceErrorKind::NoSuchTable),
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
    let tls =
        aws_smithy_http_client::tls::Provider::Rustls(aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring);
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
