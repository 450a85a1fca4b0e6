//! Rules without a database: what is late is a matter of days alone, whatever else is said.

use commons::packs::levels::Levels;
use matters::{Content, MatterKinds};
use proptest::prelude::*;

fn kinds() -> MatterKinds {
    MatterKinds::read(&crate::house::packs()).unwrap()
}

proptest! {
    /// Whatever is typed, a kind keeps only what it has fields for, and what is wrong is named by a field of the form.
    #[test]
    fn whatever_is_typed_is_taken_or_named(
        title in "\\PC{0,130}",
        text in "(\\PC|\n|\u{7}){0,60}",
        from in "[0-9-]{0,10}",
        number in "\\PC{0,5}",
        stray in "[a-z]{1,6}",
    ) {
        for kind in kinds().iter() {
            let values = kind.fields.iter().map(|f| (f.code.clone(), from.clone()));
            let mut values: std::collections::BTreeMap<_, _> = values.collect();
            values.insert("guests".into(), number.clone());
            values.insert(format!("x-{stray}"), text.clone());
            let content = Content { title: title.clone(), text: text.clone(), level: String::new(), values };
            match matters::checked(&content, kind, &Levels::default()) {
                Ok(taken) => {
                    prop_assert!(taken.values.keys().all(|code| kind.field(code).is_some()));
                    prop_assert!((2..=120).contains(&taken.title.chars().count()));
                    prop_assert_eq!(taken.level, "internal");
                }
                Err(kernel::Error::Invalid(wrong)) => {
                    for e in wrong {
                        let of_kind = e.field.strip_prefix("v-").is_some_and(|c| kind.field(c).is_some());
                        prop_assert!(of_kind || ["title", "text", "level"].contains(&e.field.as_str()), "{}", e.field);
                    }
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
