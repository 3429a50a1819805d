//! Credentials from the sources that the AWS CLI uses. The sources are read again when the credentials expire, and when
//! DynamoDB reports that they have expired.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideCredentialsFuture;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, IdentityCache, Intercept, ResolveCachedIdentity, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::{IdentityFuture, SharedIdentityCache, SharedIdentityResolver};
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use serde::Deserialize;

use super::connection_error::ConnectionError;
use super::http_client::Https;
use super::settings::{Settings, loader};
use crate::service_error::{causes, is_expired_token};

/// Access key and secret for a loopback endpoint if there are none. DynamoDB Local accepts only letters and digits
/// since version 2.0.
const PLACEHOLDER_KEY: &str = "placeholder";

/// Many requests fail at once when credentials expire. Only the first of them causes the sources to be read again.
const REREAD_INTERVAL: Duration = Duration::from_secs(10);

/// Where credentials come from.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) settings: Settings,
    pub(super) region: Region,
    pub(super) https: Https,
    pub(super) is_loopback: bool,
}

impl Sources {
    /// A provider that has read nothing yet: the SDK's chain or, for a loopback endpoint, environment and profile with
    /// a placeholder as the last resort.
    async fn provider(&self) -> Option<SharedCredentialsProvider> {
        let http = self.https.client();
        if !self.is_loopback {
            let config = loader(&self.settings).region(self.region.clone()).http_client(http).load().await;
            return config.credentials_provider();
        }
        // A profile may name a source that is called over HTTPS, whatever the endpoint is.
        let config = ProviderConfig::without_region().with_region(Some(self.region.clone())).with_http_client(http);
        let mut files = ProfileFileCredentialsProvider::builder().configure(&config);
        if let Some(profile) = &self.settings.profile {
            files = files.profile_name(profile);
        }
        let environment = EnvironmentVariableCredentialsProvider::new();
        let chain = CredentialsProviderChain::first_try("Environment", environment).or_else("Profile", files.build());
        Some(SharedCredentialsProvider::new(OrPlaceholder(chain)))
    }
}

/// Placeholders where the chain finds no credentials: an endpoint on this machine has no accounts.
#[derive(Debug)]
struct OrPlaceholder(CredentialsProviderChain);

impl ProvideCredentials for OrPlaceholder {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentialsFuture<'a>
    where
        Self: 'a,
    {
        ProvideCredentialsFuture::new(async {
            match self.0.provide_credentials().await {
                Err(CredentialsError::CredentialsNotLoaded(_)) => Ok(Credentials::new(
                    PLACEHOLDER_KEY,
                    PLACEHOLDER_KEY,
                    None,
                    None,
                    "placeholder for a loopback endpoint",
                )),
                result => result,
            }
        })
    }
}

/// Credentials for all clients of a connection: their provider, their cache, and the interceptor that notices when they have expired.
#[derive(Debug, Clone)]
pub(super) struct ConnectionCredentials(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sources: Sources,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None`: the sources must be read again.
    provider: Option<SharedCredentialsProvider>,
    /// Already resolved, for the first client that needs them, so that a `credential_process` that asks for a token
    /// does not run twice.
    first: Option<Credentials>,
    cache: SharedIdentityCache,
    reread_at: Option<SystemTime>,
}

impl ConnectionCredentials {
    /// Resolves the credentials now, so that missing credentials are reported as such and not as an error of the first
    /// request.
    pub(super) async fn resolve(sources: Sources) -> Result<Self, ConnectionError> {
        let provider = sources.provider().await.ok_or(ConnectionError::NoCredentials)?;
        let first = provider.provide_credentials().await.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => ConnectionError::NoCredentials,
            error => ConnectionError::Credentials(causes(&error)),
        })?;
        let cache = IdentityCache::lazy().build();
        let state = Mutex::new(State { provider: Some(provider), first: Some(first), cache, reread_at: None });
        Ok(Self(Arc::new(Shared { sources, state })))
    }

    /// `config` with these credentials.
    pub(super) fn configure(&self, config: SdkConfig) -> SdkConfig {
        let provider = SharedCredentialsProvider::new(self.clone());
        config.into_builder().credentials_provider(provider).identity_cache(self.clone()).build()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn credentials(&self) -> provider::Result {
        let provider = {
            let mut state = self.state();
            if let Some(first) = state.first.take() {
                return Ok(first);
            }
            state.provider.clone()
        };
        let provider = match provider {
            Some(provider) => provider,
            None => {
                let provider = self.0.sources.provider().await;
                let provider = provider.ok_or_else(|| CredentialsError::not_loaded("no source of credentials"))?;
                self.state().provider = Some(provider.clone());
                provider
            }
        };
        provider.provide_credentials().await
    }

    /// Causes the next request to read the sources again, unless they have just been read.
    fn expired(&self, now: SystemTime) {
        let mut state = self.state();
        let was_just_read = |at: SystemTime| now.duration_since(at).is_ok_and(|since| since < REREAD_INTERVAL);
        if !state.reread_at.is_some_and(was_just_read) {
            log::info!("the credentials have expired; their sources are read again");
            (state.provider, state.first, state.cache) = (None, None, IdentityCache::lazy().build());
            state.reread_at = Some(now);
        }
    }
}

impl ProvideCredentials for ConnectionCredentials {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentialsFuture<'a>
    where
        Self: 'a,
    {
        ProvideCredentialsFuture::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.state().provider.as_ref().and_then(ProvideCredentials::fallback_on_interrupt)
    }
}

impl ResolveCachedIdentity for ConnectionCredentials {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let cache = self.state().cache.clone();
        IdentityFuture::new(async move { cache.resolve_cached_identity(resolver, components, config).await })
    }
}

impl Intercept for ConnectionCredentials {
    fn name(&self) -> &'static str {
        "ConnectionCredentials"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let code = context.response().and_then(|response| error_code(response.body()));
        if let (Some(code), Some(clock)) = (code, components.time_source())
            && is_expired_token(&code)
        {
            self.expired(clock.now());
        }
        Ok(())
    }
}

/// The error code in a response: of DynamoDB in JSON, of Amazon S3 in XML.
fn error_code(body: &SdkBody) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(rename = "__type")]
        code: String,
    }
    let body = body.bytes()?;
    if let Ok(Error { code }) = serde_json::from_slice(body) {
        return Some(code);
    }
    let (_, code) = std::str::from_utf8(body).ok()?.split_once("<Code>")?;
    code.split_once("</Code>").map(|(code, _)| code.to_owned())
}
