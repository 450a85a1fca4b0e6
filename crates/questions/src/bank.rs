//! The bank (题库): questions in immutable versions, who may use them, and what an examination draws from.

use std::collections::{HashMap, HashSet};

use commons::files::Files;
use db::{Db, Tx};
use desk::{Attachments, Desk};
use identity::Actor;
use kernel::words::Words;
use kernel::{AccountId, Env, Error, Id, Msg, Result, Scope, Timestamp, UnitId};
use organization::Organization;
use serde_json::json;
use web::table::{Order, Window};

use crate::model::{Kind, Question};
use crate::shuffle::SplitMix;
use crate::similar::{Likeness, Prints};
use crate::store;

/// A collection of questions that a unit keeps (题库).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// Its id.
    pub id: Id,
    /// The unit that keeps it: who may read it follows from there.
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// Whether every look at one of its questions is traced (密封题库).
    pub sealed: bool,
}

/// Where a question stands (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// 草稿: its newest version is still worked on.
    Draft,
    /// 待审核: somebody else decides.
    Review,
    /// 使用中: examinations draw it.
    InUse,
    /// 已停用.
    Retired,
    /// 隔离: an import could not make a question of it yet.
    Quarantined,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Draft,
        Self::Review,
        Self::InUse,
        Self::Retired,
        Self::Quarantined,
    ];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "review",
            Self::InUse => "in-use",
            Self::Retired => "retired",
            Self::Quarantined => "quarantined",
        }
    }

    /// The state of a code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// What is known of a question without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its id, the same through all versions.
    pub id: Id,
    /// Its bank.
    pub bank: Id,
    /// The unit that keeps the bank.
    pub unit: UnitId,
    /// Its newest version.
    pub version: i64,
    /// The version that examinations draw; 0: none.
    pub used: i64,
    /// Where the newest version stands.
    pub state: State,
    /// Kind.
    pub kind: Kind,
    /// Difficulty; 0: not said.
    pub difficulty: i64,
    /// The beginning of its stem.
    pub stem: String,
    /// Its knowledge points.
    pub points: Vec<String>,
    /// When something last happened to it.
    pub changed_at: Timestamp,
}

/// One version of a question; never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub version: i64,
    /// What it says.
    pub question: Question,
    /// Why it was written, or what was wrong with it in the file.
    pub note: String,
    /// By whom; none: by the command line.
    pub by: Option<AccountId>,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// When.
    pub at: Timestamp,
}

/// Something that was done to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its id.
    pub id: Id,
    /// The version it was about.
    pub version: i64,
    /// `written`, `imported`, `proposed`, `accepted`, `returned`, `retired`.
    pub act: String,
    /// By whom.
    pub by: Option<AccountId>,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Which questions are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one bank.
    pub bank: Option<Id>,
    /// Of one kind.
    pub kind: Option<Kind>,
    /// In one state.
    pub state: Option<State>,
    /// Of one difficulty; 0: not said.
    pub difficulty: Option<i64>,
    /// At one of these points or below.
    pub points: Option<Vec<Id>>,
    /// Among these.
    pub among: Option<Vec<Id>>,
}

/// A knowledge point of a bank (知识点). Questions below it count at it, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its id.
    pub id: Id,
    /// Its bank.
    pub bank: Id,
    /// Its path; empty: the whole bank.
    pub path: String,
}

/// How many questions in use a point has of a kind and difficulty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Available {
    /// The point.
    pub point: Id,
    /// The kind.
    pub kind: Kind,
    /// The difficulty; 0: not said.
    pub difficulty: i64,
    /// How many there are.
    pub count: i64,
}

/// A question with all that is known of it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its head.
    pub head: Head,
    /// Its bank.
    pub bank: Bank,
    /// All versions, the newest first.
    pub versions: Vec<Version>,
    /// What was done to it, the newest first.
    pub acts: Vec<Act>,
    /// Questions like it, with their content.
    pub similar: Vec<(Likeness, Head, Question)>,
}

/// Kind of these records in the search.
pub(crate) const RECORDS: &str = "question";
/// Candidates of a search by words that are looked at.
const FOUND: i64 = 2_000;
/// Candidates for alikeness of one question.
pub(crate) const CANDIDATES: usize = 20;

/// The banks with their questions; cheap to clone.
#[derive(Clone)]
pub struct Questions {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) organization: Organization,
    pub(crate) attachments: Attachments,
}

impl Questions {
    /// The banks of a database, with a store for their pictures.
    pub fn new(db: Db, env: Env, organization: Organization, files: Files) -> Self {
        Self {
            attachments: Attachments::new(Desk::new(db.clone(), env.clone()), files),
            db,
            env,
            organization,
        }
    }

    /// The banks in a scope, by name.
    pub async fn banks(&self, scope: &Scope) -> Result<Vec<Bank>> {
        store::banks(&mut self.db.read().await?, scope).await
    }

    /// A bank; outside the scope it does not exist.
    pub async fn bank(&self, id: Id, scope: &Scope) -> Result<Bank> {
        let found = store::bank_by_id(&mut self.db.read().await?, id, scope).await?;
        found.ok_or(Error::NotFound)
    }

