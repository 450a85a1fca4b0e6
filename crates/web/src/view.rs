//! What components of `components.html` take (组件数据): plain types that a template's context holds.
//! Texts are in the reader's language already.

use serde::Serialize;

/// A step of the path above a page's title (面包屑).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crumb {
    /// What it says.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// Whether a thing is well: colours a tag, a delta, a bar; always beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Nothing to say.
    #[default]
    Plain,
    /// In hand (办理中).
    Brand,
    /// Done, good.
    Ok,
    /// Soon due.
    Warn,
    /// Late, failed, irreversible.
    Bad,
}

/// A state in words with a colour (状态标签).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// What it says.
    pub text: String,
    /// Its colour.
    pub tone: Tone,
    /// Icon before the text.
    pub icon: Option<&'static str>,
}

/// A change against an earlier figure (同比、环比).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delta {
    /// What is compared, for example 同比.
    pub label: String,
    /// The change in words with its unit, without sign.
    pub text: String,
    /// 1 up, −1 down, 0 level: the arrow.
    pub direction: i8,
    /// Whether it is for the better: the colour. None: neither.
    pub good: Option<bool>,
}

/// A key figure (指标卡): never a bare number.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Kpi {
    /// What is counted.
    pub label: String,
    /// The figure, digits grouped; none while it is being computed.
    pub value: Option<String>,
    /// Its unit.
    pub unit: String,
    /// The rows behind it.
    pub href: Option<String>,
    /// How it is defined.
    pub definition: Option<String>,
    /// Until when it counts.
    pub as_of: Option<String>,
    /// What it should be.
    pub target: Option<String>,
    /// How it changed.
    pub delta: Option<Delta>,
    /// The last values, oldest first.
    pub trend: Vec<f64>,
    /// Typed in by somebody (申报), not counted from rows.
    pub declared: bool,
}

/// A chosen filter (已选条件).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// What is chosen.
    pub label: String,
    /// The page without it.
    pub without: String,
}

/// A stage of a course of things (进程).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub label: String,
    /// A date or remark below.
    pub note: String,
    /// `done`, `now` or `wait`.
    pub state: StepState,
}

/// Where a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Behind us.
    Done,
    /// Here we are.
    Now,
    /// Still to come.
    Wait,
    /// Went wrong.
    Bad,
}

/// Something that happened (流转记录).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Who did what.
    pub title: String,
    /// When.
    pub at: String,
    /// What was said.
    pub quote: Option<String>,
    /// How it stands.
    pub state: StepState,
}

/// A day of the heat calendar (日历热力图). The first one is a Monday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Date and figure in words.
    pub label: String,
    /// 0 (nothing) to 5 (most).
    pub level: u8,
}

/// Turning pages (分页).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pager {
    /// Rows in all.
    pub total: u64,
    /// This page, from 1.
    pub page: u64,
    /// Number of pages, at least 1.
    pub pages: u64,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
    /// Pages to choose from: number and address; no address for a gap.
    pub links: Vec<(u64, Option<String>)>,
}

impl Pager {
    /// Pages of `size` rows; `href` gives the address of a page with all other filters kept.
    pub fn new(total: u64, size: u64, page: u64, href: impl Fn(u64) -> String) -> Self {
        let pages = total.div_ceil(size.max(1)).max(1);
        let page = page.clamp(1, pages);
        let mut links = Vec::new();
        for n in 1..=pages {
            if n == 1 || n == pages || n.abs_diff(page) <= 2 {
                links.push((n, Some(href(n))));
            } else if links.last().is_some_and(|(_, link)| link.is_some()) {
                links.push((n, None));
            }
        }
        Self {
            total,
            page,
            pages,
            previous: (page > 1).then(|| href(page - 1)),
            next: (page < pages).then(|| href(page + 1)),
            links,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pager_never_leaves_the_pages() {
        let href = |n: u64| format!("/x?page={n}");
        let none = Pager::new(0, 20, 7, href);
        assert_eq!((none.page, none.pages), (1, 1));
        assert_eq!((none.previous, none.next), (None, None));
        let middle = Pager::new(1000, 10, 50, href);
        let numbers: Vec<_> = middle
            .links
            .iter()
            .map(|(n, l)| (*n, l.is_some()))
            .collect();
        assert_eq!(
            numbers,
            [
                (1, true),
                (2, false),
                (48, true),
                (49, true),
                (50, true),
                (51, true),
                (52, true),
                (53, false),
                (100, true),
            ]
        );
        assert_eq!(
            Pager::new(41, 10, 9, href).page,
            5,
            "past the end is the last page"
        );
    }
}
