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

/// The syntax error at the first name that begins with an underscore. DynamoDB reads names from a letter on.
pub(super) fn leading_underscore(expression: &str, tokens: &[Token<'_>]) -> Option<String> {
    let at = tokens.iter().position(|token| token.text.starts_with('_'))?;
    let (token, after) = (tokens[at], &tokens[at].text[1..]);
    let length = match after.chars().next() {
        Some('_') => 1,
        Some(first) if first.is_ascii_digit() => after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()),
        _ => after.len(),
    };
    let start = tokens.get(at.wrapping_sub(1)).unwrap_or(&token).start;
    let end = match tokens.get(at + 1) {
        Some(next) if after.is_empty() => next.end(),
        _ => token.start + 1 + length,
    };
    Some(format!("Syntax error; token: \"_\", near: \"{}\"", &expression[start..end]))
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

    #[test]
    fn names_begin_with_a_letter() {
        let error = |expression| leading_underscore(expression, &tokens(expression).collect::<Vec<_>>());
        for (expression, near) in [
            ("set _something = :v", "set _something"),
            ("_type", "_type"),
            ("a = :v AND __typename = :w", "AND __"),
            ("a._1b", "._1"),
            ("a, _ = :v", ", _ ="),
        ] {
            let expected = format!("Syntax error; token: \"_\", near: \"{near}\"");
            assert_eq!(error(expression), Some(expected), "{expression}");
        }
        assert_eq!(error("a_ = :_v AND #_a = b_c"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(expression in "[ -~é]{0,600}") {
            let text: String = tokens(&expression).map(|token| token.text).collect();
            prop_assert_eq!(text, expression.split_whitespace().collect::<String>());
        }
    }
}
