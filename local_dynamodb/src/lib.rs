//! DynamoDB on this machine.
