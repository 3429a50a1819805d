//! Options of a load that runs as several processes.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;

use super::ErrorWithAdvice;
use crate::load::{MaxWcu, PLACEHOLDER, Part};

/// Which part of a load this is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Parts of a load")]
pub(super) struct PartOptions {
    /// Write only the rows whose key hashes to part I of N, from 0/N; auto: the part that AWS Batch, Slurm or Kubernetes (with LOAD_PARTS)
    /// names. {part} in the names of --checkpoint, --report and --rejects becomes I
    #[arg(long, value_name = "I/N|auto", value_parser = part)]
    pub(super) part: Option<Part>,
    /// How many parts run at a time and share --max-wcu, which is the whole job's [default: all N]
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
    /// What this part may consume of what the whole job may.
    ///
    /// # Errors
    /// That is less than a unit a second.
    pub(super) fn share_of(&self, max_wcu: Option<MaxWcu>) -> Result<Option<MaxWcu>, ErrorWithAdvice> {
        let (Some(part), Some(limit)) = (self.part, max_wcu) else { return Ok(max_wcu) };
        let share = limit.of_part(part, self.parts_at_once);
        share.map(Some).ok_or_else(|| {
            ErrorWithAdvice::usage(
                "--max-wcu is the whole job's, and too small to share: each part needs one unit a second",
                "raise it, or let fewer parts run at a time: --parts-at-once P",
            )
        })
    }

    /// A file's name, with the part's number for each `{part}`.
    ///
    /// # Errors
    /// It names a part, and the load has none.
    pub(super) fn file(&self, path: Option<PathBuf>) -> Result<Option<PathBuf>, ErrorWithAdvice> {
        let Some(name) = path.as_deref().and_then(Path::to_str).filter(|name| name.contains(PLACEHOLDER)) else {
            return Ok(path);
        };
        match self.part {
            Some(part) => Ok(Some(part.fill_in(name).into())),
            None => Err(ErrorWithAdvice::usage(
                format!("{name}: {PLACEHOLDER} stands for the part's number, and this load has no parts"),
                "name the part: --part I/N",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_the_part() {
        let options = |part: &str| PartOptions { part: part.parse().ok(), parts_at_once: None };
        let file = |part, name: &str| options(part).file(Some(name.into()));
        assert_eq!(file("3/8", "r/{part}.json").unwrap(), Some("r/3.json".into()));
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
