//! A server with responses written by the test: those of DynamoDB in states that no engine can be brought into, and
//! those of other servers.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

/// The parts of a request that tests examine.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `DescribeTable`; empty if there is no `x-amz-target`.
    pub operation: String,
    /// The value of `authorization`: access key, region, signature.
    pub authorization: String,
    pub body: String,
    /// The request line and the headers as received, without the body's length.
    pub(crate) head: String,
}

impl Request {
    /// The value of the header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }
}

/// A response as it is sent.
#[derive(Debug, Clone)]
pub struct CannedResponse(String);

impl CannedResponse {
    /// A response of DynamoDB: HTTP 200 and this JSON.
    pub fn ok(json: &str) -> Self {
        Self::http("200 OK", "application/x-amz-json-1.0", json)
    }

    /// An error of DynamoDB: HTTP 400 with code and message.
    pub fn error(code: &str, message: &str) -> Self {
        let json = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{message}"}}"#);
        Self::http("400 Bad Request", "application/x-amz-json-1.0", &json)
    }

    pub fn http(status: &str, content_type: &str, body: &str) -> Self {
        let length = body.len();
        Self(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    }

    /// These bytes, after which the connection is closed; empty for a connection that breaks.
    pub fn raw(bytes: &str) -> Self {
        Self(bytes.to_owned())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A running server. Its threads end with the test's process.
#[derive(Debug)]
pub struct CannedServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl CannedServer {
    /// Answers each request with the result of `answer`.
    pub fn start(answer: impl FnMut(&Request) -> CannedResponse + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(Mutex::new(answer)), Arc::clone(&requests));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || {
                    let connection = connection.unwrap();
                    let Some(request) = read(&mut BufReader::new(&connection)) else { return };
                    seen.lock().unwrap().push(request.clone());
                    let CannedResponse(bytes) = (answer.lock().unwrap())(&request);
                    // The client may have closed the connection.
                    let _ = (&connection).write_all(bytes.as_bytes());
                });
            }
        });
        Self { address, requests }
    }

    /// Sends the same response to everything.
    pub fn always(answer: CannedResponse) -> Self {
        Self::start(move |_| answer.clone())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// The next request of a connection; `None` at its end.
pub(crate) fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut request =
        Request { operation: String::new(), authorization: String::new(), body: String::new(), head: String::new() };
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (name, value) = match line.trim_end().split_once(':') {
            Some((name, value)) => (name.to_ascii_lowercase(), value.trim()),
            None if line.trim_end().is_empty() => break,
            None => (String::new(), ""),
        };
        match name.as_str() {
            "x-amz-target" => request.operation = value.rsplit('.').next().unwrap_or_default().to_owned(),
            "authorization" => request.authorization = value.to_owned(),
            "content-length" => {
                length = value.parse().unwrap();
                continue;
            }
            _ => {}
        }
        request.head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}

/// An address on which nothing listens.
pub fn dead_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
