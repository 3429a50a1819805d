//! What became of the rows: their count, the lines of the Python scripts, the checkpoint, the summary and the report.

mod checkpoint;
mod python_lines;
mod replaced;
mod report_file;
mod tally;
mod watermark;

pub use checkpoint::{Checkpoint, CheckpointError, Identity, SavedProgress, SavedRejects};
pub use python_lines::{PythonLines, Script, seconds};
pub use replaced::{KEYS, KeyCounter, ReplacedRows};
pub use report_file::{LoadFigures, LoadInfo, Outcome, Report, replaced_line, summary};
pub use tally::{RowCounts, Tally};
pub use watermark::{ResumePoint, SettledRange, Watermark};
