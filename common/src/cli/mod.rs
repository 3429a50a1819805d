//! The command line of the binaries that talk to DynamoDB: options of the connection and of a load, and what to do about an error.

pub mod advice;
mod import;
mod input;
mod load_options;
mod loading;
mod merge;
mod parts;
mod report_file;
mod run;

use std::error::Error;

use clap::Args;

use crate::batch_writer::client::{Connection, ConnectionError, Settings};
use crate::batch_writer::service_error::ServiceError;
use crate::input::{S3Settings, SourceError};
use crate::load::LoadError;

pub use self::load_options::LoadOptions;
pub use self::loading::{LoadCommand, run_loader};
pub use ::cli::{
    EXIT_CODES_HELP, ErrorWithAdvice, Exit, LOAD_EXIT_CODES_HELP, folded, init_logging, init_logging_on, parse,
    print_failures, say,
};

/// Options of the connection, with the AWS CLI's names.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionOptions {
    /// Endpoint, for example http://127.0.0.1:8000 [default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, the
    /// profile's, AWS's]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// AWS region [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's]
    #[arg(long)]
    pub region: Option<String>,
    /// Profile in the AWS configuration files [default: AWS_PROFILE]
    #[arg(long)]
    pub profile: Option<String>,
}

impl ConnectionOptions {
    /// Finds region, endpoint and credentials without a request to DynamoDB.
    pub async fn connect(&self) -> Result<Connection, ConnectionError> {
        Connection::open(&Settings {
            endpoint_url: self.endpoint_url.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
        })
        .await
    }

    /// The settings for inputs in Amazon S3. The endpoint option applies only to DynamoDB.
    pub fn s3_settings(&self) -> S3Settings {
        S3Settings { region: self.region.clone(), profile: self.profile.clone() }
    }

    /// Like [`connect`](Self::connect), for a program without a runtime.
    pub fn connect_blocking(&self) -> Result<Connection, ConnectionError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(ConnectionError::Runtime)?.block_on(self.connect())
    }
}

/// Prints a fatal error on stderr, with the advice of its causes.
pub fn print_error(program: &str, error: &(dyn Error + 'static)) {
    let advice: Vec<_> = hint(error).map(str::to_owned).into_iter().collect();
    print_failures(program, &[error], &advice);
}

/// The advice of the first cause that has any.
fn hint<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a str> {
    std::iter::successors(Some(error), |&cause| cause.source()).find_map(|cause| {
        let advised = cause.downcast_ref::<ErrorWithAdvice>().map(ErrorWithAdvice::advice);
        let service = || cause.downcast_ref::<ServiceError>().map(advice::for_service_error);
        let connection = || cause.downcast_ref::<ConnectionError>().map(advice::for_connection_error);
        let load = || cause.downcast_ref::<LoadError>().and_then(advice::for_load_error);
        let source = || cause.downcast_ref::<SourceError>().and_then(advice::for_source_error);
        advised.or_else(service).or_else(connection).or_else(load).or_else(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("table logfile at {endpoint}")]
    struct OfTable {
        endpoint: &'static str,
        #[source]
        cause: ServiceError,
    }

    #[test]
    fn an_error_is_one_line_with_its_causes_and_one_with_advice() {
        let cause =
            ServiceError::from_response(400, Some("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"), None);
        let error = OfTable { endpoint: "http://127.0.0.1:8000", cause };
        assert_eq!(
            folded(&error),
            "table logfile at http://127.0.0.1:8000: there is no such table: HTTP status 400 \
             (ResourceNotFoundException)"
        );
        assert!(hint(&error).unwrap().starts_with("check the table's name"));
    }
}
