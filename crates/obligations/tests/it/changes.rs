//! What somebody owes because the organisation changed: from dated rows, also when they are entered late.

use commons::packs::Packs;
use kernel::{Calendar, Date, Id, Period, PersonId, Scope, UnitId};
use ledger::Fact;
use obligations::{Obligations, Rules, State};
use organization::{Attributes, By, NewAssignment, NewPerson};
use testkit::{TestDb, on_both};

use crate::house::{House, add, day, migrations};

fn pack(of_rule: &[(&str, &str, &str)]) -> Packs {
    let mut text =
        String::from("[pack]\ncode = \"t\"\nname = { zh = \"t\", en = \"t\" }\nversion = \"1\"\n");
    for (code, head, version) in of_rule {
        text += &format!(
            "[[obligation]]\ncode = \"{code}\"\nname = {{ zh = \"x\", en = \"x\" }}\ndocument = {{ zh = \"x\", en = \"x\" }}\n\
             article = {{ zh = \"x\", en = \"x\" }}\njoiners = \"full\"\n{head}\n[[obligation.version]]\nfrom = \"2025-01-01\"\n\
             every = \"event\"\nshift = \"later\"\n{version}\n"
        );
    }
    Packs::load(vec![("t.toml".into(), text)]).unwrap()
}

const TRAINING: &str =
    "done-by = { where = { kind = \"attendance\", category = \"training\", role = \"present\" } }";

fn rules() -> Packs {
    let ranks = "ranks = { attribute = \"leading\", values = [\"middle\", \"deputy\", \"chief\"] }";
    let joined = format!("subject = \"person\"\non = \"joined\"\n{TRAINING}");
    let appointed = format!("subject = \"person\"\non = \"appointed\"\n{TRAINING}");
    let promoted = format!("subject = \"person\"\non = \"promoted\"\n{ranks}\n{TRAINING}");
    let founded = "categories = [\"处室\"]\non = \"founded\"\ndone-by = { where = { kind = \"held\" }, axis = \"host\" }";
    pack(&[
        ("joined", &joined, "within = \"6m\"\nsoon-days = 30"),
        ("appointed", &appointed, "within = \"30d\""),
        ("promoted", &promoted, "within = \"1y\""),
        ("founded", founded, "within = \"30d\""),
    ])
}

struct Changed {
    h: House,
    list: Attributes,
}

impl Changed {
    async fn new(t: &TestDb) -> Self {
        let h = House::new(t).await;
        let rules = Rules::read(&rules()).unwrap();
        h.ledger.define(&rules.definitions()).await.unwrap();
        let obligations = Obligations::new(
            (t.db.clone(), t.env.clone()),
            h.ledger.clone(),
            h.org.clone(),
            rules,
            Calendar::default(),
        );
        let people = include_str!("../../../../packs/people-cn.toml");
        let packs = Packs::load(vec![("p.toml".into(), people.into())]).unwrap();
        Self {
            h: House { obligations, ..h },
            list: Attributes::read(&packs).unwrap(),
        }
    }

    async fn serves(
        &self,
        person: Option<PersonId>,
        no: &str,
        unit: UnitId,
        post: &str,
        from: Date,
    ) -> PersonId {
        let assignment = NewAssignment {
            unit,
            post: post.into(),
            from,
            to: None,
            primary: true,
            nature: Default::default(),
        };
        match person {
            Some(person) => {
                let moved = self
                    .h
                    .org
                    .assign(person, &assignment, By::default(), &Scope::All);
                moved.await.unwrap();
                person
            }
            None => {
                let new = NewPerson {
                    staff_no: no.into(),
                    name: format!("人员{no}"),
                    assignment,
                };
                self.h
                    .org
                    .add_person(&new, By::default(), &Scope::All)
                    .await
                    .unwrap()
            }
        }
    }

    async fn leads(&self, person: PersonId, value: &str, from: Date) {
        let set = self.h.org.set_attribute(
            &self.list,
            person,
            "leading",
            value,
            from,
            By::default(),
            &Scope::All,
        );
        set.await.unwrap();
    }

    async fn trained(&self, t: &TestDb, person: PersonId, date: Date) {
        let path = self.h.org.ancestors(self.h.a).await.unwrap();
        db::transaction!(t.db, |tx| {
            let place = self.h.ledger.place(tx, &path).await?;
            let subject: Id = t.env.new_id();
            let mut fact = Fact::new(
                t.env.new_id(),
                "attendance",
                place,
                date,
                subject,
                "roster",
                t.env.now(),
            );
            fact.category = Some("training".into());
            fact.person = Some(person);
            fact.role = Some("present".into());
            self.h.ledger.append(tx, &[fact]).await
        })
        .unwrap();
    }

