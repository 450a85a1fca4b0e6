//! Pages work on Chromium 90 and under a strict content security policy: templates, style sheets
//! and scripts of our own use nothing newer and nothing inline.

use crate::{Files, Problems};

/// Style sheets: not on the oldest browser, or fetched from elsewhere.
const CSS: [&str; 9] = [
    "color-mix(",
    "oklch(",
    ":has(",
    "@layer",
    "@container",
    "@import",
    "text-wrap:",
    "url(http",
    "url(//",
];

/// Scripts: not on the oldest browser, or refused by the policy.
const JS: [&str; 14] = [
    "Object.hasOwn",
    "structuredClone",
    ".at(",
    "findLast",
    "toSorted",
    "toReversed",
    "toSpliced",
    "Object.groupBy",
    ".showPopover",
    "eval(",
    "new Function",
    "setTimeout(\"",
    "import('http",
    "fetch('http",
];

/// Templates: inline style or script, or something from another host.
const HTML: [&str; 10] = [
    " style=",
    "<style",
    "javascript:",
    " hx-on",
    " popover=",
    " popovertarget",
    "src=\"http",
    "src=\"//",
    "<link rel=\"stylesheet\" href=\"http",
    "unsafe-inline",
];

/// Smallest text, in CSS pixels.
const SMALLEST: f64 = 12.0;

/// Our own templates, style sheets and scripts keep to the floor.
pub fn check(files: &Files) -> Problems {
    let mut problems = Problems::new();
    let ours = |f: &&crate::File| {
        f.path.starts_with("crates/")
            && !f.is_vendored()
            && f.ends_with(&[".html", ".css", ".js", ".svg"])
    };
    for file in files.iter().filter(ours) {
        let Some(text) = file.text() else { continue };
        let banned: &[&str] = match file.path.rsplit('.').next() {
            Some("css") => &CSS,
            Some("js") => &JS,
            _ => &HTML,
        };
        for (number, line) in (1..).zip(text.lines()) {
            let mut report = |what: &str| {
                problems.push(format!("{}:{number}: {what}", file.path));
            };
            for word in banned.iter().filter(|word| line.contains(*word)) {
                report(word);
            }
            if file.path.ends_with(".css") && font_sizes(line).any(|size| size < SMALLEST) {
                report("text under 12px");
            }
            if file.ends_with(&[".html", ".svg"])
                && let Some(handler) = event_handler(line)
            {
                report(&format!("event handler {handler}"));
            }
        }
        if file.path.ends_with(".html") {
            for tag in text
                .split("<script")
                .skip(1)
                .filter_map(|t| t.split('>').next())
            {
                let data = tag.contains("type=\"application/json\"");
                if !tag.contains(" src=") && !data {
                    problems.push(format!("{}: inline script", file.path));
                }
            }
        }
    }
    problems
}

/// An attribute such as `onclick=`.
fn event_handler(line: &str) -> Option<&str> {
    line.match_indices(" on").find_map(|(at, _)| {
        let name = &line[at + 1..];
        let end = name.find(|c: char| !c.is_ascii_lowercase())?;
        (end > 2 && name[end..].starts_with('=')).then(|| &name[..end])
    })
}

/// The sizes of text set in a line, in pixels, where they are given in px or rem.
fn font_sizes(line: &str) -> impl Iterator<Item = f64> {
    let parts = line
        .split("font-size:")
        .skip(1)
        .chain(line.split("font:").skip(1));
    parts.filter_map(|rest| {
        let value = rest.split([';', '}']).next()?;
        value.split([' ', '/']).find_map(|word| {
            let pixels = word.strip_suffix("px").and_then(|n| n.parse().ok());
            let rem = || Some(word.strip_suffix("rem")?.parse::<f64>().ok()? * 16.0);
            pixels.or_else(rem)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> usize {
        check(&Files::sample(&[(path, text)])).len()
    }

    #[test]
    fn every_banned_word_is_caught() {
        for (name, words) in [("a.css", &CSS[..]), ("a.js", &JS), ("a.html", &HTML)] {
            for word in words {
                let path = format!("crates/x/assets/{name}");
                assert!(problems(&path, &format!("x {word} y")) > 0, "{word}");
                let vendored = format!("crates/x/assets/vendor/{name}");
                assert_eq!(problems(&vendored, word), 0);
            }
        }
    }

    #[test]
    fn inline_script_and_handlers_are_caught() {
        let page = "crates/x/templates/a.html";
        assert_eq!(problems(page, "<script>run()</script>"), 1);
        assert_eq!(
            problems(page, "<script src=\"/assets/a.js\" defer></script>"),
            0
        );
        let data = "<script type=\"application/json\">{}</script>";
        assert_eq!(problems(page, data), 0);
        assert_eq!(problems(page, "<button onclick=\"go()\">"), 1);
        assert_eq!(
            problems(page, "<p>based on = that, and only one = 1</p>"),
            0
        );
    }

    #[test]
    fn small_text_is_caught() {
        let sheet = "crates/x/assets/app.css";
        assert_eq!(problems(sheet, ".a { font-size: 11px; }"), 1);
        assert_eq!(problems(sheet, ".a{font-size:.7rem}"), 1);
        assert_eq!(problems(sheet, ".a { font: 600 10px/1.4 sans-serif }"), 1);
        assert_eq!(
            problems(sheet, ".a { font-size: .75rem; font-size: 12px }"),
            0
        );
    }
}
