use std::os::unix::fs::PermissionsExt;

use crypt::{AES, Keyring, SM4};
use kernel::Error;
use proptest::prelude::*;

use crate::{Place, message};

#[test]
fn a_keyring_is_read_as_it_was_made_and_never_overwritten() {
    let (env, _) = testkit::env();
    let place = Place::new();
    let made = Keyring::create(&place.path, &env, SM4).unwrap();
    let mode = std::fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let read = Keyring::open(&place.path).unwrap();
    assert_eq!(read.fingerprint(), made.fingerprint());
    assert_eq!(read.active(), made.active());
    assert!(read.active().starts_with("20261120-"));
    assert_eq!(read.masters().map(|(_, a)| a).collect::<Vec<_>>(), [SM4]);
    assert!(read.warnings().is_empty());
    let again = Keyring::create(&place.path, &env, SM4).unwrap_err();
    assert_eq!(message(&again), "keyring-exists");
    assert_eq!(
        Keyring::open(&place.path).unwrap().fingerprint(),
        made.fingerprint()
    );
}

#[test]
fn a_rotation_adds_a_key_and_keeps_the_rest() {
    let (env, _) = testkit::env();
    let place = Place::new();
    let first = Keyring::create(&place.path, &env, AES).unwrap();
    let second = Keyring::rotate(&place.path, &env, SM4).unwrap();
    assert_ne!(second.active(), first.active());
    let read = Keyring::open(&place.path).unwrap();
    let masters: Vec<_> = read.masters().collect();
    assert_eq!(masters, [(first.active(), AES), (second.active(), SM4)]);
    assert_eq!(read.active(), second.active());
    assert_eq!(read.fingerprint(), first.fingerprint(), "indexes stay");
    let mode = std::fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Another rotation is under way, or was cut off.
    let beside = place.path.with_extension("new");
    std::fs::write(&beside, "half").unwrap();
    let refused = Keyring::rotate(&place.path, &env, SM4).unwrap_err();
    assert_eq!(message(&refused), "keyring-under-way");
    assert_eq!(Keyring::open(&place.path).unwrap().masters().count(), 2);
    std::fs::remove_file(&beside).unwrap();
    assert_eq!(
        Keyring::rotate(&place.path, &env, SM4)
            .unwrap()
            .masters()
            .count(),
        3
    );
    assert!(!beside.exists());
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_its_keys() {
    let (env, _) = testkit::env();
    let place = Place::new();
    let open = || Keyring::open(&place.path);
    assert_eq!(message(&open().unwrap_err()), "keyring-missing");
    let unknown = Keyring::create(&place.path, &env, "rot13").unwrap_err();
    assert_eq!(message(&unknown), "keyring-algorithm");
    assert_eq!(
        message(&Keyring::rotate(&place.path, &env, SM4).unwrap_err()),
        "keyring-missing"
    );
    assert_eq!(
        message(&open().unwrap_err()),
        "keyring-missing",
        "nothing is left behind"
    );

    Keyring::create(&place.path, &env, AES).unwrap();
    let good = std::fs::read_to_string(&place.path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let index = lines.iter().position(|l| l.starts_with("index")).unwrap();
    let key = lines.iter().position(|l| l.starts_with("key")).unwrap();
    let secret = lines[key].split(' ').nth(3).unwrap();
    assert_eq!(secret.len(), 64);
    let with = |place: usize, text: String| {
        let mut lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        lines[place] = text;
        lines.join("\n")
    };
    let broken = secret.replacen(
        &secret[..1],
        if secret.starts_with('a') { "b" } else { "a" },
        1,
    );
    for (text, wrong, line) in [
        (String::new(), "keyring-incomplete", None),
        ("PNG".to_owned(), "keyring-line", Some(1)),
        (
            with(0, "suneng-keyring 2".to_owned()),
            "keyring-line",
            Some(1),
        ),
        (with(index, String::new()), "keyring-incomplete", None),
        (
            with(key, lines[key].replace(secret, &broken)),
            "keyring-line",
            Some(key + 1),
        ),
        (
            with(key, lines[key].replace(AES, SM4)),
            "keyring-line",
            Some(key + 1),
        ),
        (
            with(key, lines[key].replace(AES, "x")),
            "keyring-algorithm-line",
            Some(key + 1),
        ),
        (
            with(key, format!("{}\n{}", lines[key], lines[key])),
            "keyring-line",
            Some(key + 2),
        ),
        (
            with(key + 1, "active other".to_owned()),
            "keyring-line",
            Some(key + 2),
        ),
        (with(key + 1, String::new()), "keyring-incomplete", None),
        (
            format!("{good}\nwhat is this"),
            "keyring-line",
            Some(lines.len() + 2),
        ),
    ] {
        std::fs::write(&place.path, &text).unwrap();
        let error = open().unwrap_err();
        assert_eq!(message(&error), wrong, "{text}");
        let Error::Unavailable(m) = &error else {
            panic!()
        };
        let named = m.args.iter().find(|(name, _)| *name == "line");
        assert_eq!(
            named.map(|(_, n)| n.clone()),
            line.map(|n| n.to_string()),
            "{text}"
        );
        assert!(!format!("{error} {error:?}").contains(&secret[1..]));
    }
    std::fs::write(&place.path, &good).unwrap();
    let ring = open().unwrap();
    assert!(!format!("{ring:?}").contains(&secret[..8]));

    std::fs::set_permissions(&place.path, PermissionsExt::from_mode(0o644)).unwrap();
    let warnings = open().unwrap().warnings().to_vec();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "keyring-mode");
    assert!(warnings[0].args.contains(&("mode", "644".to_owned())));
}

proptest! {
    #[test]
    fn a_changed_letter_is_seen(place in any::<prop::sample::Index>(), letter in "[0-9a-z ]") {
        let (env, _) = testkit::env();
        let file = Place::new();
        let made = Keyring::create(&file.path, &env, SM4).unwrap();
        let mut text = std::fs::read_to_string(&file.path).unwrap();
        let (start, _) = text.match_indices("index").next().unwrap();
        let at = start + place.index(text.len() - start);
        text.replace_range(at..=at, &letter);
        std::fs::write(&file.path, &text).unwrap();
        // Blanks may be many; anything else is seen.
        if let Ok(read) = Keyring::open(&file.path) {
            prop_assert_eq!(read.fingerprint(), made.fingerprint());
            prop_assert_eq!(read.active(), made.active());
        }
    }
}