    /// When it was asked for, due and how it stands.
    async fn stands(&self, t: &TestDb, code: &str, subject: Id) -> Vec<(Date, Date, State)> {
        let o = &self.h.obligations;
        let rules = Rules::read(&rules()).unwrap();
        let rule = rules.get(code).unwrap();
        let year = Period {
            from: day(1, 1),
            to: day(12, 31),
        };
        let units = o.bound(rule, &Scope::All, None).await.unwrap();
        let subjects = o.subjects(rule, &units, year).await.unwrap();
        let lines = o
            .lines(rule, subjects, year)
            .await
            .unwrap()
            .expect("counted");
        let _ = t;
        let line = lines.into_iter().find(|l| l.subject.id == subject);
        let all = line.into_iter().flat_map(|l| l.occurrences);
        all.map(|s| (s.occurrence.window.from, s.occurrence.due.unwrap(), s.state))
            .collect()
    }
}

#[tokio::test]
async fn joiners_appointed_promoted_and_new_units() {
    on_both(&migrations(), |t| async move {
        let c = Changed::new(&t).await;
        let (a, b) = (c.h.a, c.h.b);
        let old = c
            .serves(None, "1", a, "科员", Date::constant(2025, 3, 1))
            .await;
        let new = c.serves(None, "2", a, "", day(3, 2)).await;
        // Due on the working day in six months; today is 20 November.
        assert_eq!(c.stands(&t, "joined", old.0).await, []);
        assert_eq!(
            c.stands(&t, "joined", new.0).await,
            [(day(3, 2), day(9, 2), State::Overdue)]
        );
        c.trained(&t, new, day(8, 31)).await;
        assert_eq!(
            c.stands(&t, "joined", new.0).await,
            [(day(3, 2), day(9, 2), State::Done)]
        );
        let late = c.serves(None, "3", b, "", day(11, 2)).await;
        assert_eq!(c.stands(&t, "joined", late.0).await[0].2, State::Upcoming);
        // Another post, then the same post in another unit; a move without a post asks for nothing.
        assert_eq!(c.stands(&t, "appointed", old.0).await, []);
        c.serves(Some(old), "1", a, "科长", day(5, 4)).await;
        c.serves(Some(old), "1", b, "科长", day(11, 2)).await;
        c.serves(Some(new), "2", b, "", day(11, 2)).await;
        c.trained(&t, old, day(5, 20)).await;
        let want = [
            (day(5, 4), day(6, 3), State::Done),
            (day(11, 2), day(12, 2), State::Upcoming),
        ];
        assert_eq!(c.stands(&t, "appointed", old.0).await, want);
        assert_eq!(c.stands(&t, "appointed", new.0).await, []);
        // Up is a promotion, down and the first value are none.
        c.leads(old, "deputy", day(2, 2)).await;
        c.leads(old, "middle", day(3, 2)).await;
        assert_eq!(c.stands(&t, "promoted", old.0).await, []);
        c.leads(old, "chief", day(4, 1)).await;
        let promoted = c.stands(&t, "promoted", old.0).await;
        assert_eq!(
            promoted,
            [(day(4, 1), Date::constant(2027, 4, 1), State::Done)]
        );
        // A unit that was founded this year, and those of before.
        let office = add(&c.h.org, Some(c.h.top), "C", "处室", day(9, 1)).await;
        c.h.held(&t, office, day(10, 2)).await;
        assert_eq!(
            c.stands(&t, "founded", office.0).await,
            [(day(9, 1), day(10, 1), State::Overdue)]
        );
        assert_eq!(c.stands(&t, "founded", a.0).await, []);
        // What one still has to do is listed, though it was asked for long ago.
        let todo = c.h.obligations.todo_of(new).await.unwrap();
        assert_eq!(todo.len(), 0, "done");
    })
    .await;
}

#[test]
fn what_does_not_suit_is_named() {
    for (head, version) in [
        ("categories = [\"x\"]\non = \"joined\"", "within = \"1m\""),
        ("subject = \"person\"\non = \"founded\"", "within = \"1m\""),
        ("subject = \"person\"\non = \"promoted\"", "within = \"1m\""),
        ("subject = \"person\"\non = \"retired\"", "within = \"1m\""),
        (
            "subject = \"person\"\non = \"joined\"\nranks = { attribute = \"x\", values = [\"a\", \"b\"] }",
            "",
        ),
        (
            "subject = \"person\"\non = \"joined\"\nafter = { where = { kind = \"held\" } }",
            "",
        ),
        ("subject = \"person\"", ""),
    ] {
        let head = format!("{head}\n{TRAINING}");
        let problems = Rules::read(&pack(&[("it", &head, version)])).unwrap_err();
        assert_eq!(problems[0].reason.key, "obligation-after", "{head}");
    }
    for wrong in [
        "within = \"1w\"",
        "within = \"0d\"",
        "within = \"m\"",
        "within = \"40m\"",
        "within = \"一\"",
    ] {
        let head = format!("subject = \"person\"\non = \"joined\"\n{TRAINING}");
        let problems = Rules::read(&pack(&[("it", &head, wrong)])).unwrap_err();
        assert_eq!(problems[0].reason.key, "obligation-version", "{wrong}");
    }
}
