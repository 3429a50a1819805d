//! Provisioned throughput.

/// The throughput of a table or a global secondary index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throughput {
    /// `PAY_PER_REQUEST`: as much as the table's scaling and its maximum allow.
    OnDemand,
    /// `PROVISIONED`.
    Provisioned {
        /// `ReadCapacityUnits`.
        read: u64,
        /// `WriteCapacityUnits`.
        write: u64,
    },
}

impl Throughput {
    pub(super) fn write(self) -> Option<u64> {
        match self {
            Self::OnDemand => None,
            Self::Provisioned { write, .. } => Some(write),
        }
    }

    pub(super) fn read(self) -> Option<u64> {
        match self {
            Self::OnDemand => None,
            Self::Provisioned { read, .. } => Some(read),
        }
    }
}
