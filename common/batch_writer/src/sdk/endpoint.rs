//! The endpoint's URL, checked before anything is sent.

use std::net::IpAddr;

use http::uri::Authority;

use super::connection_error::ConnectionError;

/// Whether `url` is on this machine. An error if it is not the URL of an HTTP server.
///
/// The SDK ignores a URL in the environment that it cannot parse, and would then send everything to AWS.
pub(super) fn check_endpoint(url: &str) -> Result<bool, ConnectionError> {
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
        return Err(invalid("it contains a user name, which DynamoDB does not use"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_endpoints_are_recognized() {
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
    fn an_invalid_url_is_rejected_with_the_reason() {
        for (url, reason) in [
            ("127.0.0.1:8000", "it has no scheme"),
            ("localhost", "it has no scheme"),
            ("", "it has no scheme"),
            ("ftp://127.0.0.1", "its scheme is neither http nor https"),
            ("http://", "it cannot be parsed"),
            ("http://:8000", "it names no host"),
            ("http://a b", "it cannot be parsed"),
            ("http://me:secret@127.0.0.1:8000", "it contains a user name, which DynamoDB does not use"),
            ("http://127.0.0.1:80000", "its port is not a number from 0 to 65535"),
        ] {
            let error = check_endpoint(url).unwrap_err();
            assert_eq!(error.to_string(), format!("the endpoint {url:?} is not a URL: {reason}"));
        }
    }
}