    /// How many questions of the banks in a scope are in each state.
    pub async fn tallies(&self, scope: &Scope) -> Result<Vec<(Id, State, i64)>> {
        store::tallies(&mut self.db.read().await?, scope).await
    }

    /// Makes a bank or changes its name and seal; the unit stays.
    ///
    /// # Errors
    /// `Invalid` for a name that is empty, too long or taken; `NotFound` for a unit out of scope.
    pub async fn keep_bank(
        &self,
        bank: &Bank,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        let name = bank.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
            return Err(Error::field("name", Msg::new("question-bank-name")));
        }
        if !self.organization.reaches(scope, bank.unit).await? {
            return Err(Error::NotFound);
        }
        let taken = || Error::field("name", Msg::new("question-bank-taken"));
        db::transaction!(self.db, |tx| {
            let known = store::bank_by_id(tx, bank.id, scope).await?;
            let named = store::bank_by_name(tx, bank.unit, &name).await?;
            if named.is_some_and(|b| b.id != bank.id) {
                return Err(taken());
            }
            let kept = Bank {
                name: name.clone(),
                unit: known.as_ref().map_or(bank.unit, |k| k.unit),
                ..bank.clone()
            };
            match known {
                Some(_) => store::set_bank(tx, &kept).await?,
                None => {
                    if !store::add_bank(tx, &kept, self.env.now()).await? {
                        return Err(taken());
                    }
                    let root = [(String::new(), self.env.new_id())];
                    store::add_points(tx, kept.id, &root).await?;
                }
            }
            let detail = json!({ "name": kept.name, "unit": kept.unit, "sealed": kept.sealed });
            let entry = actor.audit("questions.bank-kept", ("question-bank", kept.id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// A window of the questions that match and hold all words, and how many there are.
    pub async fn page(
        &self,
        scope: &Scope,
        filter: &Filter,
        words: &Words,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Head>, i64)> {
        let mut tx = self.db.read().await?;
        let mut filter = filter.clone();
        if !words.is_empty() {
            let within = |column: &str, args: &mut _| organization::scope_sql(scope, column, args);
            let ids = search::find(&mut tx, RECORDS, words, within, FOUND).await?;
            // Pairs of characters may lie apart in a text.
            let texts = store::newest(&mut tx, &ids).await?;
            let whole = texts
                .into_iter()
                .filter(|(_, v)| words.are_in(&store::words(&v.question)));
            filter.among = Some(whole.map(|(id, _)| id).collect());
        }
        store::list(&mut tx, &filter, scope, order, window).await
    }

    /// Opens a question. A look into a sealed bank is traced.
    ///
    /// # Errors
    /// `NotFound` outside the scope.
    pub async fn open(&self, id: Id, scope: &Scope, actor: impl Into<Actor>) -> Result<Opened> {
        let mut tx = self.db.read().await?;
        let head = store::heads(&mut tx, &[id], scope)
            .await?
            .pop()
            .ok_or(Error::NotFound)?;
        let bank = store::bank_by_id(&mut tx, head.bank, &Scope::All)
            .await?
            .ok_or(Error::NotFound)?;
        let versions = store::versions(&mut tx, id).await?;
        let acts = store::acts(&mut tx, id).await?;
        let newest = versions.first().ok_or(Error::NotFound)?;
        let similar = similar(&mut tx, &head, &newest.question).await?;
        drop(tx);
        if bank.sealed {
            let entry = actor.into().audit(
                "questions.looked",
                ("question", id),
                json!({ "version": head.version }),
            );
            db::transaction!(self.db, |tx| identity::record(tx, &self.env, &entry).await)?;
        }
        Ok(Opened {
            head,
            bank,
            versions,
            acts,
            similar,
        })
    }

    /// A picture of a question; of none that one may not see.
    pub async fn picture(
        &self,
        id: Id,
        hash: &str,
        scope: &Scope,
    ) -> Result<(String, bytes::Bytes)> {
        let mut tx = self.db.read().await?;
        store::heads(&mut tx, &[id], scope)
            .await?
            .pop()
            .ok_or(Error::NotFound)?;
        let versions = store::versions(&mut tx, id).await?;
        drop(tx);
        let mut media = versions.iter().flat_map(|v| &v.question.media);
        let found = media.find(|m| m.hash == hash).ok_or(Error::NotFound)?;
        let bytes = self.attachments.files().get(hash.parse()?).await?;
        Ok((found.mime.clone(), bytes))
    }

    /// The knowledge points of the banks in a scope, by path. The one with the empty path is the whole bank.
    pub async fn points(&self, scope: &Scope) -> Result<Vec<Point>> {
        let found = store::points(&mut self.db.read().await?, scope).await?;
        let points = found
            .into_iter()
            .map(|(bank, id, path)| Point { id, bank, path });
        Ok(points.collect())
    }

    /// How many questions in use there are at points, those below them included.
    pub async fn available(&self, points: &[Id]) -> Result<Vec<Available>> {
        let rows = store::counts(&mut self.db.read().await?, points).await?;
        let available = rows
            .into_iter()
            .map(|(point, kind, difficulty, count)| Available {
                point,
                kind,
                difficulty,
                count,
            });
        Ok(available.collect())
    }

    /// Up to `count` questions in use of a point, kind and one of the difficulties (0: not said; none: any), without
    /// those of `but`, in an order of chance that follows from the seed.
    pub async fn pick(
        &self,
        point: Id,
        kind: Kind,
        difficulties: &[i64],
        count: usize,
        but: &HashSet<Id>,
        seed: u64,
    ) -> Result<Vec<Id>> {
        let mut random = SplitMix::new(seed);
        // Several times as many as are needed, so that neighbours in the order of chance are not always together.
        let wanted = count.saturating_mul(4).saturating_add(but.len()).max(200);
        let most = i64::try_from(wanted).unwrap_or(i64::MAX);
        let mut tx = self.db.read().await?;
        let any: Vec<i64> = (0..=5).collect();
        let levels = if difficulties.is_empty() {
            &any[..]
        } else {
            difficulties
        };
        let mut own: Vec<(i64, i64)> = Vec::new();
        for level in levels {
            let from = random.draw().cast_signed();
            if own.iter().all(|(known, _)| known != level) {
                own.push((*level, from));
            }
        }
        let mut found = store::drawn(&mut tx, (point, kind), &own, most).await?;
        found.retain(|id| !but.contains(id));
        random.shuffle(&mut found);
        found.truncate(count);
        Ok(found)
    }

    /// Those of these questions that are in a scope.
    pub async fn seen(&self, ids: &[Id], scope: &Scope) -> Result<Vec<Id>> {
        let heads = store::heads(&mut self.db.read().await?, ids, scope).await?;
        Ok(heads.into_iter().map(|h| h.id).collect())
    }

    /// The versions of questions that are in use now; those without one are left out.
    pub async fn in_use(&self, ids: &[Id]) -> Result<HashMap<Id, Version>> {
        let found = store::in_use(&mut self.db.read().await?, ids).await?;
        Ok(found.into_iter().collect())
    }

    /// Versions of questions as papers keep them, whatever became of the questions since.
    pub async fn at_versions(&self, pairs: &[(Id, i64)]) -> Result<HashMap<(Id, i64), Question>> {
        let found = store::at_version(&mut self.db.read().await?, pairs).await?;
        let found = found
            .into_iter()
            .map(|(id, v)| ((id, v.version), v.question));
        Ok(found.collect())
    }

    /// Pairs among questions that are alike: one paper should not hold both.
    pub async fn alike(&self, ids: &[Id]) -> Result<Vec<(Id, Id, Likeness)>> {
        let mut tx = self.db.read().await?;
        let mut by_band: HashMap<i64, Vec<Id>> = HashMap::new();
        for (band, id) in store::bands_of(&mut tx, ids).await? {
            by_band.entry(band).or_default().push(id);
        }
        let contents: HashMap<Id, Prints> = {
            let found = store::newest(&mut tx, ids).await?;
            found
                .into_iter()
                .map(|(id, v)| (id, Prints::of(&v.question)))
                .collect()
        };
        let mut seen = HashSet::new();
        let mut out = Vec::new();
        for together in by_band.values() {
            for (at, one) in together.iter().enumerate() {
                for other in &together[at + 1..] {
                    let pair = (*one.min(other), *one.max(other));
                    let (Some(a), Some(b)) = (contents.get(&pair.0), contents.get(&pair.1)) else {
                        continue;
                    };
                    if seen.insert(pair) {
                        out.extend(a.likeness(b).map(|likeness| (pair.0, pair.1, likeness)));
                    }
                }
            }
        }
        out.sort_unstable_by_key(|(a, b, _)| (*a, *b));
        Ok(out)
    }
}

/// Questions of the same bank that are like one, the most alike first.
async fn similar(
    tx: &mut Tx,
    head: &Head,
    question: &Question,
) -> Result<Vec<(Likeness, Head, Question)>> {
    let prints = Prints::of(question);
    let shared = store::by_bands(tx, head.bank, prints.bands()).await?;
    let mut times: HashMap<Id, usize> = HashMap::new();
    for (_, id) in shared.into_iter().filter(|(_, id)| *id != head.id) {
        *times.entry(id).or_default() += 1;
    }
    let mut ids: Vec<Id> = times.keys().copied().collect();
    ids.sort_unstable_by_key(|id| (std::cmp::Reverse(times[id]), *id));
    ids.truncate(CANDIDATES);
    let mut contents: HashMap<Id, Question> = {
        let found = store::newest(tx, &ids).await?;
        found.into_iter().map(|(id, v)| (id, v.question)).collect()
    };
    let mut out = Vec::new();
    for head in store::heads(tx, &ids, &Scope::All).await? {
        let Some(other) = contents.remove(&head.id) else {
            continue;
        };
        if let Some(likeness) = prints.likeness(&Prints::of(&other)) {
            out.push((likeness, head, other));
        }
    }
    out.sort_by_key(|(likeness, head, _)| (*likeness, head.id));
    Ok(out)
}
