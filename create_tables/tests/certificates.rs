//! HTTPS endpoints whose certificates the system does not know, through the real binary.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use test_support::engine;
use test_support::program::Program;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A local DynamoDB behind TLS, with a certificate of an authority made for the test.
struct Endpoint {
    _engine: local_dynamodb::LocalDynamoDb,
    folder: TempDir,
    url: String,
}

impl Endpoint {
    fn start() -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();

        let engine = engine();
        let address = terminate_tls(config, engine.address());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), format!("An authority for tests\n{authority_pem}")).unwrap();
        Self { _engine: engine, folder, url: format!("https://localhost:{}", address.port()) }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn program(&self) -> Program {
        Program::new(env!("CARGO_BIN_EXE_create_tables")).args(["logfile"]).endpoint(&self.url)
    }
}

/// Terminates TLS and forwards to `server`.
fn terminate_tls(config: ServerConfig, server: SocketAddr) -> SocketAddr {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust the certificate ends the connection.
                    if let Ok(mut client) = acceptor.accept(client).await {
                        let mut server = TcpStream::connect(server).await.unwrap();
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
    });
    address
}

#[test]
fn an_untrusted_certificate_is_reported_as_such() {
    let endpoint = Endpoint::start();
    let run = endpoint.program().run();
    run.assert_error(
        1,
        &[&endpoint.url, "the endpoint's certificate is not trusted: its issuer is unknown", "set AWS_CA_BUNDLE"],
    );
    assert!(!run.stderr.contains("not DynamoDB"), "{}", run.stderr);
}

#[test]
fn the_ca_bundle_of_the_environment_is_trusted() {
    let endpoint = Endpoint::start();
    endpoint.program().env("AWS_CA_BUNDLE", endpoint.file("ca.pem")).run().assert_code(0);
    let status =
        Program::new(env!("CARGO_BIN_EXE_create_tables")).args(["--status", "logfile"]).endpoint(&endpoint.url);
    let status = status.env("AWS_CA_BUNDLE", endpoint.file("ca.pem")).run();
    assert!(status.stdout.contains("ACTIVE"), "{}", status.stdout);
}

#[test]
fn the_ca_bundle_of_the_profile_is_trusted() {
    let endpoint = Endpoint::start();
    let (config, bundle) = (endpoint.file("config"), endpoint.file("ca.pem"));
    std::fs::write(&config, format!("[profile company]\nca_bundle = {bundle}\n")).unwrap();
    let program = || endpoint.program().env("AWS_CONFIG_FILE", &config).args(["--profile", "company"]);
    program().run().assert_code(0);
    // The environment takes precedence, as in the AWS CLI.
    program().env("AWS_CA_BUNDLE", "/nonexistent").run().assert_error(1, &["/nonexistent"]);
}

#[test]
fn the_bundle_replaces_the_system_s_authorities_and_must_hold_one() {
    let endpoint = Endpoint::start();
    let other = Endpoint::start();
    let run = endpoint.program().env("AWS_CA_BUNDLE", other.file("ca.pem")).run();
    run.assert_error(1, &["the endpoint's certificate is not trusted"]);
    let empty = endpoint.file("empty.pem");
    std::fs::write(&empty, "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n")
        .unwrap();
    let run = endpoint.program().env("AWS_CA_BUNDLE", &empty).run();
    run.assert_error(1, &["the CA bundle", "empty.pem", "it contains no certificate", "PEM file"]);
}
