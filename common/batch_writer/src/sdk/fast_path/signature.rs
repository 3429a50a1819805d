//! SigV4 signatures for requests that differ only in body and time.
//!
//! AWS's crate computes each signature from scratch: it copies and sorts the headers and derives the key of the day.
//! Here the canonical request is prepared once. A signature then takes the hash of the body, a hash of a few hundred
//! bytes, and one HMAC.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::date_time::{DateTime, Format};
use http::Uri;
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The headers of a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// `x-amz-date`
    pub(super) date: String,
    /// `content-length`
    pub(super) length: String,
    /// `authorization`
    pub(super) authorization: String,
}

impl Signature {
    /// The names of the headers. The first two are themselves signed if the SDK signs them.
    pub(super) const NAMES: [&str; 3] = ["x-amz-date", "content-length", "authorization"];
}

/// A piece of the canonical request.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Fixed(String),
    Date,
    Length,
}

/// Signs requests as the SDK has signed one.
pub(super) struct Signer {
    credentials: Credentials,
    region: String,
    service: String,
    /// The canonical request without the hash of the body.
    canonical: Vec<Piece>,
    signed_headers: String,
    /// The key of this day.
    day: String,
    key: Vec<u8>,
}

/// Without the key, which would allow signing for a day.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("signed_headers", &self.signed_headers).finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer modelled on a request that the SDK has signed with these credentials. `None` unless it reproduces the
    /// signature: a future SDK may sign in a different way.
    pub(super) fn of_signed(request: &HttpRequest, credentials: &Credentials) -> Option<Self> {
        let authorization = request.headers().get("authorization")?;
        let Authorization { key_id, day, region, service, signed_headers } = Authorization::parse(authorization)?;
        let at = signed_at(request.headers().get("x-amz-date")?)?;
        let signer = Self {
            canonical: canonical(request, signed_headers)?,
            signed_headers: signed_headers.to_owned(),
            key: generate_signing_key(credentials.secret_access_key(), at, region, service).as_ref().to_vec(),
            credentials: credentials.clone(),
            region: region.to_owned(),
            service: service.to_owned(),
            day: day.to_owned(),
        };
        let is_same = key_id == credentials.access_key_id()
            && signer.sign(request.body().bytes()?, at)?.authorization == authorization;
        is_same.then_some(signer)
    }

    /// Signs a request with this body. `None` if the year has more than four digits.
    pub(super) fn sign(&self, body: &[u8], at: SystemTime) -> Option<Signature> {
        let (date, length) = (date(at)?, body.len().to_string());
        let mut canonical = String::with_capacity(2048);
        for piece in &self.canonical {
            canonical.push_str(match piece {
                Piece::Fixed(text) => text,
                Piece::Date => &date,
                Piece::Length => &length,
            });
        }
        push_hash(&mut canonical, body);
        let Self { region, service, signed_headers, .. } = self;
        let (day, key_id) = (&date[..8], self.credentials.access_key_id());
        let mut to_sign = format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n");
        push_hash(&mut to_sign, canonical.as_bytes());
        let signature = if day == self.day {
            calculate_signature(&self.key, to_sign.as_bytes())
        } else {
            let key = generate_signing_key(self.credentials.secret_access_key(), at, region, service);
            calculate_signature(key, to_sign.as_bytes())
        };
        let authorization = format!(
            "{ALGORITHM} Credential={key_id}/{day}/{region}/{service}/aws4_request, SignedHeaders={signed_headers}, Signature={signature}"
        );
        Some(Signature { date, length, authorization })
    }
}

