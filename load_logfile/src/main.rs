//! Loads a log file into a DynamoDB table.

fn main() {}
