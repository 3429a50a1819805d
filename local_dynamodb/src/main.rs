//! DynamoDB on this machine.

fn main() {}
