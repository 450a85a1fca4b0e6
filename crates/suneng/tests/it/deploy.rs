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
}

/// The instructions of a container file with what they say, lines joined that go on.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let whole = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (word, rest) = line.split_once(' ').expect("an instruction says something");
            (word.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

#[test]
fn the_container_file_makes_an_image_without_secrets_that_is_not_root() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("deploy/Containerfile")).unwrap();
    let all = instructions(&text);
    let of = |wanted: &str| {
        let found = all.iter().filter(|(word, _)| word == wanted);
        found.map(|(_, rest)| rest.as_str()).collect::<Vec<_>>()
    };
    let known = [
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "USER",
        "VOLUME",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    ];
    for (word, rest) in &all {
        assert!(known.contains(&word.as_str()), "{word} {rest}");
    }
    // It is built in a stage of its own; only the program goes on.
    let stages = of("FROM");
    let (build, last) = (stages[0], stages[1]);
    assert!(stages.len() == 2 && build.ends_with(" AS build") && !last.contains(" AS "));
    let begins = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    let copied: Vec<_> = all[begins..].iter().filter(|(w, _)| w == "COPY").collect();
    assert_eq!(copied.len(), 1);
    let (_, copied) = copied[0];
    assert!(
        copied.starts_with("--from=build ")
            && copied.ends_with("/release/suneng /usr/local/bin/suneng")
    );
    assert!(of("RUN")[0].contains("--release --locked -p suneng"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let wanted = manifest["workspace"]["package"]["rust-version"]
        .as_str()
        .unwrap();
    assert!(
        build.contains(&format!("rust:{wanted}")),
        "{build} for {wanted}"
    );
    // Whoever runs it is not root, and has the folders.
    let user: u32 = of("USER")[0]
        .parse()
        .expect("a number, as clusters check it");
    assert!(user > 0 && of("RUN")[1].contains(&format!("--uid {user}")));
    let after = all.iter().position(|(word, _)| word == "USER").unwrap();
    assert!(
        all[after..]
            .iter()
            .all(|(word, _)| word != "RUN" && word != "COPY")
    );
    // What it keeps lies on volumes; nothing is secret in its surroundings.
    let volumes: Vec<String> = serde_json::from_str(of("VOLUME")[0]).unwrap();
    for volume in &volumes {
        assert!(of("RUN")[1].contains(volume.as_str()), "{volume} is made");
    }
    let set: Vec<(&str, &str)> = of("ENV")[0]
        .split_whitespace()
        .map(|pair| pair.split_once('=').expect("name=value"))
        .collect();
    for (name, value) in &set {
        let setting = SETTINGS.iter().find(|s| s.env == *name).expect("a setting");
        assert!(!setting.secret, "{name} is a secret");
        if value.starts_with('/') {
            assert!(
                volumes.iter().any(|v| value.starts_with(v.as_str())),
                "{value}"
            );
        }
    }
    let listen = set
        .iter()
        .find(|(name, _)| *name == "SUNENG_LISTEN")
        .unwrap()
        .1;
    assert!(listen.ends_with(&format!(":{}", of("EXPOSE")[0])));
    // Signals reach the program itself, and its command is one it has.
    let entry: Vec<String> = serde_json::from_str(of("ENTRYPOINT")[0]).unwrap();
    let command: Vec<String> = serde_json::from_str(of("CMD")[0]).unwrap();
    assert_eq!(entry, ["/usr/local/bin/suneng"]);
    assert!(
        suneng::cli::command()
            .find_subcommand(&command[0])
            .is_some()
    );
    assert_eq!(of("STOPSIGNAL"), ["SIGTERM"]);
}
