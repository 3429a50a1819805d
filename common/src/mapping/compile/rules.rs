//! Rules: templates and conditions, and the types of their values.

use super::Compiler;
use super::input::column_type;
use crate::mapping::compiled::{Column, ColumnType, Rule};
use crate::mapping::condition::{self, Comparisons, Operand};
use crate::mapping::document::Entry;
use crate::mapping::error::MappingError;
use crate::mapping::template::{self, Expression, Operator, Piece};
use crate::mapping::timestamp::TimeFormat;
use crate::mapping::values;

impl<'a> Compiler<'a> {
    /// A template, or a table with one.
    pub(super) fn rule(&mut self, entry: &Entry<'a>) -> Result<Rule, MappingError> {
        if entry.is_text() {
            let (pieces, kind) = self.template(entry)?;
            return Ok(Rule { pieces, kind, when: None });
        }
        let section = entry.section("a rule")?;
        section.allow(&["value", "type", "when"])?;
        let Some(value) = section.get("value") else {
            return Err(entry.error(format!("{} has no value", entry.key), "write { value = \"…\" }"));
        };
        let (pieces, natural) = self.template(&value)?;
        let kind = match section.get("type") {
            Some(kind) => converted(&natural, &kind)?,
            None => natural,
        };
        if let [Piece::Literal(text)] = &pieces[..]
            && let Err(reason) = values::check(&kind, text)
        {
            return Err(value
                .error(format!("the value {text:?} {reason}"), format!("write a value of the type {}", kind.name())));
        }
        let when = section.get("when").map(|when| self.condition(&when)).transpose()?;
        Ok(Rule { pieces, kind, when })
    }

    fn template(&mut self, entry: &Entry<'a>) -> Result<(Vec<Piece>, ColumnType), MappingError> {
        let parsed = template::parse(entry.text()?, entry.text_offset(), &mut self.set);
        let parsed = self.syntax(parsed)?;
        let mut kinds = Vec::new();
        for (piece, at) in &parsed {
            if let Piece::Reference(expression) = piece {
                kinds.push(
                    self.kind(expression)
                        .map_err(|(message, advice)| self.document.error(at.clone(), message, advice))?,
                );
            }
        }
        let kind = match (&kinds[..], parsed.len()) {
            ([kind], 1) => kind.clone(),
            _ => ColumnType::String,
        };
        Ok((parsed.into_iter().map(|(piece, _)| piece).collect(), kind))
    }

    /// The type of an expression; the error is a message and advice.
    fn kind(&self, expression: &Expression) -> Result<ColumnType, (String, String)> {
        let column = |slot: &usize| &self.set.columns[*slot];
        let not = |slot, what: &str, kind: &str| {
            let Column { name, kind: found, .. } = column(slot);
            let message = format!("the column {name:?} is of type {}, and {what} is of {kind}s", found.name());
            Err((message, format!("give it the type {kind} under [columns]")))
        };
        Ok(match expression {
            Expression::Column(slot) => column(slot).kind.clone(),
            Expression::Text(_) | Expression::File | Expression::RowHash => ColumnType::String,
            Expression::Format(slot, format) => match &column(slot).kind {
                ColumnType::Timestamp(_) => {
                    let sample = TimeFormat::Epoch.parse("0").unwrap_or_else(|_| unreachable!("the epoch is a time"));
                    let written = sample.write_as(format, &mut String::new());
                    written.map_err(|reason| {
                        (format!("the format {format:?}: {reason}"), "write directives such as %Y-%m-%d".to_owned())
                    })?;
                    ColumnType::String
                }
                _ => return not(slot, "a format", "timestamp"),
            },
            Expression::Shifted(slot, _) => match &column(slot).kind {
                kind @ ColumnType::Timestamp(_) => kind.clone(),
                _ => return not(slot, "a duration", "timestamp"),
            },
            Expression::Integer(_) | Expression::Record => ColumnType::Integer,
            Expression::Arithmetic(one, operator, other) => {
                for side in [one, other] {
                    match (&**side, self.kind(side)?) {
                        (_, ColumnType::Integer) => {}
                        (Expression::Column(slot), _) => return not(slot, "arithmetic", "integer"),
                        _ => return Err(("arithmetic is of integers".to_owned(), "leave it out".to_owned())),
                    }
                }
                if let (Operator::Modulo, Expression::Integer(..=0)) = (operator, &**other) {
                    return Err((
                        "the divisor is not above zero".to_owned(),
                        "write a number from 1 on behind %".to_owned(),
                    ));
                }
                ColumnType::Integer
            }
        })
    }

    fn condition(&mut self, entry: &Entry<'a>) -> Result<condition::Condition, MappingError> {
        let parsed = condition::parse(entry.text()?, entry.text_offset(), &mut self.set);
        let (condition, comparisons) = self.syntax(parsed)?;
        self.check_comparisons(comparisons)?;
        Ok(condition)
    }

    /// Values of different types are never equal, so comparing them is a mistake.
    fn check_comparisons(&self, comparisons: Comparisons) -> Result<(), MappingError> {
        let kind = |operand: &Operand| match operand {
            Operand::Column(slot) => match &self.set.columns[*slot].kind {
                ColumnType::Native => None,
                ColumnType::Integer => Some("number"),
                kind => Some(kind.name()),
            },
            Operand::Integer(_) | Operand::Decimal(_) => Some("number"),
            Operand::Text(_) => Some("string"),
            Operand::Boolean(_) => Some("boolean"),
        };
        for (one, _, other, at) in comparisons {
            if let (Some(one), Some(other)) = (kind(&one), kind(&other))
                && one != other
                && !matches!((one, other), ("timestamp", "string") | ("string", "timestamp"))
            {
                let message = format!("a {one} is compared with a {other}");
                let advice = "put texts in quotes and numbers in none, and give the column its type under [columns]";
                return Err(self.document.error(at, message, advice));
            }
        }
        Ok(())
    }
}

/// The type that a rule's `type` makes of a value.
fn converted(natural: &ColumnType, entry: &Entry<'_>) -> Result<ColumnType, MappingError> {
    let wanted = column_type(entry, None)?;
    let possible = match (natural, &wanted) {
        (ColumnType::String | ColumnType::Native, _) | (_, ColumnType::String) => true,
        (ColumnType::Integer, ColumnType::Number) => true,
        (ColumnType::Timestamp(_), ColumnType::Number | ColumnType::Integer) => true,
        (one, other) => one.name() == other.name(),
    };
    if !possible {
        let message = format!("a value of type {} cannot be made a {}", natural.name(), wanted.name());
        return Err(entry.error(message, "leave type out, or write string"));
    }
    Ok(wanted)
}
