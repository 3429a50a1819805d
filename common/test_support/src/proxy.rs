//! A proxy in front of the engine that injects faults of networks and services into writes: lost requests and
//! responses, server errors, throttling, and late, truncated or nonsensical responses. It also checks that the loader
//! keeps its own rules.

use std::collections::HashSet;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::canned::{CannedResponse, Request, read};
use crate::fault::Fault;

/// The maximum number of requests in a BatchWriteItem call.
const MAX_REQUESTS: usize = 25;

/// A running proxy. Its threads end with the test's process.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    connections: Connections,
}

/// Open connections, and some that are closed.
type Connections = Arc<Mutex<Vec<Weak<TcpStream>>>>;

/// What the proxy has seen of BatchWriteItem.
#[derive(Debug, Default)]
struct Seen {
    calls: usize,
    requests: usize,
    again: usize,
    acknowledged: HashSet<String>,
    in_flight: HashSet<String>,
    calls_in_flight: usize,
    most_calls_in_flight: usize,
    violations: Vec<String>,
}

type Plan = dyn FnMut(usize, &Request) -> Fault + Send;

struct Shared {
    upstream: SocketAddr,
    denied: Option<&'static str>,
    plan: Mutex<Box<Plan>>,
    seen: Arc<Mutex<Seen>>,
    away: Mutex<Option<Duration>>,
    address: SocketAddr,
}

impl Proxy {
    /// In front of the endpoint at `upstream`; `plan` gives the fault of each BatchWriteItem call, by its number from
    /// 0.
    pub fn start(upstream: &str, plan: impl FnMut(usize, &Request) -> Fault + Send + 'static) -> Self {
        Self::start_with(upstream, None, plan)
    }

    /// In front of the endpoint at `upstream`, for a user without the permission for this operation.
    pub fn denying(upstream: &str, operation: &'static str) -> Self {
        Self::start_with(upstream, Some(operation), |_, _| Fault::None)
    }

    fn start_with(
        upstream: &str,
        denied: Option<&'static str>,
        plan: impl FnMut(usize, &Request) -> Fault + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::new(Shared {
            upstream: upstream.trim_start_matches("http://").parse().unwrap(),
            denied,
            plan: Mutex::new(Box::new(plan)),
            seen: Arc::clone(&seen),
            away: Mutex::default(),
            address,
        });
        let connections = Connections::default();
        let opened = Arc::clone(&connections);
        thread::spawn(move || accept(listener, &shared, &opened));
        Self { address, seen, connections }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// BatchWriteItem calls so far.
    pub fn calls(&self) -> usize {
        self.seen.lock().unwrap().calls
    }

    /// Requests in those calls.
    pub fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    /// Keys that have been acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.seen.lock().unwrap().acknowledged.len()
    }

    /// Requests for keys that had been acknowledged before.
    pub fn again(&self) -> usize {
        self.seen.lock().unwrap().again
    }

    /// Requests in calls without a response yet.
    pub fn in_flight(&self) -> usize {
        self.seen.lock().unwrap().in_flight.len()
    }

    /// The highest number of calls in flight at the same time.
    pub fn most_calls_at_once(&self) -> usize {
        self.seen.lock().unwrap().most_calls_in_flight
    }

    /// Connections so far, without those that were cut.
    pub fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    /// Ends all current connections.
    pub fn cut(&self) {
        for connection in self.connections.lock().unwrap().drain(..).filter_map(|connection| connection.upgrade()) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Fails the test if any call had too many requests or a key twice, or a key was in two calls at the same time.
    #[track_caller]
    pub fn assert_well_behaved(&self) {
        let violations = &self.seen.lock().unwrap().violations;
        assert!(violations.is_empty(), "{violations:?}");
    }
}

fn accept(mut listener: TcpListener, shared: &Arc<Shared>, opened: &Connections) {
    loop {
        let (connection, _) = listener.accept().unwrap();
        let away = shared.away.lock().unwrap().take();
        if let Some(time) = away {
            // This connection was only a wake-up, or came too late.
            drop((connection, listener));
            thread::sleep(time);
            listener = TcpListener::bind(shared.address).unwrap();
            continue;
        }
        let connection = Arc::new(connection);
        opened.lock().unwrap().push(Arc::downgrade(&connection));
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // Both sides may end a connection at any time, and the proxy itself does.
            let _ = shared.serve(&connection);
        });
    }
}

impl Shared {
    /// Serves a connection until one of its ends closes it, or a fault does.
    fn serve(&self, client: &TcpStream) -> Option<()> {
        client.set_nodelay(true).ok()?;
        let mut from_client = BufReader::new(client);
        let upstream = TcpStream::connect(self.upstream).ok()?;
        upstream.set_nodelay(true).ok()?;
        loop {
            let request = read(&mut from_client)?;
            if self.denied == Some(request.operation.as_str()) {
                self.answer(client, CannedResponse::error("AccessDeniedException", "not authorized").bytes())?;
                return None;
            }
            if request.operation != "BatchWriteItem" {
                self.answer(client, &exchange(&upstream, &request)?)?;
                continue;
            }
            let (number, keys) = self.begins(&request);
            let fault = (self.plan.lock().unwrap())(number, &request);
            let answer = self.apply(&fault, client, &upstream, &request);
            // Before the response is sent: the next call for a key may follow at once.
            self.ends(&keys);
            let (bytes, goes_on) = answer?;
            if matches!(fault, Fault::None | Fault::Late(_)) {
                self.seen.lock().unwrap().acknowledged.extend(keys);
            }
            self.answer(client, &bytes)?;
            if !goes_on {
                return None;
            }
        }
    }

