//! Expressions in tokens.

/// A token and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    start: usize,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is the keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }
}

/// Names, placeholders, numbers and operators are a token each, and so is any other character that is not a space.
pub(crate) fn tokens(expression: &str) -> impl Iterator<Item = Token<'_>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &expression[start..];
        start += rest.len() - rest.trim_start().len();
        let rest = &expression[start..];
        let first = rest.chars().next()?;
        let length = match first {
            '#' | ':' => 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1),
            '<' | '>' if rest[1..].starts_with('=') || rest.starts_with("<>") => 2,
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let token = Token { text: &rest[..length], start };
        start += length;
        Some(token)
    })
}

/// The syntax error at the token `at` of `expression`, or at its end: with that token, what is before and after it.
pub(super) fn syntax_error(expression: &str, tokens: &[Token<'_>], at: usize) -> String {
    let (token, near) = match (tokens.get(at), tokens.last()) {
        (Some(token), _) => {
            let first = tokens.get(at.wrapping_sub(1)).unwrap_or(token);
            let last = tokens.get(at + 1).unwrap_or(token);
            (token.text, &expression[first.start..last.end()])
        }
        (None, Some(last)) => ("<EOF>", last.text),
        (None, None) => ("<EOF>", expression),
    };
    format!("Syntax error; token: \"{token}\", near: \"{near}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn operators_and_placeholders_are_tokens() {
        let texts: Vec<_> = tokens("#n.a[10]<=:v AND b<>c-d").map(|token| token.text).collect();
        assert_eq!(texts, ["#n", ".", "a", "[", "10", "]", "<=", ":v", "AND", "b", "<>", "c", "-", "d"]);
    }

    #[test]
    fn syntax_errors_show_the_tokens_around() {
        let error = |expression, at| syntax_error(expression, &tokens(expression).collect::<Vec<_>>(), at);
        assert_eq!(error("a,  b c", 3), "Syntax error; token: \"c\", near: \"b c\"");
        assert_eq!(error("a,  b c", 2), "Syntax error; token: \"b\", near: \",  b c\"");
        assert_eq!(error(", a", 0), "Syntax error; token: \",\", near: \", a\"");
        assert_eq!(error("a,", 2), "Syntax error; token: \"<EOF>\", near: \",\"");
        assert_eq!(error("  ", 0), "Syntax error; token: \"<EOF>\", near: \"  \"");
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(expression in "[ -~é]{0,600}") {
            let text: String = tokens(&expression).map(|token| token.text).collect();
            prop_assert_eq!(text, expression.split_whitespace().collect::<String>());
        }
    }
}
