//! Region, profile, endpoint and credentials, made into clients of DynamoDB.
//!
//! Everything real is the SDK's own: its chain of credentials, its search for the region and the endpoint. One case is ours: an
//! endpoint on this machine has no accounts, so what is missing there is replaced by placeholders, and found without asking
//! the instance metadata service, which a laptop would wait for in vain.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as ProvideCredentialsFuture;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use aws_types::service_config::ServiceConfigKey;
use http::uri::Authority;
use thiserror::Error;

use super::http_client::{https_client, loopback_http_client};
use crate::service_error::causes;

/// Where a loopback endpoint is said to be, when nobody says otherwise. DynamoDB Local keeps tables apart by region and access key
/// unless it is told `-sharedDb`, so this must not change from run to run.
const PLACEHOLDER_REGION: &str = "us-east-1";
/// Access key and secret for a loopback endpoint when there are none. Letters only: DynamoDB Local refuses anything but letters and
/// digits since its version 2.0.
const PLACEHOLDER_KEY: &str = "placeholder";

/// How long to wait for the first byte of an answer. A BatchWriteItem takes milliseconds; boto3 waits 60 s.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one attempt may take from its start to the end of its answer. The connect timeout stays the SDK's (3.1 s).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// What the user said of the connection; what is `None` is found as the AWS CLI finds it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// URL of the endpoint, with its scheme.
    pub endpoint_url: Option<String>,
    /// Name of the region.
    pub region: Option<String>,
    /// Name of a profile in the AWS configuration files.
    pub profile: Option<String>,
}

/// Who sends a failed request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// The SDK, as the environment and the profile say (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`).
    Sdk,
    /// The caller: each call of a client is one request.
    Caller,
}

/// Why there is no connection. Nothing has been asked of DynamoDB when one of these is returned.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// The endpoint is not the URL of an HTTP server.
    #[error("the endpoint {url:?} is not a URL: {reason}")]
    InvalidEndpoint {
        /// The text given, by the flag, the environment or the profile.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Neither the flag, the environment, the profile nor the instance names a region.
    #[error("no region is set")]
    NoRegion,
    /// What names the region cannot be part of a host's name.
    #[error("{0:?} is no region")]
    InvalidRegion(String),
    /// The profile asked for is in none of the configuration files.
    #[error("there is no profile {0:?} in the AWS configuration files")]
    NoSuchProfile(String),
    /// The configuration files cannot be read.
    #[error("the AWS configuration files cannot be used: {0}")]
    ConfigurationFiles(String),
    /// No source of credentials has any.
    #[error("no AWS credentials found")]
    NoCredentials,
    /// A source of credentials is configured and failed.
    #[error("the AWS credentials cannot be loaded: {0}")]
    Credentials(String),
    /// The system gives no runtime to connect in.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[source] std::io::Error),
}

/// A known region, endpoint and source of credentials: makes as many clients as there are worker threads.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
    region: String,
    endpoint_url: Option<String>,
    is_loopback: bool,
}

impl Connection {
    /// Finds region, endpoint and credentials. Sends nothing to DynamoDB.
    pub async fn open(settings: &Settings) -> Result<Self, ConnectionError> {
        check_profile(settings).await?;
        let endpoint_url = find_endpoint(settings).await;
        let is_loopback = match &endpoint_url {
            Some(url) => check_endpoint(url)?,
            None => false,
        };
        let loader = if is_loopback { loopback_loader(settings).await? } else { loader(settings) };
        let config = loader.load().await;
        let region = config.region().map(Region::to_string).filter(|region| !region.is_empty());
        let region = region.ok_or(ConnectionError::NoRegion)?;
        if !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ConnectionError::InvalidRegion(region));
        }
        let config = with_credentials_resolved(config).await?;
        Ok(Self { config, region, endpoint_url, is_loopback })
    }

    /// A client with an HTTP client of its own. Pooled connections belong to the runtime that opened them, so a thread with its own
    /// runtime needs its own client. Credentials are shared: they are asked for once and renewed when they expire.
    pub fn client(&self, retries: Retries) -> Client {
        let mut timeouts =
            TimeoutConfig::builder().read_timeout(READ_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        if let Some(from_profile) = self.config.timeout_config() {
            timeouts.take_defaults_from(from_profile);
        }
        let mut builder = aws_sdk_dynamodb::config::Builder::from(&self.config).timeout_config(timeouts);
        if retries == Retries::Caller {
            builder = builder.retry_config(RetryConfig::disabled());
        }
        let http = if self.is_plain_loopback() { loopback_http_client() } else { https_client() };
        Client::from_conf(builder.http_client(http).build())
    }

    /// The region's name; a placeholder when the endpoint is a loopback one and nobody named a region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint, where one is set. Without one it is AWS's own for the region.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    fn is_plain_loopback(&self) -> bool {
        self.is_loopback && self.endpoint_url.as_deref().is_some_and(|url| url.starts_with("http://"))
    }

    /// Is the endpoint on this machine? Then nothing costs money.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

