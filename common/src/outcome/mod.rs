//! What became of the rows, counted by acknowledgements: the tally, the lines that Python's scripts print, the checkpoint.

mod checkpoint;
mod python_lines;
mod tally;
mod watermark;

pub use checkpoint::{Checkpoint, CheckpointError, Identity, Progress, SetAside};
pub use python_lines::{ParallelLines, SequentialLines, seconds};
pub use tally::Tally;
pub use watermark::{Settled, Watermark};
