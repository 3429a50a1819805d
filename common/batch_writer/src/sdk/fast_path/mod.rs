//! The short way to the wire: requests like one that the SDK has just sent, signed and sent by the SDK's own parts without the rest of
//! its machinery.
//!
//! Where the SDK spends its time on a call is spread thin over its layers of configuration, hooks and allocations, and nearly all of
//! it comes to the same result for call after call. So the SDK sends a request, with all that it is good for: credentials from
//! wherever they come and their renewal, the endpoint for region, account, FIPS and dual stack, the correction of a wrong clock, its
//! user agent, timeouts, TLS, proxy. What it sent is taken down, and for a minute the following requests are sent like it, by the same
//! HTTP client, signed as it was (`signature.rs`), and their answers, but the most usual one, are read by the SDK's own reader.
//!
//! A template is a hint that may always be missing: then the SDK sends the request. It is missing when it is a minute old, when its
//! credentials expire, after any failure but throttling, and when the SDK does something that is not known here (another way to sign).
//!
//! Measured with `scripts/bench cpu`: a row costs 4.1 times as much CPU as the least that a signed request allows when the SDK sends
//! all requests, and 1.2 times when it sends the first.

mod answer_json;
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

use self::answer_json::taken_whole;
use self::signature::{Signature, Signer, signed_at};
use crate::core::answer::Consumed;
use crate::service_error::ServiceError;

/// How long requests are sent like one of the SDK's: what the SDK finds out anew meanwhile is noticed a minute later.
const LIFETIME: Duration = Duration::from_secs(60);

/// Headers that only the SDK's own requests have: its count of attempts and its mark on them are for its retries, which are off.
const OF_THE_SDK: [&str; 2] = ["amz-sdk-invocation-id", "amz-sdk-request"];

/// Signatures hold whole seconds, so a clock that is not corrected seems to be this far off at most.
const CLOCK_STEP: Duration = Duration::from_secs(2);

const SIGV4: AuthSchemeId = AuthSchemeId::new("sigv4");

/// What the SDK sent last, if requests may be sent like it.
#[derive(Debug, Default)]
pub(super) struct Wire {
    template: Mutex<Option<Arc<Template>>>,
}

impl Wire {
    /// How to send a request now; `None`: by the SDK.
    pub(super) fn template(&self) -> Option<Arc<Template>> {
        let template = self.lock().clone()?;
        template.is_fresh().then_some(template)
    }

    /// Has the SDK send the next request.
    pub(super) fn forget(&self) {
        self.lock().take();
    }

