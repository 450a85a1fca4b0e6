//! The programs that tests drive: found, or installed, or named.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::python;

/// A Debian package that tests need.
struct Package {
    name: &'static str,
    needed_by: &'static str,
    present: fn() -> bool,
}

const PACKAGES: [Package; 9] = [
    Package {
        name: "postgresql",
        needed_by: "tests of everything that stores rows (they run on SQLite and PostgreSQL)",
        present: || pgcluster::find_binaries().is_some(),
    },
    Package {
        name: "chromium",
        needed_by: "browser journeys (crate journeys)",
        present: || on_path("chromium"),
    },
    Package {
        name: "fonts-noto-cjk",
        needed_by: "browser journeys and printed reports in Chinese",
        present: || has_cjk_font(Path::new("/usr/share/fonts")),
    },
    Package {
        name: "libreoffice-writer-nogui",
        needed_by: "tests that open a report (docx) in a word processor",
        present: || on_path("soffice"),
    },
    Package {
        name: "poppler-utils",
        needed_by: "tests that read the text of a printed page (PDF)",
        present: || on_path("pdftotext"),
    },
    Package {
        name: "slapd",
        needed_by: "tests of sign-in with the password of a directory",
        present: || Path::new("/usr/sbin/slapd").is_file(),
    },
    Package {
        name: "caddy",
        needed_by: "tests that run the example of a proxy (deploy/Caddyfile)",
        present: || on_path("caddy"),
    },
    Package {
        name: "nginx",
        needed_by: "tests that run the example of a proxy (deploy/nginx.conf)",
        present: || on_path("nginx") || Path::new("/usr/sbin/nginx").is_file(),
    },
    Package {
        name: "python3-venv",
        needed_by: "the conformance tester of provisioning (scim2-tester)",
        present: || succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
    },
];

/// Installs what is missing when we may, otherwise says what to install.
pub fn ensure() -> Result<(), String> {
    let missing = missing();
    if missing.is_empty() {
        return python::ensure();
    }
    if pgcluster::is_root() && on_path("apt-get") {
        let names: Vec<_> = missing.iter().map(|p| p.name).collect();
        println!("installing {}", names.join(" "));
        if !install(&names) && apt_get(&["update"]) {
            install(&names);
        }
    }
    let missing = self::missing();
    if missing.is_empty() {
        return python::ensure();
    }
    Err(explain(&missing))
}

fn missing() -> Vec<&'static Package> {
    PACKAGES.iter().filter(|p| !(p.present)()).collect()
}

fn explain(missing: &[&Package]) -> String {
    let mut text = "These Debian packages are missing:\n".to_owned();
    for p in missing {
        text += &format!("  {:<26}{}\n", p.name, p.needed_by);
    }
    let names: Vec<_> = missing.iter().map(|p| p.name).collect();
    text + &format!(
        "Install them, then run this again:\n  \
         sudo apt-get install --no-install-recommends {}",
        names.join(" ")
    )
}

fn install(names: &[&str]) -> bool {
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    args.extend(names);
    apt_get(&args)
}

fn apt_get(args: &[&str]) -> bool {
    Command::new("apt-get")
        .args(["-q", "-o", "Acquire::Retries=3"])
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a command that has nothing to say ends well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn has_cjk_font(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            has_cjk_font(&path)
        } else {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().contains("CJK"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_tests_that_need_it() {
        let absent = Package {
            name: "no-such-package",
            needed_by: "tests of nothing",
            present: || on_path("no-such-program"),
        };
        assert!(!(absent.present)());
        let text = explain(&[&absent]);
        assert!(text.contains("no-such-package"));
        assert!(text.contains("tests of nothing"));
        assert!(text.contains("apt-get install --no-install-recommends no-such-package"));
    }
}
