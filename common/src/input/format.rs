//! The formats, and how an input in one of them is read.

use std::fmt;
use std::str::FromStr;

/// What the text of an input looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values, or any dialect of them.
    Csv,
    /// Values separated by tabs.
    Tsv,
    /// A JSON object a line.
    Jsonl,
    /// An item a line, in DynamoDB's JSON: exports to S3.
    DynamodbJson,
    /// Common and Combined Log Format (Apache, nginx).
    AccessLog,
    /// W3C extended log format (IIS, CloudFront standard logs).
    W3c,
    /// Access logs of Application Load Balancers.
    Alb,
    /// S3 server access logs.
    S3AccessLog,
}

impl Format {
    pub const ALL: [Self; 8] = [
        Self::Csv,
        Self::Tsv,
        Self::Jsonl,
        Self::DynamodbJson,
        Self::AccessLog,
        Self::W3c,
        Self::Alb,
        Self::S3AccessLog,
    ];

    /// As a mapping file and `--format` name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
            Self::DynamodbJson => "dynamodb-json",
            Self::AccessLog => "access-log",
            Self::W3c => "w3c",
            Self::Alb => "alb",
            Self::S3AccessLog => "s3-access-log",
        }
    }

    /// Whether columns are separated by a delimiter that can be chosen.
    pub const fn is_delimited(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("expected one of {}", names.join(", "))
        })
    }
}

/// How delimited text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between two columns.
    pub delimiter: u8,
    /// Around a column that holds a delimiter, a quote or a line break; doubled inside.
    pub quote: u8,
    /// Lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Rows to skip before the header or the first record.
    pub skip_rows: u64,
}

impl Dialect {
    /// The default of Python's `csv`.
    pub const CSV: Self = Self { delimiter: b',', quote: b'"', comment: None, header: false, skip_rows: 0 };

    /// The same with tabs.
    pub const TSV: Self = Self { delimiter: b'\t', ..Self::CSV };
}

/// How an input is read, and which of its columns are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFormat {
    /// What the text looks like.
    pub format: Format,
    /// For csv and tsv.
    pub dialect: Dialect,
    /// The columns with a slot, by slot. Where rows have neither names nor a header, they are the rows' columns in their order.
    pub slots: Vec<Box<str>>,
    /// For csv and tsv without a header: how many columns a row has, the first of the slots.
    pub columns: usize,
    /// Slots that a header, or the format itself, must have.
    pub required: Vec<usize>,
    /// Whether columns without a slot are wanted, too.
    pub keeps_others: bool,
    /// Whether an oddity makes a row a bad one.
    pub strict: bool,
}