/// For messages: `http://127.0.0.1:8000`, or `DynamoDB in us-east-1`.
impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint_url {
            Some(url) => f.write_str(url),
            None => write!(f, "DynamoDB in {}", self.region),
        }
    }
}

fn loader(settings: &Settings) -> ConfigLoader {
    // Pinned: a newer version of the SDK may change timeouts and retries with a newer behaviour version, and ours rest on these.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(https_client());
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    loader
}

/// The endpoint as the DynamoDB client will resolve it: flag, AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, profile, in the SDK's order.
///
/// The loader is given a region and no credentials, so that it looks for neither.
async fn find_endpoint(settings: &Settings) -> Option<String> {
    if settings.endpoint_url.is_some() {
        return settings.endpoint_url.clone();
    }
    let config = loader(settings).region(Region::from_static(PLACEHOLDER_REGION)).no_credentials().load().await;
    let key = ServiceConfigKey::builder()
        .service_id("DynamoDB")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config.service_config().and_then(|service| service.load_config(key))
}

/// Is `url` on this machine? An error if it is no URL of an HTTP server.
///
/// The SDK ignores a URL in the environment that it cannot parse, and would then send everything to AWS.
fn check_endpoint(url: &str) -> Result<bool, ConnectionError> {
    let invalid = |reason| ConnectionError::InvalidEndpoint { url: url.to_owned(), reason };
    if !url.contains("://") {
        return Err(invalid("it has no scheme"));
    }
    let uri: http::Uri = url.parse().map_err(|_| invalid("it cannot be parsed"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid("its scheme is neither http nor https"));
    }
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    if authority.contains('@') {
        return Err(invalid("it holds a user name, which DynamoDB has no use for"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| invalid("it names no host"))?;
    if authority != host && uri.port_u16().is_none() {
        return Err(invalid("its port is not a number from 0 to 65535"));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    Ok(match address {
        Some(address) => address.is_loopback(),
        None => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    })
}

/// As `loader`, with the environment's and the profile's region and credentials, or placeholders.
async fn loopback_loader(settings: &Settings) -> Result<ConfigLoader, ConnectionError> {
    let mut region = ProfileFileRegionProvider::builder();
    // A profile may name a source that is asked over HTTPS, wherever the endpoint is.
    let http = ProviderConfig::without_region().with_http_client(https_client());
    let mut credentials = ProfileFileCredentialsProvider::builder().configure(&http);
    if let Some(profile) = &settings.profile {
        region = region.profile_name(profile);
        credentials = credentials.profile_name(profile);
    }
    let chain = CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", credentials.build());
    let credentials = match chain.provide_credentials().await {
        // Asked for once; whatever these are, the endpoint accepts them for ever.
        Ok(credentials) => Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token().map(str::to_owned),
            None,
            "environment or profile",
        ),
        Err(CredentialsError::CredentialsNotLoaded(_)) => {
            Credentials::new(PLACEHOLDER_KEY, PLACEHOLDER_KEY, None, None, "placeholder for a loopback endpoint")
        }
        Err(error) => return Err(ConnectionError::Credentials(causes(&error))),
    };
    let loader = loader(settings).credentials_provider(credentials);
    Ok(match settings.region {
        Some(_) => loader,
        None => loader.region(
            RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                .or_else(region.build())
                .or_else(Region::from_static(PLACEHOLDER_REGION)),
        ),
    })
}

/// A profile that was asked for and does not exist is an error, as in the AWS CLI; the SDK would go on without it.
async fn check_profile(settings: &Settings) -> Result<(), ConnectionError> {
    let asked_for = settings.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
    let Some(profile) = asked_for.filter(|profile| !profile.is_empty() && profile != "default") else {
        return Ok(());
    };
    // Deprecated in favour of the same type in aws-runtime, which is no dependency of ours otherwise.
    #[expect(deprecated)]
    let files = aws_config::profile::profile_file::ProfileFiles::default();
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &files, None)
        .await
        .map_err(|error| ConnectionError::ConfigurationFiles(causes(&error)))?;
    match profiles.get_profile(&profile) {
        Some(_) => Ok(()),
        None => Err(ConnectionError::NoSuchProfile(profile)),
    }
}

/// Asks for the credentials now, so that their absence is an error of its own and not one of the first request. The first client to
/// need them gets these: a `credential_process` that asks for a token is not run twice.
async fn with_credentials_resolved(config: SdkConfig) -> Result<SdkConfig, ConnectionError> {
    let provider = config.credentials_provider().ok_or(ConnectionError::NoCredentials)?;
    let first = provider.provide_credentials().await.map_err(|error| match error {
        CredentialsError::CredentialsNotLoaded(_) => ConnectionError::NoCredentials,
        error => ConnectionError::Credentials(causes(&error)),
    })?;
    let resolved = Resolved { first: Mutex::new(Some(first)), then: provider };
    Ok(config.into_builder().credentials_provider(SharedCredentialsProvider::new(resolved)).build())
}

/// Credentials already at hand for the first who asks (the SDK's cache, which keeps them until they expire), then the provider's.
#[derive(Debug)]
struct Resolved {
    first: Mutex<Option<Credentials>>,
    then: SharedCredentialsProvider,
}

impl Resolved {
    async fn credentials(&self) -> provider::Result {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(credentials) => Ok(credentials),
            None => self.then.provide_credentials().await,
        }
    }
}

