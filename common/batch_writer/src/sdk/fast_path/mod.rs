//! A shorter path for most requests. They are modelled on a request that the SDK has just sent, and use its components
//! without its orchestration.
//!
//! The SDK's time for a call is spread over layers of configuration, interceptors and allocations, nearly all of which
//! have the same result for call after call. So the SDK sends a request, with everything it does: credentials and their
//! renewal, the endpoint for region, account, FIPS and dual stack, clock skew, user agent, timeouts, TLS, proxy. That
//! request is captured. For a minute, requests are sent in the same form, through the same HTTP client, with signatures
//! of the same form (`signature.rs`). The SDK parses their responses, except for the most frequent one.
//!
//! Without a template, the SDK sends the request. There is none when it is a minute old, when its credentials expire,
//! after any failure except throttling, and when the SDK does something unknown here, such as signing in a different
//! way. [`Table::use_fast_path`](super::Table::use_fast_path) turns this path off.

mod response_json;
mod signature;

use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItem, BatchWriteItemError, BatchWriteItemOutput};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme as _, AuthSchemeId};
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector as _, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{Identity, ResolveCachedIdentity as _};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin as _;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse as _, SharedResponseDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::FrozenLayer;
use aws_smithy_types::timeout::TimeoutConfig;
use futures_util::FutureExt as _;

use self::response_json::all_written;
use self::signature::{Signature, Signer, signed_at};
use crate::core::batch_response::Consumed;
use crate::service_error::ServiceError;

/// How long a template is used. Changes that the SDK would notice, such as a different endpoint, take effect after this
/// time.
const LIFETIME: Duration = Duration::from_secs(60);

/// Headers that only the SDK's own requests have: they are about its retries, which are off.
const SDK_HEADERS: [&str; 2] = ["amz-sdk-invocation-id", "amz-sdk-request"];

/// Signatures have a resolution of one second, so an uncorrected clock can seem to be off by up to this much.
const CLOCK_STEP: Duration = Duration::from_secs(2);

const SIGV4: AuthSchemeId = AuthSchemeId::new("sigv4");

/// The template for the next requests, if there is one.
#[derive(Debug, Default)]
pub(super) struct FastPath {
    template: Mutex<Option<Arc<Template>>>,
}

impl FastPath {
    /// The template for a request that is sent now; `None`: the SDK must send it.
    pub(super) fn template(&self) -> Option<Arc<Template>> {
        let template = self.lock().clone()?;
        template.is_fresh().then_some(template)
    }

    /// Lets the SDK send the next request.
    pub(super) fn forget(&self) {
        self.lock().take();
    }

