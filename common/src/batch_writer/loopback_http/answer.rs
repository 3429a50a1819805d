//! What a server answers: from bytes to a response, as RFC 9112 has it. Pure.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_smithy_types::body::SdkBody;
use httparse::{Header, Status};
use thiserror::Error;

/// Headers that an answer may have at most; DynamoDB's have nine.
const MAX_HEADERS: usize = 100;

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: HttpResponse,
    /// Whether the server will take another request on this connection.
    pub(super) keeps_alive: bool,
}

/// What came is no answer of HTTP/1.1: something else listens there.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum NoHttp {
    #[error("what answers does not speak HTTP/1.1: {0}")]
    Head(#[from] httparse::Error),
    #[error("an answer of HTTP without a usable {0}")]
    Header(&'static str),
    #[error("an answer of HTTP whose chunks make no sense")]
    Chunk,
}

/// Where an answer's body ends.
enum End {
    /// After so many bytes.
    Length(usize),
    /// After a chunk of none.
    LastChunk,
    /// With the connection.
    Connection,
}

impl Answer {
    /// The answer in `bytes`, which are all that have come, or `None` if more must come. `has_ended`: nothing more will come.
    pub(super) fn read(mut bytes: &[u8], has_ended: bool) -> Result<Option<Self>, NoHttp> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut head = httparse::Response::new(&mut headers);
            let Status::Complete(length) = head.parse(bytes)? else { return Ok(None) };
            bytes = &bytes[length..];
            let status = head.code.unwrap_or_default();
            if status == 101 || status >= 200 {
                return Self::with_head(status, head.version == Some(1), head.headers, bytes, has_ended);
            }
            // An interim answer, such as 100 Continue: the answer follows it.
        }
    }

    fn with_head(
        status: u16,
        is_http_1_1: bool,
        headers: &[Header<'_>],
        bytes: &[u8],
        has_ended: bool,
    ) -> Result<Option<Self>, NoHttp> {
        let end = end_of_body(status, headers)?;
        let (body, length) = match end {
            End::Length(length) => match bytes.get(..length) {
                Some(body) => (body.to_vec(), length),
                None => return Ok(None),
            },
            End::LastChunk => match join_chunks(bytes)? {
                Some(whole) => whole,
                None => return Ok(None),
            },
            End::Connection if has_ended => (bytes.to_vec(), bytes.len()),
            End::Connection => return Ok(None),
        };
        let status = status.try_into().map_err(|_| NoHttp::Header("status"))?;
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        for header in headers {
            let value = String::from_utf8_lossy(header.value).into_owned();
            response
                .headers_mut()
                .try_append(header.name.to_ascii_lowercase(), value)
                .map_err(|_| NoHttp::Header("header"))?;
        }
        let keeps_alive = is_http_1_1
            && !matches!(end, End::Connection)
            // What follows belongs to no request.
            && length == bytes.len()
            && !values(headers, "connection").any(|value| has_token(value, "close"));
        Ok(Some(Self { response, keeps_alive }))
    }
}

