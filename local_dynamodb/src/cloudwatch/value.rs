//! Requests and responses as trees, independent of the protocol, and a reader that tracks its position in a request.

use std::borrow::Cow;

use super::error::Error;

/// The name of a member of a structure.
pub(super) type Name = Cow<'static, str>;

/// What all protocols have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Double(f64),
    /// Also a number, truth or time in a form, which has no types.
    Text(String),
    /// Seconds since 1970-01-01T00:00:00Z.
    Timestamp(f64),
    List(Vec<Value>),
    Structure(Vec<(Name, Value)>),
}

impl Value {
    /// A structure of the response.
    pub(super) fn structure<const N: usize>(members: [(&'static str, Value); N]) -> Self {
        Self::Structure(members.into_iter().map(|(name, value)| (Name::Borrowed(name), value)).collect())
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(elements: I) -> Self {
        Self::List(elements.into_iter().collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The members of a structure in a request. Messages name them as the query protocol does, as CloudWatch's messages do
/// in every protocol: `MetricDataQueries.member.1.Id`.
#[derive(Debug)]
pub(super) struct Members<'a> {
    path: String,
    members: &'a [(Name, Value)],
}

impl<'a> Members<'a> {
    /// The members of a complete request.
    pub(super) fn of_request(request: &'a Value) -> Result<Self, Error> {
        Self::of(String::new(), request)
    }

    fn of(path: String, value: &'a Value) -> Result<Self, Error> {
        match value {
            Value::Structure(members) => Ok(Self { path, members }),
            Value::Null => Ok(Self { path, members: &[] }),
            _ => Err(Error::malformed(format!("{path} is not a structure").trim_start().to_owned())),
        }
    }

    /// The full name of the member `name`.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// For a member that may not be left out.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| Error::missing(&self.path(name)))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    /// A text that is there and not empty.
    pub(super) fn required_text(&self, name: &str) -> Result<&'a str, Error> {
        self.required(name, self.text(name)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let integer = match self.get(name) {
            None => return Ok(None),
            Some(Value::Integer(integer)) => Some(*integer),
            Some(Value::Double(number)) if number.fract() == 0.0 => Some(*number as i64),
            Some(Value::Text(text)) => text.parse().ok(),
            Some(_) => None,
        };
        integer.map(Some).ok_or_else(|| self.wrong(name, "an integer"))
    }

    pub(super) fn double(&self, name: &str) -> Result<Option<f64>, Error> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Integer(integer)) => Some(*integer as f64),
            Some(Value::Double(number)) => Some(*number),
            Some(Value::Text(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let finite = number.filter(|number: &f64| number.is_finite());
        finite.map(Some).ok_or_else(|| self.wrong(name, "a number"))
    }

    /// Whether there is such a member, and it is not an empty list.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| *value != Value::List(Vec::new()) && *value != Value::Text(String::new()))
    }

    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>, Error> {
        let truth = match self.get(name) {
            None => return Ok(None),
            Some(Value::Bool(truth)) => Some(*truth),
            Some(Value::Text(text)) => text.parse().ok(),
            Some(_) => None,
        };
        truth.map(Some).ok_or_else(|| self.wrong(name, "a boolean"))
    }

    /// A time, in seconds since 1970-01-01T00:00:00Z; earlier ones count as that.
    pub(super) fn timestamp(&self, name: &str) -> Result<Option<u64>, Error> {
        let seconds = match self.get(name) {
            None => return Ok(None),
            Some(Value::Timestamp(seconds) | Value::Double(seconds)) if seconds.is_finite() => Some(*seconds),
            Some(Value::Integer(seconds)) => Some(*seconds as f64),
            Some(Value::Text(text)) => text.parse::<jiff::Timestamp>().ok().map(|time| time.as_second() as f64),
            Some(_) => None,
        };
        seconds.map(|seconds| Some(seconds as u64)).ok_or_else(|| self.wrong(name, "a timestamp"))
    }

    /// The elements of a list, each with its full name; none if the list is missing.
    fn list(&self, name: &str) -> Result<Vec<(String, &'a Value)>, Error> {
        match self.get(name) {
            None => Ok(Vec::new()),
            // An empty list in a form.
            Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
            Some(Value::List(list)) => {
                let path = self.path(name);
                let elements = list.iter().enumerate();
                Ok(elements.map(|(position, value)| (format!("{path}.member.{}", position + 1), value)).collect())
            }
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Error> {
        let elements = self.list(name)?.into_iter();
        elements
            .map(|(path, value)| match value {
                Value::Text(text) => Ok(&**text),
                _ => Err(Error::malformed(format!("{path} is not a string"))),
            })
            .collect()
    }

    pub(super) fn structures(&self, name: &str) -> Result<Vec<Members<'a>>, Error> {
        self.list(name)?.into_iter().map(|(path, value)| Members::of(path, value)).collect()
    }

    pub(super) fn structure(&self, name: &str) -> Result<Option<Members<'a>>, Error> {
        self.get(name).map(|value| Members::of(self.path(name), value)).transpose()
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        let found = self.members.iter().find(|(each, _)| each == name);
        found.map(|(_, value)| value).filter(|value| **value != Value::Null)
    }

    fn wrong(&self, name: &str, wanted: &str) -> Error {
        Error::malformed(format!("{} is not {wanted}", self.path(name)))
    }
}
