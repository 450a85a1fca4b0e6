//! Inspection packs: asked for within one's scope, made in the background, with what there is and what is missing.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use axum::http::StatusCode;
use commons::files::Files;
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Error, Id, Scope};
use ledger::{Fact, Label, Source, SourceFile, Sources};
use obligations::{InspectionState, NAMES, Obligations, PACK, PackWanted, Wanted};
use testkit::{TestDb, on_both};
use web::{Catalog, Lang};

use crate::house::{House, RULE, day, migrations};
use crate::pages::{app_with, get};

/// A feature whose things have a title and two files, one of which the store lost.
struct Feature(Vec<SourceFile>);

impl Source for Feature {
    fn owns(&self, kind: &str) -> bool {
        kind == "held"
    }

    fn href(&self, fact: &Fact) -> String {
        format!("/activities/{}", fact.subject)
    }

    fn part(&self, _: &Fact, _: &str) -> Option<Label> {
        None
    }

    fn titles<'a>(
        &'a self,
        _: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, kernel::Result<HashMap<Id, String>>> {
        let titles = subjects.iter().map(|id| (*id, "<周五>学习".to_owned()));
        async move { Ok(titles.collect()) }.boxed()
    }

    fn files<'a>(
        &'a self,
        _: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, kernel::Result<HashMap<Id, Vec<SourceFile>>>> {
        let files = subjects.iter().map(|id| (*id, self.0.clone()));
        async move { Ok(files.collect()) }.boxed()
    }
}

fn texts() -> Catalog {
    let all = commons::MESSAGES
        .iter()
        .chain(obligations::MESSAGES)
        .chain(web::MESSAGES);
    Catalog::new(all.filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text))))
}

async fn house(t: &TestDb) -> (House, Files) {
    let mut h = House::new(t).await;
    let files = Files::memory(t.env.clone());
    let kept = files.put("照片".as_bytes()).await.unwrap();
    let file = |name: &str, sha256: String| SourceFile {
        name: name.into(),
        sha256,
        size: 6,
    };
    let source = Feature(vec![
        file("a/b.jpg", kept.sha256.to_string()),
        file("lost.pdf", "0".repeat(64)),
    ]);
    let sources = Sources::new(vec![Arc::new(source)]);
    h.obligations = h
        .obligations
        .clone()
        .with_files(files.clone())
        .with_sources(sources);
    (h, files)
}

fn wanted(h: &House) -> PackWanted {
    PackWanted {
        units: vec![h.top, h.a],
        rules: vec![RULE.into()],
        from: "2026-09-01".into(),
        to: "2026-10-31".into(),
        ..PackWanted::default()
    }
}

async fn unpacked(o: &Obligations, id: Id, by: kernel::AccountId) -> HashMap<String, Vec<u8>> {
    let pack = o.pack(id, by, &Scope::All).await.unwrap();
    assert_eq!(pack.state, InspectionState::Ready, "{}", pack.trouble);
    let (size, stream) = o.take_pack(&pack, by).await.unwrap();
    let parts: Vec<bytes::Bytes> = futures::TryStreamExt::try_collect(stream).await.unwrap();
    let bytes = parts.concat();
    assert_eq!((size, pack.size), (bytes.len() as u64, bytes.len() as i64));
    assert_eq!(
        commons::files::FileHash::of(&bytes).to_string(),
        pack.sha256
    );
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut found = HashMap::new();
    for i in 0..zip.len() {
        let mut file = zip.by_index(i).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        found.insert(file.name().unwrap().into_owned(), content);
    }
    found
}

