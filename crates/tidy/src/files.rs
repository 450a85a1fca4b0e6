//! The files of the project, read once.

use std::path::Path;

/// Folders that are not part of the project: results, data of a running program.
const OUTSIDE: [&str; 6] = [
    ".git",
    "target",
    "test-output",
    "data",
    "demo-data",
    "node_modules",
];

/// One file of the project.
pub struct File {
    /// Path from the root of the project, with `/`.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl File {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// Name of the crate it belongs to.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether it was taken over unchanged from another project.
    pub fn is_vendored(&self) -> bool {
        self.path.split('/').any(|part| part == "vendor")
    }

    /// Whether the path ends with one of these.
    pub fn ends_with(&self, ends: &[&str]) -> bool {
        ends.iter().any(|end| self.path.ends_with(end))
    }

    /// Lines with their numbers and with comments blanked out (lines that are only a comment).
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let text = self.text().unwrap_or_default();
        (1..).zip(text.lines()).filter(|(_, line)| {
            let line = line.trim_start();
            !(line.starts_with("//") || line.starts_with("--"))
        })
    }
}

/// The files of the project, or a sample of files for a test.
pub struct Files(pub Vec<File>);

impl Files {
    /// Reads the project that this crate is part of.
    pub fn of_project() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        collect(&root, "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(files.len() > 20, "this is not the project's root");
        Self(files)
    }

    /// A made-up project.
    pub fn sample(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        Self(files.iter().map(file).collect())
    }

    /// The file at this path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.0.iter().find(|f| f.path == path)
    }

    /// All files.
    pub fn iter(&self) -> std::slice::Iter<'_, File> {
        self.0.iter()
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    for entry in entries {
        let entry = entry.expect("a readable entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a known kind of file");
        // Only at the root: a crate may well have a folder named `data`.
        if prefix.is_empty() && OUTSIDE.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).expect("a readable file");
            files.push(File { path, bytes });
        }
    }
}

/// Whether `word` stands in the line as a word of its own.
pub fn has_word(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = word.starts_with(inside) && before.is_some_and(inside);
        let ends = word.ends_with(inside) && after.is_some_and(inside);
        !starts && !ends
    })
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn words_are_whole() {
        assert!(has_word("id SERIAL,", "SERIAL"));
        assert!(!has_word("SERIALIZABLE", "SERIAL"));
        assert!(!has_word("BIG_SERIAL", "SERIAL"));
        assert!(has_word("a->>'k'", "->>"));
    }
}
