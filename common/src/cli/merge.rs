//! Merges the reports of a load's parts.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::report_file::ReportFile;
use super::{ErrorWithAdvice, Exit, print_failures, say};
use crate::report::{Report, merge};

/// Merges the reports in a folder into `report`, or prints the merged one on standard output. 0 only if all parts are there and done.
///
/// # Errors
/// The folder cannot be read, or the report cannot be written.
pub(super) fn merge_reports<W: Write>(
    program: &str,
    folder: &Path,
    report: Option<&Path>,
    rejects_ok: bool,
    mut stdout: W,
) -> Result<Exit, ErrorWithAdvice> {
    // Removed first, so that an earlier merged report in the same folder is not taken for a part's.
    let file = report.map(ReportFile::create).transpose()?;
    let files = read_files(folder).map_err(|error| {
        ErrorWithAdvice::new(format!("cannot read the reports in {}: {error}", folder.display()), "check the folder")
    })?;
    let mut merged = merge(&files);
    if rejects_ok && merged.outcome().exit_code == Exit::Rejected.code() {
        merged.accept_rejects();
    }
    let text = text_of(&merged)?;
    match file {
        Some(file) => file.write(&text)?,
        None => {
            // A reader that closes the pipe has seen enough.
            let _ = stdout.write_all(text.as_bytes());
        }
    }
    let outcome = merged.outcome();
    if let Some(parts) = merged.merged_parts() {
        say(program, &format!("{} of {} parts are done: {}", parts.done, parts.count, merged.tally()));
    }
    let errors: Vec<_> = outcome.errors.iter().map(|error| ErrorWithAdvice::new(error, "")).collect();
    let errors: Vec<&(dyn Error + 'static)> = errors.iter().map(|error| error as _).collect();
    print_failures(program, &errors, &outcome.what_to_do);
    Ok(match outcome.exit_code {
        0 => Exit::Done,
        3 => Exit::Rejected,
        _ => Exit::Failed,
    })
}

fn text_of(report: &Report) -> Result<String, ErrorWithAdvice> {
    report.to_json().map_err(|error| {
        ErrorWithAdvice::new(format!("the report cannot be written as JSON: {error}"), "please report it")
    })
}

/// The files whose names end in `.json`, in sorted order. Checkpoints and rejected rows may be in the same folder.
fn read_files(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            files.push((path.display().to_string(), fs::read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}
