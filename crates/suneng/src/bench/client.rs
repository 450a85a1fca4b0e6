//! A bare HTTP client over one kept connection: enough to load our own server on this machine.

use kernel::{ActivityId, Error, PersonId, Result};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub struct Client {
    stream: BufReader<TcpStream>,
    address: String,
    pub cookie: String,
}

impl Client {
    pub async fn connect(address: &str, cookie: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.map_err(Error::internal)?;
        stream.set_nodelay(true).map_err(Error::internal)?;
        Ok(Self {
            stream: BufReader::new(stream),
            address: address.to_owned(),
            cookie: cookie.to_owned(),
        })
    }

    /// Signs in; whoever takes over the cookie goes on with that session.
    pub async fn sign_in(address: &str, login: &str, password: &str) -> Result<String> {
        let mut client = Self::connect(address, "").await?;
        let body = json!({ "login": login, "password": password }).to_string();
        match client.post("/api/v1/session", &body).await? {
            200..300 => Ok(client.cookie),
            status => Err(Error::internal(format!("signing in answered {status}"))),
        }
    }

    /// Adds one person to an activity; gives the status.
    pub async fn attend(&mut self, activity: ActivityId, person: PersonId) -> Result<u16> {
        let body = json!({ "person": person, "role": "observer" }).to_string();
        let path = format!("/api/v1/activities/{activity}/attendance");
        self.post(&path, &body).await
    }

    /// Posts JSON; gives the status. A cookie that the server sets is kept.
    pub async fn post(&mut self, path: &str, body: &str) -> Result<u16> {
        let kind = "Content-Type: application/json\r\n";
        Ok(self.send("POST", path, kind, body.as_bytes()).await?.status)
    }

    /// Asks for a page, packed as browsers take it when `packed`.
    pub async fn get(&mut self, path: &str, packed: bool) -> Result<Answer> {
        let encoding = if packed {
            "Accept-Encoding: gzip\r\n"
        } else {
            ""
        };
        self.send("GET", path, encoding, b"").await
    }

    /// Sends a request with further header lines; a cookie that the server sets is kept.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Answer> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            self.cookie,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream
            .write_all(head.as_bytes())
            .await
            .map_err(Error::internal)?;
        stream.write_all(body).await.map_err(Error::internal)?;
        let mut answer = Answer::default();
        let (mut length, mut chunked) = (0usize, false);
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            if answer.status == 0 {
                let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
                answer.status = status.unwrap_or(0);
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap_or(0),
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "location" => value.clone_into(&mut answer.location),
                "set-cookie" => self.keep(value.split(';').next().unwrap_or("")),
                _ => {}
            }
        }
        while chunked {
            let size = usize::from_str_radix(&self.line().await?, 16).map_err(Error::internal)?;
            self.part(size, &mut answer.body).await?;
            self.line().await?;
            chunked = size > 0;
        }
        self.part(length, &mut answer.body).await?;
        Ok(answer)
    }

    /// The session's cookie; others are of no use here.
    fn keep(&mut self, pair: &str) {
        if !pair.starts_with("notice=") {
            pair.clone_into(&mut self.cookie);
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await;
        if read.map_err(Error::internal)? == 0 {
            return Err(Error::internal("the server closed the connection"));
        }
        Ok(line.trim_end().to_owned())
    }

    async fn part(&mut self, size: usize, body: &mut Vec<u8>) -> Result<()> {
        let from = body.len();
        body.resize(from + size, 0);
        let read = self.stream.read_exact(&mut body[from..]).await;
        read.map_err(Error::internal)?;
        Ok(())
    }
}

/// What the server answered.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Where it leads; empty for no redirection.
    pub location: String,
    /// As it came, packed or not.
    pub body: Vec<u8>,
}

impl Answer {
    /// The page as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
