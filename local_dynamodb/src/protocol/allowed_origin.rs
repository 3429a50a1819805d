//! Keeps web pages of other origins out. A page open in a browser on this machine can send requests to loopback and, by
//! pointing its own host name at 127.0.0.1 (DNS rebinding), even read the responses. Programs are not affected: only
//! browsers send `Origin`, and a program's `Host` is the address it connects to.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};

/// A request that comes, or may come, from a web page of another origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ForbiddenOrigin {
    #[error("requests from web pages of another origin are refused (Origin: {0})")]
    Origin(String),
    #[error("the host name {0} is not this server's: use its IP address or localhost, or start it with --allow-host")]
    Host(String),
}

/// The host names that a request may use for this server.
#[derive(Debug)]
pub(crate) struct AllowedHosts {
    /// The server can be reached from other machines, under names that it does not know. Then a browser on any of them
    /// can reach it too, and checking the name protects no one.
    pub(crate) any: bool,
    /// In lower case.
    pub(crate) names: Vec<String>,
}

impl AllowedHosts {
    /// For a server that listens on `host`, with the further names `allowed`.
    pub(crate) fn new(is_loopback: bool, host: &str, allowed: &[String]) -> Self {
        let names = std::iter::once(host).chain(allowed.iter().map(String::as_str)).map(str::to_ascii_lowercase);
        Self { any: !is_loopback, names: names.collect() }
    }

    /// Whether no DNS server decides where `host` leads: an address, a name for loopback, a name without a dot (those are
    /// given by this machine or its network, as in a container network), or a name that the server was started with.
    fn include(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        self.any
            || address.parse::<IpAddr>().is_ok()
            || self.names.contains(&name)
            || name.ends_with(".localhost")
            || (!name.is_empty() && !name.contains('.'))
    }
}

/// Checks where a request comes from.
pub(crate) fn check(headers: &HeaderMap, hosts: &AllowedHosts) -> Result<(), ForbiddenOrigin> {
    let host = headers.get(HOST).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if let Some(host) = &host
        && !hosts.include(host)
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

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> AllowedHosts {
        AllowedHosts::new(true, "127.0.0.1", &["My.Host".into()])
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn programs_pass() {
        for host in
            ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "::1", "192.168.1.7", "dynamodb:8000", "Me.LocalHost"]
        {
            assert_eq!(check(&headers(&[("host", host)]), &loopback()), Ok(()), "{host}");
        }
        assert_eq!(check(&headers(&[]), &loopback()), Ok(()));
        assert_eq!(check(&headers(&[("host", "my.host:8000")]), &loopback()), Ok(()));
    }

    #[test]
    fn a_rebound_name_is_refused() {
        for host in ["evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example.", ""] {
            assert_eq!(
                check(&headers(&[("host", host)]), &loopback()),
                Err(ForbiddenOrigin::Host(host.into())),
                "{host}"
            );
        }
    }

    #[test]
    fn a_server_for_other_machines_is_called_what_they_call_it() {
        let hosts = AllowedHosts::new(false, "0.0.0.0", &[]);
        for host in ["host.docker.internal:8000", "dynamodb.dev.svc.cluster.local"] {
            assert_eq!(check(&headers(&[("host", host)]), &hosts), Ok(()), "{host}");
        }
        let foreign = headers(&[("host", "host.docker.internal"), ("origin", "https://evil.example")]);
        assert_eq!(check(&foreign, &hosts), Err(ForbiddenOrigin::Origin("https://evil.example".into())));
    }

    #[test]
    fn only_pages_of_this_server_pass() {
        let own = ("host", "127.0.0.1:8000");
        assert_eq!(check(&headers(&[own, ("origin", "http://127.0.0.1:8000")]), &loopback()), Ok(()));
        for origin in
            ["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:8000", "https://127.0.0.1:8000"]
        {
            let refused = Err(ForbiddenOrigin::Origin(origin.into()));
            assert_eq!(check(&headers(&[own, ("origin", origin)]), &loopback()), refused, "{origin}");
        }
    }
}
