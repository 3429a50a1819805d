//! The table that a PartiQL statement reads or writes, from its first words; the rest of the grammar is the engine's.

/// Whether a statement reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementKind {
    Read,
    Write,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) kind: StatementKind,
    pub(crate) table: String,
    /// After a dot: `"table"."index"`.
    pub(crate) index: Option<String>,
}

impl Statement {
    /// `None` if it is not one of the four statements that DynamoDB knows, or `EXISTS` around one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Tokens(text);
        let Token::Word(verb) = tokens.next()? else { return None };
        let (kind, before_table) = match verb.to_ascii_uppercase().as_str() {
            "SELECT" => (StatementKind::Read, Some("FROM")),
            "INSERT" => (StatementKind::Write, Some("INTO")),
            "DELETE" => (StatementKind::Write, Some("FROM")),
            "UPDATE" => (StatementKind::Write, None),
            // A condition in a transaction of writes costs as much as a write.
            "EXISTS" if matches!(tokens.next()?, Token::Sign('(')) => {
                return Some(Self { kind: StatementKind::Write, ..Self::parse(tokens.0)? });
            }
            _ => return None,
        };
        if let Some(keyword) = before_table {
            tokens.find(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword)))?;
        }
        let table = tokens.next()?.name()?;
        let index = match tokens.next() {
            Some(Token::Sign('.')) => Some(tokens.next()?.name()?),
            _ => None,
        };
        Some(Self { kind, table, index })
    }
}

/// A quoted name or string is one token, so that a keyword in it is not mistaken for one.
enum Token<'a> {
    Word(&'a str),
    /// In double quotes; a pair of them inside stands for one.
    Quoted(&'a str),
    /// In single quotes.
    Text,
    Sign(char),
}

impl Token<'_> {
    fn name(self) -> Option<String> {
        match self {
            Token::Word(name) => Some(name.to_owned()),
            Token::Quoted(name) => Some(name.replace("\"\"", "\"")),
            Token::Text | Token::Sign(_) => None,
        }
    }
}

struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let (token, end) = match first {
            '"' | '\'' => {
                let end = end_of_quote(text, first)?;
                (if first == '"' { Token::Quoted(&text[1..end - 1]) } else { Token::Text }, end)
            }
            _ if is_word(first) => {
                let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
                (Token::Word(&text[..end]), end)
            }
            sign => (Token::Sign(sign), sign.len_utf8()),
        };
        self.0 = &text[end..];
        Some(token)
    }
}

/// The position after the quote that closes the one at the start; `None` if none does.
fn end_of_quote(text: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + text[from..].find(quote)? + 1;
        if !text[end..].starts_with(quote) {
            return Some(end);
        }
        from = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StatementKind::{Read, Write};

    #[test]
    fn the_table_is_found() {
        for (text, kind, table, index) in [
            (r#"SELECT * FROM "logfile""#, Read, "logfile", None),
            (r#"select "from", 'FROM x' from logfile where PK='a'"#, Read, "logfile", None),
            (r#"SELECT PK FROM "logfile"."GSI_1" WHERE GSI_1_PK = ?"#, Read, "logfile", Some("GSI_1")),
            (r#" INSERT INTO "logfile" VALUE {'PK': 'it''s'}"#, Write, "logfile", None),
            ("update my-table set a=1 where PK='b'", Write, "my-table", None),
            (r#"DELETE FROM "a""b" WHERE PK='c'"#, Write, "a\"b", None),
            (r#"EXISTS(SELECT * FROM "logfile" WHERE PK='a')"#, Write, "logfile", None),
        ] {
            let expected = Statement { kind, table: table.into(), index: index.map(String::from) };
            assert_eq!(Statement::parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_left_to_the_engine() {
        for text in ["", "DROP TABLE x", "SELECT * FROM", "SELECT \"x", "UPDATE 'x'", "EXISTS", "INSERT \"x\" VALUE {}"]
        {
            assert_eq!(Statement::parse(text), None, "{text}");
        }
    }
}
