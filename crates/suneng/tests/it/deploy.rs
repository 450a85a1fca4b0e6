//! Files for operation and pages of the manual name what the program really has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use suneng::settings::SETTINGS;

fn flags(command: &clap::Command, into: &mut BTreeSet<String>) {
    into.extend(
        command
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .map(str::to_owned),
    );
    for sub in command.get_subcommands() {
        flags(sub, into);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// The words of a text that begin so and go on with letters, digits and dashes.
fn words<'t>(text: &'t str, begin: &str) -> Vec<&'t str> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    text.match_indices(begin)
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| !ends(c)))
        .map(|(at, _)| {
            let rest = &text[at + begin.len()..];
            &rest[..rest.find(ends).unwrap_or(rest.len())]
        })
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

#[test]
fn files_for_operation_name_existing_flags_and_settings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut known = BTreeSet::from(["help".to_owned(), "version".to_owned()]);
    flags(&suneng::cli::command(), &mut known);
    let (deploy, manual) = (
        files(&root.join("deploy")),
        files(&root.join("docs/manual")),
    );
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in deploy.iter().chain(&manual) {
        let text = std::fs::read_to_string(path).unwrap();
        for line in text.lines() {
            let shown = format!("{}: {line}", path.display());
            for name in words(line, "SUNENG_") {
                seen += 1;
                let name = format!("SUNENG_{name}");
                if !SETTINGS.iter().any(|s| s.env == name) {
                    wrong.push(shown.clone());
                }
            }
            // Commands of others have flags of their own.
            let others = [
                "useradd",
                "systemctl",
                "install -",
                "podman",
                "cargo",
                "caddy",
            ];
            let ours = line.find("suneng ").filter(|_| line.contains("sudo -u"));
            let part = match ours {
                Some(at) => &line[at..],
                None if others.iter().any(|other| line.contains(other)) => continue,
                None => line,
            };
            for flag in words(part, "--") {
                seen += 1;
                if !known.contains(flag) {
                    wrong.push(shown.clone());
                }
            }
        }
    }
    assert!(seen > 60, "the scan finds them: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_example_configuration_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("deploy/suneng.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    // Also what is commented out would be read.
    let folder = tempfile::tempdir().unwrap();
    let proxied = folder.path().join("proxied.toml");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("listen") && !line.starts_with("tls"));
    let lines: Vec<&str> = lines
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") => rest,
            _ => line,
        })
        .collect();
    std::fs::write(&proxied, lines.join("\n")).unwrap();
    for (file, tls) in [(file, true), (proxied, false)] {
        let config = suneng::Config::resolve(
            &|s| (s.flag == "config").then(|| vec![file.display().to_string()]),
            &|_| None,
        )
        .unwrap();
        assert!(config.secure_cookies);
        assert_eq!(config.operation.trusted_proxies.is_empty(), tls);
        assert_eq!(config.operation.tls == suneng::operation::Tls::Own, tls);
        assert!(config.operation.backup_at.is_some());
    }
}

#[test]
fn the_unit_keeps_the_program_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let unit = std::fs::read_to_string(root.join("deploy/suneng.service")).unwrap();
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StateDirectory=suneng",
        "User=suneng",
        "MemoryDenyWriteExecute=yes",
    ] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    let image = std::fs::read_to_string(root.join("deploy/Containerfile")).unwrap();
    assert!(image.matches("FROM ").count() == 2 && image.contains("\nUSER 10001"));
}
