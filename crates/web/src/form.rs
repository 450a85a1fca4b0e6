//! Forms (表单): what was typed is kept, errors stand beside their fields and in a summary on top.

use std::collections::BTreeMap;

use kernel::{Error, FieldError};
use serde::Serialize;

use crate::{Failure, Shell};

/// A form as a template needs it: what was typed and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Form {
    /// What was typed, by field name.
    pub values: BTreeMap<String, String>,
    /// Error texts by field name.
    pub errors: BTreeMap<String, String>,
    /// The same errors in the order they were found, for the summary.
    pub list: Vec<FormError>,
}

/// A line of the error summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormError {
    /// Field name; its input has the id `f-` + name.
    pub field: String,
    /// What is wrong and how to mend it, in the reader's language.
    pub text: String,
}

impl Form {
    /// A form filled from the input type itself (a flat struct): numbers become text, none becomes
    /// nothing, lists are joined by commas.
    pub fn of(input: &impl Serialize) -> Self {
        let mut form = Self::default();
        if let Ok(serde_json::Value::Object(map)) = serde_json::to_value(input) {
            for (name, value) in map {
                form.values.insert(name, plain(&value));
            }
        }
        form
    }

    /// The same form with one value set.
    pub fn with(mut self, field: &str, value: impl ToString) -> Self {
        self.values.insert(field.to_owned(), value.to_string());
        self
    }

    /// The same form with the errors of a refused input in it; any other error is not the form's.
    pub fn reject(mut self, shell: &Shell, error: Error) -> Result<Self, Failure> {
        let Error::Invalid(fields) = error else {
            return Err(error.into());
        };
        for FieldError { field, message } in fields {
            let text = shell.text(&message);
            self.errors
                .entry(field.clone())
                .or_insert_with(|| text.clone());
            self.list.push(FormError { field, text });
        }
        Ok(self)
    }
}

fn plain(value: &serde_json::Value) -> String {
    use serde_json::Value::{Array, Null, String as Text};
    match value {
        Null => String::new(),
        Text(text) => text.clone(),
        Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
