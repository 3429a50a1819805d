//! A connection: region, profile, endpoint and credentials, from which clients of DynamoDB are made.
//!
//! They are found by the SDK, in its order. A loopback endpoint has no accounts: placeholders replace whatever is
//! missing, and the instance metadata service is not queried, because on a laptop that would only time out.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use aws_types::service_config::ServiceConfigKey;

pub use super::connection_error::ConnectionError;
use super::credentials::{ConnectionCredentials, Sources};
use super::endpoint::check_endpoint;
use super::http_client::{Https, loopback_http_client};
pub use super::settings::Settings;
use super::settings::loader;
use crate::service_error::causes;

/// The region for a loopback endpoint if none is set. DynamoDB Local separates tables by region and access key unless
/// it runs with `-sharedDb`, so this must be the same in every run.
const PLACEHOLDER_REGION: &str = "us-east-1";

/// The timeout until the first byte of a response. A BatchWriteItem takes milliseconds; boto3 waits 60 s.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The timeout of one attempt, from its start to the end of the response. The connect timeout is the SDK's (3.1 s).
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Who retries a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// The SDK, as set in the environment and the profile (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`).
    Sdk,
    /// The caller: each call of a client is one request.
    Caller,
}

/// A region, an endpoint and credentials: creates a client for each worker thread.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
    credentials: ConnectionCredentials,
    https: Https,
    region: String,
    endpoint_url: Option<String>,
    is_loopback: bool,
}

impl Connection {
    /// Finds region, endpoint and credentials. Sends nothing to DynamoDB.
    pub async fn open(settings: &Settings) -> Result<Self, ConnectionError> {
        Self::open_service("DynamoDB", settings).await
    }

    /// Like [`open`](Self::open), for another AWS service with this service ID, such as `S3`. Its client is built from
    /// [`service_config`](Self::service_config).
    pub async fn open_service(service_id: &'static str, settings: &Settings) -> Result<Self, ConnectionError> {
        check_profile(settings).await?;
        let Configured { endpoint_url, ca_bundle } = configured(settings, service_id).await;
        let https = ca_bundle.map_or_else(|| Ok(Https::default()), |bundle| Https::trusting(&bundle))?;
        let is_loopback = match &endpoint_url {
            Some(url) => check_endpoint(url)?,
            None => false,
        };
        let mut loader = loader(settings).http_client(https.client());
        if is_loopback {
            // Credentials are resolved separately, below.
            loader = loader.no_credentials();
            if settings.region.is_none() {
                loader = loader.region(loopback_region(settings));
            }
        }
        let config = loader.load().await;
        let region = config.region().filter(|region| !region.as_ref().is_empty()).cloned();
        let region = region.ok_or(ConnectionError::NoRegion)?;
        if !region.as_ref().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(ConnectionError::InvalidRegion(region.to_string()));
        }
        let sources = Sources { settings: settings.clone(), region: region.clone(), https: https.clone(), is_loopback };
        let credentials = ConnectionCredentials::resolve(sources).await?;
        let (config, region) = (credentials.configure(config), region.to_string());
        Ok(Self { config, credentials, https, region, endpoint_url, is_loopback })
    }

    /// Creates a client with its own HTTP client. Pooled connections belong to the runtime that opened them, so each
    /// thread with a runtime needs its own client. Credentials are shared: they are resolved once, and renewed when
    /// they expire.
    pub fn client(&self, retries: Retries) -> Client {
        let builder = aws_sdk_dynamodb::config::Builder::from(&self.service_config());
        let mut builder = builder.interceptor(self.credentials.clone());
        if retries == Retries::Caller {
            builder = builder.retry_config(RetryConfig::disabled());
        }
        Client::from_conf(builder.build())
    }

    /// The configuration of a client with an HTTP client of its own, and without
    /// [`credentials_interceptor`](Self::credentials_interceptor), which a configuration cannot hold.
    pub fn service_config(&self) -> SdkConfig {
        let mut timeouts =
            TimeoutConfig::builder().read_timeout(READ_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        if let Some(from_profile) = self.config.timeout_config() {
            timeouts.take_defaults_from(from_profile);
        }
        let is_https = self.endpoint_url.as_ref().is_none_or(|url| url.starts_with("https:"));
        let http = match (self.is_loopback, is_https) {
            (true, true) => self.https.loopback_client(),
            (true, false) => loopback_http_client(),
            (false, _) => self.https.client(),
        };
        self.config.clone().into_builder().timeout_config(timeouts).http_client(http).build()
    }

    /// Causes the sources of credentials to be read again when the service reports that the credentials have expired.
    pub fn credentials_interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(self.credentials.clone())
    }

    /// The region's name; a placeholder for a loopback endpoint without a configured region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint, if one is configured. Otherwise it is AWS's own for the region.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    /// Whether the endpoint is on this machine, where nothing costs money.
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

/// The settings of the environment and the profile that all other lookups depend on.
struct Configured {
    endpoint_url: Option<String>,
    ca_bundle: Option<PathBuf>,
}

/// The endpoint as the service's client will resolve it: flag, AWS_ENDPOINT_URL_DYNAMODB (or another service's), AWS_ENDPOINT_URL, profile,
/// in the SDK's order.
/// The CA bundle in the AWS CLI's order, which the SDK does not know: AWS_CA_BUNDLE, profile.
async fn configured(settings: &Settings, service_id: &'static str) -> Configured {
    // With a fixed region and no credentials, the loader looks for neither.
    let config = loader(settings).region(Region::from_static(PLACEHOLDER_REGION)).no_credentials().load().await;
    let find = |env, profile| {
        let key = ServiceConfigKey::builder().service_id(service_id).env(env).profile(profile).build().ok()?;
        config.service_config().and_then(|service| service.load_config(key))
    };
    Configured {
        endpoint_url: settings.endpoint_url.clone().or_else(|| find("AWS_ENDPOINT_URL", "endpoint_url")),
        ca_bundle: find("AWS_CA_BUNDLE", "ca_bundle").filter(|path| !path.is_empty()).map(PathBuf::from),
    }
}

/// The environment's, the profile's, or the placeholder.
fn loopback_region(settings: &Settings) -> RegionProviderChain {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .or_else(Region::from_static(PLACEHOLDER_REGION))
}

/// A profile that does not exist is an error, as in the AWS CLI; the SDK would ignore it.
async fn check_profile(settings: &Settings) -> Result<(), ConnectionError> {
    let asked_for = settings.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
    let Some(profile) = asked_for.filter(|profile| !profile.is_empty() && profile != "default") else {
        return Ok(());
    };
    // Deprecated in favour of the same type in aws-runtime, which is not otherwise a dependency.
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
