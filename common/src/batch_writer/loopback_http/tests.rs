//! Against servers that are written out byte by byte.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream as Accepted};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_smithy_types::body::SdkBody;

use super::*;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

/// Serves one connection after another as `serve` says; the URL, and what `serve` gives in the end.
fn server<T: Send + 'static>(serve: impl FnOnce(TcpListener) -> T + Send + 'static) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (url, thread::spawn(move || serve(listener)))
}

/// The next request's head and body.
fn read_request(connection: &mut BufReader<Accepted>) -> (String, Vec<u8>) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(connection.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    (head, body)
}

fn accept(listener: &TcpListener) -> BufReader<Accepted> {
    BufReader::new(listener.accept().unwrap().0)
}

fn connector(url: &str) -> Connector {
    let authority = url.parse::<Uri>().unwrap().authority().unwrap().clone();
    Connector { server: Arc::new(Server::new(authority)), connect_timeout: Duration::MAX, read_timeout: Duration::MAX }
}

fn request(url: &str, body: impl Into<Vec<u8>>) -> HttpRequest {
    let mut request = HttpRequest::new(SdkBody::from(body.into()));
    request.set_method("POST").unwrap();
    request.set_uri(url).unwrap();
    request.headers_mut().insert("x-amz-target", "DynamoDB_20120810.BatchWriteItem");
    request
}

fn answer_of(response: &HttpResponse) -> (u16, &[u8]) {
    (response.status().as_u16(), response.body().bytes().unwrap())
}

#[tokio::test]
async fn requests_one_after_another_share_a_connection() {
    let (url, server) = server(|listener| {
        let mut connection = accept(&listener);
        let requests = [(); 3].map(|()| {
            let request = read_request(&mut connection);
            connection.get_mut().write_all(ANSWER).unwrap();
            request
        });
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "there is a second connection");
        requests
    });
    let connector = connector(&url);
    for body in ["a", "", "ccc"] {
        let response = connector.call(request(&url, body)).await.unwrap();
        assert_eq!(answer_of(&response), (200, &b"{}"[..]));
    }
    let host = connector.server.authority();
    for ((head, body), sent) in server.join().unwrap().into_iter().zip(["a", "", "ccc"]) {
        assert_eq!(body, sent.as_bytes());
        assert_eq!(
            head,
            format!(
                "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\nx-amz-target: DynamoDB_20120810.BatchWriteItem\r\n\r\n",
                sent.len()
            )
        );
    }
}

#[test]
fn the_host_is_named_as_the_sdk_signs_it() {
    for (url, line, host) in [
        ("http://localhost", "POST / HTTP/1.1", "host: localhost"),
        ("http://localhost:80/", "POST / HTTP/1.1", "host: localhost"),
        ("http://[::1]:8000/a/b?c=d", "POST /a/b?c=d HTTP/1.1", "host: [::1]:8000"),
    ] {
        let head = exchange::head(&request(url, ""), &url.parse().unwrap(), 0);
        assert_eq!(head.lines().take(2).collect::<Vec<_>>(), [line, host]);
    }
    let mut named = request("http://localhost", "");
    named.headers_mut().insert("host", "example.com");
    named.headers_mut().insert("content-length", "0");
    let head = exchange::head(&named, &"http://localhost".parse().unwrap(), 0);
    assert_eq!((head.matches("host: ").count(), head.matches("content-length: ").count()), (1, 1));
}

#[tokio::test]
async fn a_request_and_an_answer_of_many_megabytes() {
    let (url, server) = server(|listener| {
        let mut connection = accept(&listener);
        let (_, body) = read_request(&mut connection);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        connection.get_mut().write_all(&[head.as_bytes(), &body].concat()).unwrap();
        read_request(&mut connection);
        connection.get_mut().write_all(ANSWER).unwrap();
    });
    let body: Vec<u8> = (0..16_000_000_u32).map(|byte| (byte % 251) as u8).collect();
    let connector = connector(&url);
    let response = connector.call(request(&url, body.clone())).await.unwrap();
    assert!(response.body().bytes() == Some(&body[..]));
    connector.call(request(&url, "")).await.unwrap();
    server.join().unwrap();
}

#[tokio::test]
async fn an_answer_that_comes_byte_by_byte() {
    let (url, server) = server(|listener| {
        let mut connection = accept(&listener);
        connection.get_ref().set_nodelay(true).unwrap();
        read_request(&mut connection);
        let chunks = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        chunks.iter().for_each(|byte| connection.get_mut().write_all(&[*byte]).unwrap());
    });
    let response = connector(&url).call(request(&url, "")).await.unwrap();
    assert_eq!(answer_of(&response), (400, &b"{}"[..]));
    server.join().unwrap();
}

