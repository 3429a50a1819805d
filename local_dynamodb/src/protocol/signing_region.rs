//! The region that a request is signed for. Clients choose it, and ARNs name it.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

const DEFAULT: &str = "us-east-1";

/// The region in the credential scope: `Credential=KEY/20260101/REGION/SERVICE/aws4_request`.
pub(crate) fn signing_region(headers: &HeaderMap) -> &str {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scope = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
    let scope = scope.split([',', ' ']).next().unwrap_or_default();
    // From the end: an access key may contain a slash in a program that makes up its own.
    scope.rsplit('/').nth(2).filter(|region| is_region(region)).unwrap_or(DEFAULT)
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_that_of_the_credential_scope() {
        for (authorization, region) in [
            ("AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host", "eu-west-1"),
            ("AWS4-HMAC-SHA256 Credential=a/b/20260101/eu-west-1/dynamodb/aws4_request,Signature=0", "eu-west-1"),
            ("AWS4-HMAC-SHA256 Credential=a", DEFAULT),
            ("AWS4-HMAC-SHA256 Credential=a/2/<b>/dynamodb/aws4_request", DEFAULT),
            ("", DEFAULT),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())]);
            assert_eq!(signing_region(&headers), region, "{authorization}");
        }
    }
}
