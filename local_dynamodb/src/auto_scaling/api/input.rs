//! A request's members, read with the constraints of the API's model. All errors are reported at once, in the words
//! that AWS's services share.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::Error;

pub(super) struct Input<'a> {
    members: &'a Map<String, Value>,
    /// Of the structure in the request, with a dot.
    path: String,
    violations: Vec<String>,
}

/// A text of 1 to 1600 characters: most of this API's are.
pub(super) const LONGEST: usize = 1600;

impl<'a> Input<'a> {
    pub(super) fn new(members: &'a Map<String, Value>) -> Self {
        Self { members, path: String::new(), violations: Vec::new() }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// `targetTrackingScalingPolicyConfiguration.targetValue`.
    fn path(&self, name: &str) -> String {
        let mut letters = name.chars();
        let first = letters.next().map(|first| first.to_ascii_lowercase());
        self.path.chars().chain(first).chain(letters).collect()
    }

    fn violate(&mut self, value: &str, name: &str, constraint: &str) {
        let path = self.path(name);
        self.violations
            .push(format!("Value {value} at '{path}' failed to satisfy constraint: Member must {constraint}"));
    }

    pub(super) fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.get(name).is_none() {
            self.violate("null", name, "not be null");
        }
        value
    }

    pub(super) fn text(&mut self, name: &str, longest: usize) -> Result<Option<&'a str>, Error> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err(wrong_type(name)),
        };
        if text.is_empty() {
            self.violate("''", name, "have length greater than or equal to 1");
        } else if text.chars().count() > longest {
            self.violate(&format!("'{text}'"), name, &format!("have length less than or equal to {longest}"));
        }
        Ok(Some(text))
    }

    pub(super) fn one_of(&mut self, name: &str, allowed: &[&str]) -> Result<Option<&'a str>, Error> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => &**text,
            Some(_) => return Err(wrong_type(name)),
        };
        if !allowed.contains(&text) {
            let set = allowed.join(", ");
            self.violate(&format!("'{text}'"), name, &format!("satisfy enum value set: [{set}]"));
        }
        Ok(Some(text))
    }

    pub(super) fn integer(&mut self, name: &str, least: i64, most: i64) -> Result<Option<u64>, Error> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_i64().ok_or_else(|| wrong_type(name))?;
        if number < least {
            self.violate(&format!("'{number}'"), name, &format!("have value greater than or equal to {least}"));
        } else if number > most {
            self.violate(&format!("'{number}'"), name, &format!("have value less than or equal to {most}"));
        }
        // The constraints, here or where the number is used, refuse what is negative.
        Ok(Some(u64::try_from(number).unwrap_or_default()))
    }

    pub(super) fn double(&mut self, name: &str) -> Result<Option<f64>, Error> {
        self.get(name).map(|value| value.as_f64().ok_or_else(|| wrong_type(name))).transpose()
    }

    pub(super) fn bool(&mut self, name: &str) -> Result<Option<bool>, Error> {
        self.get(name).map(|value| value.as_bool().ok_or_else(|| wrong_type(name))).transpose()
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<&'a str>, Error> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(|each| each.as_str().ok_or_else(|| wrong_type(name))).collect(),
            Some(_) => Err(wrong_type(name)),
        }
    }

    pub(super) fn map(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => {
                let entry = |(key, value): (&String, &Value)| {
                    Ok((key.clone(), value.as_str().ok_or_else(|| wrong_type(name))?.to_owned()))
                };
                map.iter().map(entry).collect::<Result<_, Error>>().map(Some)
            }
            Some(_) => Err(wrong_type(name)),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Reads a structure of the request.
    pub(super) fn structure<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Input<'a>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let members = match self.get(name) {
            None => return Ok(None),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(wrong_type(name)),
        };
        let mut input = Input { members, path: format!("{}.", self.path(name)), violations: Vec::new() };
        let result = read(&mut input)?;
        self.violations.append(&mut input.violations);
        Ok(Some(result))
    }

    /// To be called when everything is read.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.violations.len() {
            0 => Ok(()),
            1 => Err(Error::validation(format!("1 validation error detected: {}", self.violations[0]))),
            n => Err(Error::validation(format!("{n} validation errors detected: {}", self.violations.join("; ")))),
        }
    }
}

fn wrong_type(name: &str) -> Error {
    Error::of("SerializationException", format!("{name} has a value of the wrong type"))
}