    /// The response, and whether the connection continues; `None` for no response.
    fn apply(
        &self,
        fault: &Fault,
        client: &TcpStream,
        upstream: &TcpStream,
        request: &Request,
    ) -> Option<(Vec<u8>, bool)> {
        match fault {
            Fault::None => Some((exchange(upstream, request)?, true)),
            Fault::DropBefore => None,
            Fault::DropAfter => {
                exchange(upstream, request)?;
                None
            }
            Fault::HalfResponse => Some((half(exchange(upstream, request)?), false)),
            Fault::Reset => {
                let answer = half(exchange(upstream, request)?);
                // Without a linger time, closing resets the connection.
                TcpSocket::from_std_stream(client.try_clone().ok()?).set_zero_linger().ok()?;
                Some((answer, false))
            }
            Fault::Respond(answer) => Some((answer.bytes().to_vec(), false)),
            Fault::RespondAfter(answer) => {
                exchange(upstream, request)?;
                Some((answer.bytes().to_vec(), false))
            }
            Fault::Partly(is_processed) => Some((partly(*is_processed, upstream, request)?, false)),
            Fault::Late(time) => {
                let answer = exchange(upstream, request)?;
                thread::sleep(*time);
                Some((answer, true))
            }
            Fault::Away(time) => {
                *self.away.lock().unwrap() = Some(*time);
                let _ = TcpStream::connect(self.address);
                None
            }
        }
    }

    fn answer(&self, mut client: &TcpStream, bytes: &[u8]) -> Option<()> {
        client.write_all(bytes).ok()
    }

    /// Records a call and returns its keys.
    /// The number of the call, from 0, and its keys.
    fn begins(&self, request: &Request) -> (usize, Vec<String>) {
        let keys: Vec<String> = requests(request).1.iter().map(key).collect();
        let mut seen = self.seen.lock().unwrap();
        seen.calls += 1;
        seen.calls_in_flight += 1;
        seen.most_calls_in_flight = seen.most_calls_in_flight.max(seen.calls_in_flight);
        seen.requests += keys.len();
        if keys.is_empty() || keys.len() > MAX_REQUESTS {
            seen.violations.push(format!("{} requests in a call", keys.len()));
        }
        seen.again += keys.iter().filter(|&key| seen.acknowledged.contains(key)).count();
        for key in &keys {
            if !seen.in_flight.insert(key.clone()) {
                seen.violations.push(format!("{key} is in flight twice"));
            }
        }
        (seen.calls - 1, keys)
    }

    fn ends(&self, keys: &[String]) {
        let mut seen = self.seen.lock().unwrap();
        seen.calls_in_flight -= 1;
        seen.in_flight.retain(|key| !keys.contains(key));
    }
}

/// A response without its last bytes.
fn half(mut answer: Vec<u8>) -> Vec<u8> {
    answer.truncate(answer.len() - answer.len().min(10));
    answer
}

/// The table's name and the requests of a BatchWriteItem call.
pub fn requests(request: &Request) -> (String, Vec<Value>) {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let (table, requests) = body["RequestItems"].as_object().unwrap().iter().next().unwrap();
    (table.clone(), requests.as_array().unwrap().clone())
}

/// The partition key of a put request.
fn key(request: &Value) -> String {
    let key = &request["PutRequest"]["Item"]["PK"];
    key["S"].as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// Forwards a call and returns the engine's response.
fn exchange(mut upstream: &TcpStream, request: &Request) -> Option<Vec<u8>> {
    let head = format!("{}content-length: {}\r\n\r\n", request.head, request.body.len());
    upstream.write_all(&[head.as_bytes(), request.body.as_bytes()].concat()).ok()?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        upstream.read_exact(&mut byte).ok()?;
        answer.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())?;
    let begin = answer.len();
    answer.resize(begin + length, 0);
    upstream.read_exact(&mut answer[begin..]).ok()?;
    Some(answer)
}

/// Forwards some of the requests and returns the others as unprocessed.
fn partly(is_processed: fn(usize) -> bool, upstream: &TcpStream, request: &Request) -> Option<Vec<u8>> {
    let (table, all) = requests(request);
    let (processed, unprocessed): (Vec<_>, Vec<_>) =
        all.into_iter().enumerate().partition(|(index, _)| is_processed(*index));
    let of_table = |requests: Vec<(usize, Value)>| match requests.is_empty() {
        true => json!({}),
        false => json!({ &table: requests.into_iter().map(|(_, request)| request).collect::<Vec<_>>() }),
    };
    if !processed.is_empty() {
        let body = json!({ "RequestItems": of_table(processed) }).to_string();
        let response = exchange(upstream, &Request { body, ..request.clone() })?;
        // An error of the engine is returned unchanged.
        if !response.starts_with(b"HTTP/1.1 200") {
            return Some(response);
        }
    }
    Some(CannedResponse::ok(&json!({ "UnprocessedItems": of_table(unprocessed) }).to_string()).bytes().to_vec())
}
