//! Inputs: files, folders, objects of Amazon S3 and standard input, compressed or not, in any of the formats, as records with their positions.
//!
//! A format is either delimited text or one in which a line is a record; the latter are a file each in `formats`.

mod compression;
mod delimited;
mod expand;
mod fields;
mod format;
mod formats;
mod found;
mod lines;
mod object_errors;
mod objects;
mod oddity;
mod position;
mod quotes;
mod reader;
mod record;
mod source;
mod stored_file;
mod utf16;
mod window;
mod wrong_format;

pub use fields::{Field, Fields};
pub use format::{Dialect, Format, InputFormat};
pub(crate) use formats::columns;
pub use oddity::{Location, Oddities, Oddity, OddityCounts};
pub use position::{Position, ResumeError, check_positions};
pub use reader::{ReadError, RecordReader};
pub(crate) use record::shortened;
pub use record::{ColumnName, QuotePosition, Record, RecordError};
pub use source::{S3Settings, Source, SourceError, SourceProgress, SourceStamp};
pub use wrong_format::WrongFormat;
pub(crate) use wrong_format::{detect_format, is_header, of_document};
