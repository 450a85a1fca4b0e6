//! Kinds of examinations (考试类型), from packs: one `[[exam-kind]]` each.

use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

/// A kind of examination (季度测试、年度考试、知识竞赛 …).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExamKind {
    /// Code, stored with examinations and their facts.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What becomes of knowledge points that too few know; none: they are shown only.
    #[serde(default)]
    pub gap: Option<Gap>,
}

/// How a gap in what people know (考试短板) is raised where problems are kept, in the words of the packs of cases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// A point is a gap when fewer than so many in a hundred answers are right.
    pub below: i64,
    /// Kind of case.
    pub case: String,
    /// Where such problems come from (问题来源).
    pub origin: String,
    /// Field of work; may be empty.
    #[serde(default)]
    pub area: String,
    /// Article; may be empty.
    #[serde(default)]
    pub clause: String,
    /// How grave; empty: the least.
    #[serde(default)]
    pub severity: String,
}

impl Gap {
    /// Whether so many right answers of so many are too few.
    pub fn is_shown_by(&self, right: i64, asked: i64) -> bool {
        asked > 0 && right * 100 < self.below * asked
    }

    fn is_sound(&self) -> bool {
        let words = [&self.area, &self.clause, &self.severity];
        let kebab = words.into_iter().all(|w| w.is_empty() || is_kebab(w));
        (1..=100).contains(&self.below) && is_kebab(&self.case) && is_kebab(&self.origin) && kebab
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    exam_kind: Vec<Spanned<ExamKind>>,
}

/// All kinds of all packs.
#[derive(Debug, Clone, Default)]
pub struct ExamKinds(Vec<ExamKind>);

impl ExamKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut list, mut problems): (Vec<ExamKind>, _) = (Vec::new(), Vec::new());
        for (pack, tables) in packs.read::<Tables>()? {
            for spanned in tables.exam_kind {
                let (span, kind) = (spanned.span(), spanned.into_inner());
                let mut fault = |key| {
                    let message = Msg::new(key).with("code", &kind.code);
                    problems.push(pack.problem_at(span.clone(), message));
                };
                if !is_kebab(&kind.code) {
                    fault("exam-kind-code");
                }
                if kind.gap.as_ref().is_some_and(|g| !g.is_sound()) {
                    fault("exam-kind-gap");
                }
                if list.iter().any(|k| k.code == kind.code) {
                    fault("exam-kind-twice");
                }
                list.push(kind);
            }
        }
        none_or(problems, Self(list))
    }

    /// A kind by its code.
    pub fn get(&self, code: &str) -> Option<&ExamKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// All of them, in the order of the packs.
    pub fn iter(&self) -> std::slice::Iter<'_, ExamKind> {
        self.0.iter()
    }

    /// The name of a kind; its code where no pack knows it any more.
    pub fn name<'n>(&'n self, code: &'n str, lang: &str) -> &'n str {
        self.get(code).map_or(code, |k| k.name.get(lang))
    }
}
