//! Options of a load that writes files for an import instead of writing to the table.

use std::path::PathBuf;

use clap::Args;

use super::ErrorWithAdvice;
use super::parts::PartOptions;
use crate::input::S3Settings;
use crate::load::{ImportTarget, PRICES, Price, Prices};
use crate::s3::{S3Error, S3Url};

/// Files for an import.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Import files")]
pub(super) struct ImportOptions {
    /// Instead of writing to the table, write files for `aws dynamodb import-table` and `start-bulk-put-items` to this
    /// folder, which must be new or empty, or below s3://BUCKET/PREFIX/
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dry_run", "checkpoint", "max_wcu", "give_up_after", "in_flight"])]
    write_import: Option<String>,
    /// Compute the cost with this price in US dollars: import-gb, wcu-hour or million-writes; can be repeated [default: us-east-1's]
    #[arg(long, value_name = "NAME=USD", requires = "write_import")]
    price: Vec<Price>,
}

impl ImportOptions {
    /// Where the files go; `None` if they were not requested.
    ///
    /// # Errors
    /// It is not a prefix of Amazon S3, or the AWS configuration cannot be used.
    pub(super) fn target(
        &self,
        parts: &PartOptions,
        settings: &S3Settings,
    ) -> Result<Option<ImportTarget>, ErrorWithAdvice> {
        let Some(path) = parts.file(self.write_import.as_ref().map(PathBuf::from))? else { return Ok(None) };
        match path.to_str().filter(|name| S3Url::is_one(name)) {
            None => Ok(Some(ImportTarget::Folder(path))),
            Some(name) => target_in_s3(name, settings).map(Some),
        }
    }

    pub(super) fn prices(&self) -> Prices {
        PRICES.with(&self.price)
    }
}

#[cfg(feature = "s3")]
fn target_in_s3(name: &str, settings: &S3Settings) -> Result<ImportTarget, ErrorWithAdvice> {
    use crate::s3::S3;

    let advised = |error: S3Error| ErrorWithAdvice::new(error.to_string(), error.advice());
    let prefix = S3Url::parse(name).map_err(advised)?;
    if !prefix.is_prefix() {
        let message = format!("{name} is not a prefix of Amazon S3");
        return Err(ErrorWithAdvice::usage(message, "end it with a slash: s3://BUCKET/PREFIX/"));
    }
    let s3 = S3::connect(settings.region.clone(), settings.profile.clone());
    let s3 =
        s3.map_err(|error| ErrorWithAdvice::new(error.to_string(), super::advice::for_connection_error(&error)))?;
    Ok(ImportTarget::S3 { s3, prefix })
}

#[cfg(not(feature = "s3"))]
fn target_in_s3(name: &str, _: &S3Settings) -> Result<ImportTarget, ErrorWithAdvice> {
    let error = S3Error::not_built(name);
    Err(ErrorWithAdvice::new(
        error.to_string(),
        "specify a folder, and copy it: aws s3 cp DIR s3://BUCKET/PREFIX/ --recursive",
    ))
}
