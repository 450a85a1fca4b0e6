//! The Python packages that tests drive, in an environment of their own under the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::succeeds;

/// The conformance tester of provisioning, with what it needs to speak HTTP.
const TESTER: &str = "scim2-tester[httpx2]==0.5.2";

/// Installs what is missing; says what to install where that fails.
pub fn ensure() -> Result<(), String> {
    let folder = target()?.join("scim2-tester");
    if works(&folder) {
        return Ok(());
    }
    println!("installing {TESTER} into {}", folder.display());
    let python = folder.join("bin/python");
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&folder)
        .status();
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        TESTER,
    ];
    if made.is_ok_and(|status| status.success()) {
        // Whether that went well shows below.
        let _ = Command::new(&python).args(pip).status();
    }
    if works(&folder) {
        return Ok(());
    }
    Err(explain(&folder))
}

fn works(folder: &Path) -> bool {
    let python = folder.join("bin/python");
    python.is_file()
        && succeeds(
            Command::new(python).args(["-c", "import scim2_tester, scim2_client.engines.httpx2"]),
        )
}

fn explain(folder: &Path) -> String {
    format!(
        "The Python package {TESTER} is missing:\n  it tests provisioning (SCIM) from outside\n\
         Install it, then run this again:\n  python3 -m venv {0} && {0}/bin/pip install '{TESTER}'",
        folder.display()
    )
}

/// The target folder of the workspace, as cargo takes it.
fn target() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("CARGO_TARGET_DIR") {
        let here = std::env::current_dir().map_err(|e| format!("no current folder: {e}"))?;
        return Ok(here.join(folder));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.ok_or("the workspace has no folder")?;
    Ok(root.join("target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let nowhere = Path::new("/nonexistent/scim2-tester");
        assert!(!works(nowhere));
        let text = explain(nowhere);
        assert!(text.contains("/nonexistent/scim2-tester/bin/pip install 'scim2-tester"));
    }
}
