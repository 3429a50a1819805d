//! Loads log files into a DynamoDB table on several threads, each row many times.

fn main() {}