impl ProvideCredentials for Resolved {
    fn provide_credentials<'a>(&'a self) -> ProvideCredentialsFuture<'a>
    where
        Self: 'a,
    {
        ProvideCredentialsFuture::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.then.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_endpoints_are_told_from_others() {
        for url in [
            "http://127.0.0.1:8000",
            "http://127.8.9.10",
            "http://[::1]:8000/",
            "http://localhost:4566",
            "https://LOCALHOST./",
            "http://dynamodb.localhost:8000",
        ] {
            assert!(check_endpoint(url).unwrap(), "{url}");
        }
        for url in [
            "https://dynamodb.eu-west-1.amazonaws.com",
            "http://10.0.0.7:8000",
            "http://0.0.0.0:8000",
            "http://localhost.example.com",
            "http://[fe80::1]:8000",
        ] {
            assert!(!check_endpoint(url).unwrap(), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_the_reason() {
        for (url, reason) in [
            ("127.0.0.1:8000", "it has no scheme"),
            ("localhost", "it has no scheme"),
            ("", "it has no scheme"),
            ("ftp://127.0.0.1", "its scheme is neither http nor https"),
            ("http://", "it cannot be parsed"),
            ("http://:8000", "it names no host"),
            ("http://a b", "it cannot be parsed"),
            ("http://me:secret@127.0.0.1:8000", "it holds a user name, which DynamoDB has no use for"),
            ("http://127.0.0.1:80000", "its port is not a number from 0 to 65535"),
        ] {
            let error = check_endpoint(url).unwrap_err();
            assert_eq!(error.to_string(), format!("the endpoint {url:?} is not a URL: {reason}"));
        }
    }

    #[tokio::test]
    async fn the_first_credentials_are_not_asked_for_twice() {
        let provider = SharedCredentialsProvider::new(Credentials::new("later", "later", None, None, "test"));
        let first = Credentials::new("first", "first", None, None, "test");
        let resolved = Resolved { first: Mutex::new(Some(first)), then: provider };
        assert_eq!(resolved.provide_credentials().await.unwrap().access_key_id(), "first");
        assert_eq!(resolved.provide_credentials().await.unwrap().access_key_id(), "later");
    }
}