#[tokio::test]
async fn a_pack_has_what_there_is_and_names_what_is_missing() {
    on_both(&migrations(), |t| async move {
        let (h, files) = house(&t).await;
        h.held(&t, h.a, day(9, 4)).await;
        h.held(&t, h.b, day(9, 4)).await;
        h.held(&t, h.a, day(11, 6)).await;
        let (o, by) = (&h.obligations, t.env.new_id::<kernel::AccountId>());
        let id = o
            .ask_pack(wanted(&h), &Scope::All, false, by)
            .await
            .unwrap();
        o.make_pack(&id.to_string(), &texts()).await.unwrap();
        let found = unpacked(o, id, by).await;
        let pack = o.pack(id, by, &Scope::All).await.unwrap();
        assert_eq!(pack.files, 1, "each file is in it once: {:?}", found.keys());
        let (name, content) = found.iter().find(|(n, _)| n.starts_with("佐证/")).unwrap();
        assert!(
            name.ends_with("-a_b.jpg") && content == "照片".as_bytes(),
            "{name}"
        );
        let index = String::from_utf8(found["index.html"].clone()).unwrap();
        for text in [
            "&lt;周五&gt;学习",
            "2026-09-04",
            "文件已不在或已损坏",
            "单位A 2026-09-07 – 2026-09-13",
        ] {
            assert!(index.contains(text), "{text}: {index}");
        }
        assert!(!index.contains("2026-11-06"), "out of the days");
        // Two weeks each are lost or done: the lost file of two records, and the weeks that nobody held.
        assert_eq!(pack.missing, 2 + 2 * 8, "{index}");
        for table in [
            "目录.xlsx",
            "01 每周五集体学习/完成情况.xlsx",
            "01 每周五集体学习/登记.xlsx",
        ] {
            let known = found.keys().collect::<Vec<_>>();
            assert!(
                found
                    .keys()
                    .any(|k| k.ends_with(table.rsplit('/').next().unwrap())),
                "{table}: {known:?}"
            );
        }
        // Made once: the job run again changes nothing, and leaves no second file.
        o.make_pack(&id.to_string(), &texts()).await.unwrap();
        assert_eq!(o.pack(id, by, &Scope::All).await.unwrap(), pack);
        assert_eq!(o.held_for_packs().await.unwrap().len(), 1);
        // Only the drawn record.
        let draw = Wanted {
            rule: RULE.into(),
            unit: h.top,
            period: wanted(&h).period().unwrap(),
            n: 1,
        };
        let d = o.sample(draw, &Scope::All, by).await.unwrap();
        let of_draw = PackWanted {
            draw: Some(d.id),
            english: true,
            ..PackWanted::default()
        };
        let id = o.ask_pack(of_draw, &Scope::All, false, by).await.unwrap();
        o.make_pack(&id.to_string(), &texts()).await.unwrap();
        let found = unpacked(o, id, by).await;
        let index = String::from_utf8(found["index.html"].clone()).unwrap();
        assert_eq!(index.matches("a/b.jpg</a>").count(), 1, "{index}");
        assert!(found.contains_key("Catalogue.xlsx"));
        // A month later it is gone with its file.
        assert_eq!(o.expire_packs().await.unwrap(), 0);
        let held = o.pack(id, by, &Scope::All).await.unwrap().held.unwrap();
        t.clock.advance(31 * 24 * 3600);
        assert_eq!(o.expire_packs().await.unwrap(), 2);
        assert!(matches!(files.held(&held).await, Err(Error::NotFound)));
        assert!(matches!(
            o.pack(id, by, &Scope::All).await,
            Err(Error::NotFound)
        ));
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_is_checked_and_only_ones_own_is_seen() {
    on_both(&migrations(), |t| async move {
        let (h, _) = house(&t).await;
        let (o, by) = (&h.obligations, t.env.new_id::<kernel::AccountId>());
        let w = wanted(&h);
        let named = PackWanted {
            names: true,
            ..w.clone()
        };
        for (wrong, may, field) in [
            (
                PackWanted {
                    units: vec![],
                    ..w.clone()
                },
                true,
                "units",
            ),
            (
                PackWanted {
                    rules: vec![],
                    ..w.clone()
                },
                true,
                "rules",
            ),
            (
                PackWanted {
                    rules: vec!["x".into()],
                    ..w.clone()
                },
                true,
                "rules",
            ),
            (
                PackWanted {
                    checklist: Some("x".into()),
                    ..w.clone()
                },
                true,
                "checklist",
            ),
            (
                PackWanted {
                    to: "2026-08-01".into(),
                    ..w.clone()
                },
                true,
                "to",
            ),
            (
                PackWanted {
                    reason: "迎接检查".into(),
                    ..named.clone()
                },
                false,
                "names",
            ),
            (named, true, "reason"),
        ] {
            match o.ask_pack(wrong, &Scope::All, may, by).await {
                Err(Error::Invalid(e)) => assert_eq!(e[0].field, field),
                other => panic!("{field}: {other:?}"),
            }
        }
        let mine = Scope::Under(vec![h.b]);
        assert!(matches!(
            o.ask_pack(w.clone(), &mine, true, by).await,
            Err(Error::NotFound)
        ));
        let id = o.ask_pack(w, &Scope::All, true, by).await.unwrap();
        let other = t.env.new_id();
        assert!(matches!(
            o.pack(id, other, &Scope::All).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(o.pack(id, by, &mine).await, Err(Error::NotFound)));
        let pack = o.pack(id, by, &Scope::All).await.unwrap();
        assert!(
            matches!(o.take_pack(&pack, by).await, Err(Error::NotFound)),
            "not made yet"
        );
    })
    .await;
}

#[tokio::test]
async fn pages_ask_wait_and_hand_over() {
    on_both(&migrations(), |t| async move {
        let (h, _) = house(&t).await;
        let by = t.env.new_id();
        let app = app_with(&h, by, &[PACK, NAMES], Scope::Under(vec![h.a]));
        let (status, page) = get(&app, "/obligations/packs").await;
        assert!(
            status == StatusCode::OK
                && page.contains("value=\"A\"")
                && page.contains("name=\"names\""),
            "{page}"
        );
        let (status, page) = crate::pages::post(
            &app,
            "/obligations/packs",
            "units=B&from=2026-09-01&to=2026-09-30",
        )
        .await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("编码为 B"),
            "{status} {page}"
        );
        let body = format!("units=A&from=2026-09-01&to=2026-09-30&rule={RULE}");
        let (status, place) = crate::pages::post(&app, "/obligations/packs", &body).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{place}");
        let place = place.split('?').next().unwrap().to_owned();
        let (_, page) = get(&app, &place).await;
        assert!(
            page.contains("排队中") && page.contains("hx-trigger"),
            "{page}"
        );
        assert_eq!(
            get(&app, &format!("{place}/pack.zip")).await.0,
            StatusCode::NOT_FOUND
        );
        let id = place.rsplit('/').next().unwrap();
        h.obligations.make_pack(id, &texts()).await.unwrap();
        let (_, page) = get(&app, &format!("{place}/progress")).await;
        assert!(
            page.contains("pack.zip") && !page.contains("hx-trigger"),
            "{page}"
        );
        assert_eq!(
            get(&app, &format!("{place}/pack.zip")).await.0,
            StatusCode::OK
        );
        let (_, page) = get(&app, "/obligations/packs").await;
        assert!(page.contains(&place) && page.contains("已生成"), "{page}");
        // Others see none of it, and without the permission there is no such page.
        let other = app_with(&h, t.env.new_id(), &[PACK], Scope::All);
        assert_eq!(get(&other, &place).await.0, StatusCode::NOT_FOUND);
        let none = app_with(&h, by, &[obligations::READ], Scope::All);
        assert_eq!(
            get(&none, "/obligations/packs").await.0,
            StatusCode::NOT_FOUND
        );
    })
    .await;
}
