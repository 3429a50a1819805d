//! Log files for tests, row by row.

use std::fmt::Display;

/// The columns of one row, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub [String; 10]);

/// A plain row with this request id.
pub fn row(id: impl Display) -> Row {
    let fixed = ["", "10.0.0.7", "2017-07-20", "20", "GMT-0700", "GET", "/index.html", "200", "1234", "Mozilla/5.0"];
    let mut row = Row(fixed.map(str::to_owned));
    row.0[0] = id.to_string();
    row
}

/// Rows with these ids that are all different: hosts, hours such as `01`, response codes (every tenth a 500), URLs with commas, quotes
/// and non-ASCII text, sizes.
pub fn rows(ids: impl IntoIterator<Item = i64>) -> Vec<Row> {
    let varied = |id: i64| {
        let pick = |choices: &[&str]| choices[id.unsigned_abs() as usize % choices.len()].to_owned();
        let hour = format!("{:02}", id.unsigned_abs() % 24);
        row(id)
            .host(&format!("10.0.{}.{}", id.unsigned_abs() % 3, id.unsigned_abs() % 7))
            .date(&pick(&["2017-07-20", "2017-07-21"]))
            .hour(&hour)
            .url(&format!(
                "/{id}/{}",
                pick(&["", "a,b", "say \"hi\"", "caf\u{e9}/\u{65e5}\u{672c}", "\u{1f980}?q=1&r=2"])
            ))
            .code(&pick(&["200", "200", "404", "304", "206", "200", "301", "302", "200", "500"]))
            .bytes(&(id.unsigned_abs() * 37 % 5000).to_string())
    };
    ids.into_iter().map(varied).collect()
}

/// The rows as a CSV file with LF line ends.
pub fn csv(rows: &[Row]) -> String {
    rows.iter().map(|row| row.csv() + "\n").collect()
}

impl Row {
    /// The line of a CSV file, without its end; quoted where it must be.
    pub fn csv(&self) -> String {
        let quoted = |field: &String| match field.contains(['"', ',', '\n', '\r']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field.clone(),
        };
        self.0.iter().map(quoted).collect::<Vec<_>>().join(",")
    }

    #[must_use]
    pub fn host(self, text: &str) -> Self {
        self.with(1, text)
    }

    #[must_use]
    pub fn date(self, text: &str) -> Self {
        self.with(2, text)
    }

    #[must_use]
    pub fn hour(self, text: &str) -> Self {
        self.with(3, text)
    }

    #[must_use]
    pub fn url(self, text: &str) -> Self {
        self.with(6, text)
    }

    #[must_use]
    pub fn code(self, text: &str) -> Self {
        self.with(7, text)
    }

    #[must_use]
    pub fn bytes(self, text: &str) -> Self {
        self.with(8, text)
    }

    #[must_use]
    pub fn agent(self, text: &str) -> Self {
        self.with(9, text)
    }

    fn with(mut self, column: usize, text: &str) -> Self {
        text.clone_into(&mut self.0[column]);
        self
    }
}
