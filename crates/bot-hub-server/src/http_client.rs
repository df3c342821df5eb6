//! One HTTP/1 request over a stream that is open, and its whole answer.
//!
//! Owns the exchange and the bound on the answer's length. Never opens a stream and never waits for a
//! clock: the caller sets the time limit.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Why there is no answer, or not the whole of it.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The other side hung up, or does not speak HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// The answer ended in the middle.
    #[error("{0}")]
    Cut(Box<dyn Error + Send + Sync>),
    /// The answer has more than so many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// Sends a request, with its path and its `Host`, and reads an answer of at most so many bytes. An answer
/// that changes the protocol has no body.
pub async fn exchange<S, B>(
    stream: S,
    request: Request<B>,
    bytes_max: usize,
) -> Result<Response<Bytes>, ExchangeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut answer = std::pin::pin!(async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, bytes_max).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => ExchangeError::TooLong(bytes_max),
            None => ExchangeError::Cut(error),
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    });
    // The connection moves the bytes, and is dropped when they are here, however long it would live.
    tokio::select! {
        answer = &mut answer => answer,
        // Its end may be seen before the answer that came with it.
        _ = connection => answer.await,
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What is made of an answer when at most ten bytes are wanted.
    async fn check(answer: &str, hangs_up: bool, expected: &str) {
        let (ours, mut theirs) = tokio::io::duplex(4_096);
        let request = Request::get("/").header("Host", "hub").body(Empty::<Bytes>::new()).unwrap();
        let serve = async {
            let mut asked = [0; 256];
            assert!(theirs.read(&mut asked).await.unwrap() > 0);
            theirs.write_all(answer.as_bytes()).await.unwrap();
            (!hangs_up).then_some(theirs)
        };
        let (_open, answer) = tokio::join!(serve, exchange(ours, request, 10));
        let found = match answer {
            Ok(answer) => {
                format!("{} {}", answer.status().as_u16(), String::from_utf8_lossy(answer.body()))
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn an_answer_is_whole_and_bounded_or_an_error() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", false, "200 good").await;
        check("HTTP/1.1 404 No\r\n\r\nto the end", true, "404 to the end").await;
        check("HTTP/1.1 204 No\r\n\r\n", false, "204 ").await;
        let upgrade = "HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        check(upgrade, false, "101 ").await;
        let too_long = "the answer is longer than 10 bytes";
        check("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world", false, too_long).await;
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngo",
            true,
            "error reading a body from connection",
        )
        .await;
        check("", true, "connection closed before message completed").await;
        check("SSH-2.0-OpenSSH_9.9\r\n", true, "invalid HTTP version parsed").await;
    }
}
