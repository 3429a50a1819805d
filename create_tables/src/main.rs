//! Creates, describes, resizes and deletes the tables of the lab.

fn main() {}
