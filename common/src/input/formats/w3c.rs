//! W3C extended log format (w3.org/TR/WD-logfile): `#Fields:` names the columns and may come again. IIS separates them by blanks,
//! CloudFront's standard logs by tabs.

use std::borrow::Cow;

use super::tokens::{Token, Tokens, Unclosed, percent_decoded};
use super::{Line, LineFormat};
use crate::input::fields::{Fields, Kind};
use crate::input::format::{Format, InputFormat};
use crate::input::record::{RecordError, shortened};

/// Columns made of others: date and time together (they are in UTC), and the URL with its query.
const COMPOSED: [&str; 2] = ["timestamp", "url"];

pub(super) struct W3c {
    slots: Vec<Box<str>>,
    keeps_others: bool,
    names: Vec<Box<str>>,
    /// Of date, time, cs-uri-stem and cs-uri-query in the names.
    parts: [Option<usize>; 4],
}

impl W3c {
    pub(super) fn new(format: &InputFormat) -> Self {
        let (slots, keeps_others) = (format.slots.clone(), format.keeps_others);
        Self { slots, keeps_others, names: Vec::new(), parts: [None; 4] }
    }

    fn directive(&mut self, line: &str, fields: &mut Fields) {
        let Some(names) = line.strip_prefix("#Fields:") else { return };
        self.names = names.split_ascii_whitespace().map(Box::from).collect();
        let index = |name: &str| self.names.iter().position(|each| **each == *name);
        self.parts = ["date", "time", "cs-uri-stem", "cs-uri-query"].map(index);
        let columns = self.names.iter().map(|name| &**name).chain(COMPOSED);
        fields.bind(&self.slots, self.keeps_others, columns);
    }

    fn push_composed(&self, tokens: &[Token<'_>], fields: &mut Fields) {
        let part = |index: usize| self.parts[index].and_then(|index| tokens.get(index)).and_then(Token::text);
        let timestamp = part(0).zip(part(1)).map(|(date, time)| format!("{date}T{time}Z"));
        let url = match (part(2), part(3)) {
            (Some(stem), Some(query)) => Some(Cow::Owned(format!("{stem}?{query}"))),
            (stem, _) => stem.map(Cow::Borrowed),
        };
        for text in [timestamp.map(Cow::Owned), url] {
            fields.push(if text.is_some() { Kind::Text } else { Kind::Absent }, text.as_deref().unwrap_or_default());
        }
    }
}

impl LineFormat for W3c {
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError> {
        let malformed = |reason: String| RecordError::Malformed { format: Format::W3c.name(), reason };
        if line.starts_with('#') {
            self.directive(line, fields);
            return Ok(Line::Nothing);
        }
        if self.names.is_empty() {
            return Err(malformed("no line #Fields: before it names the columns".to_owned()));
        }
        let tabs = line.contains('\t');
        let mut tokens = Tokens::new(line, if tabs { '\t' } else { ' ' });
        let mut found = Vec::with_capacity(self.names.len());
        while let Some(token) = tokens.next() {
            let token = token.map_err(|Unclosed(mark)| {
                malformed(format!("field {} opens and is not closed; close it with {mark}", found.len() + 1))
            })?;
            // What the client sent is encoded: CloudFront has %20 for a blank, IIS has +.
            let is_sent = self.names.get(found.len()).is_some_and(|name| name.starts_with("cs("));
            found.push(match token {
                Token::Text(text) if is_sent && tabs => Token::Text(percent_decoded(&text).into_owned().into()),
                Token::Text(text) if is_sent && text.contains('+') => Token::Text(text.replace('+', " ").into()),
                token => token,
            });
        }
        if found.len() != self.names.len() {
            let (count, names, line) = (found.len(), self.names.len(), shortened(line));
            return Err(malformed(format!("{line:?} has {count} fields, and #Fields: names {names}")));
        }
        fields.clear();
        found.iter().for_each(|token| token.push_to(fields));
        self.push_composed(&found, fields);
        Ok(Line::Record(tokens.oddities()))
    }
}
