//! The state machine of one approval: whose turn it is, who may do what, what follows. No input or output.

use std::collections::HashSet;

use kernel::{Error, Msg, PersonId, Result};

use crate::route::{Mode, Route, Step};

/// How an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Somebody has to decide (审批中).
    Open,
    /// Sent back to be mended (已退回).
    Returned,
    /// All agreed, and it was done (已通过).
    Applied,
    /// Refused (不同意).
    Refused,
    /// Taken back by who asked (已撤回).
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Returned,
        Self::Applied,
        Self::Refused,
        Self::Withdrawn,
    ];

    /// Its word in tables, addresses and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Returned => "returned",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether nothing can happen any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Open | Self::Returned)
    }
}

/// How somebody's part in a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It is their turn.
    Open,
    /// They agreed.
    Agreed,
    /// They handed it over, or it passed on when time was up.
    Passed,
    /// Others decided.
    Closed,
}

impl TaskState {
    const ALL: [Self; 4] = [Self::Open, Self::Agreed, Self::Passed, Self::Closed];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Agreed => "agreed",
            Self::Passed => "passed",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// Somebody's part in a step of the present round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The step, from 0.
    pub step: usize,
    /// Whose it is.
    pub person: PersonId,
    /// The step is not done without them.
    pub must: bool,
    /// How it stands.
    pub state: TaskState,
    /// Who dealt with it: the person, or who acts for them.
    pub done_by: Option<PersonId>,
    /// Who brought them in; none: the route did.
    pub from: Option<PersonId>,
}

/// What can be done to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Agree (同意).
    Agree,
    /// Send back to be mended (退回).
    Return,
    /// Refuse (不同意).
    Refuse,
    /// Hand one's part over (转办).
    Delegate(PersonId),
    /// Ask somebody to agree too (加签).
    Add(PersonId),
    /// Take it back (撤回).
    Withdraw,
    /// Remind those whose turn it is (催办).
    Remind,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same step goes on.
    Stays,
    /// The next step begins: [`Case::begin`].
    Step,
    /// The last step is done: apply, then [`Case::applied`].
    Apply,
    /// It has ended, or waits to be mended.
    Ended,
}

/// An approval as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Who asked.
    pub applicant: PersonId,
    /// Whom it is about.
    pub subject: Option<PersonId>,
    /// The route, as it was when it was asked for.
    pub route: Route,
    /// How it stands.
    pub state: State,
    /// How often it was sent, from 1.
    pub round: i64,
    /// The present step, from 0.
    pub step: usize,
    /// The parts of all people in the steps of this round so far.
    pub tasks: Vec<Task>,
}

fn no(key: &'static str) -> Error {
    Error::Conflict(Msg::new(key))
}

impl Case {
    /// A case that was just sent; its first step has not begun.
    pub fn new(applicant: PersonId, subject: Option<PersonId>, route: Route) -> Self {
        Self {
            applicant,
            subject,
            route,
            state: State::Open,
            round: 1,
            step: 0,
            tasks: Vec::new(),
        }
    }

    /// The present step of the route.
    pub fn rule(&self) -> Option<&Step> {
        self.route.steps.get(self.step)
    }

    /// Who may not decide in the present step: who asked, whom it is about, who decided before.
    pub fn barred(&self) -> HashSet<PersonId> {
        let mut barred = HashSet::new();
        if !self.route.own {
            barred.insert(self.applicant);
            barred.extend(self.subject);
        }
        if self.route.four_eyes {
            let before = self.tasks.iter();
            let before = before.filter(|t| t.step < self.step && t.state == TaskState::Agreed);
            barred.extend(before.flat_map(|t| [Some(t.person), t.done_by]).flatten());
        }
        barred
    }

    /// Those whose turn it is.
    pub fn waiting(&self) -> impl Iterator<Item = PersonId> {
        let open = |t: &&Task| t.step == self.step && t.state == TaskState::Open;
        let open = self.tasks.iter().filter(open);
        open.filter(|_| self.state == State::Open).map(|t| t.person)
    }

    /// As whom somebody may decide now: as themselves, or for one of those they act for.
    pub fn turn(&self, me: PersonId, acts_for: &[PersonId]) -> Option<PersonId> {
        let all = [me].into_iter().chain(acts_for.iter().copied());
        let mut all = all.filter(|p| self.part(me, *p).is_ok());
        all.next()
    }

    fn part(&self, me: PersonId, of: PersonId) -> Result<usize> {
        if self.state != State::Open {
            return Err(no("approvals-not-open"));
        }
        if self.barred().contains(&me) {
            return Err(no("approvals-own"));
        }
        let here = |t: &&Task| t.step == self.step;
        let agreed = |t: &Task| t.done_by == Some(me) && t.state == TaskState::Agreed;
        if self.tasks.iter().filter(here).any(agreed) {
            return Err(no("approvals-agreed-already"));
        }
        let mine = |t: &Task| t.step == self.step && t.person == of && t.state == TaskState::Open;
        self.tasks
            .iter()
            .position(mine)
            .ok_or_else(|| no("approvals-not-your-turn"))
    }

    /// Begins the present step with those the route names; those who are barred are left out.
    ///
    /// # Errors
    /// `Conflict` when nobody is left: the message names the step.
    pub fn begin(&mut self, people: &[PersonId]) -> Result<()> {
        let barred = self.barred();
        let must = self.rule().is_some_and(|rule| rule.mode == Mode::All);
        let mut added = HashSet::new();
        for person in people {
            if !barred.contains(person) && added.insert(*person) && self.task_of(*person).is_none()
            {
                self.tasks.push(Task {
                    step: self.step,
                    person: *person,
                    must,
                    state: TaskState::Open,
                    done_by: None,
                    from: None,
                });
            }
        }
        if self.waiting().next().is_none() {
            let rule = self.rule().map_or("", |rule| rule.name.zh.as_str());
            return Err(Error::Conflict(
                Msg::new("approvals-nobody").with("step", rule),
            ));
        }
        Ok(())
    }

