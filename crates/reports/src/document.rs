//! A report as a Word document: the very figures that are kept.

use commons::docx::{Block, Document, Run, Table};
use kernel::Result;

use crate::service::{Saved, change_text, period_text};
use crate::{Paper, Reports, Segment};

impl Reports {
    /// The docx of a report in a language.
    pub(crate) fn docx(
        &self,
        r: &Saved,
        paper: Option<&Paper>,
        lang: &str,
        labels: &dyn Fn(&str) -> String,
    ) -> Result<Vec<u8>> {
        let zh = lang.starts_with("zh");
        let (title, paragraphs) = if zh {
            (&r.body.title.0, &r.body.paragraphs.0)
        } else {
            (&r.body.title.1, &r.body.paragraphs.1)
        };
        let run = |s: &Segment| Run {
            text: s.text.clone(),
            bold: false,
        };
        let mut blocks: Vec<Block> = paragraphs
            .iter()
            .map(|p| Block::Paragraph(p.iter().map(run).collect()))
            .collect();
        let rows: Vec<Vec<String>> = r
            .body
            .figures
            .iter()
            .filter_map(|f| self.indicators.indicator(&f.code).ok().map(|i| (i, f)))
            .map(|(i, f)| {
                vec![
                    i.name.get(lang).to_owned(),
                    i.say(f, lang),
                    change_text(f.yoy, lang).trim().to_owned(),
                    i.definition.get(lang).to_owned(),
                ]
            })
            .collect();
        let as_of = format!(
            "{} · {}{}",
            period_text(r.period, lang),
            labels("report-as-of"),
            r.as_of
        );
        blocks.push(Block::Table(Table {
            caption: paper.map(|_| as_of.clone()),
            header: [
                "report-indicator-name",
                "report-value",
                "report-yoy",
                "report-definition",
            ]
            .iter()
            .map(|k| labels(k))
            .collect(),
            rows,
            widths: Some(vec![4, 3, 4, 9]),
        }));
        let made = r.created_at.date(self.env.zone());
        let date = if zh {
            format!("{}年{}月{}日", made.year(), made.month(), made.day())
        } else {
            kernel::format_date(made)
        };
        // An official document has a signature of its own.
        if paper.is_none() {
            blocks.push(Block::Signature(r.body.unit_name.clone()));
            blocks.push(Block::Signature(date));
        }
        commons::docx::write(&Document {
            mark: self.levels.mark(&r.level, lang).map(str::to_owned),
            title: title.clone(),
            subtitle: paper.is_none().then_some(as_of),
            blocks,
            official: paper.map(|paper| paper.official(labels)),
        })
    }
}
