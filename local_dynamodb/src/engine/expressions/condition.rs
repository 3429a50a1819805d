//! The grammar of conditions, filters and key conditions. Functions take any number of operands of any kind here, because
//! DynamoDB reports those as errors of their own, not as syntax errors.

use super::MAX_EXPRESSION_SIZE;
use super::tokens::{Token, tokens};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// Conditions with `AND` or `OR` between them.
    Joined(&'static str, Vec<Condition<'a>>),
    Not(Box<Condition<'a>>),
    /// A comparison by its operator, `BETWEEN` (three operands) and `IN`.
    Operator(&'a str, Vec<Operand<'a>>),
    Function(Call<'a>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operand<'a> {
    /// The names and indexes of a document path, without dots and brackets.
    Path(Vec<Element<'a>>),
    /// A placeholder.
    Value(&'a str),
    Call(Call<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element<'a> {
    Name(&'a str),
    Index(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) function: &'a str,
    pub(super) operands: Vec<Operand<'a>>,
}

const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
const CLAUSES: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];
const KEYWORDS: [&str; 5] = ["AND", "OR", "NOT", "BETWEEN", "IN"];

/// `None` if it is none, or too long.
pub(super) fn parse(expression: &str) -> Option<Condition<'_>> {
    if expression.len() > MAX_EXPRESSION_SIZE {
        return None;
    }
    let mut parser = Parser { tokens: tokens(expression).collect(), at: 0 };
    let condition = parser.joined("OR")?;
    parser.next().is_none().then_some(condition)
}

/// The document path that begins at `at`, and where it ends; or where it stops being one.
pub(super) fn path<'a>(tokens: &[Token<'a>], at: usize) -> Result<(Vec<Element<'a>>, usize), usize> {
    let name = |at: usize| match tokens.get(at) {
        Some(token) if token.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '#') => {
            Ok(Element::Name(token.text))
        }
        _ => Err(at),
    };
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    let mut path = vec![name(at)?];
    let mut at = at + 1;
    loop {
        match text(at) {
            Some(".") => {
                path.push(name(at + 1)?);
                at += 2;
            }
            Some("[") => {
                let index = text(at + 1).filter(|index| index.bytes().all(|digit| digit.is_ascii_digit()));
                path.push(Element::Index(index.ok_or(at + 1)?));
                if text(at + 2) != Some("]") {
                    return Err(at + 2);
                }
                at += 3;
            }
            _ => return Ok((path, at)),
        }
    }
}

/// The calls of functions in an expression of any kind; none if one of them cannot be parsed.
pub(super) fn calls<'a>(tokens: &[Token<'a>]) -> Vec<Call<'a>> {
    let mut parser = Parser { tokens: tokens.to_vec(), at: 0 };
    let mut calls = Vec::new();
    while parser.at + 1 < tokens.len() {
        let token = tokens[parser.at];
        let is_call = token.text.starts_with(|c: char| c.is_ascii_alphabetic())
            && tokens[parser.at + 1].text == "("
            && !CLAUSES.iter().any(|clause| token.is(clause));
        if !is_call {
            parser.at += 1;
        } else if let Some(Operand::Call(call)) = parser.operand() {
            calls.push(call);
        } else {
            return Vec::new();
        }
    }
    calls
}

/// Recursion is bounded: requests with more than 300 parentheses or operators in an expression are refused before.
struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.peek()?;
        self.at += 1;
        Some(token.text)
    }

    /// Consumes the next token if it is this keyword or sign.
    fn take(&mut self, expected: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(expected));
        self.at += usize::from(found);
        found
    }

    fn joined(&mut self, keyword: &'static str) -> Option<Condition<'a>> {
        let mut terms = Vec::new();
        loop {
            terms.push(if keyword == "OR" { self.joined("AND")? } else { self.term()? });
            if !self.take(keyword) {
                break;
            }
        }
        Some(if terms.len() == 1 { terms.remove(0) } else { Condition::Joined(keyword, terms) })
    }

    fn term(&mut self) -> Option<Condition<'a>> {
        if self.take("NOT") {
            return Some(Condition::Not(Box::new(self.term()?)));
        }
        if self.take("(") {
            let condition = self.joined("OR")?;
            return self.take(")").then_some(condition);
        }
        let first = self.operand()?;
        let next = self.peek();
        if let Some(operator) = next.map(|token| token.text).filter(|text| COMPARISONS.contains(text)) {
            self.at += 1;
            Some(Condition::Operator(operator, vec![first, self.operand()?]))
        } else if self.take("BETWEEN") {
            let lower = self.operand()?;
            let upper = self.take("AND").then(|| self.operand())??;
            Some(Condition::Operator("BETWEEN", vec![first, lower, upper]))
        } else if self.take("IN") {
            let mut operands = vec![first];
            operands.extend(self.take("(").then(|| self.list())??);
            Some(Condition::Operator("IN", operands))
        } else if let Operand::Call(call) = first {
            Some(Condition::Function(call))
        } else {
            None
        }
    }

    /// Operands up to the closing parenthesis: one at least.
    fn list(&mut self) -> Option<Vec<Operand<'a>>> {
        let mut operands = vec![self.operand()?];
        while self.take(",") {
            operands.push(self.operand()?);
        }
        self.take(")").then_some(operands)
    }

    fn operand(&mut self) -> Option<Operand<'a>> {
        let token = self.peek()?;
        if token.text.starts_with(':') {
            self.at += 1;
            return (token.text.len() > 1).then_some(Operand::Value(token.text));
        }
        if KEYWORDS.iter().any(|keyword| token.is(keyword)) {
            return None;
        }
        let (path, end) = path(&self.tokens, self.at).ok()?;
        self.at = end;
        match path[..] {
            [Element::Name(function)] if !function.starts_with('#') && self.take("(") => {
                Some(Operand::Call(Call { function, operands: self.list()? }))
            }
            _ => Some(Operand::Path(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Operand<'_> {
        Operand::Path(vec![Element::Name(name)])
    }

    #[test]
    fn conditions_are_parsed_by_precedence() {
        let equal = |value| Condition::Operator("=", vec![name("a"), Operand::Value(value)]);
        let expected = Condition::Joined(
            "OR",
            vec![
                Condition::Joined("AND", vec![equal(":1"), Condition::Not(Box::new(equal(":2")))]),
                Condition::Joined("OR", vec![equal(":3"), equal(":4")]),
            ],
        );
        assert_eq!(parse("a = :1 AND not a=:2 OR (a = :3 or a = :4)"), Some(expected));
        let path = Operand::Path(vec![Element::Name("#a"), Element::Name("b"), Element::Index("0")]);
        let between = Condition::Operator("BETWEEN", vec![path, Operand::Value(":1"), name("c")]);
        assert_eq!(parse("#a.b[0] between :1 and c"), Some(between));
        let size = Operand::Call(Call { function: "size", operands: vec![name("a"), name("b")] });
        assert_eq!(parse("size(a, b) IN (:1)"), Some(Condition::Operator("IN", vec![size, Operand::Value(":1")])));
    }

    #[test]
    fn what_is_no_condition_is_left_to_the_engine() {
        for expression in [
            "",
            "a",
            "a =",
            "a = :1 AND",
            "(a = :1",
            "a = :1)",
            "a IN ()",
            "f()",
            "f(a,)",
            "a = 1",
            "a BETWEEN :1",
            "a[b] = :1",
        ] {
            assert_eq!(parse(expression), None, "{expression}");
        }
    }
}
