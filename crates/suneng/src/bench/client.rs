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
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.cookie,
            body.len()
        );
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .await
            .map_err(Error::internal)?;
        let mut status = 0;
        let mut length = 0usize;
        loop {
            let mut line = String::new();
            if self
                .stream
                .read_line(&mut line)
                .await
                .map_err(Error::internal)?
                == 0
            {
                return Err(Error::internal("the server closed the connection"));
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if status == 0 {
                status = line
                    .split(' ')
                    .nth(1)
                    .and_then(|s| s.parse().ok())
                    .unwrap_or(0);
                continue;
            }
            if let Some((name, value)) = line.split_once(':') {
                let value = value.trim();
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap_or(0),
                    "set-cookie" => value
                        .split(';')
                        .next()
                        .unwrap_or("")
                        .clone_into(&mut self.cookie),
                    _ => {}
                }
            }
        }
        let mut body = vec![0; length];
        self.stream
            .read_exact(&mut body)
            .await
            .map_err(Error::internal)?;
        Ok(status)
    }
}
