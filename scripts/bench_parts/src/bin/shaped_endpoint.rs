//! An endpoint that throttles BatchWriteItem in a shape: what `scripts/bench_shapes` measures loaders against.
//!
//! It keeps no items, only how often each key was written. `GET /` returns its counts as JSON.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use serde_json::{Value, json};

/// Throttles BatchWriteItem in a shape.
#[derive(Parser)]
struct Arguments {
    /// partial P | whole P | bucket R | blackout FROM SECONDS | partitions SLOW FAST | hot HOT REST | change FROM TO AT | shared R OTHER | mixed
    #[arg(required = true, num_args = 1..)]
    shape: Vec<String>,
    /// How long each response takes.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// DescribeTable shows a table with this capacity; without it, there is no such operation.
    #[arg(long)]
    wcu: Option<u64>,
}

/// Capacity that flows in at a rate, of which so many seconds' worth are kept.
struct Flow {
    rate: f64,
    kept: f64,
    balance: f64,
    at: f64,
}

impl Flow {
    fn new(rate: f64, kept: f64) -> Self {
        Self { rate, kept, balance: 0.0, at: 0.0 }
    }

    fn refill(&mut self, now: f64) {
        self.balance = (self.balance + (now - self.at).max(0.0) * self.rate).min((self.rate * self.kept).max(1.0));
        self.at = self.at.max(now);
    }

    fn take(&mut self, now: f64) -> bool {
        self.refill(now);
        let admitted = self.balance >= 1.0;
        self.balance -= f64::from(admitted);
        admitted
    }
}

struct Endpoint {
    shape: String,
    numbers: Vec<f64>,
    flows: Vec<Flow>,
    random: u64,
    other_at: f64,
    /// The shape's time begins with the first request.
    start: Option<Instant>,
    keys: HashMap<String, u64>,
    requests: u64,
    refused_whole: u64,
    accepted: u64,
}

impl Endpoint {
    fn new(shape: &[String]) -> anyhow::Result<Self> {
        let (shape, numbers) = shape.split_first().context("a shape")?;
        let numbers = numbers.iter().map(|number| number.parse()).collect::<Result<Vec<f64>, _>>()?;
        let number = |index: usize| numbers.get(index).copied().unwrap_or_default();
        let flows = match shape.as_str() {
            "bucket" | "change" | "shared" => vec![Flow::new(number(0), 300.0)],
            "partitions" => [number(0), number(1), number(1), number(1)].map(|rate| Flow::new(rate, 0.5)).into(),
            "hot" => vec![Flow::new(number(0), 0.5), Flow::new(number(1), 0.5)],
            "partial" | "whole" | "blackout" | "mixed" => Vec::new(),
            other => anyhow::bail!("no shape is called {other}"),
        };
        Ok(Self {
            shape: shape.clone(),
            numbers,
            flows,
            random: 0x2545_f491_4f6c_dd1d,
            other_at: 0.0,
            start: None,
            keys: HashMap::new(),
            requests: 0,
            refused_whole: 0,
            accepted: 0,
        })
    }

