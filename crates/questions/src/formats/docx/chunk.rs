//! Chunks of another format within a document (altChunk): HTML, alone or as a web archive (MHT).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::markup::html;

/// Keeps a picture by name and content.
type Keep<'k> = dyn FnMut(&str, &[u8]) -> Option<usize> + 'k;

/// The text of a chunk.
pub(super) fn text(bytes: &[u8], keep: &mut Keep<'_>) -> String {
    let start: String = bytes.iter().take(2_000).map(|b| char::from(*b)).collect();
    let lower = start.to_ascii_lowercase();
    let archive =
        lower.contains("mime-version:") || lower.trim_start().starts_with("content-type:");
    let parts = if archive { parts(bytes) } else { Vec::new() };
    let main = parts.iter().find(|p| p.kind.starts_with("text/html"));
    let whole = Part {
        kind: String::new(),
        names: Vec::new(),
        bytes: bytes.to_vec(),
    };
    let page = decoded(main.unwrap_or(&whole));
    if !page.contains('<') {
        return page;
    }
    html(&page, &mut |source| {
        if let Some(data) = source.strip_prefix("data:") {
            let bytes = STANDARD.decode(data.split_once("base64,")?.1).ok()?;
            return keep("picture", &bytes);
        }
        let plain = source.strip_prefix("cid:").unwrap_or(source);
        let last = plain.rsplit('/').next()?;
        let part = parts.iter().find(|p| {
            p.names
                .iter()
                .any(|n| n == plain || n.rsplit('/').next() == Some(last))
        })?;
        keep(last, &part.bytes)
    })
}

struct Part {
    kind: String,
    names: Vec<String>,
    bytes: Vec<u8>,
}

fn decoded(part: &Part) -> String {
    let named = part
        .kind
        .split_once("charset=")
        .map(|(_, name)| name.trim_matches(['"', ' ', ';']).to_owned());
    let start: String = part
        .bytes
        .iter()
        .take(1_024)
        .map(|b| char::from(*b))
        .collect();
    let meta = start
        .to_ascii_lowercase()
        .split_once("charset=")
        .map(|(_, rest)| {
            let name = rest.trim_start_matches(['"', '\'']);
            name.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                .collect::<String>()
        });
    let encoding = named
        .or(meta)
        .and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()))
        .unwrap_or(match std::str::from_utf8(&part.bytes) {
            Ok(_) => encoding_rs::UTF_8,
            Err(_) => encoding_rs::GB18030,
        });
    encoding.decode(&part.bytes).0.into_owned()
}

/// Parts of a message (RFC 2045), those within others laid flat.
fn parts(bytes: &[u8]) -> Vec<Part> {
    let mut out = Vec::new();
    collect(bytes, 0, &mut out);
    out
}

fn collect(bytes: &[u8], depth: usize, out: &mut Vec<Part>) {
    let (head, body) = split_head(bytes);
    let header = |name: &str| {
        let line = head
            .iter()
            .find(|l| l.to_ascii_lowercase().starts_with(name))?;
        Some(line[name.len()..].trim().to_owned())
    };
    let kind = header("content-type:").unwrap_or_default();
    let boundary = kind.to_ascii_lowercase().find("boundary=").map(|at| {
        let text = kind[at + 9..].trim();
        match text.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
            None => text.split([';', ' ']).next().unwrap_or_default().to_owned(),
        }
    });
    if let Some(boundary) = boundary.filter(|b| !b.is_empty() && depth < 4) {
        for piece in pieces(body, &boundary) {
            collect(piece, depth + 1, out);
        }
        return;
    }
    let encoding = header("content-transfer-encoding:")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let bytes = match encoding.as_str() {
        "base64" => {
            let plain: Vec<u8> = body
                .iter()
                .copied()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            STANDARD.decode(plain).unwrap_or_default()
        }
        "quoted-printable" => quoted_printable(body),
        _ => body.to_vec(),
    };
    let location = header("content-location:");
    let id = header("content-id:").map(|id| id.trim_matches(['<', '>']).to_owned());
    out.push(Part {
        kind: kind.to_ascii_lowercase(),
        names: location.into_iter().chain(id).collect(),
        bytes,
    });
}

/// Header lines, those that were broken put together, and what stands below them.
fn split_head(bytes: &[u8]) -> (Vec<String>, &[u8]) {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|b| *b == b'\n')
            .map_or(rest.len(), |at| at + 1);
        let line = String::from_utf8_lossy(&rest[..end]);
        let plain = line.trim_end();
        rest = &rest[end..];
        if plain.is_empty() {
            if lines.is_empty() {
                continue;
            }
            break;
        }
        match lines.last_mut().filter(|_| plain.starts_with([' ', '\t'])) {
            Some(last) => last.push_str(plain),
            None => lines.push(plain.to_owned()),
        }
    }
    (lines, rest)
}

fn pieces<'b>(body: &'b [u8], boundary: &str) -> Vec<&'b [u8]> {
    let mark = format!("--{boundary}");
    let mark = mark.as_bytes();
    let mut starts = Vec::new();
    let mut from = 0;
    while let Some(at) = body[from..].windows(mark.len()).position(|w| w == mark) {
        starts.push(from + at);
        from += at + mark.len();
    }
    let ends = starts.iter().skip(1);
    let pairs = starts.iter().zip(ends);
    pairs
        .map(|(start, end)| &body[start + mark.len()..*end])
        .collect()
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        if body[at] != b'=' {
            out.push(body[at]);
            at += 1;
            continue;
        }
        let rest = &body[at + 1..];
        if rest.starts_with(b"\r\n") {
            at += 3;
        } else if rest.starts_with(b"\n") {
            at += 2;
        } else {
            let hex = rest.get(..2).and_then(|h| std::str::from_utf8(h).ok());
            match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    out.push(b'=');
                    at += 1;
                }
            }
        }
    }
    out
}
