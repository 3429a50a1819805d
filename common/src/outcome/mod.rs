//! What became of the rows, counted by acknowledgements: the tally, the lines that Python's scripts print, the checkpoint.

mod checkpoint;
mod python_lines;
mod report;
mod tally;
mod watermark;

pub use checkpoint::{Checkpoint, CheckpointError, Identity, Progress, SetAside};
pub use python_lines::{ParallelLines, SequentialLines, seconds};
pub use report::{Ending, Report, Subject, Work, summary};
pub use tally::Tally;
pub use watermark::{Settled, Stretch, Watermark};