    /// A random number in 0..1.
    fn chance(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn number(&self, index: usize) -> f64 {
        self.numbers.get(index).copied().unwrap_or_default()
    }

    fn admits(&mut self, now: f64, key: &str) -> bool {
        let hash = key
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let hash = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize;
        match self.shape.as_str() {
            "partial" => self.chance() >= self.number(0),
            "mixed" => self.chance() >= 0.2,
            "blackout" => !(self.number(0)..self.number(0) + self.number(1)).contains(&now),
            "partitions" => self.flows[hash % 4].take(now),
            "hot" => self.flows[usize::from(hash % 10 >= 3)].take(now),
            "change" => {
                if now >= self.number(2) {
                    let (at, to) = (self.number(2), self.number(1));
                    self.flows[0].refill(at);
                    self.flows[0].rate = to;
                }
                self.flows[0].take(now)
            }
            "shared" => {
                let interval = 1.0 / self.number(1);
                while self.other_at + interval <= now {
                    self.other_at += interval;
                    let at = self.other_at;
                    self.flows[0].take(at);
                }
                self.flows[0].take(now)
            }
            "bucket" => self.flows[0].take(now),
            _ => true,
        }
    }

    /// Status and body of the response; `None`: the connection ends instead.
    #[expect(clippy::disallowed_methods, reason = "the shapes are those of a real clock")]
    fn respond(&mut self, body: &Value) -> Option<(u16, Value)> {
        self.requests += 1;
        let now = self.start.get_or_insert_with(Instant::now).elapsed().as_secs_f64();
        let fate = self.chance();
        match self.shape.as_str() {
            "whole" if fate < self.number(0) => return Some(self.refuse()),
            "mixed" if fate < 0.15 => return Some(self.refuse()),
            "mixed" if fate < 0.2 => return Some((500, error("InternalServerError"))),
            "mixed" if fate < 0.22 => return None,
            _ => {}
        }
        let mut unprocessed = serde_json::Map::new();
        for (table, requests) in body["RequestItems"].as_object()? {
            let requests = requests.as_array()?;
            let mut back = Vec::new();
            for request in requests {
                let key = request["PutRequest"]["Item"]["PK"]["S"].as_str()?;
                if self.admits(now, key) {
                    *self.keys.entry(key.to_owned()).or_default() += 1;
                    self.accepted += 1;
                } else {
                    back.push(request.clone());
                }
            }
            if back.len() == requests.len() {
                return Some(self.refuse());
            }
            if !back.is_empty() {
                unprocessed.insert(table.clone(), back.into());
            }
        }
        Some((200, json!({ "UnprocessedItems": unprocessed })))
    }

    fn refuse(&mut self) -> (u16, Value) {
        self.refused_whole += 1;
        (400, error("ProvisionedThroughputExceededException"))
    }
}

/// What loaders look at before and during a load.
fn description(wcu: u64) -> Value {
    json!({ "Table": {
        "TableName": "logfile",
        "TableStatus": "ACTIVE",
        "KeySchema": [{ "AttributeName": "PK", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "PK", "AttributeType": "S" }],
        "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": wcu },
    } })
}

fn error(code: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "throttled in a shape" })
}

/// Serves one connection until it ends.
fn serve(stream: TcpStream, endpoint: &Mutex<Endpoint>, latency: Duration, wcu: Option<u64>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut target, mut first) = (0, String::new(), String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            } else if let Some(value) = line.strip_prefix("x-amz-target:") {
                value.trim().clone_into(&mut target);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let lock = || endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let response = if first.starts_with("get") {
            let endpoint = lock();
            let (keys, requests) = (endpoint.keys.len(), endpoint.requests);
            let (refused_whole, accepted) = (endpoint.refused_whole, endpoint.accepted);
            Some((
                200,
                json!({"keys": keys, "accepted": accepted, "requests": requests, "refused_whole": refused_whole}),
            ))
        } else if target.ends_with(".batchwriteitem") {
            let body = serde_json::from_slice(&body)?;
            std::thread::sleep(latency / 2);
            let response = lock().respond(&body);
            std::thread::sleep(latency / 2);
            response
        } else if let Some(wcu) = wcu.filter(|_| target.ends_with(".describetable")) {
            Some((200, description(wcu)))
        } else {
            Some((400, error("ResourceNotFoundException")))
        };
        let Some((status, body)) = response else { return Ok(()) };
        let body = body.to_string();
        write!(
            writer,
            "HTTP/1.1 {status} OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}

#[expect(clippy::print_stdout, reason = "the script reads the address")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let endpoint = Arc::new(Mutex::new(Endpoint::new(&arguments.shape)?));
    let latency = Duration::from_millis(arguments.latency_ms);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, endpoint) = (stream?, Arc::clone(&endpoint));
        std::thread::spawn(move || {
            // A client that has gone is none of the endpoint's business.
            let _ = serve(stream, &endpoint, latency, arguments.wcu);
        });
    }
    Ok(())
}