    /// Makes the captured request the template.
    pub(super) async fn use_captured(&self, capture: &RequestCapture) {
        if let Some(template) = Template::from_sent(capture).await {
            *self.lock() = Some(Arc::new(template));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Template>>> {
        self.template.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Captures the request that the SDK is about to send.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestCapture(Arc<Mutex<Option<Sent>>>);

/// A request of the SDK, ready to be sent, with the parts that send it and parse its response.
#[derive(Debug)]
struct Sent {
    request: HttpRequest,
    at: SystemTime,
    components: RuntimeComponents,
    connector: SharedHttpConnector,
    operation: FrozenLayer,
    timeout: Option<Duration>,
}

impl Intercept for RequestCapture {
    fn name(&self) -> &'static str {
        "RequestCapture"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Sent::new(context.request(), components, config);
        Ok(())
    }
}

impl Sent {
    fn new(request: &HttpRequest, components: &RuntimeComponents, config: &ConfigBag) -> Option<Self> {
        let timeouts = config.load::<TimeoutConfig>()?;
        // With the SDK's settings, this is the SDK's connector, with its connections.
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(timeouts.connect_timeout()).set_read_timeout(timeouts.read_timeout());
        Some(Self {
            request: request.try_clone()?,
            at: components.time_source()?.now(),
            components: components.clone(),
            connector: components.http_client()?.http_connector(&settings.build(), components),
            operation: BatchWriteItem::new().config()?,
            timeout: timeouts.operation_attempt_timeout(),
        })
    }
}

/// A successful response.
#[derive(Debug)]
pub(super) enum Received {
    /// All requests were written, with this consumed capacity, if the response has it.
    AllWritten(Option<Consumed>),
    /// Any other response, or one that the SDK has parsed.
    Other(BatchWriteItemOutput),
}

/// A request on which others are modelled.
#[derive(Debug)]
pub(super) struct Template {
    /// Without its body and the headers of its signature.
    sent: Sent,
    signer: Signer,
    identity: Identity,
    clock: ClockCorrection,
}

impl Template {
    async fn from_sent(capture: &RequestCapture) -> Option<Self> {
        let mut sent = capture.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        // From the SDK's cache, which has just resolved them for this request.
        let resolver = sent.components.auth_scheme(SIGV4)?.identity_resolver(&sent.components)?;
        let cache = sent.components.identity_cache();
        let identity = cache.resolve_cached_identity(resolver, &sent.components, &ConfigBag::base()).await.ok()?;
        let mut headers = sent.request.headers_mut();
        let clock = ClockCorrection::between(sent.at, signed_at(headers.get("x-amz-date")?)?);
        // If these headers are signed, there is no template.
        for name in SDK_HEADERS {
            headers.remove(name);
        }
        let signer = Signer::of_signed(&sent.request, identity.data::<Credentials>()?)?;
        headers = sent.request.headers_mut();
        for name in Signature::NAMES {
            headers.remove(name);
        }
        *sent.request.body_mut() = SdkBody::empty();
        Some(Self { sent, signer, identity, clock })
    }

    fn is_fresh(&self) -> bool {
        self.now().is_some_and(|now| self.is_fresh_at(now))
    }

    fn is_fresh_at(&self, now: SystemTime) -> bool {
        // A clock that was set back also invalidates it.
        let is_young = now.duration_since(self.sent.at).is_ok_and(|age| age < LIFETIME);
        is_young && self.identity.expiration().is_none_or(|end| self.clock.correct(now) < end)
    }

    fn now(&self) -> Option<SystemTime> {
        self.sent.components.time_source().map(|clock| clock.now())
    }

    /// Sends a request with this body and parses the response.
    ///
    /// Combined futures need less memory than an `async fn`, which keeps space for moved values. There is one for each
    /// request in flight.
    pub(super) fn send(&self, body: SdkBody) -> impl Future<Output = Result<Received, ServiceError>> {
        match self.request(body) {
            Ok(request) => {
                let response = self.sent.connector.call(request).then(|response| self.read_response(response));
                let limited = tokio::time::timeout(self.sent.timeout.unwrap_or(Duration::MAX), response);
                let in_time = |response: Result<_, _>| {
                    response.unwrap_or_else(|elapsed| Err(sdk_error(SdkError::timeout_error(elapsed))))
                };
                limited.map(in_time).left_future()
            }
            Err(error) => ready(Err(sdk_error(SdkError::construction_failure(error)))).right_future(),
        }
    }

    fn request(&self, body: SdkBody) -> Result<HttpRequest, BoxError> {
        let at = self.clock.correct(self.now().ok_or("no clock")?);
        let bytes = body.bytes().ok_or("the body is not in memory")?;
        let Signature { date, length, authorization } = self.signer.sign(bytes, at).ok_or("the clock is wrong")?;
        let mut request = HttpRequest::new(body);
        request.set_method("POST")?;
        request.set_uri(self.sent.request.uri())?;
        *request.headers_mut() = self.sent.request.headers().clone();
        for (name, value) in Signature::NAMES.into_iter().zip([date, length, authorization]) {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(request)
    }

    fn read_response(
        &self,
        response: Result<HttpResponse, ConnectorError>,
    ) -> impl Future<Output = Result<Received, ServiceError>> {
        match response {
            Ok(response) if response.body().bytes().is_none() => Box::pin(self.read_streamed(response)).right_future(),
            Ok(response) => ready(self.read_complete(response)).left_future(),
            Err(error) => ready(Err(sdk_error(SdkError::dispatch_failure(error)))).left_future(),
        }
    }

    /// The SDK's HTTP client streams a response.
    async fn read_streamed(&self, mut response: HttpResponse) -> Result<Received, ServiceError> {
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        match ByteStream::new(body).collect().await {
            Ok(bytes) => *response.body_mut() = SdkBody::from(bytes.into_bytes()),
            Err(error) => return Err(sdk_error(SdkError::response_error(error, response))),
        }
        self.read_complete(response)
    }

    fn read_complete(&self, response: HttpResponse) -> Result<Received, ServiceError> {
        if response.status().is_success()
            && let Some(consumed) = response.body().bytes().and_then(all_written)
        {
            return Ok(Received::AllWritten(consumed));
        }
        self.read(response).map(Received::Other)
    }

    fn read(&self, response: HttpResponse) -> Result<BatchWriteItemOutput, ServiceError> {
        let status = response.status().as_u16();
        let Some(reader) = self.sent.operation.load::<SharedResponseDeserializer>() else {
            return Err(sdk_error(SdkError::response_error("there is no response deserializer", response)));
        };
        match reader.deserialize_nonstreaming_with_config(&response, &ConfigBag::base()) {
            Ok(output) => match output.downcast::<BatchWriteItemOutput>() {
                Ok(output) => Ok(output),
                Err(_) => Err(sdk_error(SdkError::response_error("not the response to BatchWriteItem", response))),
            },
            Err(error) => {
                let named = error.as_operation_error().and_then(|error| error.downcast_ref::<BatchWriteItemError>());
                Err(match named {
                    Some(error) => ServiceError::from_response(status, error.meta().code(), error.meta().message())
                        .with_reasons(error),
                    None => sdk_error(SdkError::response_error(error, response)),
                })
            }
        }
    }
}

fn sdk_error(error: SdkError<BatchWriteItemError, HttpResponse>) -> ServiceError {
    error.into()
}

/// The correction of this machine's clock that the SDK has derived from responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClockCorrection {
    None,
    Later(Duration),
    Earlier(Duration),
}

impl ClockCorrection {
    fn between(clock: SystemTime, corrected: SystemTime) -> Self {
        match corrected.duration_since(clock) {
            Ok(later) if later > CLOCK_STEP => Self::Later(later),
            Err(earlier) if earlier.duration() > CLOCK_STEP => Self::Earlier(earlier.duration()),
            _ => Self::None,
        }
    }

    fn correct(self, clock: SystemTime) -> SystemTime {
        let corrected = match self {
            Self::None => Some(clock),
            Self::Later(by) => clock.checked_add(by),
            Self::Earlier(by) => clock.checked_sub(by),
        };
        corrected.unwrap_or(clock)
    }
}

#[cfg(test)]
mod tests;
