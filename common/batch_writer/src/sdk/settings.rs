//! Settings of a connection, and the loader of the AWS configuration that they make.

use aws_config::{BehaviorVersion, ConfigLoader};
use aws_types::region::Region;

/// The user's settings of a connection. What is `None` is found as the AWS CLI finds it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// URL of the endpoint, with its scheme.
    pub endpoint_url: Option<String>,
    /// Name of the region.
    pub region: Option<String>,
    /// Name of a profile in the AWS configuration files.
    pub profile: Option<String>,
}

/// Without an HTTP client, which only the sources of credentials and a region's metadata service need.
pub(super) fn loader(settings: &Settings) -> ConfigLoader {
    // Pinned: a newer behavior version may change timeouts and retries, and the writer's rest on these.
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
