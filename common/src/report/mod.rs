//! The results of a load: row counts, the lines of the Python scripts, the checkpoint, the summary and the report.

mod checkpoint;
mod checkpoint_lock;
mod input_totals;
mod load_report;
mod merge;
mod python_lines;
mod replaced;
mod summary;
mod tally;
mod watermark;

pub use checkpoint::{
    Checkpoint, CheckpointError, Finished, Identity, InputIdentity, SavedProgress, SavedRejects, replace_file,
};
pub use checkpoint_lock::CheckpointLock;
pub use input_totals::{InputTotals, RecordEnd};
pub use load_report::{LoadFigures, LoadInfo, MergedParts, Outcome, PartInfo, Report};
pub use merge::merge;
pub use python_lines::{PythonLines, Script, seconds};
pub use replaced::{KEYS, KeyCounter, ReplacedRows};
pub use summary::{replaced_line, summary};
pub use tally::{RowCounts, Tally};
pub use watermark::{RecordRows, ResumePoint, SettledRange, Watermark};
