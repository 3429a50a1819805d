//! Settings of a connection, and the loader of the AWS configuration that they result in.

use aws_config::{BehaviorVersion, ConfigLoader};
use aws_types::region::Region;

/// The user's settings of a connection. Settings that are `None` are found as the AWS CLI finds them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// URL of the endpoint, with its scheme.
    pub endpoint_url: Option<String>,
    /// Name of the region.
    pub region: Option<String>,
    /// Name of a profile in the AWS configuration files.
    pub profile: Option<String>,
}

/// Without an HTTP client: only the sources of credentials and the metadata service for the region need one.
pub(super) fn loader(settings: &Settings) -> ConfigLoader {
    // Pinned: a newer behavior version may change timeouts and retries, on which the writer's depend.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
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
