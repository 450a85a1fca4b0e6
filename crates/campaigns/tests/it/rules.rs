//! Rules that need no database.

use campaigns::{Act, CampaignKinds, Content, State};
use kernel::Date;
use proptest::prelude::*;

proptest! {
    /// Whatever is tried in whatever order: facts stand exactly while it is closed, and nothing leaves being called off.
    #[test]
    fn a_campaign_is_closed_only_after_it_was_wound_up(acts in prop::collection::vec(0usize..5, 0..40)) {
        let (mut state, mut standing) = (State::Planned, false);
        for n in acts {
            let act = Act::ALL[n];
            let Some(next) = state.after(act) else { continue };
            prop_assert_ne!(state, State::CalledOff);
            match act {
                Act::Close => {
                    prop_assert_eq!(state, State::Closing);
                    prop_assert!(!standing);
                    standing = true;
                }
                Act::Reopen => {
                    prop_assert!(standing);
                    standing = false;
                }
                _ => {}
            }
            state = next;
            prop_assert_eq!(standing, state == State::Closed);
            prop_assert_eq!(State::from_code(state.code()), Some(state));
        }
    }

    /// Phases of any lengths follow one another without a gap, and what is laid out is allowed.
    #[test]
    fn phases_are_laid_out_without_gaps(days in prop::collection::vec(1i32..60, 1..12), start in 0i64..700) {
        let mut phases = String::new();
        for (n, d) in days.iter().enumerate() {
            phases += &format!("{{ code = \"p{n}\", name = {{ zh = \"甲\", en = \"A\" }}, days = {d} }}, ");
        }
        let pack = format!("[pack]\ncode = \"x\"\nversion = \"1\"\nname = {{ zh = \"甲\", en = \"A\" }}\n[[campaign-kind]]\ncode = \"k\"\nname = {{ zh = \"甲\", en = \"A\" }}\nnumber = \"{{year}}{{n}}\"\nphase = [{phases}]\ntrack = [{{ code = \"t\", name = {{ zh = \"甲\", en = \"A\" }} }}]\n");
        let packs = commons::packs::Packs::load(vec![("x.toml".into(), pack)]).unwrap();
        let kinds = CampaignKinds::read(&packs).unwrap();
        let kind = kinds.get("k").unwrap();
        let from = Date::constant(2026, 1, 1).saturating_add(jiff::Span::new().days(start));
        let (phases, to) = Content::laid_out(kind, from);
        prop_assert_eq!(phases[0].from, from);
        prop_assert_eq!(phases.last().unwrap().to, to);
        for (a, b) in phases.iter().zip(&phases[1..]) {
            prop_assert_eq!(a.to.tomorrow().unwrap(), b.from);
        }
        let content = Content { title: "行动".into(), goals: String::new(), group: None, office: None, lead: None, from, to, phases, measures: vec![], claims: vec![] };
        prop_assert!(content.check(kind, None).is_ok());
        // A day earlier than the campaign above begins is refused.
        let above = Content { from: from.tomorrow().unwrap(), ..content.clone() };
        prop_assert!(content.check(kind, Some(&above)).is_err());
    }
}
