//! Options of a load that runs as several processes.

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::ErrorWithAdvice;
use crate::load::{MaxWcu, PLACEHOLDER, Part};

/// Which part of a load this is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Parts of a load")]
pub(super) struct PartOptions {
    /// Write only the rows whose key hashes to part I of N, with I from 0 to N-1; auto: the part that AWS Batch, Slurm
    /// or Kubernetes (with LOAD_PARTS) sets. {part} in the file names of --checkpoint, --report and --rejects is
    /// replaced by I
    #[arg(long, value_name = "I/N|auto", value_parser = part)]
    pub(super) part: Option<Part>,
    /// Number of parts that run at the same time and share --max-wcu, which is for the whole job [default: all N]
    #[arg(long, value_name = "P", requires = "part")]
    parts_at_once: Option<NonZeroU32>,
}

fn part(text: &str) -> Result<Part, String> {
    match text {
        "auto" => Part::from_environment(|name| std::env::var(name).ok()),
        text => text.parse(),
    }
}

impl PartOptions {
    /// This part's share of the whole job's limit.
    ///
    /// # Errors
    /// The share is less than one unit per second.
    pub(super) fn share_of(&self, max_wcu: Option<MaxWcu>) -> Result<Option<MaxWcu>, ErrorWithAdvice> {
        let (Some(part), Some(limit)) = (self.part, max_wcu) else { return Ok(max_wcu) };
        let share = limit.of_part(part, self.parts_at_once);
        share.map(Some).ok_or_else(|| {
            ErrorWithAdvice::usage(
                "--max-wcu is for the whole job and too small to share: each part needs one unit per second",
                "raise it, or run fewer parts at the same time: --parts-at-once P",
            )
        })
    }

    /// A file name with each `{part}` replaced by the part's number. Its folder is created, because an engine that
    /// starts the part does not.
    ///
    /// # Errors
    /// It contains `{part}` but the load has no parts, or its folder cannot be created.
    pub(super) fn file(&self, path: Option<PathBuf>) -> Result<Option<PathBuf>, ErrorWithAdvice> {
        let Some(path) = path else { return Ok(None) };
        let Some(part) = self.part else {
            let name = path.display();
            return match path.to_str() {
                Some(text) if text.contains(PLACEHOLDER) => Err(ErrorWithAdvice::usage(
                    format!("{name}: {PLACEHOLDER} stands for the part's number, but this load has no parts"),
                    "specify the part: --part I/N",
                )),
                _ => Ok(Some(path)),
            };
        };
        let path = path.to_str().map_or_else(|| path.clone(), |name| part.fill_in(name).into());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        folder.map_or(Ok(()), fs::create_dir_all).map_err(|error| {
            let message = format!("cannot create the folder of {}: {error}", path.display());
            ErrorWithAdvice::new(message, "check the path and its permissions")
        })?;
        Ok(Some(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_the_part() {
        let options = |part: &str| PartOptions { part: part.parse().ok(), parts_at_once: None };
        let file = |part, name: &str| options(part).file(Some(name.into()));
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert_eq!(file("3/8", path("r/{part}.json").to_str().unwrap()).unwrap(), Some(path("r/3.json")));
        assert!(path("r").is_dir());
        assert_eq!(file("3/8", "r.json").unwrap(), Some("r.json".into()));
        assert_eq!(file("", "r.json").unwrap(), Some("r.json".into()));
        assert_eq!(file("", "r/{part}.json").unwrap_err().exit(), super::super::Exit::Usage);
    }

    #[test]
    fn a_limit_is_shared() {
        let options = PartOptions { part: "3/8".parse().ok(), parts_at_once: None };
        assert_eq!(options.share_of("800".parse().ok()).unwrap(), "100".parse().ok());
        assert_eq!(options.share_of(None).unwrap(), None);
        assert_eq!(options.share_of("3".parse().ok()).unwrap_err().exit(), super::super::Exit::Usage);
    }
}
