//! One request and its answer on a connection.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use socket2::SockRef;
use thiserror::Error;
use tokio::io::{AsyncRead as _, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::PORT;
use super::answer::{Answer, NoHttp};

/// What is read at once: the answer to a BatchWriteItem has a few hundred bytes.
const READ: usize = 8 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum ExchangeError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    NoHttp(#[from] NoHttp),
}

impl From<ExchangeError> for ConnectorError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Io(error) => Self::io(error.into()),
            ExchangeError::NoHttp(error) => Self::other(error.into(), None),
        }
    }
}

/// Sends what is unsent, which is nothing afterwards, and reads the whole answer. True with it: another request may be sent on the
/// connection.
pub(super) async fn exchange(
    connection: &mut TcpStream,
    unsent: &mut Option<Unsent>,
) -> Result<(HttpResponse, bool), ExchangeError> {
    let mut lost = None;
    let mut received = Vec::new();
    poll_fn(|context| {
        // A server may answer, and stop reading, before it has all of the request. So both directions move at once, and an answer counts
        // even if the request could not be sent to its end.
        if let Some(request) = unsent {
            match request.send(connection, context) {
                Poll::Pending => {}
                // Its memory is not needed while the answer is waited for.
                Poll::Ready(Ok(())) => *unsent = None,
                Poll::Ready(Err(error)) => (*unsent, lost) = (None, Some(error)),
            }
        }
        loop {
            let mut bytes = [const { MaybeUninit::uninit() }; READ];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            if let Err(error) = ready!(Pin::new(&mut *connection).poll_read(context, &mut buffer)) {
                return Poll::Ready(Err(lost.take().unwrap_or(error).into()));
            }
            let new = buffer.filled();
            let has_ended = new.is_empty();
            if !received.is_empty() {
                received.extend_from_slice(new);
            }
            match Answer::read(if received.is_empty() { new } else { &received }, has_ended) {
                Err(error) => return Poll::Ready(Err(error.into())),
                Ok(Some(answer)) => {
                    let is_reusable = answer.keeps_alive && unsent.is_none() && lost.is_none();
                    return Poll::Ready(Ok((answer.response, is_reusable)));
                }
                Ok(None) if has_ended => return Poll::Ready(Err(lost.take().unwrap_or_else(ended).into())),
                Ok(None) if received.is_empty() => received.extend_from_slice(new),
                Ok(None) => {}
            }
        }
    })
    .await
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed before the answer was complete")
}

/// A request, or the rest of it.
pub(super) struct Unsent {
    head: Vec<u8>,
    body: SdkBody,
    sent: usize,
}

impl Unsent {
    /// None if its body is not in memory.
    pub(super) fn new(request: HttpRequest, uri: &Uri) -> Option<Self> {
        let length = request.body().bytes()?.len();
        Some(Self { head: head(&request, uri, length).into_bytes(), body: request.into_body(), sent: 0 })
    }

    /// Ready when all of it is sent.
    fn send(&mut self, connection: &TcpStream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let body = self.body.bytes().unwrap_or_default();
        while self.sent < self.head.len() + body.len() {
            let head = self.head.get(self.sent..).unwrap_or_default();
            let body = &body[self.sent.saturating_sub(self.head.len())..];
            let parts = [IoSlice::new(head), IoSlice::new(body)];
            ready!(connection.poll_write_ready(context))?;
            // sendmsg, and not writev, which goes through what the system keeps of files, and touches more memory that has left the cache.
            match connection.try_io(Interest::WRITABLE, || SockRef::from(&*connection).send_vectored(&parts)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The request's line and headers. `host` is as the SDK has signed it: without the port that goes without saying.
pub(super) fn head(request: &HttpRequest, uri: &Uri, length: usize) -> String {
    let mut head = String::with_capacity(1024);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    push(&mut head, &[request.method(), " ", path, " HTTP/1.1\r\n"]);
    if !request.headers().contains_key("host") {
        push(&mut head, &["host: ", uri.host().unwrap_or_default()]);
        if let Some(port) = uri.port().filter(|port| port.as_u16() != PORT) {
            push(&mut head, &[":", port.as_str()]);
        }
        head.push_str("\r\n");
    }
    if !request.headers().contains_key("content-length") {
        push(&mut head, &["content-length: ", &length.to_string(), "\r\n"]);
    }
    for (name, value) in request.headers().iter() {
        push(&mut head, &[name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    head
}

fn push(head: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| head.push_str(part));
}
