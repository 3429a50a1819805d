//! Objects of Amazon S3 as inputs.

use super::source::{S3Settings, Source, SourceError};
use crate::s3::S3Url;

/// Finds objects, with one connection to S3 for all of them.
pub(super) struct Objects<'a> {
    #[cfg_attr(not(feature = "s3"), expect(dead_code, reason = "there is nothing to connect to"))]
    settings: &'a S3Settings,
    #[cfg(feature = "s3")]
    s3: Option<crate::s3::S3>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(settings: &'a S3Settings) -> Self {
        #[cfg(feature = "s3")]
        return Self { settings, s3: None };
        #[cfg(not(feature = "s3"))]
        return Self { settings };
    }

    /// Adds the object of that URL, or those of the prefix.
    #[cfg(feature = "s3")]
    pub(super) fn add(&mut self, name: &str, sources: &mut Vec<Source>) -> Result<(), SourceError> {
        let url = S3Url::parse(name)?;
        let s3 = match &self.s3 {
            Some(s3) => s3.clone(),
            None => {
                let S3Settings { region, profile } = self.settings.clone();
                let connected = crate::s3::S3::connect(region, profile);
                let s3 = connected.map_err(|source| SourceError::Connection { name: name.to_owned(), source })?;
                self.s3.insert(s3).clone()
            }
        };
        sources.extend(s3.objects(&url)?.into_iter().map(|object| Source::of_object(s3.clone(), object)));
        Ok(())
    }

    /// Without the feature there are none.
    #[cfg(not(feature = "s3"))]
    pub(super) fn add(&mut self, name: &str, _: &mut Vec<Source>) -> Result<(), SourceError> {
        S3Url::parse(name)?;
        Err(crate::s3::S3Error::not_built(name).into())
    }
}
