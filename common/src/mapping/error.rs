//! What is wrong with a mapping file, and where.

use std::fmt;
use std::ops::Range;

/// An error in a mapping file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError {
    /// The file, as the user named it.
    pub file: String,
    /// The line and the column, from 1; `None` if it is the file as a whole.
    pub place: Option<(usize, usize)>,
    pub message: String,
    /// What to do.
    pub advice: String,
}

impl MappingError {
    /// `access.toml:3:7`
    pub fn place_text(&self) -> String {
        match self.place {
            Some((line, column)) => format!("{}:{line}:{column}", self.file),
            None => self.file.clone(),
        }
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place_text(), self.message, self.advice)
    }
}

impl std::error::Error for MappingError {}

/// The text of a mapping file, to find positions in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

impl Document<'_> {
    pub(super) fn error(
        &self,
        at: Range<usize>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> MappingError {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        let (message, advice) = (message.into(), advice.into());
        MappingError { file: self.file.to_owned(), place: Some((line, column)), message, advice }
    }
}
