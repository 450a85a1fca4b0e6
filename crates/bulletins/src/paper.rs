//! A bulletin as a Word document.

use commons::docx::{Block, Brief, Document, Picture, write_brief};
use kernel::{Error, Result};
use web::Shell;

use crate::model::Bulletin;
use crate::pages::issue_text;
use crate::service::Bulletins;
use crate::show_page::readers;

impl Bulletins {
    /// The docx of a bulletin in the reader's language.
    pub(crate) async fn docx(&self, shell: &Shell, b: &Bulletin) -> Result<Vec<u8>> {
        let (lang, c) = (shell.lang().code(), &b.content);
        let names = self.organization.names(&[b.unit]).await?;
        let unit = names.get(&b.unit).cloned().unwrap_or_default();
        let kind = self.kind(&b.kind)?;
        let mut blocks: Vec<Block> = c.paragraphs().map(Block::text).collect();
        for file in &c.pictures {
            let hash = file.sha256.parse().map_err(|_| Error::NotFound)?;
            let bytes = self.attachments.files().get(hash).await?;
            blocks.extend(Picture::read(bytes).map(Block::Picture));
        }
        if let Some((_, name)) = self.author_of(c.author).await? {
            let text = shell.t_with("bulletin-written-by", &[("name", &name)]);
            blocks.push(Block::Signature(text));
        }
        let dated = match b.published_on {
            Some(day) if lang.starts_with("zh") => {
                format!("{}年{}月{}日", day.year(), day.month(), day.day())
            }
            Some(day) => kernel::format_date(day),
            None => shell.t("bulletin-not-published"),
        };
        let brief = Brief {
            head: kind.head_of(&unit, lang),
            issue: issue_text(shell, b).unwrap_or_default(),
            unit,
            dated,
            section: c
                .section
                .as_deref()
                .map(|code| kind.section(code, lang).to_owned()),
            to: readers(shell, c),
        };
        let document = Document {
            mark: self.levels.mark(&c.level, lang).map(str::to_owned),
            title: c.title.clone(),
            blocks,
            ..Document::default()
        };
        write_brief(&brief, &document)
    }
}
