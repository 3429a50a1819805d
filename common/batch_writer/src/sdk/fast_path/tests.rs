//! The SDK's requests and those that are sent like them, with an HTTP client that never leaves the process.

use std::collections::VecDeque;
use std::time::UNIX_EPOCH;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;

use super::super::table::Table;
use super::*;
use crate::core::key::KeySchema;
use crate::core::keyed;
use crate::core::write_batch::WriteBatch;
use crate::core::write_request::WriteRequest;
use crate::service_error::ServiceErrorKind;
use crate::writer::BatchWriteItem as _;

const ACCEPTED: Canned = Canned::Response(200, r#"{"UnprocessedItems":{}}"#);

#[derive(Debug, Clone, Copy)]
enum Canned {
    Response(u16, &'static str),
    LostConnection,
    Never,
}

fn error(status: u16, code: &'static str) -> Canned {
    match (status, code) {
        (400, "throttled") => {
            Canned::Response(400, r#"{"__type":"x#ProvisionedThroughputExceededException","message":"m"}"#)
        }
        (400, "expired") => Canned::Response(400, r#"{"__type":"x#ExpiredTokenException","message":"m"}"#),
        (400, "invalid") => Canned::Response(400, r#"{"__type":"x#ValidationException","message":"m"}"#),
        (500, _) => Canned::Response(500, r#"{"__type":"x#InternalServerError","message":"m"}"#),
        _ => Canned::Response(403, "<html>"),
    }
}

/// Returns these responses, one after another, then accepts everything.
#[derive(Debug, Clone, Default)]
struct Endpoint {
    responses: Arc<Mutex<VecDeque<Canned>>>,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpConnector for Endpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.lock().unwrap().push(request);
        match self.responses.lock().unwrap().pop_front().unwrap_or(ACCEPTED) {
            Canned::Response(status, body) => {
                let status = StatusCode::try_from(status).unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
            }
            Canned::LostConnection => HttpConnectorFuture::ready(Err(ConnectorError::io("lost".into()))),
            Canned::Never => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

impl Endpoint {
    fn with_responses(responses: impl IntoIterator<Item = Canned>) -> Self {
        Self { responses: Arc::new(Mutex::new(responses.into_iter().collect())), ..Self::default() }
    }

    fn table(&self) -> Table {
        self.table_with(Credentials::new("AKID", "secret", Some("token".into()), None, "test"))
    }

    fn table_with(&self, credentials: Credentials) -> Table {
        Table::new(self.client(credentials), "logfile", KeySchema::partition("PK"))
    }

    fn client(&self, credentials: Credentials) -> Client {
        let connector = self.clone();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-north-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(60)).build())
            .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone())));
        Client::from_conf(config.build())
    }

    /// Which of the requests were the SDK's: only those have its own headers.
    fn sent_by_sdk(&self) -> Vec<bool> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| request.headers().contains_key("amz-sdk-invocation-id")).collect()
    }
}

fn batch(ids: &[&str]) -> WriteBatch<()> {
    let mut requests = ids.iter().map(|id| WriteRequest::put(&[&keyed(id)], ()).unwrap());
    let mut batch = WriteBatch::new(requests.next().unwrap());
    requests.for_each(|request| batch.push(request).unwrap());
    batch
}

async fn kinds_of(endpoint: &Endpoint, count: usize) -> Vec<Option<ServiceErrorKind>> {
    let table = endpoint.table();
    let mut kinds = Vec::new();
    for _ in 0..count {
        kinds.push(table.batch_write_item(&batch(&["a"])).await.err().map(|error| error.kind));
    }
    kinds
}

#[tokio::test]
async fn requests_are_like_the_sdks_but_for_its_counts_of_attempts() {
    let endpoint = Endpoint::default();
    let table = endpoint.table();
    for _ in 0..3 {
        table.batch_write_item(&batch(&["a", "b"])).await.unwrap();
    }
    assert_eq!(endpoint.sent_by_sdk(), [true, false, false]);
    let requests = endpoint.requests.lock().unwrap();
    let (sdk, ours) = (&requests[0], &requests[1]);
    assert_eq!(ours.uri(), "https://dynamodb.eu-north-1.amazonaws.com/");
    assert_eq!((ours.uri(), ours.method(), ours.body().bytes()), (sdk.uri(), sdk.method(), sdk.body().bytes()));
    let names = |request: &HttpRequest| {
        let mut names: Vec<_> = request.headers().iter().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names
    };
    let mut expected = names(sdk);
    expected.retain(|name| !name.starts_with("amz-sdk-"));
    assert_eq!(names(ours), expected);
    for name in ["content-type", "content-length", "x-amz-target", "user-agent", "x-amz-security-token"] {
        assert_eq!(ours.headers().get(name), sdk.headers().get(name), "{name}");
        assert!(ours.headers().contains_key(name), "{name}");
    }
    let signed =
        |request: &HttpRequest| request.headers().get("authorization").unwrap().rsplit_once(',').unwrap().0.to_owned();
    assert_eq!(signed(ours), signed(sdk), "signed headers, and for whom");
}

#[tokio::test]
async fn unprocessed_items_are_read_on_both_paths() {
    let answer = Canned::Response(
        200,
        r#"{"UnprocessedItems":{"logfile":[{"PutRequest":{"Item":{"PK":{"S":"c"}}}},{"PutRequest":{"Item":{"PK":{"S":"a"}}}}]}}"#,
    );
    let endpoint = Endpoint::with_responses([answer, answer]);
    let table = endpoint.table();
    for _ in 0..2 {
        let response = table.batch_write_item(&batch(&["a", "b", "c"])).await.unwrap();
        assert_eq!(response.unprocessed, [2, 0]);
    }
    assert_eq!(endpoint.sent_by_sdk(), [true, false]);
}

#[tokio::test]
async fn after_throttling_the_fast_path_stays() {
    let throttled = error(400, "throttled");
    let endpoint = Endpoint::with_responses([ACCEPTED, throttled, throttled]);
    let expected = [None, Some(ServiceErrorKind::Throttled), Some(ServiceErrorKind::Throttled), None];
    assert_eq!(kinds_of(&endpoint, 4).await, expected);
    assert_eq!(endpoint.sent_by_sdk(), [true, false, false, false]);
}

#[tokio::test]
async fn after_a_failure_the_sdk_sends_the_next_request() {
    for (failure, kind) in [
        (error(500, ""), ServiceErrorKind::Unavailable),
        (error(400, "invalid"), ServiceErrorKind::Invalid),
        (Canned::LostConnection, ServiceErrorKind::Unavailable),
    ] {
        let endpoint = Endpoint::with_responses([ACCEPTED, failure]);
        assert_eq!(kinds_of(&endpoint, 4).await, [None, Some(kind), None, None], "{failure:?}");
        assert_eq!(endpoint.sent_by_sdk(), [true, false, true, false], "{failure:?}");
    }
}

#[tokio::test]
async fn an_error_that_would_stop_the_writer_is_confirmed_by_the_sdk() {
    for failure in [error(400, "expired"), error(403, "page")] {
        let endpoint = Endpoint::with_responses([ACCEPTED, failure]);
        assert_eq!(kinds_of(&endpoint, 3).await, [None, None, None], "{failure:?}");
        assert_eq!(endpoint.sent_by_sdk(), [true, false, true, false], "{failure:?}");
    }
    // The SDK's second request uses credentials that were read again.
    let expired = || error(400, "expired");
    let endpoint = Endpoint::with_responses([ACCEPTED, expired(), expired(), expired()]);
    assert_eq!(kinds_of(&endpoint, 2).await, [None, Some(ServiceErrorKind::Credentials)]);
    assert_eq!(endpoint.sent_by_sdk(), [true, false, true, true]);
}

/// At first it means a different server. After responses of DynamoDB it is a transient failure.
#[tokio::test]
async fn a_response_without_unprocessed_items_is_an_error() {
    for nonsense in ["", "{}", r#"{"Unproc"#, "<html>"] {
        let nonsense = Canned::Response(200, nonsense);
        let wrong = Some(ServiceErrorKind::WrongEndpoint);
        assert_eq!(kinds_of(&Endpoint::with_responses([nonsense]), 2).await, [wrong, None], "{nonsense:?}");
        let unavailable = Some(ServiceErrorKind::Unavailable);
        let endpoint = Endpoint::with_responses([ACCEPTED, nonsense, nonsense, nonsense, nonsense]);
        let kinds = kinds_of(&endpoint, 6).await;
        assert!(kinds[1..].contains(&unavailable) && !kinds.contains(&wrong), "{nonsense:?}: {kinds:?}");
        assert_eq!(kinds.last(), Some(&None));
    }
}

/// One worker's first response is unintelligible where another worker has reached DynamoDB.
#[tokio::test]
async fn the_endpoint_is_judged_once_for_all_clients() {
    let nonsense = Canned::Response(200, "<html>");
    let (good, bad) = (Endpoint::default(), Endpoint::with_responses([nonsense]));
    let first = good.table();
    let second = first.with_client(bad.client(Credentials::new("AKID", "secret", None, None, "test")));
    first.batch_write_item(&batch(&["a"])).await.unwrap();
    let error = second.batch_write_item(&batch(&["b"])).await.unwrap_err();
    assert_eq!(error.kind, ServiceErrorKind::Unavailable, "{error}");
    second.batch_write_item(&batch(&["b"])).await.unwrap();
}

#[tokio::test]
async fn without_the_fast_path_the_sdk_sends_every_request() {
    let endpoint = Endpoint::default();
    let table = endpoint.table().use_fast_path(false);
    for _ in 0..3 {
        table.batch_write_item(&batch(&["a"])).await.unwrap();
    }
    assert_eq!(endpoint.sent_by_sdk(), [true, true, true]);
}

#[tokio::test]
async fn a_first_request_that_fails_is_no_template() {
    let endpoint = Endpoint::with_responses([error(500, ""), error(400, "throttled")]);
    let expected = [Some(ServiceErrorKind::Unavailable), Some(ServiceErrorKind::Throttled), None, None];
    assert_eq!(kinds_of(&endpoint, 4).await, expected);
    assert_eq!(endpoint.sent_by_sdk(), [true, true, true, false]);
}

#[tokio::test]
async fn expired_credentials_are_left_to_the_sdk() {
    let endpoint = Endpoint::default();
    let table = endpoint.table_with(Credentials::new("AKID", "secret", None, Some(UNIX_EPOCH), "test"));
    for _ in 0..3 {
        table.batch_write_item(&batch(&["a"])).await.unwrap();
    }
    assert_eq!(endpoint.sent_by_sdk(), [true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_request_takes_no_longer_than_the_sdk_lets_it() {
    let endpoint = Endpoint::with_responses([ACCEPTED, Canned::Never]);
    assert_eq!(kinds_of(&endpoint, 3).await, [None, Some(ServiceErrorKind::Unavailable), None]);
    assert_eq!(endpoint.sent_by_sdk(), [true, false, true]);
}

#[tokio::test]
async fn a_template_is_used_for_a_minute() {
    let endpoint = Endpoint::default();
    let table = endpoint.table();
    table.batch_write_item(&batch(&["a"])).await.unwrap();
    let template = table.fast_path().template().unwrap();
    let captured_at = template.sent.at;
    assert!(
        template.is_fresh_at(captured_at) && template.is_fresh_at(captured_at + LIFETIME - Duration::from_nanos(1))
    );
    assert!(!template.is_fresh_at(captured_at + LIFETIME));
    assert!(!template.is_fresh_at(captured_at - Duration::from_secs(1)), "the clock was set back");
}

#[test]
fn a_wrong_clock_is_corrected_as_the_sdk_has_corrected_it() {
    let at = |header| signed_at(header).unwrap();
    let clock = at("20260131T120000Z") + Duration::from_millis(900);
    for (signed, expected) in [
        ("20260131T120000Z", clock),
        ("20260131T120001Z", clock),
        ("20260131T123000Z", at("20260131T123000Z")),
        ("20260131T113000Z", at("20260131T113000Z")),
    ] {
        assert_eq!(ClockCorrection::between(clock, at(signed)).correct(clock), expected, "{signed}");
    }
}
