//! Templates: text with references in braces, such as `shard#{requestid % 10 + 1}`.

use std::ops::Range;

use super::lexer::{SyntaxError, Token, syntax_error, tokens};

/// Finds the slot of a column; the error is a message and advice.
pub(super) trait Columns {
    fn slot(&mut self, name: &str) -> Result<usize, (String, String)>;
    /// Whether this is certainly the name of a column.
    fn is_column(&self, name: &str) -> bool;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(Box<str>),
    Reference(Expression),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// The value of a column.
    Column(usize),
    /// A column as it stands in the record.
    Text(usize),
    /// A timestamp in a format of its own.
    Format(usize, Box<str>),
    /// A timestamp, this many seconds later.
    Shifted(usize, i64),
    Integer(i128),
    Arithmetic(Box<Expression>, Operator, Box<Expression>),
    /// The name of the file, without its folder.
    File,
    /// The number of the record in its file, from 1.
    Record,
    /// A hash of the record as it stands.
    RowHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Modulo,
}

impl Operator {
    /// The result; `None` if it has far more digits than DynamoDB keeps, or is divided by zero. As in Python, the modulo has the sign
    /// of the divisor.
    pub(super) fn apply(self, one: i128, other: i128) -> Option<i128> {
        match self {
            Self::Add => one.checked_add(other),
            Self::Subtract => one.checked_sub(other),
            Self::Multiply => one.checked_mul(other),
            Self::Modulo => {
                // A division of 128 bits is much slower than one of 64, and nearly every id fits 64.
                if let (Ok(one), Ok(other @ 1..)) = (i64::try_from(one), i64::try_from(other)) {
                    return Some(one.rem_euclid(other).into());
                }
                let rest = one.checked_rem(other)?;
                Some(if rest != 0 && (rest < 0) != (other < 0) { rest + other } else { rest })
            }
        }
    }
}

impl Expression {
    /// The columns in it.
    pub(super) fn slots(&self, found: &mut Vec<usize>) {
        match self {
            Self::Column(slot) | Self::Text(slot) | Self::Format(slot, _) | Self::Shifted(slot, _) => found.push(*slot),
            Self::Arithmetic(one, _, other) => {
                one.slots(found);
                other.slots(found);
            }
            Self::Integer(_) | Self::File | Self::Record | Self::RowHash => {}
        }
    }
}

/// The pieces of a template; `base` is its offset in the mapping file.
pub(super) fn parse(
    text: &str,
    base: usize,
    columns: &mut impl Columns,
) -> Result<Vec<(Piece, Range<usize>)>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        match c {
            '{' | '}' if rest[1..].starts_with(c) => {
                literal.push(c);
                at += 2;
            }
            '{' => {
                let length = rest.find('}').filter(|length| !rest[1..*length].contains('{'));
                let Some(length) = length else {
                    return syntax_error(
                        base + at..base + text.len(),
                        "{ is not closed",
                        "close it with }, or write {{ for a brace",
                    );
                };
                if !literal.is_empty() {
                    pieces.push((Piece::Literal(std::mem::take(&mut literal).into()), base..base + at));
                }
                let expression = reference(&rest[1..length], base + at + 1, columns)?;
                pieces.push((Piece::Reference(expression), base + at..base + at + length + 1));
                at += length + 1;
            }
            '}' => return syntax_error(base + at..base + at + 1, "} closes nothing", "write }} for a brace"),
            c => {
                literal.push(c);
                at += c.len_utf8();
            }
        }
    }
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push((Piece::Literal(literal.into()), base..base + text.len()));
    }
    Ok(pieces)
}

