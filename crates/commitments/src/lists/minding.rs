//! What the clock does: reports of the year are opened some days before they are due, and who has not handed in hears of it.

use jiff::ToSpan;
use kernel::Result;

use super::service::Answering;
use crate::store::lists as store;

impl Answering {
    /// Opens what is to be opened and reminds; gives how many were opened and how many wait. Run again, or on another node,
    /// nothing is done twice. For a job of every morning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mind(&self) -> Result<(usize, usize)> {
        let today = self.base.env.today();
        let mut opened = 0;
        for list in store::in_use(&mut self.base.db.read().await?).await? {
            let sample = self.sample(&list.sample);
            // A sample that a pack took away opens nothing more.
            let due = sample.and_then(|s| Some((s.due_in(today.year())?, s.open_days)));
            let Some((due, days)) = due else {
                continue;
            };
            // A list that came to use after the day begins with the next year.
            if today >= due.saturating_sub(days.days()) && today <= due {
                let new = db::transaction!(self.base.db, |tx| {
                    self.open(tx, &list, today.year(), due).await
                })?;
                opened += usize::from(new);
            }
        }
        let waiting = store::missing(&mut self.base.db.read().await?, None).await?;
        for report in &waiting {
            db::transaction!(self.base.db, |tx| {
                let list = store::one(tx, report.list).await?;
                let sample = list.as_ref().and_then(|l| self.sample(&l.sample));
                match sample {
                    Some(sample) => self.remind_of(tx, report, sample).await,
                    None => Ok(()),
                }
            })?;
        }
        Ok((opened, waiting.len()))
    }
}
