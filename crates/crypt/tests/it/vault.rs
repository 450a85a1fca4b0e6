use crypt::{AES, Keyring, MIGRATIONS, Opened, Rewrapped, SM4, Vault};
use db::{Db, args, transaction};
use kernel::{Env, Error, Id, Result};
use testkit::{TestDb, on_both, on_postgres, on_sqlite};

use crate::{Place, message};

const NUMBER: &str = "11010519491231002X";

fn records(env: &Env, n: usize) -> Vec<Id> {
    (0..n).map(|_| env.new_id()).collect()
}

/// Makes keys and seals a number for each record.
async fn seal(db: &Db, vault: &Vault, records: &[Id]) -> Vec<Vec<u8>> {
    let made = transaction!(db, |tx| {
        let keys = vault.make(tx, records).await?;
        let seal = |id: &Id| keys.seal(*id, "id_number", &format!("{NUMBER} {id}"));
        records.iter().map(seal).collect::<Result<Vec<_>>>()
    });
    made.expect("sealed")
}

async fn open(db: &Db, vault: &Vault, record: Id, sealed: &[u8]) -> Result<Opened> {
    let mut tx = db.read().await?;
    vault
        .keys(&mut tx, &[record])
        .await?
        .open(record, "id_number", sealed)
}

async fn rewrap(t: &TestDb, vault: &Vault, most: u32) -> Result<Rewrapped> {
    transaction!(t.db, |tx| vault.rewrap(tx, most).await)
}

