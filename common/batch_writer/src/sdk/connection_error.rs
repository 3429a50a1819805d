//! Why there is no connection.

use std::path::PathBuf;

use thiserror::Error;

/// Why there is no connection. No request has been sent to DynamoDB.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// The endpoint is not the URL of an HTTP server.
    #[error("the endpoint {url:?} is not a URL: {reason}")]
    InvalidEndpoint {
        /// The text from the flag, the environment or the profile.
        url: String,
        /// The cause.
        reason: &'static str,
    },
    /// No region is set in the options, the environment, the profile or the instance metadata.
    #[error("no region is set")]
    NoRegion,
    /// The region's name cannot be part of a host name.
    #[error("{0:?} is not a region")]
    InvalidRegion(String),
    /// The profile is not in the configuration files.
    #[error("there is no profile {0:?} in the AWS configuration files")]
    NoSuchProfile(String),
    /// The configuration files cannot be read.
    #[error("the AWS configuration files cannot be used: {0}")]
    ConfigurationFiles(String),
    /// No source provides credentials.
    #[error("no AWS credentials found")]
    NoCredentials,
    /// A configured source of credentials failed.
    #[error("the AWS credentials cannot be loaded: {0}")]
    Credentials(String),
    /// The file with the certificates to trust cannot be used.
    #[error("the CA bundle {} (AWS_CA_BUNDLE, or ca_bundle in the profile) cannot be used: {reason}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A runtime cannot be started.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[source] std::io::Error),
}