fn end_of_body(status: u16, headers: &[Header<'_>]) -> Result<End, NoHttp> {
    if matches!(status, 101 | 204 | 304) {
        return Ok(End::Length(0));
    }
    let mut encodings = values(headers, "transfer-encoding");
    if let Some(encoding) = encodings.next() {
        let is_chunked = encodings.next().is_none() && encoding.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return if is_chunked { Ok(End::LastChunk) } else { Err(NoHttp::Header("transfer-encoding")) };
    }
    let mut lengths = values(headers, "content-length");
    let Some(first) = lengths.next() else { return Ok(End::Connection) };
    if lengths.any(|other| other != first) || !first.iter().all(u8::is_ascii_digit) {
        return Err(NoHttp::Header("content-length"));
    }
    let length = std::str::from_utf8(first).ok().and_then(|digits| digits.parse().ok());
    length.map(End::Length).ok_or(NoHttp::Header("content-length"))
}

/// The body that comes in chunks, and how many bytes it took; `None` if its end has not come yet.
fn join_chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, NoHttp> {
    // Nothing is copied until all has come: this is tried again with every piece that comes.
    let mut chunks = Vec::new();
    let mut at = 0;
    loop {
        let Status::Complete((start, size)) = httparse::parse_chunk_size(&bytes[at..]).map_err(|_| NoHttp::Chunk)?
        else {
            return Ok(None);
        };
        at += start;
        let size = usize::try_from(size).map_err(|_| NoHttp::Chunk)?;
        if size == 0 {
            // Headers that come after the body say nothing that is needed.
            let mut trailers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            return Ok(match httparse::parse_headers(&bytes[at..], &mut trailers)? {
                Status::Complete((length, _)) => Some((chunks.concat(), at + length)),
                Status::Partial => None,
            });
        }
        let end = at.checked_add(size).ok_or(NoHttp::Chunk)?;
        match (bytes.get(at..end), bytes.get(end..).and_then(|rest| rest.get(..2))) {
            (Some(chunk), Some(b"\r\n")) => chunks.push(chunk),
            (Some(_), Some(_)) => return Err(NoHttp::Chunk),
            _ => return Ok(None),
        }
        at = end + 2;
    }
}

fn values<'a>(headers: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn has_token(value: &[u8], token: &str) -> bool {
    value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Option<(u16, String, bool)>, NoHttp> {
        read_bytes(text.as_bytes(), false)
    }

    fn read_bytes(bytes: &[u8], has_ended: bool) -> Result<Option<(u16, String, bool)>, NoHttp> {
        Ok(Answer::read(bytes, has_ended)?.map(|answer| {
            let body = String::from_utf8(answer.response.body().bytes().unwrap().to_vec()).unwrap();
            (answer.response.status().as_u16(), body, answer.keeps_alive)
        }))
    }

    fn whole(status: u16, body: &str, keeps_alive: bool) -> Result<Option<(u16, String, bool)>, NoHttp> {
        Ok(Some((status, body.to_owned(), keeps_alive)))
    }

    #[test]
    fn a_body_of_a_length() {
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), whole(200, "{}", true));
        assert_eq!(
            read("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}"),
            whole(400, "{}", true)
        );
        assert_eq!(read("HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n"), whole(500, "", true));
        assert_eq!(read("HTTP/1.1 204 No Content\r\n\r\n"), whole(204, "", true));
    }

    #[test]
    fn a_body_in_chunks() {
        let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n4;name=value\r\n{\"a\"\r\nA\r\n: 1, \"b\":2\r\n1\r\n}\r\n0\r\n\r\n";
        assert_eq!(read(chunks), whole(200, r#"{"a": 1, "b":2}"#, true));
        let trailers = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-amz-crc32: 1\r\n\r\n";
        assert_eq!(read(trailers), whole(200, "{}", true));
    }

    #[test]
    fn a_body_that_ends_with_the_connection() {
        let answer = "HTTP/1.1 200 OK\r\n\r\n{}";
        assert_eq!(read(answer), Ok(None));
        assert_eq!(read_bytes(answer.as_bytes(), true), whole(200, "{}", false));
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(read(answers), whole(200, "{}", true));
    }

    #[test]
    fn connections_that_serve_no_other_request() {
        for head in [
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 500",
        ] {
            assert_eq!(read(head), whole(200, "{}", false), "{head}");
        }
    }

    #[test]
    fn headers_are_kept() {
        let text = "HTTP/1.1 200 OK\r\nX-Amz-Crc32: 7\r\nServer: \u{fc}\r\nx-twice: a\r\nx-twice: b\r\ncontent-length: 0\r\n\r\n";
        let answer = Answer::read(text.as_bytes(), false).unwrap().unwrap();
        let headers = answer.response.headers();
        assert_eq!(headers.get("x-amz-crc32"), Some("7"));
        assert_eq!(headers.get("server"), Some("\u{fc}"));
        assert_eq!(headers.get_all("x-twice").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_no_http_is_said_to_be_none() {
        assert!(matches!(read("SSH-2.0-OpenSSH_9.2\r\n"), Err(NoHttp::Head(_))));
        for (header, named) in [
            ("content-length: two", "content-length"),
            ("content-length: +2", "content-length"),
            ("content-length: ", "content-length"),
            ("content-length: 99999999999999999999", "content-length"),
            ("content-length: 2\r\ncontent-length: 3", "content-length"),
            ("transfer-encoding: gzip, chunked", "transfer-encoding"),
        ] {
            assert_eq!(
                read(&format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n{{}}")),
                Err(NoHttp::Header(named)),
                "{header}"
            );
        }
        for chunks in ["x\r\n", "2\r\n{}..", "fffffffffffffffff\r\n"] {
            let text = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
            assert_eq!(read(&text), Err(NoHttp::Chunk), "{chunks}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_read_before_all_has_come(body in ".{0,60}", sizes in prop::collection::vec(1_usize..20, 0..6)) {
            let mut chunks = Vec::new();
            let mut rest = body.as_bytes();
            for size in sizes {
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                if !chunk.is_empty() {
                    chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    chunks.extend_from_slice(chunk);
                    chunks.extend_from_slice(b"\r\n");
                }
                rest = after;
            }
            if !rest.is_empty() {
                chunks.extend_from_slice(format!("{:X}\r\n", rest.len()).as_bytes());
                chunks.extend_from_slice(rest);
                chunks.extend_from_slice(b"\r\n");
            }
            chunks.extend_from_slice(b"0\r\n\r\n");
            let by_chunks = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &chunks[..]].concat();
            let by_length = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes();
            for answer in [by_chunks, by_length] {
                for length in 0..answer.len() {
                    prop_assert_eq!(read_bytes(&answer[..length], false), Ok(None));
                    prop_assert_eq!(read_bytes(&answer[..length], true), Ok(None), "the connection was lost");
                }
                prop_assert_eq!(read_bytes(&answer, false), whole(200, &body, true));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), has_ended: bool) {
            let _ = Answer::read(&bytes, has_ended);
            for head in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
                let _ = Answer::read(&[head.as_bytes(), &bytes].concat(), has_ended);
            }
        }
    }
}
