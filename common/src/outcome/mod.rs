//! What became of the rows, counted by acknowledgements, and the lines about it that Python's scripts print.

mod python_lines;
mod tally;

pub use python_lines::{ParallelLines, SequentialLines, seconds};
pub use tally::Tally;
