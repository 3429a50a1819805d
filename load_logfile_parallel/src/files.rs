//! The files that the workshop's script loads by default.

use std::path::Path;
use std::{fs, io};

use common::cli::ErrorWithAdvice;

const FOLDER: &str = "./data";

/// `./data/logfile_medium*.csv`, sorted: Python loads them in the directory's order and, with medium2 first, loses
/// 2,000 rows.
pub(crate) fn workshop_files() -> Result<Vec<String>, ErrorWithAdvice> {
    let files = in_folder(Path::new(FOLDER)).unwrap_or_default();
    if files.is_empty() {
        return Err(ErrorWithAdvice::new(
            format!("there is no file {FOLDER}/logfile_medium*.csv to load"),
            "change to the folder that contains data, or specify the files: load_logfile_parallel TABLE FILE…",
        ));
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str()
            && name.starts_with("logfile_medium")
            && name.ends_with(".csv")
        {
            names.push(format!("{}/{name}", folder.display()));
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_medium_files_are_found_in_sorted_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["logfile_medium2.csv", "logfile_medium1.csv", "logfile_small1.csv", "logfile_medium1.csv.bak"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let expected: Vec<_> = ["logfile_medium1.csv", "logfile_medium2.csv"]
            .map(|name| format!("{}/{name}", folder.path().display()))
            .into();
        assert_eq!(in_folder(folder.path()).unwrap(), expected);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(in_folder(Path::new("/no/such/folder")).is_err());
    }
}
