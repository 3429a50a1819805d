//! Items into a table, through the batch writer.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::TableStatus;

use super::Sink;
use crate::batch_writer::client::{Connection, Retries};
use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use crate::batch_writer::{BatchWriter, Options, Settled, SharedPacer, SharedTraffic, Stop, Table, Turn, WriteLimit};
use crate::load::LoadError;
use crate::load::pace::{self, MaxWcu, Pace, ShareError};
use crate::load::request::{Origin, Request};
use crate::mapping::{Mapping, Mismatch};
use crate::tables::{TableDescription, TableName};

/// The timeout for the table's description, where nothing depends on it.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// A table, and how it is written to.
#[derive(Debug)]
pub struct TableDestination {
    /// Where the table is.
    pub connection: Connection,
    /// Its name or ARN.
    pub name: TableName,
    /// How all workers together write.
    pub options: Options,
    /// How fast they may be together, and how long they wait for a stalled table.
    pub pace: Pace,
}

/// What the sinks of one table share.
#[derive(Debug, Clone)]
pub(in crate::load) struct TableSinks {
    pub(in crate::load) connection: Connection,
    pub(in crate::load) name: String,
    pub(in crate::load) pacer: SharedPacer,
    pub(in crate::load) traffic: SharedTraffic,
    /// With what is known of the table.
    pub(in crate::load) mapping: Mapping,
    /// At the start.
    pub(in crate::load) limit: Option<WriteLimit>,
    table: Table,
    options: Options,
    status: Option<TableStatus>,
}

impl TableSinks {
    /// Describes the table: its key must be the items', and a limit that is a percentage of its capacity is computed.
    /// Without the permission to describe the table, which writing does not need, the service finds the errors.
    ///
    /// # Errors
    /// The table's key differs, or a percentage of its capacity cannot be determined.
    pub(in crate::load) async fn open(table: &TableDestination, mapping: &Mapping) -> Result<Self, LoadError> {
        let TableDestination { connection, name, options, pace } = table;
        let name = name.as_str();
        let described = describe(table).await;
        let mapping = match &described {
            Ok(description) => check_table(mapping, name, description)?,
            Err(_) => mapping.clone(),
        };
        let pacer = SharedPacer::new();
        pacer.set_give_up_after(pace.give_up_after);
        let limit = match &pace.max_wcu {
            None => None,
            Some(MaxWcu::Units(wcu)) => Some(WriteLimit::each(*wcu)),
            Some(MaxWcu::Percent(percent)) => Some(match &described {
                Ok(description) => pace::share(name, description, *percent)?,
                Err(error) => return Err(ShareError::Describe { table: name.to_owned(), source: error.clone() }.into()),
            }),
        };
        pacer.set_limit(limit.clone());
        let status = match described {
            Ok(description) => Some(description.status),
            Err(error) => {
                log::debug!("{name} cannot be described: {error}");
                None
            }
        };
        let (connection, name) = (connection.clone(), name.to_owned());
        let schema = mapping.key_schema();
        let table = Table::new(connection.client(Retries::Caller), &name, schema).return_consumed_capacity(true);
        let table = table.fixed_types(mapping.fixed_types());
        let traffic = SharedTraffic::default();
        Ok(Self { connection, name, table, pacer, traffic, mapping, limit, options: *options, status })
    }

    /// The sink of worker `number` of `workers`. Their clients share what is known about the endpoint.
    pub(in crate::load) fn sink(&self, number: usize, workers: usize) -> TableSink {
        let table = self.table.with_client(self.connection.client(Retries::Caller));
        let all = self.options.in_flight;
        let in_flight = all / workers + usize::from(number < all % workers);
        let options = Options { in_flight, ..self.options };
        let writer = BatchWriter::new(table, options, self.pacer.clone());
        let writer = writer.counting_traffic(self.traffic.clone());
        TableSink { name: self.name.clone(), status: self.status.clone(), writer }
    }
}

async fn describe(table: &TableDestination) -> Result<TableDescription, ServiceError> {
    if matches!(table.pace.max_wcu, Some(MaxWcu::Percent(_))) {
        return TableDescription::read(&table.connection.client(Retries::Sdk), table.name.as_str()).await;
    }
    // The writer retries, and its errors say more.
    let client = table.connection.client(Retries::Caller);
    let described = tokio::time::timeout(DESCRIBE_TIMEOUT, TableDescription::read(&client, table.name.as_str())).await;
    described.unwrap_or_else(|_| Err(ServiceError::from_response(408, None, Some("no description within 5 s"))))
}

/// Checks that the keys of the table and its indexes are those of the items. Returns the mapping with the table's key types.
///
/// # Errors
/// What differs.
pub(in crate::load) fn check_table(
    mapping: &Mapping,
    table: &str,
    description: &TableDescription,
) -> Result<Mapping, LoadError> {
    let table = table.to_owned();
    match mapping.mismatch(description) {
        None => Ok(mapping.with_key_types(description)),
        Some(Mismatch::Key { found, expected }) => Err(LoadError::KeyMismatch { table, found, expected }),
        Some(Mismatch::IndexKey { index, attribute, found, expected }) => {
            Err(LoadError::IndexKeyMismatch { table, index, attribute, found, expected })
        }
    }
}

/// One worker's share of a table.
pub(in crate::load) struct TableSink {
    name: String,
    status: Option<TableStatus>,
    writer: BatchWriter<Table, Arc<Origin>>,
}

impl Sink for TableSink {
    fn has_room(&self) -> bool {
        self.writer.has_room()
    }

    fn push_all(&mut self, requests: Vec<Request>) {
        self.writer.push_all(requests);
    }

    fn close(&mut self) {
        self.writer.close();
    }

    fn stop(&mut self) {
        self.writer.stop();
    }

    async fn turn(&mut self) -> Turn {
        self.writer.turn().await
    }

    fn take_settled(&mut self) -> Vec<Settled<Arc<Origin>>> {
        self.writer.take_settled()
    }

    fn take_error(&mut self) -> Option<LoadError> {
        let stop = self.writer.stopped()?.clone();
        // BatchWriteItem reports a table that is being created as missing.
        let stop = match (stop, &self.status) {
            (Stop::Service(error), Some(status @ (TableStatus::Creating | TableStatus::Deleting)))
                if error.kind == ServiceErrorKind::NoSuchTable =>
            {
                let doing = if *status == TableStatus::Creating { "created" } else { "deleted" };
                let message = format!("{} is still being {doing}", self.name);
                Stop::Service(ServiceError { kind: ServiceErrorKind::TableNotReady, message, ..error })
            }
            (stop, _) => stop,
        };
        Some(LoadError::Table { table: self.name.clone(), stop })
    }
}