/// The canonical form of requests like this one, without the hash of their body.
fn canonical(request: &HttpRequest, signed_headers: &str) -> Option<Vec<Piece>> {
    let uri: Uri = request.uri().parse().ok()?;
    let mut pieces = Vec::new();
    let mut text = format!("{}\n{}\n{}\n", request.method(), uri.path(), uri.query().unwrap_or_default());
    for name in signed_headers.split(';') {
        text.push_str(name);
        text.push(':');
        let varies = match name {
            "x-amz-date" => Some(Piece::Date),
            "content-length" => Some(Piece::Length),
            _ => None,
        };
        match varies {
            Some(piece) => pieces.extend([Piece::Fixed(std::mem::take(&mut text)), piece]),
            None => text.push_str(&value(&uri, request.headers(), name)?),
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(signed_headers);
    text.push('\n');
    pieces.push(Piece::Fixed(text));
    Some(pieces)
}

fn value(uri: &Uri, headers: &Headers, name: &str) -> Option<String> {
    match (headers.get(name), name) {
        (Some(value), _) => Some(value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
        // The HTTP client adds it, without the default port.
        (None, "host") => {
            let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
            let port = uri.port_u16().filter(|port| *port != default);
            Some(port.map_or_else(|| uri.host().map(str::to_owned), |port| Some(format!("{}:{port}", uri.host()?)))?)
        }
        (None, _) => None,
    }
}

/// The parts of an `authorization` header.
#[derive(Debug, PartialEq, Eq)]
struct Authorization<'a> {
    key_id: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
}

impl<'a> Authorization<'a> {
    /// From a header such as `AWS4-HMAC-SHA256 Credential=AKID/20260131/us-east-1/dynamodb/aws4_request, SignedHeaders=…, Signature=…`.
    fn parse(header: &'a str) -> Option<Self> {
        let mut fields = header.strip_prefix(ALGORITHM)?.split(',').map(str::trim);
        let mut scope = fields.next()?.strip_prefix("Credential=")?.split('/');
        let signed_headers = fields.next()?.strip_prefix("SignedHeaders=")?;
        let scope = (scope.next()?, scope.next()?, scope.next()?, scope.next()?, scope.next()?, scope.next());
        match scope {
            (key_id, day, region, service, "aws4_request", None) => {
                Some(Self { key_id, day, region, service, signed_headers })
            }
            _ => None,
        }
    }
}

/// The time in a header such as `20260131T235959Z`.
pub(super) fn signed_at(header: &str) -> Option<SystemTime> {
    let (date, time) = header.split_once('T')?;
    let iso = format!(
        "{}-{}-{}T{}:{}:{}",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?,
    );
    DateTime::from_str(&iso, Format::DateTime).ok()?.try_into().ok()
}

/// A time in the form of such a header.
fn date(at: SystemTime) -> Option<String> {
    let seconds = DateTime::from_secs(DateTime::from(at).secs());
    let mut date = seconds.fmt(Format::DateTime).ok()?;
    date.retain(|character| !matches!(character, '-' | ':'));
    (date.len() == "20260131T235959Z".len()).then_some(date)
}

/// Appends the SHA-256 of `bytes` in hexadecimal.
fn push_hash(text: &mut String, bytes: &[u8]) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for byte in Sha256::digest(bytes) {
        text.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use aws_smithy_types::body::SdkBody;
    use proptest::prelude::*;

    use super::*;

    fn request(uri: &str, headers: &[(String, String)], body: &[u8]) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").unwrap();
        request.set_uri(uri).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        request.headers_mut().insert("content-length", body.len().to_string());
        request
    }

    /// As AWS's crate signs it.
    fn signed(mut request: HttpRequest, credentials: &Credentials, at: SystemTime) -> HttpRequest {
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-north-1")
            .name("dynamodb")
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let body = SignableBody::Bytes(request.body().bytes().unwrap());
        let signable = SignableRequest::new(request.method(), request.uri(), request.headers().iter(), body).unwrap();
        let (headers, _) = sign(signable, &params).unwrap().into_parts().0.into_parts();
        for header in headers {
            request.headers_mut().insert(header.name().to_owned(), header.value().to_owned());
        }
        request
    }

    fn seconds(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    const NOON: u64 = 1_769_860_800;

    fn signed_request() -> (HttpRequest, Credentials) {
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let headers = [("x-amz-target".to_owned(), "DynamoDB_20120810.BatchWriteItem".to_owned())];
        let request = request("https://dynamodb.eu-north-1.amazonaws.com/", &headers, b"{}");
        (signed(request, &credentials, seconds(NOON)), credentials)
    }

    proptest! {
        #[test]
        fn signatures_are_those_of_aws_own_crate(
            uri in prop::sample::select(vec![
                "https://dynamodb.eu-north-1.amazonaws.com/",
                "https://dynamodb.eu-north-1.amazonaws.com:443/",
                "http://127.0.0.1:8000/",
                "http://[::1]:8000",
                "http://localhost:80/",
            ]),
            headers in prop::collection::btree_map("x-[a-z]{1,8}", "[!-~]{1,10}( {1,3}[!-~]{1,10}){0,2}", 0..4),
            token in prop::option::of("[A-Za-z0-9+/=]{1,50}"),
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 2),
            later in 0_u64..200_000,
        ) {
            let headers: Vec<_> = headers.into_iter().collect();
            let credentials = Credentials::new("AKID", "secret", token, None, "test");
            let first = signed(request(uri, &headers, &bodies[0]), &credentials, seconds(NOON));
            let signer = Signer::of_signed(&first, &credentials).unwrap();
            let at = seconds(NOON + later) + Duration::from_millis(999);
            let second = signed(request(uri, &headers, &bodies[1]), &credentials, at);
            let signature = signer.sign(&bodies[1], at).unwrap();
            let header = |name| second.headers().get(name).unwrap().to_owned();
            let [date, length, authorization] = Signature::NAMES.map(header);
            prop_assert_eq!(signature, Signature { date, length, authorization });
        }
    }

    #[test]
    fn there_is_no_signer_for_another_way_to_sign() {
        let (request, credentials) = signed_request();
        assert!(Signer::of_signed(&request, &credentials).is_some());
        for (name, value) in [
            ("x-amz-date", "20260131T120001Z"),
            ("x-amz-target", "DynamoDB_20120810.PutItem"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20260131/eu-north-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            ),
            ("authorization", "Bearer AKID"),
        ] {
            let mut other = signed_request().0;
            other.headers_mut().insert(name, value);
            assert!(Signer::of_signed(&other, &credentials).is_none(), "{name}: {value}");
        }
        for (key_id, secret) in [("AKID", "other"), ("OTHER", "secret")] {
            assert!(Signer::of_signed(&request, &Credentials::new(key_id, secret, None, None, "test")).is_none());
        }
    }

    #[test]
    fn a_scope_is_read_only_from_a_sigv4_header() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKID/20260131/us-east-1/dynamodb/aws4_request, SignedHeaders=a;b, Signature=0";
        let (key_id, day, region, service, signed_headers) = ("AKID", "20260131", "us-east-1", "dynamodb", "a;b");
        assert_eq!(Authorization::parse(header), Some(Authorization { key_id, day, region, service, signed_headers }));
        for other in [
            "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260131/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 Credential=AKID/20260131/us-east-1/aws4_request, SignedHeaders=host, Signature=0",
            "Bearer AKID",
            "",
        ] {
            assert_eq!(Authorization::parse(other), None, "{other}");
        }
    }

    #[test]
    fn dates_are_read_and_written() {
        assert_eq!(signed_at("19700101T000102Z"), Some(seconds(62)));
        for bad in ["", "19700101", "19700101T", "1970-01-01T00:01:02Z", "19701301T000102Z"] {
            assert_eq!(signed_at(bad), None, "{bad}");
        }
        assert_eq!(date(seconds(NOON) + Duration::from_nanos(1)).as_deref(), Some("20260131T120000Z"));
        assert_eq!(date(seconds(u64::from(u32::MAX) * 100)), None, "a year of five digits");
    }
}