/// What stands in braces.
fn reference(text: &str, base: usize, columns: &mut impl Columns) -> Result<Expression, SyntaxError> {
    let trimmed = text.trim();
    let at = base + (text.len() - text.trim_start().len());
    let whole = at..at + trimmed.len();
    match trimmed {
        "" => {
            return syntax_error(
                whole,
                "there is nothing in the braces",
                "write a column's name, or {{}} for two braces",
            );
        }
        "file" if !columns.is_column(trimmed) => return Ok(Expression::File),
        "record" if !columns.is_column(trimmed) => return Ok(Expression::Record),
        "row_hash" if !columns.is_column(trimmed) => return Ok(Expression::RowHash),
        name if columns.is_column(name) => return slot(name, whole, columns).map(Expression::Column),
        _ => {}
    }
    if let Some((name, form)) = trimmed.split_once(':') {
        let name = name.trim().trim_matches('`');
        let slot = slot(name, at..at + name.len(), columns)?;
        return match form {
            "text" => Ok(Expression::Text(slot)),
            format if format.contains('%') => Ok(Expression::Format(slot, format.into())),
            other => syntax_error(
                whole,
                format!("{other:?} is no form of a column"),
                "write :text for the column as it stands in the file, or a format such as :%Y-%m-%d",
            ),
        };
    }
    let tokens = tokens(text, base)?;
    let mut parser = Parser { tokens: &tokens, end: base + text.len(), columns };
    let expression = parser.sum()?;
    match parser.tokens.first() {
        None => Ok(expression),
        Some((_, at)) => syntax_error(at.clone(), "this is not expected here", "write + - * or % between two numbers"),
    }
}

fn slot(name: &str, at: Range<usize>, columns: &mut impl Columns) -> Result<usize, SyntaxError> {
    columns.slot(name).or_else(|(message, advice)| syntax_error(at, message, advice))
}

struct Parser<'p, C> {
    tokens: &'p [(Token, Range<usize>)],
    end: usize,
    columns: &'p mut C,
}

impl<C: Columns> Parser<'_, C> {
    fn sign(&mut self, signs: &[(&str, Operator)]) -> Option<(Operator, Range<usize>)> {
        let (Token::Sign(sign), at) = self.tokens.first()? else { return None };
        let (_, operator) = signs.iter().find(|(each, _)| each == sign)?;
        self.tokens = &self.tokens[1..];
        Some((*operator, at.clone()))
    }

    fn sum(&mut self) -> Result<Expression, SyntaxError> {
        let mut left = self.product()?;
        while let Some((operator, at)) = self.sign(&[("+", Operator::Add), ("-", Operator::Subtract)]) {
            if let Some((Token::Duration(seconds), _)) = self.tokens.first() {
                let seconds = if operator == Operator::Add { *seconds } else { -*seconds };
                self.tokens = &self.tokens[1..];
                left = match left {
                    Expression::Column(slot) => Expression::Shifted(slot, seconds),
                    Expression::Shifted(slot, earlier) => Expression::Shifted(slot, earlier.saturating_add(seconds)),
                    _ => {
                        return syntax_error(
                            at,
                            "a duration is added to something that is no column",
                            "add it to a timestamp",
                        );
                    }
                };
                continue;
            }
            let right = self.product()?;
            left = Expression::Arithmetic(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, SyntaxError> {
        let mut left = self.operand()?;
        while let Some((operator, at)) = self.sign(&[("*", Operator::Multiply), ("%", Operator::Modulo)]) {
            let right = self.operand()?;
            if operator == Operator::Modulo && right == Expression::Integer(0) {
                return syntax_error(at, "this divides by zero", "write another number behind %");
            }
            left = Expression::Arithmetic(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, SyntaxError> {
        let Some(((token, at), rest)) = self.tokens.split_first() else {
            return syntax_error(
                self.end.saturating_sub(1)..self.end,
                "something is missing here",
                "write a column or a whole number",
            );
        };
        self.tokens = rest;
        match token {
            Token::Word(name) if name == "record" && !self.columns.is_column(name) => Ok(Expression::Record),
            Token::Word(name) | Token::Name(name) => slot(name, at.clone(), self.columns).map(Expression::Column),
            Token::Number(number) => match number.parse() {
                Ok(number) => Ok(Expression::Integer(number)),
                Err(_) => syntax_error(
                    at.clone(),
                    format!("{number} is not a whole number"),
                    "arithmetic is of whole numbers",
                ),
            },
            Token::Sign("-") => {
                let operand = self.operand()?;
                Ok(Expression::Arithmetic(Box::new(Expression::Integer(0)), Operator::Subtract, Box::new(operand)))
            }
            Token::Sign("(") => {
                let inner = self.sum()?;
                match self.tokens.split_first() {
                    Some(((Token::Sign(")"), _), rest)) => {
                        self.tokens = rest;
                        Ok(inner)
                    }
                    _ => syntax_error(at.clone(), "( is not closed", "close it with )"),
                }
            }
            _ => syntax_error(
                at.clone(),
                "this is neither a column nor a whole number",
                "write a column or a whole number",
            ),
        }
    }
}
