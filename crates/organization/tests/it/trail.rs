//! What is done to units and people is written down, in the transaction that does it.

use std::sync::{Arc, Mutex};

use db::Tx;
use futures::future::BoxFuture;
use kernel::{Error, Result, Scope};
use organization::{
    Audience, Basis, By, Deed, MIGRATIONS, NewAssignment, NewPerson, Rule, Trail, UnitEdit,
};
use testkit::on_both;

use crate::pages::attributes;
use crate::{add, day, organization};

/// Keeps deeds, or fails on one.
#[derive(Clone, Default)]
struct Notes {
    deeds: Arc<Mutex<Vec<(String, String)>>>,
    fails: Arc<Mutex<Option<&'static str>>>,
}

impl Trail for Notes {
    fn record<'a>(&'a self, _: &'a mut Tx, deed: Deed) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if *self.fails.lock().unwrap() == Some(deed.action) {
                return Err(Error::internal("the trail cannot be written"));
            }
            let entry = (deed.action.to_owned(), deed.by.address);
            self.deeds.lock().unwrap().push(entry);
            Ok(())
        })
    }
}

#[tokio::test]
async fn every_change_is_written_down_or_not_done() {
    on_both(MIGRATIONS, |t| async move {
        let notes = Notes::default();
        let org = organization(&t).with_trail(notes.clone());
        let by = By {
            account: Some(t.env.new_id()),
            on_behalf: None,
            address: "192.0.2.7".into(),
        };
        let all = Scope::All;
        let top = add(&org, None, "top").await;
        let (a, b) = (
            add(&org, Some(top), "a").await,
            add(&org, Some(top), "b").await,
        );
        notes.deeds.lock().unwrap().clear();
        let basis = Basis {
            date: day(7, 1),
            text: String::new(),
            by: by.clone(),
        };
        let rename = UnitEdit {
            name: Some("新名".into()),
            ..UnitEdit::default()
        };
        org.change_unit(a, &rename, &basis, &all).await.unwrap();
        let new = NewPerson {
            staff_no: "1".into(),
            name: "甲某".into(),
            assignment: NewAssignment {
                unit: a,
                post: String::new(),
                from: day(1, 1),
                to: None,
                primary: true,
                nature: Default::default(),
            },
        };
        let id = org.add_person(&new, by.clone(), &all).await.unwrap();
        let to = NewAssignment {
            unit: b,
            from: day(8, 1),
            ..new.assignment.clone()
        };
        org.assign(id, &to, by.clone(), &all).await.unwrap();
        let list = attributes();
        org.set_attribute(&list, id, "level", "staff", day(1, 1), by.clone(), &all)
            .await
            .unwrap();
        let audience = Audience {
            id: t.env.new_id(),
            name: "x".into(),
            unit: a,
            rule: Rule::default(),
        };
        org.keep_audience(&list, &audience, by.clone(), &all)
            .await
            .unwrap();
        org.tell_export(by.clone(), ("audience", audience.id), 1)
            .await
            .unwrap();
        org.drop_audience(audience.id, by.clone(), &all)
            .await
            .unwrap();
        let deeds = notes.deeds.lock().unwrap().clone();
        let actions: Vec<&str> = deeds.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "unit.renamed",
                "person.added",
                "person.assigned",
                "person.described",
                "audience.kept",
                "people.exported",
                "audience.dropped"
            ]
        );
        assert!(deeds.iter().all(|(_, address)| address == "192.0.2.7"));

        // What cannot be written down is not done.
        *notes.fails.lock().unwrap() = Some("unit.merged");
        org.merge_units(&[a], b, &basis, &all).await.unwrap_err();
        assert_eq!(org.unit(a, &all).await.unwrap().to, None);
        *notes.fails.lock().unwrap() = Some("person.renamed");
        org.rename_person(id, "乙某", by, &all).await.unwrap_err();
        let card = org.person(id, &all).await.unwrap();
        assert_eq!(card.person.name, "甲某");
    })
    .await;
}
