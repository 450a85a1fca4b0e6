//! Marks of people in lists (人员标注): who is lent, and what packs mark of their attributes, on a day.

use std::collections::{BTreeSet, HashMap};

use kernel::{Date, PersonId, Result};
use web::Shell;

use crate::attributes::Attributes;
use crate::model::Nature;
use crate::service::Organization;
use crate::store;

impl Organization {
    /// What lists say of each of these people on a day, in words; some queries for all of them. Who may see the
    /// people may see that they are lent, not to whom.
    pub(crate) async fn marks(
        &self,
        shell: &Shell,
        attributes: &Attributes,
        people: &[PersonId],
        day: Date,
    ) -> Result<HashMap<PersonId, Vec<String>>> {
        let mut found: HashMap<PersonId, BTreeSet<(usize, String)>> = HashMap::new();
        let mut tx = self.db.read().await?;
        for (person, nature) in store::natures(&mut tx, people, day).await? {
            let key = match nature {
                Nature::Ordinary => continue,
                Nature::Secondment => "organization-mark-secondment",
                Nature::Attachment => "organization-mark-attachment",
            };
            let marks = found.entry(person).or_default();
            marks.insert((0, shell.t(key)));
        }
        let marked = attributes.iter().enumerate();
        let marked = marked.filter(|(_, a)| a.values.iter().any(|v| v.mark));
        for (n, attribute) in marked {
            let values = store::values_of(&mut tx, people, &attribute.code, day);
            for (person, code) in values.await? {
                let value = attribute.value(&code).filter(|v| v.mark);
                if let Some(value) = value {
                    let name = value.name.get(shell.lang().code()).to_owned();
                    found.entry(person).or_default().insert((n + 1, name));
                }
            }
        }
        let words = |marks: BTreeSet<(usize, String)>| marks.into_iter().map(|(_, m)| m).collect();
        Ok(found.into_iter().map(|(p, m)| (p, words(m))).collect())
    }
}
