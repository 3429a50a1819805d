//! What to do about an error.

use std::io;

use crate::batch_writer::Stop;
use crate::batch_writer::client::ConnectionError;
use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use crate::input::{ReadError, SourceError};
use crate::load::{LoadError, RejectsError, ShareError};
use crate::report::CheckpointError;
use crate::s3::S3Error;

/// What to do about an error of DynamoDB.
pub fn for_service_error(error: &ServiceError) -> &'static str {
    match error.kind {
        ServiceErrorKind::Throttled => {
            "wait and try again, or raise the capacity: create_tables TABLE --capacity RCU/WCU"
        }
        ServiceErrorKind::Unavailable => {
            "check the endpoint (--endpoint-url, AWS_ENDPOINT_URL) and the network, and that the server is running; then try again"
        }
        ServiceErrorKind::NoSuchTable => {
            "check the table's name, the region and the endpoint; create_tables creates the workshop's tables; a new table must be ACTIVE first"
        }
        ServiceErrorKind::TableNotReady => "wait until the table is ACTIVE (create_tables --status) and try again",
        ServiceErrorKind::AccessDenied => {
            "request the permission that the message names, or use other credentials (--profile, AWS_PROFILE)"
        }
        ServiceErrorKind::Credentials => {
            "renew the credentials (for SSO: aws sso login) or choose others (--profile, AWS_PROFILE), and check this computer's clock"
        }
        ServiceErrorKind::Invalid => "fix what the message names",
        ServiceErrorKind::SchemaMismatch => {
            "compare the table's key and those of its indexes (aws dynamodb describe-table) with the mapping's (--print-mapping): check the table's name, or specify a mapping for this table with --mapping"
        }
        ServiceErrorKind::UntrustedCertificate => {
            "set AWS_CA_BUNDLE (or ca_bundle in the profile) to a PEM file with the certificate of the authority that issued it, and check this computer's clock"
        }
        ServiceErrorKind::WrongEndpoint => {
            "check the endpoint (--endpoint-url, AWS_ENDPOINT_URL, the profile's endpoint_url): another program is listening there, or it expects https instead of http"
        }
        ServiceErrorKind::Other => "see the message; RUST_LOG=debug shows more",
    }
}

/// What to do where there is no connection.
pub fn for_connection_error(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::InvalidEndpoint { .. } => {
            "include the scheme in the endpoint, for example --endpoint-url http://127.0.0.1:8000 (or in AWS_ENDPOINT_URL)"
        }
        ConnectionError::NoRegion => {
            "set one with --region us-east-1, AWS_REGION or `aws configure`; to work only on this machine, \
                 start local_dynamodb and use --endpoint-url http://127.0.0.1:8000"
        }
        ConnectionError::InvalidRegion(_) => {
            "regions are named like eu-west-1; check --region, AWS_REGION, AWS_DEFAULT_REGION and the profile"
        }
        ConnectionError::NoSuchProfile(_) => {
            "check --profile and AWS_PROFILE against ~/.aws/config and ~/.aws/credentials"
        }
        ConnectionError::ConfigurationFiles(_) => {
            "fix the file (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, or those in ~/.aws)"
        }
        ConnectionError::NoCredentials => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with --profile, or run `aws configure`; to work only on this machine, start local_dynamodb and use --endpoint-url http://127.0.0.1:8000"
        }
        ConnectionError::Credentials(_) => "log in again (for SSO: aws sso login), or fix the profile",
        ConnectionError::CaBundle { .. } => "specify a PEM file with the certificates of the authorities to trust",
        ConnectionError::Runtime(_) => "check this user's limits on open files and processes (ulimit -a)",
    }
}

/// What to do about an input that cannot be opened, where the message does not say it.
pub fn for_source_error(error: &SourceError) -> Option<&'static str> {
    Some(match error {
        SourceError::Io { source, .. } => for_damaged_file(source).unwrap_or_else(|| for_unreadable_file(source)),
        SourceError::EmptyFolder { .. } => {
            "specify a folder that contains log files; files whose names begin with a dot are skipped"
        }
        SourceError::S3(error) => error.advice(),
        SourceError::Connection { source, .. } => for_connection_error(source),
    })
}

