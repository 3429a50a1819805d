//! Keeps web pages of other origins out. A page open in a browser on this machine can send requests to loopback and, by
//! pointing its own host name at 127.0.0.1 (DNS rebinding), even read the answers. Programs are not affected: only
//! browsers send `Origin`, and a program's `Host` is the address it connects to.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

/// A request that comes, or may come, from a web page of another origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ForbiddenOrigin {
    #[error("requests from web pages of another origin are refused (Origin: {0})")]
    Origin(String),
    #[error("the host name {0} is not this server's: use its IP address, or localhost")]
    Host(String),
}

/// Checks where a request comes from. `own_name` is the name or address that the server was told to listen on.
pub(crate) fn check(headers: &HeaderMap, own_name: &str) -> Result<(), ForbiddenOrigin> {
    let host = headers.get(HOST).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if let Some(host) = &host
        && !is_own(host, own_name)
    {
        return Err(ForbiddenOrigin::Host(host.clone()));
    }
    for origin in headers.get_all(ORIGIN) {
        let same = host.as_ref().is_some_and(|host| origin.as_bytes() == format!("http://{host}").as_bytes());
        if !same {
            return Err(ForbiddenOrigin::Origin(String::from_utf8_lossy(origin.as_bytes()).into_owned()));
        }
    }
    Ok(())
}

/// Whether no DNS server decides where `host` leads: an address, a name for loopback, a name without a dot (those are
/// given by this machine or its network, as in a container network), or the name that the server was started with.
fn is_own(host: &str, own_name: &str) -> bool {
    let name = without_port(host);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case(own_name)
        || name.to_ascii_lowercase().ends_with(".localhost")
        || (!name.is_empty() && !name.contains('.'))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn programs_pass() {
        for host in
            ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "::1", "192.168.1.7", "dynamodb:8000", "Me.LocalHost"]
        {
            assert_eq!(check(&headers(&[("host", host)]), "127.0.0.1"), Ok(()), "{host}");
        }
        assert_eq!(check(&headers(&[]), "127.0.0.1"), Ok(()));
        assert_eq!(check(&headers(&[("host", "my.host:8000")]), "my.host"), Ok(()));
    }

    #[test]
    fn a_rebound_name_is_refused() {
        for host in ["evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example.", ""] {
            assert_eq!(
                check(&headers(&[("host", host)]), "127.0.0.1"),
                Err(ForbiddenOrigin::Host(host.into())),
                "{host}"
            );
        }
    }

    #[test]
    fn only_pages_of_this_server_pass() {
        let own = ("host", "127.0.0.1:8000");
        assert_eq!(check(&headers(&[own, ("origin", "http://127.0.0.1:8000")]), "127.0.0.1"), Ok(()));
        for origin in
            ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:8000", "https://127.0.0.1:8000"]
        {
            let refused = Err(ForbiddenOrigin::Origin(origin.into()));
            assert_eq!(check(&headers(&[own, ("origin", origin)]), "127.0.0.1"), refused, "{origin}");
        }
    }
}
