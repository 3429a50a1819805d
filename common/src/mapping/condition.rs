//! Conditions: `when = "responsecode >= 500 and not (method == 'HEAD')"`.

use std::cmp::Ordering;
use std::ops::Range;

use super::lexer::{SyntaxError, Token, syntax_error, tokens};
use super::template::Columns;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Absent(usize),
    Compare(Operand, Comparison, Operand),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    Column(usize),
    Integer(i128),
    /// A number with a fraction, or one of many digits.
    Decimal(Box<str>),
    Text(Box<str>),
    Boolean(bool),
}

impl Operand {
    fn number(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Decimal(text.into()), Self::Integer)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether it holds of two values that compare so.
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Condition {
    /// The columns in it.
    pub(super) fn slots(&self, found: &mut Vec<usize>) {
        match self {
            Self::And(one, other) | Self::Or(one, other) => {
                one.slots(found);
                other.slots(found);
            }
            Self::Not(inner) => inner.slots(found),
            Self::Absent(slot) => found.push(*slot),
            Self::Compare(one, _, other) => {
                for operand in [one, other] {
                    if let Operand::Column(slot) = operand {
                        found.push(*slot);
                    }
                }
            }
        }
    }
}

/// A comparison with its place, to be checked once the columns' types are known.
pub(super) type Comparisons = Vec<(Operand, Comparison, Operand, Range<usize>)>;

/// Reads a condition; `base` is its offset in the mapping file.
pub(super) fn parse(
    text: &str,
    base: usize,
    columns: &mut impl Columns,
) -> Result<(Condition, Comparisons), SyntaxError> {
    let tokens = tokens(text, base)?;
    let mut parser = Parser { tokens: &tokens, whole: base..base + text.len(), columns, comparisons: Vec::new() };
    let condition = parser.or()?;
    match parser.tokens.first() {
        None => Ok((condition, parser.comparisons)),
        Some((_, at)) => {
            syntax_error(at.clone(), "this is not expected here", "write and or or between two comparisons")
        }
    }
}

struct Parser<'p, C> {
    tokens: &'p [(Token, Range<usize>)],
    whole: Range<usize>,
    columns: &'p mut C,
    comparisons: Comparisons,
}

impl<C: Columns> Parser<'_, C> {
    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some((Token::Word(each), _)) if each == word);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn or(&mut self) -> Result<Condition, SyntaxError> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Condition, SyntaxError> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Condition::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Condition, SyntaxError> {
        if self.word("not") {
            return Ok(Condition::Not(Box::new(self.not()?)));
        }
        if let Some(((Token::Sign("("), at), rest)) = self.tokens.split_first() {
            self.tokens = rest;
            let inner = self.or()?;
            let Some(((Token::Sign(")"), _), rest)) = self.tokens.split_first() else {
                return syntax_error(at.clone(), "( is not closed", "close it with )");
            };
            self.tokens = rest;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition, SyntaxError> {
        let (left, begin) = self.operand()?;
        if self.word("is") {
            let negated = self.word("not");
            return match (left, self.word("absent")) {
                (Operand::Column(slot), true) if negated => Ok(Condition::Not(Box::new(Condition::Absent(slot)))),
                (Operand::Column(slot), true) => Ok(Condition::Absent(slot)),
                _ => syntax_error(begin, "only a column is absent", "write: column is absent"),
            };
        }
        let comparison = match self.tokens.split_first() {
            Some(((Token::Sign(sign), _), rest)) if Comparison::of(sign).is_some() => {
                self.tokens = rest;
                Comparison::of(sign)
            }
            _ => None,
        };
        let Some(comparison) = comparison else {
            return syntax_error(begin, "this is no comparison", "write column == value, or column is absent");
        };
        let (right, end) = self.operand()?;
        self.comparisons.push((left.clone(), comparison, right.clone(), begin.start..end.end));
        Ok(Condition::Compare(left, comparison, right))
    }

    fn operand(&mut self) -> Result<(Operand, Range<usize>), SyntaxError> {
        let Some(((token, at), rest)) = self.tokens.split_first() else {
            return syntax_error(
                self.whole.clone(),
                "something is missing at its end",
                "write column == value, or column is absent",
            );
        };
        self.tokens = rest;
        let operand = match token {
            Token::Word(word) if word == "true" || word == "false" => Operand::Boolean(word == "true"),
            Token::Word(name) | Token::Name(name) => match self.columns.slot(name) {
                Ok(slot) => Operand::Column(slot),
                Err((message, advice)) => return syntax_error(at.clone(), message, advice),
            },
            Token::Number(number) => Operand::number(number),
            Token::Text(text) => Operand::Text(text.as_str().into()),
            Token::Sign("-") => {
                if let Some(((Token::Number(number), end), rest)) = self.tokens.split_first() {
                    self.tokens = rest;
                    return Ok((Operand::number(&format!("-{number}")), at.start..end.end));
                }
                return syntax_error(at.clone(), "- stands before no number", "write a number behind it");
            }
            _ => return syntax_error(at.clone(), "this is no value", "write a column, a number, or a text in quotes"),
        };
        Ok((operand, at.clone()))
    }
}
