//! Writes log files in the format of the lab, of any length, from a seed.

fn main() {}
