//! What is owed afterwards (事后报告、销假).

use desk::Attached;
use identity::Actor;
use kernel::{Id, Msg, Result};

use crate::model::{Eyes, LONGEST, Said, needed};
use crate::service::{Matters, conflict, few_enough};

impl Matters {
    /// Reports on a matter afterwards, once. After its day it is taken, and counted as late.
    ///
    /// # Errors
    /// `Invalid` for `text`; `Forbidden` for those who do not write it; `Conflict` when nothing is owed.
    pub async fn report_after(
        &self,
        id: Id,
        seen: Option<i64>,
        (text, files): (&str, &[Attached]),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let text = needed("text", text, LONGEST)?;
        few_enough(files)?;
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.run(tx, id, seen, eyes).await?;
            if !m.owes_after() {
                return Err(conflict("matters-nothing-owed"));
            }
            m.after_on = Some(self.env.today());
            m.after = Said {
                text: text.clone(),
                document: String::new(),
                files: files.to_vec(),
            };
            self.reported(tx, &m, actor).await?;
            self.happened(tx, &mut m, "reported", "", actor).await?;
            let people = match m.to {
                Some(_) => self.at_door(tx, &m).await?,
                None => organization::Organization::in_charge(tx, m.unit, self.env.today()).await?,
            };
            let message = Msg::new("matters-notice-after");
            self.tell(tx, (&m, &kind), &people, message, "after").await
        })
    }
}
