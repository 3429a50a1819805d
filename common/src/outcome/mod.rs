//! What became of the rows, counted by acknowledgements: the tally, the lines that Python's scripts print, the checkpoint.

mod checkpoint;
mod latencies;
mod python_lines;
mod report;
mod tally;
mod throttle_cause;
mod traffic;
mod watermark;
pub mod words;

pub use checkpoint::{Checkpoint, CheckpointError, Identity, Progress, SetAside};
pub use latencies::Latencies;
pub use python_lines::{ParallelLines, SequentialLines, seconds};
pub use report::{Ending, Report, Subject, Work, summary};
pub use tally::Tally;
pub use throttle_cause::{ThrottleCause, ThrottleLimit, ThrottledResource};
pub use traffic::{SharedTraffic, Traffic};
pub use watermark::{Settled, Stretch, Watermark};
