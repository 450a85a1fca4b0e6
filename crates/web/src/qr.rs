//! Codes that a phone reads (二维码), as pictures within a page, and the address of this server in them.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use kernel::{Error, Result};
use qrcode::QrCode;
use qrcode::render::svg;

/// A text as a picture of at least so many pixels, to stand in a page.
///
/// # Errors
/// `Internal` when the text is too long for such a code.
pub fn qr(text: &str, least: u32) -> Result<String> {
    let code = QrCode::new(text.as_bytes()).map_err(Error::internal)?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(least, least)
        .build();
    // Inline: without the head of a file of its own.
    let from = picture.find("<svg").unwrap_or_default();
    Ok(picture[from..].to_owned())
}

/// The address of this server in what leaves it on paper or as a code (对外地址); cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Origin(Arc<(String, bool)>);

impl Origin {
    /// The configured address, and whether the server is reached by TLS where none is configured.
    pub fn new(url: &str, secure: bool) -> Self {
        Self(Arc::new((url.trim_end_matches('/').to_owned(), secure)))
    }

    /// What is configured, else where the reader found the server.
    pub fn of(&self, headers: &HeaderMap) -> String {
        let (url, secure) = &*self.0;
        if !url.is_empty() {
            return url.clone();
        }
        let host = headers.get(header::HOST);
        let host = host.and_then(|h| h.to_str().ok()).unwrap_or("localhost");
        format!("{}://{host}", if *secure { "https" } else { "http" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stands_in_a_page_and_says_no_text() {
        let one = qr("https://suneng.test/s/<1>", 100).unwrap();
        assert!(one.starts_with("<svg") && one.ends_with("</svg>") && !one.contains("suneng"));
        assert_ne!(one, qr("https://suneng.test/s/<2>", 100).unwrap());
        assert!(qr(&"x".repeat(5_000), 100).is_err(), "too long");
    }
}
