//! Raw HTTP, for requests that no SDK would send.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=0";

/// A request that can be bent out of shape.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer: the status, the headers as text, the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Raw {
    /// A well-formed request for an operation.
    pub(crate) fn operation(name: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = [
            ("content-type", "application/x-amz-json-1.0".to_owned()),
            ("x-amz-target", format!("DynamoDB_20120810.{name}")),
            ("x-amz-date", "20260101T000000Z".to_owned()),
            ("authorization", SIGNED.to_owned()),
        ];
        Self { method: "POST", path: "/".into(), headers: headers.into(), body: body.into() }
    }

    /// With the header `name` set to `value`, or without it.
    pub(crate) fn header<'a>(mut self, name: &'static str, value: impl Into<Option<&'a str>>) -> Self {
        self.headers.retain(|(given, _)| *given != name);
        self.headers.extend(value.into().map(|value| (name, value.to_owned())));
        self
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// Sends it to `address` on a connection of its own and reads the answer.
    pub(crate) fn send(&self, address: &str) -> Answer {
        let mut stream = connect(address);
        // A server that has refused may close before it has read everything.
        let _ = stream.write_all(&self.bytes(address));
        read_answer(&mut stream)
    }

    /// The same, for a server that may be about to end: `None` if nobody answers.
    pub(crate) fn try_send(&self, address: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&self.bytes(address)).ok()?;
        stream.peek(&mut [0]).ok().filter(|read| *read > 0)?;
        Some(read_answer(&mut stream))
    }

    pub(crate) fn bytes(&self, address: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut line = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            line("host", address);
        }
        if !self.headers.iter().any(|(name, _)| *name == "connection") {
            line("connection", "close");
        }
        line("content-length", &self.body.len().to_string());
        self.headers.iter().for_each(|(name, value)| line(name, value));
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub(crate) fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let (status, headers) = head.split_once("\r\n").unwrap();
    let status = status.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers: headers.to_ascii_lowercase(), body: body.into() }
}

/// A connection that is kept for many requests.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        Self { stream: BufReader::new(connect(address)), address: address.to_owned() }
    }

    /// Sends an operation: status and body. `None` if the server has closed the connection instead.
    pub(crate) fn call(&mut self, operation: &str, body: &str) -> Option<(u16, String)> {
        let request = Raw::operation(operation, body).header("connection", "keep-alive").bytes(&self.address);
        self.stream.get_mut().write_all(&request).ok()?;
        let mut line = String::new();
        let mut next_line = |stream: &mut BufReader<TcpStream>| {
            line.clear();
            stream.read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line.trim_end().to_ascii_lowercase())
        };
        let status = next_line(&mut self.stream)?.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            let header = next_line(&mut self.stream)?;
            match header.strip_prefix("content-length: ") {
                Some(value) => length = value.parse().unwrap(),
                None if header.is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some((status, String::from_utf8(body).unwrap()))
    }
}
