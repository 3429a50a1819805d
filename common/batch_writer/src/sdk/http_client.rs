//! The HTTP clients for DynamoDB and for the sources of credentials.

use std::path::Path;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::connection_error::ConnectionError;

const END_OF_CERTIFICATE: &str = "-----END CERTIFICATE-----";

/// Creates HTTPS clients that trust the same certificates: the system's or, as in the AWS CLI, those of a bundle
/// instead.
#[derive(Debug, Clone, Default)]
pub(super) struct Https {
    context: TlsContext,
}

impl Https {
    /// Trusts the authorities in a PEM file instead of the system's.
    pub(super) fn trusting(bundle: &Path) -> Result<Self, ConnectionError> {
        let unusable = |reason| ConnectionError::CaBundle { path: bundle.to_owned(), reason };
        let pem = std::fs::read(bundle).map_err(|error| unusable(error.to_string()))?;
        let pem = String::from_utf8_lossy(&pem);
        let certificates = certificates(&pem);
        if certificates.is_empty() {
            return Err(unusable("it contains no certificate in PEM format".to_owned()));
        }
        let trusted = certificates.into_iter().fold(TrustStore::empty(), TrustStore::with_pem_certificate);
        let context = TlsContext::builder().with_trust_store(trusted).build();
        Ok(Self { context: context.map_err(|error| unusable(error.to_string()))? })
    }

    /// Like the SDK's default client, it respects HTTP_PROXY, HTTPS_PROXY and NO_PROXY. It uses ring instead of AWS-LC,
    /// which takes several times as long to compile.
    pub(super) fn client(&self) -> SharedHttpClient {
        self.client_through(ProxyConfig::from_env())
    }

    /// A client for this machine, without a proxy: a proxy cannot reach its loopback interface.
    pub(super) fn loopback_client(&self) -> SharedHttpClient {
        self.client_through(ProxyConfig::disabled())
    }

    fn client_through(&self, proxy: ProxyConfig) -> SharedHttpClient {
        let context = self.context.clone();
        Builder::new().build_with_connector_fn(move |settings, components| {
            let provider = Provider::rustls(CryptoMode::Ring);
            let mut connector = ConnectorBuilder::default().tls_provider(provider).tls_context(context.clone());
            connector.set_connector_settings(settings.cloned());
            if let Some(components) = components {
                connector.set_sleep_impl(components.sleep_impl());
            }
            connector.set_proxy_config(Some(proxy.clone()));
            connector.build()
        })
    }
}

/// A plain HTTP client for this machine. It needs no certificates, which a small container may lack.
pub(super) fn loopback_http_client() -> SharedHttpClient {
    Builder::new().build_http()
}

/// The PEM sections of the certificates that TLS can use. A bundle may also contain comments and unusable certificates,
/// on which the HTTP client panics.
fn certificates(pem: &str) -> Vec<&[u8]> {
    let is_usable = |section: &&str| {
        let certificate = CertificateDer::from_pem_slice(section.as_bytes());
        certificate.is_ok_and(|certificate| RootCertStore::empty().add(certificate).is_ok())
    };
    pem.split_inclusive(END_OF_CERTIFICATE).filter(is_usable).map(str::as_bytes).collect()
}
