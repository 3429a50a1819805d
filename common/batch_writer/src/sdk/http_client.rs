//! The HTTP client that requests to DynamoDB and to the sources of credentials go through.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// HTTP and HTTPS as in the SDK's default client: the system's root certificates, and the proxies that HTTP_PROXY, HTTPS_PROXY and
/// NO_PROXY name. The cryptography is ring's instead of AWS-LC's, which takes four times as long to compile.
pub(super) fn https_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// Plain HTTP to this machine: no proxy reaches its loopback interface, and no certificates are needed, which a small container
/// may lack.
pub(super) fn loopback_http_client() -> SharedHttpClient {
    Builder::new().build_http()
}