#[tokio::test]
async fn fields_are_sealed_to_their_record_and_name() {
    for algorithm in [AES, SM4] {
        on_both(MIGRATIONS, |t| async move {
            let place = Place::new();
            let vault = place.vault(&t, algorithm).await;
            let ids = records(&t.env, 3);
            let sealed = seal(&t.db, &vault, &ids).await;
            assert!(sealed[0][1..].starts_with(algorithm.as_bytes()));
            assert!(!sealed[0].windows(6).any(|w| w == b"110105"));
            // What was made before is used again, beside what is new.
            let more = [ids.clone(), records(&t.env, 2)].concat();
            let again = seal(&t.db, &vault, &more).await;
            assert_ne!(again[0], sealed[0], "no nonce twice");
            let mut tx = t.db.read().await.unwrap();
            let keys = vault.keys(&mut tx, &more).await.unwrap();
            for (id, sealed) in ids.iter().zip(&sealed).chain(more.iter().zip(&again)) {
                let opened = keys.open(*id, "id_number", sealed).unwrap();
                assert_eq!(opened.text(), Some(format!("{NUMBER} {id}").as_str()));
                assert!(!format!("{opened:?}").contains("110105"));
            }
            let wrong = [
                keys.open(ids[1], "id_number", &sealed[0]),
                keys.open(ids[0], "mobile", &sealed[0]),
                keys.open(ids[0], "id_number", &sealed[0][1..]),
                keys.open(ids[0], "id_number", &sealed[0][..20]),
                keys.open(ids[0], "id_number", &[]),
                keys.open(t.env.new_id::<Id>(), "id_number", &sealed[0]),
            ];
            for opened in wrong {
                assert!(matches!(opened, Err(Error::Internal(_))), "{opened:?}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn an_erased_record_stays_erased() {
    on_both(MIGRATIONS, |t| async move {
        let place = Place::new();
        let vault = place.vault(&t, SM4).await;
        let ids = records(&t.env, 2);
        let sealed = seal(&t.db, &vault, &ids).await;
        let never: Id = t.env.new_id();
        let before = t.env.now();
        t.clock.advance(60);
        let gone = [ids[0], never, ids[0]];
        let erase = async || transaction!(t.db, |tx| vault.erase(tx, &gone).await).unwrap();
        assert_eq!(erase().await, 2);
        let at = t.env.now();
        t.clock.advance(60);
        assert_eq!(erase().await, 0, "once");
        for id in [ids[0], never] {
            let opened = open(&t.db, &vault, id, &sealed[0]).await.unwrap();
            assert_eq!(opened, Opened::Erased(at));
            assert_eq!(opened.text(), None);
            // No new key comes into its place.
            let refused = transaction!(t.db, |tx| {
                let keys = vault.make(tx, &[id]).await?;
                assert_eq!(keys.erased_at(id), Some(at));
                keys.seal(id, "id_number", NUMBER)
            });
            assert_eq!(message(&refused.unwrap_err()), "crypt-erased");
        }
        assert!(
            open(&t.db, &vault, ids[1], &sealed[1])
                .await
                .unwrap()
                .text()
                .is_some()
        );
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM data_key WHERE wrapped IS NULL";
        let row = tx.one(sql, args![]).await.unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 2);
        // A restored older backup learns what to erase again.
        assert_eq!(
            vault.erased(&mut tx, before).await.unwrap(),
            [ids[0], never]
        );
        assert_eq!(vault.erased(&mut tx, t.env.now()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_copy_on_the_other_engine_opens_with_the_same_keyring() {
    on_sqlite(MIGRATIONS, |from| async move {
        let place = Place::new();
        let vault = place.vault(&from, SM4).await;
        let ids = records(&from.env, 3);
        let sealed = seal(&from.db, &vault, &ids).await;
        transaction!(from.db, |tx| vault.erase(tx, &ids[..1]).await).unwrap();
        on_postgres(MIGRATIONS, |to| async {
            let to = to;
            let mut tx = from.db.read().await.unwrap();
            for table in db::copy::tables(&mut tx).await.unwrap() {
                let mut rows = Vec::new();
                let each = |row| {
                    rows.push(row);
                    Ok(())
                };
                table.rows(&mut tx, each).await.unwrap();
                transaction!(to.db, |tx| table.insert(tx, rows.clone()).await).unwrap();
            }
            let ring = Keyring::open(&place.path).unwrap();
            let vault = Vault::open(&to.db, &to.env, ring).await.unwrap();
            let first = open(&to.db, &vault, ids[0], &sealed[0]).await.unwrap();
            assert_eq!(first, Opened::Erased(from.env.now()));
            for (id, sealed) in ids.iter().zip(&sealed).skip(1) {
                let opened = open(&to.db, &vault, *id, sealed).await.unwrap();
                assert_eq!(opened.text(), Some(format!("{NUMBER} {id}").as_str()));
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn nothing_of_an_erased_key_is_left_in_the_file() {
    on_sqlite(MIGRATIONS, |t| async move {
        let place = Place::new();
        let vault = place.vault(&t, SM4).await;
        let ids = records(&t.env, 300);
        seal(&t.db, &vault, &ids).await;
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT wrapped FROM data_key WHERE id = $1";
        let row = tx.one(sql, args![ids[150]]).await.unwrap();
        let wrapped: Vec<u8> = row.get(0).unwrap();
        drop(tx);
        let gone = [ids[150]];
        transaction!(t.db, |tx| vault.erase(tx, &gone).await).unwrap();
        t.db.close().await;
        let file = std::fs::read(t.url().strip_prefix("sqlite:").unwrap()).unwrap();
        let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|w| w == bytes);
        assert!(holds(&ids[150].0), "the row stays");
        let secret = &wrapped[1 + SM4.len()..];
        assert!(!secret.windows(6).any(holds));
    })
    .await;
}

#[tokio::test]
async fn a_rotation_opens_old_and_new_and_is_finished_in_pieces() {
    on_both(MIGRATIONS, |t| async move {
        let place = Place::new();
        let vault = place.vault(&t, AES).await;
        let first = Keyring::open(&place.path).unwrap().active().to_owned();
        let old = records(&t.env, 25);
        let old_sealed = seal(&t.db, &vault, &old).await;
        assert_eq!(
            rewrap(&t, &vault, 10).await.unwrap(),
            Rewrapped { done: 0, left: 0 }
        );

        let ring = Keyring::rotate(&place.path, &t.env, SM4).unwrap();
        let second = ring.active().to_owned();
        vault.reload().unwrap();
        let new = records(&t.env, 5);
        let new_sealed = seal(&t.db, &vault, &new).await;
        let all = || {
            old.iter()
                .zip(&old_sealed)
                .chain(new.iter().zip(&new_sealed))
        };
        for (id, sealed) in all() {
            assert!(
                open(&t.db, &vault, *id, sealed)
                    .await
                    .unwrap()
                    .text()
                    .is_some()
            );
        }
        // Interrupted: one piece is rolled back; erased ones are no longer left.
        assert_eq!(
            rewrap(&t, &vault, 10).await.unwrap(),
            Rewrapped { done: 10, left: 15 }
        );
        let cut: Result<()> = transaction!(t.db, |tx| {
            vault.rewrap(tx, 10).await?;
            Err(Error::internal("the power failed"))
        });
        assert!(cut.is_err());
        transaction!(t.db, |tx| vault.erase(tx, &old[24..]).await).unwrap();
        let mut tx = t.db.read().await.unwrap();
        let usage = vault.usage(&mut tx).await.unwrap();
        drop(tx);
        let count = |id: &str| {
            usage
                .iter()
                .find(|u| u.master == id)
                .map(|u| (u.records, u.known))
        };
        assert_eq!(
            (count(&first), count(&second)),
            (Some((14, true)), Some((15, true)))
        );
        // Resumed by another node.
        let other = Vault::open(&t.second().await, &t.env, ring).await.unwrap();
        assert_eq!(
            rewrap(&t, &other, 10).await.unwrap(),
            Rewrapped { done: 10, left: 4 }
        );
        assert_eq!(
            rewrap(&t, &other, 10).await.unwrap(),
            Rewrapped { done: 4, left: 0 }
        );
        assert_eq!(
            rewrap(&t, &other, 10).await.unwrap(),
            Rewrapped { done: 0, left: 0 }
        );
        for (id, sealed) in all().filter(|(id, _)| **id != old[24]) {
            let opened = open(&t.db, &other, *id, sealed).await.unwrap();
            assert_eq!(opened.text(), Some(format!("{NUMBER} {id}").as_str()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_node_with_an_older_keyring_reads_it_again_by_itself() {
    on_both(MIGRATIONS, |t| async move {
        let place = Place::new();
        let stale = place.vault(&t, SM4).await;
        let ring = Keyring::rotate(&place.path, &t.env, SM4).unwrap();
        let newer = Vault::open(&t.db, &t.env, ring).await.unwrap();
        let ids = records(&t.env, 1);
        let sealed = seal(&t.db, &newer, &ids).await;
        assert!(
            open(&t.db, &stale, ids[0], &sealed[0])
                .await
                .unwrap()
                .text()
                .is_some()
        );
    })
    .await;
}

#[tokio::test]
async fn a_keyring_that_lacks_a_key_says_which() {
    on_both(MIGRATIONS, |t| async move {
        let place = Place::new();
        let before = {
            Keyring::create(&place.path, &t.env, SM4).unwrap();
            std::fs::read(&place.path).unwrap()
        };
        let ring = Keyring::rotate(&place.path, &t.env, SM4).unwrap();
        let vault = Vault::open(&t.db, &t.env, ring).await.unwrap();
        let ids = records(&t.env, 1);
        let sealed = seal(&t.db, &vault, &ids).await;
        std::fs::write(&place.path, before).unwrap();
        let ring = Keyring::open(&place.path).unwrap();
        let poor = Vault::open(&t.db, &t.env, ring).await.unwrap();
        let error = open(&t.db, &poor, ids[0], &sealed[0]).await.unwrap_err();
        assert_eq!(message(&error), "crypt-no-master-key");
        let error = rewrap(&t, &poor, 10).await.unwrap_err();
        assert_eq!(message(&error), "crypt-no-master-key");
        let mut tx = t.db.read().await.unwrap();
        let usage = poor.usage(&mut tx).await.unwrap();
        assert_eq!(
            (usage.len(), usage[0].known, usage[0].records),
            (1, false, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn another_keyring_is_refused() {
    on_both(MIGRATIONS, |t| async move {
        let (mine, other) = (Place::new(), Place::new());
        mine.vault(&t, SM4).await;
        let ring = Keyring::create(&other.path, &t.env, SM4).unwrap();
        let refused = Vault::open(&t.db, &t.env, ring).await.unwrap_err();
        assert_eq!(message(&refused), "crypt-other-keyring");
        // Nor may the file be exchanged under a running program.
        let ring = Keyring::open(&mine.path).unwrap();
        let vault = Vault::open(&t.db, &t.env, ring).await.unwrap();
        std::fs::copy(&other.path, &mine.path).unwrap();
        assert_eq!(message(&vault.reload().unwrap_err()), "crypt-other-keyring");
    })
    .await;
}

#[tokio::test]
async fn equal_values_have_equal_indexes_and_nothing_else_has() {
    let place = Place::new();
    on_both(MIGRATIONS, |t| {
        let path = place.path.clone();
        async move {
            if !path.exists() {
                Keyring::create(&path, &t.env, SM4).unwrap();
            }
            let vault = Vault::open(&t.db, &t.env, Keyring::open(&path).unwrap())
                .await
                .unwrap();
            let index = vault.index("id_number", NUMBER);
            assert_ne!(index, vault.index("id_number", "110105194912310021"));
            assert_ne!(
                index,
                vault.index("mobile", NUMBER),
                "fields tell nothing of each other"
            );
            Keyring::rotate(&path, &t.env, AES).unwrap();
            vault.reload().unwrap();
            assert_eq!(
                index,
                vault.index("id_number", NUMBER),
                "a rotation changes no index"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn two_nodes_make_one_key() {
    on_postgres(MIGRATIONS, |t| async move {
        let place = Place::new();
        let vault = place.vault(&t, SM4).await;
        let second = t.second().await;
        for _ in 0..20 {
            let ids = records(&t.env, 8);
            let backwards: Vec<Id> = ids.iter().rev().copied().collect();
            let (a, b) = tokio::join!(seal(&t.db, &vault, &ids), seal(&second, &vault, &backwards));
            let mut tx = t.db.read().await.unwrap();
            let keys = vault.keys(&mut tx, &ids).await.unwrap();
            for (id, sealed) in ids.iter().zip(&a).chain(backwards.iter().zip(&b)) {
                assert!(
                    keys.open(*id, "id_number", sealed)
                        .unwrap()
                        .text()
                        .is_some()
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn thousands_are_opened_by_a_few_queries() {
    on_both(MIGRATIONS, |t| async move {
        let place = Place::new();
        let vault = place.vault(&t, SM4).await;
        let ids = records(&t.env, 12_000);
        let made = transaction!(t.db, |tx| vault.make(tx, &ids).await.map(|_| ()));
        made.unwrap();
        let mut tx = t.db.read().await.unwrap();
        let keys = vault.keys(&mut tx, &ids).await.unwrap();
        let sealed = keys.seal(ids[11_999], "id_number", NUMBER).unwrap();
        assert_eq!(
            keys.open(ids[11_999], "id_number", &sealed).unwrap().text(),
            Some(NUMBER)
        );
    })
    .await;
}