fn for_unreadable_file(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path; a relative path starts at the current directory",
        io::ErrorKind::PermissionDenied => "allow this user to read the file (chmod, chown), or run as another user",
        _ => "check the path and the file",
    }
}

fn for_damaged_file(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some(
            "the file is truncated: copy it again and load the new copy; rows that are already in the table are only written again",
        ),
        io::ErrorKind::InvalidData => Some(
            "the file is damaged: copy it again and load the new copy; rows that are already in the table are only written again",
        ),
        _ => None,
    }
}

/// What to do about an error that ended a load, where the message does not say it.
pub fn for_load_error(error: &LoadError) -> Option<&'static str> {
    Some(match error {
        LoadError::BadRow(_) => "fix the row, or collect bad rows in a file and load the others: --rejects FILE",
        LoadError::TooManyErrors { .. } => "see the reasons in FILE.reasons, next to the file of --rejects",
        LoadError::Unreadable { error: ReadError::RecordTooLong { quote: Some(_), .. }, .. } => {
            "close the quote, or remove it"
        }
        LoadError::Unreadable { error: ReadError::RecordTooLong { .. }, .. } => {
            "remove the record, or shorten it: DynamoDB accepts items of up to 400 KB"
        }
        LoadError::Unreadable { error: ReadError::Io { source, .. }, .. }
            if let Some(advice) = for_damaged_file(source) =>
        {
            advice
        }
        LoadError::Source(error) => return for_source_error(error),
        LoadError::Import(error) => error.advice(),
        LoadError::Unreadable { error: ReadError::WrongFormat(_) | ReadError::Header { .. }, .. } => return None,
        LoadError::Unreadable { error: ReadError::Io { source, .. }, .. }
            if let Some(error) = S3Error::in_io(source) =>
        {
            error.advice()
        }
        LoadError::Unreadable { .. } => {
            "check the file; the rows before the error are written, and loading them again does no harm"
        }
        LoadError::Collision(_) => "use a stride that leaves room for all rows: --id-stride auto, or --id-stride N",
        LoadError::Signal { .. } => {
            "run the same command again: rows that are already in the table are only written again; with --checkpoint FILE it resumes where it stopped"
        }
        LoadError::NotRepeatable { .. } => "save it to a file first, or load it alone with --copies 1",
        LoadError::Rejects(RejectsError::Io { .. }) | LoadError::Checkpoint(CheckpointError::Io { .. }) => {
            "check the path, its permissions and the free disk space"
        }
        LoadError::Checkpoint(CheckpointError::InUse { .. }) => "wait until it has ended, or stop it, and try again",
        LoadError::Checkpoint(CheckpointError::NotACheckpoint { .. }) => {
            "choose another file with --checkpoint, or remove this one to start over"
        }
        LoadError::Checkpoint(_) => "choose another file with --checkpoint, or start over with --fresh",
        LoadError::Changed { .. } | LoadError::Longer { .. } => {
            "the checkpoint belongs to a different input of this name: load that input, or start over with --fresh"
        }
        LoadError::InputTooShort { .. } => {
            "its producer may have ended early: make sure that the input is complete, and run the same command again"
        }
        LoadError::Share(ShareError::TooSmall { .. }) => {
            "raise the capacity or the percentage, or run fewer parts at the same time: --parts-at-once P"
        }
        LoadError::Share(ShareError::OnDemand { .. }) => "specify a number of units: --max-wcu 500",
        LoadError::Share(ShareError::Describe { source, .. }) if source.kind == ServiceErrorKind::AccessDenied => {
            "allow dynamodb:DescribeTable, or specify a number of units: --max-wcu 500"
        }
        LoadError::Share(ShareError::Describe { source, .. }) => for_service_error(source),
        LoadError::KeyMismatch { .. } => {
            "check the table's name, or specify a mapping for this table with --mapping; create_tables creates the workshop's tables"
        }
        LoadError::IndexKeyMismatch { .. } => "give the attribute that type in the mapping, or use another attribute",
        LoadError::CopiesNotNumbered(_) => "add [copies] to the mapping, with the column that numbers them",
        LoadError::Table {
            stop: Stop::Service(error) | Stop::GaveUp { last: error, .. } | Stop::Stalled { last: error, .. },
            ..
        } => for_service_error(error),
        _ => return None,
    })
}
