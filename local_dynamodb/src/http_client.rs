//! Asks a running server, so that a shell script or a container's health check needs no other program for it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

const PATIENCE: Duration = Duration::from_secs(10);

/// The text at `path` of the server at `url`, for example `http://127.0.0.1:8000`.
///
/// # Errors
/// The URL is of a different kind, nothing listens there, or a different program does.
pub(crate) fn get(url: &str, path: &str) -> anyhow::Result<String> {
    // Whatever path it has: `/health` is a likely one.
    let Some(address) = url.strip_prefix("http://").and_then(|rest| rest.split('/').next()) else {
        bail!("give the URL that the server prints when it starts, http://ADDRESS:PORT");
    };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // Version 1.0: the server closes the connection behind the answer, which is all of its framing.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("the server answered {:?}", head.lines().next().unwrap_or_default());
    }
    Ok(body.to_owned())
}