#[tokio::test]
async fn an_answer_counts_before_the_request_is_read() {
    let (answered, until_answered) = mpsc::channel::<()>();
    let (url, server) = server(move |listener| {
        let mut connection = listener.accept().unwrap().0;
        connection.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        until_answered.recv().unwrap();
        // It is of no use after that.
        let mut second = accept(&listener);
        read_request(&mut second);
        second.get_mut().write_all(ANSWER).unwrap();
    });
    let connector = connector(&url);
    let response = connector.call(request(&url, vec![0; 64_000_000])).await.unwrap();
    assert_eq!(response.status().as_u16(), 413);
    answered.send(()).unwrap();
    let response = connector.call(request(&url, "")).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    server.join().unwrap();
}

#[tokio::test]
async fn a_connection_is_not_used_again_after_its_last_answer() {
    let (url, server) = server(|listener| {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"[..],
            b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            ANSWER,
        ] {
            let mut connection = accept(&listener);
            read_request(&mut connection);
            connection.get_mut().write_all(answer).unwrap();
        }
    });
    let connector = connector(&url);
    for _ in 0..4 {
        let response = connector.call(request(&url, "")).await.unwrap();
        assert_eq!(answer_of(&response), (200, &b"{}"[..]));
    }
    server.join().unwrap();
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let (url, server) = server(|listener| {
        let closed = listener.accept().unwrap();
        drop(closed);
        let mut connection = accept(&listener);
        read_request(&mut connection);
        connection.get_mut().write_all(ANSWER).unwrap();
    });
    let connector = connector(&url);
    let closed = connector.server.connect().await.unwrap();
    closed.readable().await.unwrap();
    connector.server.put_idle(closed, None);
    connector.call(request(&url, "")).await.unwrap();
    server.join().unwrap();
}

#[tokio::test]
async fn a_connection_that_the_sdk_distrusts_is_not_used_again() {
    let (url, server) = server(|listener| {
        let mut distrusted = accept(&listener);
        let mut connection = None;
        for _ in 0..2 {
            read_request(&mut distrusted);
            distrusted.get_mut().write_all(ANSWER).unwrap();
        }
        for _ in 0..2 {
            let connection = connection.get_or_insert_with(|| accept(&listener));
            read_request(connection);
            connection.get_mut().write_all(ANSWER).unwrap();
        }
    });
    let connector = connector(&url);
    for distrusts in [false, true, false, false] {
        let capture = CaptureSmithyConnection::new();
        let mut request = request(&url, "");
        request.add_extension(capture.clone());
        connector.call(request).await.unwrap();
        let connection = capture.get().unwrap();
        if distrusts {
            connection.poison();
        }
    }
    server.join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_rests_for_a_minute_and_a_half_at_most() {
    let (url, _server) = server(|listener| listener);
    let server = connector(&url).server;
    for _ in 0..3 {
        server.put_idle(server.connect().await.unwrap(), None);
    }
    tokio::time::advance(Duration::from_secs(91)).await;
    server.put_idle(server.connect().await.unwrap(), None);
    assert!(server.take_idle().is_some(), "the new one");
    assert!(server.take_idle().is_none());
    // As after a program was stopped for minutes.
    server.put_idle(server.connect().await.unwrap(), None);
    tokio::time::advance(Duration::from_secs(91)).await;
    assert!(server.take_idle().is_none());
}

#[tokio::test]
async fn the_answer_to_a_request_that_was_given_up_is_nobody_elses() {
    let (url, server) = server(|listener| {
        let mut given_up = accept(&listener);
        read_request(&mut given_up);
        let mut connection = accept(&listener);
        // Whether it can still be sent does not matter.
        let _ = given_up.get_mut().write_all(b"HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n");
        read_request(&mut connection);
        connection.get_mut().write_all(ANSWER).unwrap();
    });
    let mut connector = connector(&url);
    connector.read_timeout = Duration::from_millis(50);
    let error = connector.call(request(&url, "")).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    connector.read_timeout = Duration::MAX;
    let response = connector.call(request(&url, "")).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    server.join().unwrap();
}

#[tokio::test]
async fn connections_that_end_early_are_failures_of_the_network() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}"] {
        let (url, server) = server(move |listener| {
            let mut connection = accept(&listener);
            read_request(&mut connection);
            connection.get_mut().write_all(answer.as_bytes()).unwrap();
        });
        let error = connector(&url).call(request(&url, "")).await.unwrap_err();
        assert!(error.is_io(), "{answer:?}: {error:?}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn a_name_is_looked_up_again_when_nobody_answers_where_it_was() {
    let (url, server) = server(|listener| {
        for _ in 0..2 {
            let mut connection = accept(&listener);
            read_request(&mut connection);
            connection.get_mut().write_all(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    let url = url.replace("127.0.0.1", "localhost");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connector = connector(&url);
    connector.call(request(&url, "")).await.unwrap();
    connector.server.moved_to(nobody);
    let error = connector.call(request(&url, "")).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
    connector.call(request(&url, "")).await.unwrap();
    server.join().unwrap();
}

#[tokio::test]
async fn requests_to_other_servers_are_refused() {
    let error = connector("http://127.0.0.1:1").call(request("http://127.0.0.1:2", "")).await.unwrap_err();
    assert!(error.is_user(), "{error:?}");
}
