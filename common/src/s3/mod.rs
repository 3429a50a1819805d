//! Amazon S3: objects as inputs, and uploads.
//!
//! Without the feature `s3` there are only the URL and the errors.

mod error;
mod url;

#[cfg(feature = "s3")]
mod client;
#[cfg(feature = "s3")]
mod download;
#[cfg(feature = "s3")]
mod list;

#[cfg(feature = "s3")]
pub use self::client::S3;
#[cfg(feature = "s3")]
pub use self::download::Download;
pub use self::error::{S3Error, S3ErrorKind};
#[cfg(feature = "s3")]
pub use self::list::Object;
pub use self::url::S3Url;