    /// From now on requests are sent like the one that `witness` saw.
    pub(super) async fn learn(&self, witness: &Witness) {
        if let Some(template) = Template::from_sent(witness).await {
            *self.lock() = Some(Arc::new(template));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Template>>> {
        self.template.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes down what the SDK is about to send.
#[derive(Debug, Clone, Default)]
pub(super) struct Witness(Arc<Mutex<Option<Sent>>>);

/// A request of the SDK's, ready to be sent, and what sends it and reads its answer.
#[derive(Debug)]
struct Sent {
    request: HttpRequest,
    at: SystemTime,
    components: RuntimeComponents,
    connector: SharedHttpConnector,
    operation: FrozenLayer,
    timeout: Option<Duration>,
}

impl Intercept for Witness {
    fn name(&self) -> &'static str {
        "Witness"
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
        // As the SDK chooses it, so that it is the same one, with the same connections.
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

/// An answer that is no error.
#[derive(Debug)]
pub(super) enum Received {
    /// All was taken, and this was consumed, if the answer tells.
    TakenWhole(Option<Consumed>),
    /// Any other, or one that the SDK has read.
    Other(BatchWriteItemOutput),
}

/// How to send requests like one that the SDK has sent.
#[derive(Debug)]
pub(super) struct Template {
    /// Without its body and what a signature brings.
    sent: Sent,
    signer: Signer,
    identity: Identity,
    clock: ClockCorrection,
}

impl Template {
    async fn from_sent(witness: &Witness) -> Option<Self> {
        let mut sent = witness.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        // From the SDK's cache, which got them for this very request.
        let resolver = sent.components.auth_scheme(SIGV4)?.identity_resolver(&sent.components)?;
        let cache = sent.components.identity_cache();
        let identity = cache.resolve_cached_identity(resolver, &sent.components, &ConfigBag::base()).await.ok()?;
        let mut headers = sent.request.headers_mut();
        let clock = ClockCorrection::between(sent.at, signed_at(headers.get("x-amz-date")?)?);
        // Without them a signature that they are part of cannot be learnt.
        for name in OF_THE_SDK {
            headers.remove(name);
        }
        let signer = Signer::learn(&sent.request, identity.data::<Credentials>()?)?;
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
        // A clock that was set back makes it unusable, too.
        let is_young = now.duration_since(self.sent.at).is_ok_and(|age| age < LIFETIME);
        is_young && self.identity.expiration().is_none_or(|end| self.clock.correct(now) < end)
    }

    fn now(&self) -> Option<SystemTime> {
        self.sent.components.time_source().map(|clock| clock.now())
    }

    /// Sends a request with this body and reads the answer.
    ///
    /// Put together from futures and not an `async fn`, which would keep room for what it has moved on: there are as many of it as requests
    /// in flight.
    pub(super) fn send(&self, body: SdkBody) -> impl Future<Output = Result<Received, ServiceError>> {
        match self.request(body) {
            Ok(request) => {
                let answer = self.sent.connector.call(request).then(|answer| self.read_answer(answer));
                let limited = tokio::time::timeout(self.sent.timeout.unwrap_or(Duration::MAX), answer);
                let in_time = |answer: Result<_, _>| {
                    answer.unwrap_or_else(|elapsed| Err(sdk_error(SdkError::timeout_error(elapsed))))
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

    fn read_answer(
        &self,
        answer: Result<HttpResponse, ConnectorError>,
    ) -> impl Future<Output = Result<Received, ServiceError>> {
        match answer {
            Ok(response) if response.body().bytes().is_none() => Box::pin(self.read_streamed(response)).right_future(),
            Ok(response) => ready(self.read_whole(response)).left_future(),
            Err(error) => ready(Err(sdk_error(SdkError::dispatch_failure(error)))).left_future(),
        }
    }

    /// The SDK's HTTP client gives an answer piece by piece.
    async fn read_streamed(&self, mut response: HttpResponse) -> Result<Received, ServiceError> {
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        match ByteStream::new(body).collect().await {
            Ok(bytes) => *response.body_mut() = SdkBody::from(bytes.into_bytes()),
            Err(error) => return Err(sdk_error(SdkError::response_error(error, response))),
        }
        self.read_whole(response)
    }

    fn read_whole(&self, response: HttpResponse) -> Result<Received, ServiceError> {
        if response.status().is_success()
            && let Some(consumed) = response.body().bytes().and_then(taken_whole)
        {
            return Ok(Received::TakenWhole(consumed));
        }
        self.read(response).map(Received::Other)
    }

    fn read(&self, response: HttpResponse) -> Result<BatchWriteItemOutput, ServiceError> {
        let status = response.status().as_u16();
        let Some(reader) = self.sent.operation.load::<SharedResponseDeserializer>() else {
            return Err(sdk_error(SdkError::response_error("there is no reader of answers", response)));
        };
        match reader.deserialize_nonstreaming_with_config(&response, &ConfigBag::base()) {
            Ok(output) => match output.downcast::<BatchWriteItemOutput>() {
                Ok(output) => Ok(output),
                Err(_) => Err(sdk_error(SdkError::response_error("not the answer to BatchWriteItem", response))),
            },
            Err(error) => {
                let named = error.as_operation_error().and_then(|error| error.downcast_ref::<BatchWriteItemError>());
                Err(match named {
                    Some(error) => ServiceError::from_answer(status, error.meta().code(), error.meta().message())
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

/// How far the SDK, having been told by answers, moves this machine's clock.
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
