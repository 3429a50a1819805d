//! Bytes that are not HTTP, requests with errors in them, connections left open.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use fastrand::Rng;
use serde_json::Value;
use support::http::{Raw, connect, read_answer};
use support::json::{recorded_requests, with};

fn list_tables() -> Raw {
    Raw::operation("ListTables", "{}")
}

/// Everything that the server says to `bytes` before it closes or waits for more.
fn said(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // Who refuses may close before everything is sent, and its answer may then be lost.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

#[test]
fn what_is_no_http_gets_no_answer_or_a_refusal() {
    let server = with(|_| {});
    let address = server.address().to_string();
    let whole = String::from_utf8(list_tables().bytes(&address)).unwrap();
    let with_header = |header: &str| whole.replace("content-length: 2", header).into_bytes();
    let cases: &[(&str, Vec<u8>)] = &[
        ("nothing", vec![]),
        ("empty lines", b"\r\n\r\n\r\n".to_vec()),
        ("zeros", vec![0; 10_000]),
        ("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()),
        ("HTTP/9", b"POST / HTTP/9.9\r\n\r\n".to_vec()),
        ("a line without an end", vec![b'G'; 1 << 20]),
        ("a header without an end", [b"GET / HTTP/1.1\r\nhost: ".to_vec(), vec![b'a'; 1 << 20]].concat()),
        ("a header of 1 MB", with_header(&format!("x: {}", "x".repeat(1 << 20)))),
        ("10,000 headers", with_header(&vec!["x: y"; 10_000].join("\r\n"))),
        ("a header without a colon", with_header("nothing")),
        ("a control character in a header", with_header("x: \x01")),
        ("a length below nothing", with_header("content-length: -1")),
        ("a length past 64 bits", with_header("content-length: 99999999999999999999")),
        ("two lengths", with_header("content-length: 2\r\ncontent-length: 40")),
        ("a coding that is none", with_header("transfer-encoding: magic")),
        ("a chunk past 64 bits", with_header("transfer-encoding: chunked").replace_end("fffffffffffffffff\r\n{}")),
        ("a chunk that is none", with_header("transfer-encoding: chunked").replace_end("x\r\n{}")),
        ("half a request", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("half a body", whole.as_bytes()[..whole.len() - 1].to_vec()),
    ];
    for (case, bytes) in cases {
        let said = said(&address, bytes);
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.0 4"), "{case}: {said}");
        assert_eq!(list_tables().send(&address).status, 200, "the server lives after {case}");
    }
}

trait ReplaceEnd {
    /// With another body.
    fn replace_end(self, body: &str) -> Self;
}

impl ReplaceEnd for Vec<u8> {
    fn replace_end(mut self, body: &str) -> Self {
        self.truncate(self.len() - 2);
        self.extend(body.bytes());
        self
    }
}

#[test]
fn a_length_beside_chunks_hides_no_second_request() {
    let server = with(|_| {});
    let address = server.address().to_string();
    let hidden = r#"POST / HTTP/1.1
host: evil.example

"#;
    let request = list_tables().bytes(&address);
    let request = String::from_utf8(request)
        .unwrap()
        .replace("content-length: 2", "content-length: 4\r\ntransfer-encoding: chunked");
    let said =
        said(&address, request.replace("\r\n\r\n{}", &format!("\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{hidden}")).as_bytes());
    assert!(said.matches("HTTP/1.1 ").count() <= 1, "{said}");
}

#[test]
fn requests_may_follow_one_another_and_ask_whether_to_go_on() {
    let server = with(|_| {});
    let address = server.address().to_string();
    let one = String::from_utf8(list_tables().bytes(&address)).unwrap();
    let open = one.replace("connection: close\r\n", "");
    let mut stream = connect(&address);
    stream.write_all([open.as_bytes(), one.as_bytes()].concat().as_slice()).unwrap();
    let mut both = String::new();
    stream.read_to_string(&mut both).unwrap();
    assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 2, "{both}");

    let mut stream = connect(&address);
    let (head, body) = one.split_once("\r\n\r\n").unwrap();
    stream.write_all(format!("{head}\r\nexpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).status, 200);
}

#[test]
fn a_client_that_has_said_everything_still_gets_its_answer() {
    let server = with(|_| {});
    let address = server.address().to_string();
    let whole = list_tables().bytes(&address);
    for _ in 0..50 {
        let said = said(&address, &whole);
        assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
    }
}

#[test]
fn two_hundred_connections_left_open_harm_nobody() {
    let server = with(|_| {});
    let address = server.address().to_string();
    let whole = list_tables().bytes(&address);
    let left_open: Vec<TcpStream> = (0..200)
        .map(|n| {
            let mut stream = connect(&address);
            stream.write_all(&whole[..n % whole.len()]).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(list_tables().send(&address).status, 200);
    }
    // Gone without a word, and with a reset: what was sent is not all read.
    drop(left_open);
    assert_eq!(list_tables().send(&address).status, 200);
}

/// The body with one thing wrong with it.
fn mutated(body: &str, random: &mut Rng) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    let at = random.usize(0..bytes.len());
    let end = (at + random.usize(1..20)).min(bytes.len());
    match random.u8(0..6) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes[at] = random.u8(..),
        3 => {
            let copy = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, copy));
        }
        4 => {
            let other =
                random.choice(["null", "[]", "{}", "-1", "1e999", "\"\"", "true", "\\ud800", "9223372036854775808"]);
            drop(bytes.splice(at..end, other.unwrap().bytes()));
        }
        // A value of another kind, where one begins.
        _ => {
            let starts: Vec<_> = body.match_indices("\":").map(|(at, _)| at + 2).collect();
            if let Some(start) = random.choice(starts) {
                let other =
                    random.choice(["null,\"x\":", "[],\"x\":", "{},\"x\":", "0,\"x\":", "\"\",\"x\":", "[", "{"]);
                drop(bytes.splice(start..start, other.unwrap().bytes()));
            }
        }
    }
    bytes
}

#[test]
fn requests_with_errors_in_them_get_dynamodbs_answers() {
    let server = with(|_| {});
    let address = server.address().to_string();
    let mut random = Rng::with_seed(7);
    let mut refused = 0;
    for (operation, body) in recorded_requests() {
        let bodies = (0..4).map(|_| mutated(&body, &mut random));
        for body in bodies.chain([body.as_bytes().to_vec()]) {
            let shown = String::from_utf8_lossy(&body).into_owned();
            let answer = Raw::operation(&operation, body).send(&address);
            let json: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
            match answer.status {
                200 => assert!(json.get("__type").is_none(), "{operation} {shown}: {answer:?}"),
                400 => {
                    assert!(json["__type"].is_string(), "{operation} {shown}: {answer:?}");
                    refused += 1;
                }
                _ => panic!("{operation} {shown}: {answer:?}"),
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
    assert_eq!(list_tables().send(&address).status, 200, "the server lives");
}