    fn task_of(&self, person: PersonId) -> Option<&Task> {
        let here = |t: &&Task| t.step == self.step && t.person == person;
        self.tasks.iter().find(here)
    }

    /// Whether somebody may be brought into the present step.
    fn may_join(&self, person: PersonId) -> Result<()> {
        if self.barred().contains(&person) {
            return Err(Error::field("other", Msg::new("approvals-other-barred")));
        }
        if self.task_of(person).is_some() {
            return Err(Error::field("other", Msg::new("approvals-other-there")));
        }
        Ok(())
    }

    /// Does something on behalf of `of`, who is `me` unless `me` acts for them.
    ///
    /// # Errors
    /// `Conflict` when it is not their turn, or not theirs to do; nothing has changed then.
    pub fn act(&mut self, me: PersonId, of: PersonId, act: Act) -> Result<Next> {
        match act {
            Act::Withdraw => {
                if me != self.applicant || self.state.is_final() {
                    return Err(no("approvals-not-withdrawn"));
                }
                self.end(State::Withdrawn);
                return Ok(Next::Ended);
            }
            Act::Remind => {
                if me != self.applicant || self.state != State::Open {
                    return Err(no("approvals-not-open"));
                }
                return Ok(Next::Stays);
            }
            _ => {}
        }
        let at = self.part(me, of)?;
        match act {
            Act::Agree => {
                self.settle(at, TaskState::Agreed, me);
                if !self.is_step_done() {
                    return Ok(Next::Stays);
                }
                self.close_step();
                if self.step + 1 < self.route.steps.len() {
                    self.step += 1;
                    Ok(Next::Step)
                } else {
                    Ok(Next::Apply)
                }
            }
            Act::Return | Act::Refuse => {
                self.settle(at, TaskState::Closed, me);
                self.end(if act == Act::Return {
                    State::Returned
                } else {
                    State::Refused
                });
                Ok(Next::Ended)
            }
            Act::Delegate(to) | Act::Add(to) => {
                let passes = matches!(act, Act::Delegate(_));
                if passes && !self.rule().is_some_and(|rule| rule.delegate) {
                    return Err(no("approvals-not-delegated"));
                }
                self.may_join(to)?;
                let must = !passes || self.tasks[at].must;
                if passes {
                    self.settle(at, TaskState::Passed, me);
                }
                self.tasks.push(Task {
                    step: self.step,
                    person: to,
                    must,
                    state: TaskState::Open,
                    done_by: None,
                    from: Some(of),
                });
                Ok(Next::Stays)
            }
            Act::Withdraw | Act::Remind => Ok(Next::Stays),
        }
    }

    fn settle(&mut self, at: usize, state: TaskState, by: PersonId) {
        self.tasks[at].state = state;
        self.tasks[at].done_by = Some(by);
    }

    fn close_step(&mut self) {
        for task in &mut self.tasks {
            if task.state == TaskState::Open {
                task.state = TaskState::Closed;
            }
        }
    }

    fn end(&mut self, state: State) {
        self.close_step();
        self.state = state;
    }

    /// Everybody who must has agreed, and one of those of whom one is enough.
    fn is_step_done(&self) -> bool {
        let part = |t: &&Task| {
            t.step == self.step && matches!(t.state, TaskState::Open | TaskState::Agreed)
        };
        let agreed = |t: &Task| t.state == TaskState::Agreed;
        let (must, may): (Vec<&Task>, Vec<&Task>) =
            self.tasks.iter().filter(part).partition(|t| t.must);
        must.iter().all(|t| agreed(t))
            && (may.is_empty() || may.iter().any(|t| agreed(t)))
            && must.len() + may.len() > 0
    }

    /// It was done.
    pub fn applied(&mut self) {
        self.end(State::Applied);
    }

    /// Sends it again after it was mended: a new round, from the first step on.
    ///
    /// # Errors
    /// `Conflict` unless it was returned to who sends it.
    pub fn resubmit(&mut self, me: PersonId) -> Result<()> {
        if self.state != State::Returned || me != self.applicant {
            return Err(no("approvals-not-returned"));
        }
        self.state = State::Open;
        self.round += 1;
        self.step = 0;
        self.tasks.clear();
        Ok(())
    }

    /// Time is up: the parts that are open pass on to these people. Gives whether anybody is left for it.
    pub fn pass_on(&mut self, people: &[PersonId]) -> bool {
        let barred = self.barred();
        let free = |p: &&PersonId| !barred.contains(p) && self.task_of(**p).is_none();
        let free: HashSet<PersonId> = people.iter().filter(free).copied().collect();
        let open = self.waiting().count();
        if free.is_empty() || open == 0 {
            return false;
        }
        let (step, mut must) = (self.step, false);
        for task in &mut self.tasks {
            if task.step == step && task.state == TaskState::Open {
                task.state = TaskState::Passed;
                must |= task.must;
            }
        }
        let mut free: Vec<PersonId> = free.into_iter().collect();
        free.sort_unstable();
        self.tasks.extend(free.into_iter().map(|person| Task {
            step,
            person,
            must,
            state: TaskState::Open,
            done_by: None,
            from: None,
        }));
        true
    }
}
