//! Embedded files (静态资源): served under a path with their hash, cached for ever.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets"]
struct Files;

/// Short names of the vendored files that pages ask for.
const SHORT: [(&str, &str); 3] = [
    ("bootstrap.css", "vendor/bootstrap/bootstrap.min.css"),
    ("htmx.js", "vendor/htmx/htmx.min.js"),
    ("icons.svg", "vendor/tabler/icons.svg"),
];

/// Workers, and the pages that each of them may look after; it lies elsewhere than they do.
const WORKERS: [(&str, &str); 1] = [("inspecting-worker.js", "/inspections/tasks/")];

/// URLs of the assets and the names of the icons.
pub(crate) struct Assets {
    urls: BTreeMap<String, String>,
    icons: BTreeSet<String>,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let mut urls: BTreeMap<String, String> = Files::iter()
            .filter_map(|name| Some((format!("/assets/{}/{name}", hash(&name)?), name)))
            .map(|(url, name)| (name.into_owned(), url))
            .collect();
        for (short, name) in SHORT {
            if let Some(url) = urls.get(name).cloned() {
                urls.insert(short.to_owned(), url);
            }
        }
        let sprite = Files::get(SHORT[2].1).map(|f| f.data).unwrap_or_default();
        let icons = String::from_utf8_lossy(&sprite)
            .split("<symbol id=\"")
            .skip(1)
            .filter_map(|part| part.split('"').next().map(str::to_owned))
            .collect();
        Self { urls, icons }
    }

    pub(crate) fn url(&self, name: &str) -> Option<&str> {
        self.urls.get(name).map(String::as_str)
    }

    pub(crate) fn has_icon(&self, name: &str) -> bool {
        self.icons.contains(name)
    }
}

fn hash(name: &str) -> Option<String> {
    Some(hex::encode(&Files::get(name)?.metadata.sha256_hash()[..6]))
}

/// Serves an asset. A page from before an upgrade asks with an old hash: it gets the file, uncached.
pub(crate) async fn serve(Path((asked, name)): Path<(String, String)>) -> Response {
    let (Some(file), Some(hash)) = (Files::get(&name), hash(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "text/plain; charset=utf-8",
    };
    let cache = if asked == hash {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    let worker = WORKERS.iter().find(|(own, _)| *own == name);
    let allowed = worker.map(|(_, pages)| [("service-worker-allowed", *pages)]);
    (headers, allowed, file.data.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendored_files_are_as_they_came() {
        let list = Files::get("vendor/HASHES")
            .expect("the list of hashes")
            .data;
        let list = String::from_utf8(list.into_owned()).expect("UTF-8");
        let listed: BTreeMap<&str, &str> = list
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(hash, name)| (name, hash))
            .collect();
        let mut seen = 0;
        for name in Files::iter().filter(|n| n.starts_with("vendor/") && *n != "vendor/HASHES") {
            let file = Files::get(&name).expect("listed just now");
            let have = hex::encode(file.metadata.sha256_hash());
            let want = listed.get(&name["vendor/".len()..]);
            assert_eq!(want, Some(&have.as_str()), "{name}");
            seen += 1;
        }
        assert_eq!(seen, listed.len(), "every listed file is there");
    }

    #[test]
    fn own_files_keep_the_browser_floor_and_the_budget() {
        for (name, budget) in [
            ("app.css", 64_000),
            ("app.js", 12_000),
            ("inspecting.js", 16_000),
            ("inspecting-worker.js", 4_000),
            ("kept.js", 1_000),
            ("sitting.css", 8_192),
            ("sitting/main.js", 16_000),
            ("sitting/desk.js", 24_000),
            ("sitting/draw.js", 12_000),
            ("sitting/keep.js", 4_000),
            ("sitting/link.js", 10_000),
            ("sitting/watch.js", 8_000),
            ("sitting/files.js", 10_000),
        ] {
            let file = Files::get(name).expect(name).data;
            assert!(file.len() <= budget, "{name} has {} bytes", file.len());
            let text = String::from_utf8(file.into_owned()).expect("UTF-8");
            for banned in [
                "color-mix(",
                "oklch(",
                ":has(",
                "@layer",
                "@container",
                "light-dark(",
                "popover",
                "@import",
                "http:",
                "https:",
                "hasOwn",
                "structuredClone",
                ".at(",
                "findLast",
                "toSorted",
                "eval(",
                "innerHTML",
                "localStorage",
            ] {
                let found = text
                    .replace("http://www.w3.org/2000/svg", "")
                    .contains(banned);
                assert!(!found, "{name} uses {banned}");
            }
        }
    }
}
