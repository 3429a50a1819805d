//! An S3 server backed by a folder, and a network in front of it that loses connections.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;

use crate::program::Program;

/// The only key that it accepts.
const KEY: (&str, &str) = ("AKIAEXAMPLE", "a secret of the tests");

/// A running server. Its threads end with the test's process.
#[derive(Debug)]
pub struct S3Server {
    folder: TempDir,
    address: SocketAddr,
    requests: Requests,
}

type Requests = Arc<Mutex<Vec<String>>>;

/// For each connection, the number of response bytes before it ends.
type Plan = dyn FnMut(usize) -> usize + Send;

impl S3Server {
    /// With one bucket, `logs`, which is empty.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let requests = Requests::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (service, seen) = (service.build(), Arc::clone(&requests));
        thread::spawn(move || serve(listener, &service, &seen));
        Self { folder, address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The endpoint URL of a network in front of it. Connection `n`, from 0, returns only the first `plan(n)` bytes.
    pub fn behind(&self, plan: impl FnMut(usize) -> usize + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, server) = (listener.local_addr().unwrap(), self.address);
        thread::spawn(move || lossy(&listener, server, Box::new(plan)));
        format!("http://{address}")
    }

    /// Puts an object into `logs`.
    pub fn put(&self, key: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Atomically, as S3 does.
        let new = self.folder.path().join("new");
        fs::write(&new, contents).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// An object in `logs`.
    pub fn get(&self, key: &str) -> Vec<u8> {
        fs::read(self.path(key)).unwrap()
    }

    /// Where an object in `logs` is on the disk.
    pub fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("logs").join(key)
    }

    /// Requests so far: method, path and query, and the range that was asked for.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The program with this server as its endpoint of S3, and credentials for it.
    pub fn program(&self, program: Program) -> Program {
        self.program_at(&self.url(), program)
    }

    /// The program with `url` as its endpoint of S3, and credentials for this server.
    pub fn program_at(&self, url: &str, program: Program) -> Program {
        program.env("AWS_ENDPOINT_URL_S3", url).env("AWS_ACCESS_KEY_ID", KEY.0).env("AWS_SECRET_ACCESS_KEY", KEY.1)
    }
}

fn serve(listener: TcpListener, service: &S3Service, requests: &Requests) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let (service, requests) = (service.clone(), Arc::clone(requests));
            let noted = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let range = request.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
                let line = format!("{} {} {}", request.method(), request.uri(), range.unwrap_or_default());
                requests.lock().unwrap().push(line.trim_end().to_owned());
                Service::call(&service, request)
            });
            tokio::spawn(async move {
                let http = hyper::server::conn::http1::Builder::new();
                // The client may leave at any time.
                let _ = http.serve_connection(TokioIo::new(connection), noted).await;
            });
        }
    });
}

fn lossy(listener: &TcpListener, server: SocketAddr, mut plan: Box<Plan>) {
    for (number, client) in listener.incoming().enumerate() {
        let (client, length) = (client.unwrap(), plan(number));
        let server = TcpStream::connect(server).unwrap();
        let (to_server, from_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut &from_client, &mut &to_server));
        thread::spawn(move || {
            let _ = copy_some(&server, &client, length);
            let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
        });
    }
}

fn copy_some(mut from: &TcpStream, mut to: &TcpStream, mut length: usize) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while length > 0 {
        let wanted = length.min(buffer.len());
        let read = from.read(&mut buffer[..wanted])?;
        if read == 0 {
            break;
        }
        to.write_all(&buffer[..read])?;
        length -= read;
    }
    Ok(())
}
