//! Rows on the disk until the last one of each key is known. They are divided by the key's hash into files. A file that
//! is too large for memory is divided again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::batch_writer::{KeySchema, plain_number};

/// Bits of the hash by which a file is divided further.
const DIVISION_BITS: u32 = 4;
/// The most bits by which a file is divided. A file that is still too large holds few keys with many rows.
const MAX_BITS: u32 = 48;
const BUFFER: usize = 32 * 1024;

/// The last row of a key, by the key's hash.
pub(super) type LastRow = (u64, Box<[u8]>);

/// Files of rows that are being written.
#[derive(Debug)]
pub(super) struct Spill {
    /// Their paths without the number.
    stem: PathBuf,
    files: Vec<Option<BufWriter<File>>>,
    /// Bits of the hash that are the same in all of its rows.
    used: u32,
}

/// A file of rows.
#[derive(Debug)]
pub(super) struct SpillFile {
    path: PathBuf,
    used: u32,
}

impl Spill {
    /// Divides by the lowest `bits` bits of the hash.
    pub(super) fn new(stem: PathBuf, bits: u32) -> Self {
        Self::with_used_bits(stem, bits, 0)
    }

    fn with_used_bits(stem: PathBuf, bits: u32, used: u32) -> Self {
        Self { stem, files: std::iter::repeat_with(|| None).take(1 << bits).collect(), used }
    }

    /// Adds a row. Rows with the same hash keep their order.
    pub(super) fn add(&mut self, hash: u64, row: &[u8]) -> io::Result<()> {
        let number = (hash >> self.used) as usize % self.files.len();
        let file = match &mut self.files[number] {
            Some(file) => file,
            none => none.insert(BufWriter::with_capacity(BUFFER, File::create(path(&self.stem, number))?)),
        };
        file.write_all(&hash.to_le_bytes())?;
        file.write_all(&(row.len() as u32).to_le_bytes())?;
        file.write_all(row)
    }

    /// The files, when all rows have been added.
    pub(super) fn finish(self) -> io::Result<Vec<SpillFile>> {
        let used = self.used + self.files.len().trailing_zeros();
        let mut files = Vec::new();
        for (number, file) in self.files.into_iter().enumerate() {
            if let Some(file) = file {
                file.into_inner().map_err(io::IntoInnerError::into_error)?;
                files.push(SpillFile { path: path(&self.stem, number), used });
            }
        }
        Ok(files)
    }
}

fn path(stem: &Path, number: usize) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(format!("-{number}"));
    path.into()
}

/// The contents of a file that was read.
#[derive(Debug)]
pub(super) enum SpillContents {
    /// The last row of each key, in the order of their hashes, which is effectively random.
    LastRows(Vec<LastRow>),
    /// It was too large and has been divided into these files.
    Divided(Vec<SpillFile>),
}

impl SpillFile {
    /// Reads and removes the file. It is divided if its distinct keys take more than `memory` bytes.
    pub(super) fn take(self, schema: &KeySchema, memory: usize) -> io::Result<SpillContents> {
        let memory = if self.used + DIVISION_BITS > MAX_BITS { usize::MAX } else { memory };
        let read = match last_rows(&self.path, schema, memory)? {
            Some(rows) => SpillContents::LastRows(rows),
            None => {
                let mut spill = Spill::with_used_bits(self.path.clone(), DIVISION_BITS, self.used);
                for_each_row(&self.path, |hash, row| spill.add(hash, &row).map(|()| true))?;
                SpillContents::Divided(spill.finish()?)
            }
        };
        fs::remove_file(&self.path)?;
        Ok(read)
    }
}

/// `None` if they take more memory than this.
fn last_rows(path: &Path, schema: &KeySchema, memory: usize) -> io::Result<Option<Vec<LastRow>>> {
    // Memory of a row in the hash table in addition to its bytes.
    const ROW_OVERHEAD: usize = 48;
    let mut rows: HashMap<u64, Box<[u8]>> = HashMap::new();
    let mut bytes = 0;
    for_each_row(path, |mut hash, row| {
        // Different keys may have the same hash, one pair in 2⁶⁴. The second is kept under the next number.
        while let Some(earlier) = rows.get(&hash)
            && !is_same_key(schema, earlier, &row)?
        {
            hash = hash.wrapping_add(1);
        }
        bytes += row.len() + ROW_OVERHEAD;
        if let Some(earlier) = rows.insert(hash, row) {
            bytes -= earlier.len() + ROW_OVERHEAD;
        }
        Ok(bytes <= memory)
    })?;
    if bytes > memory {
        return Ok(None);
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_unstable_by_key(|(hash, _)| *hash);
    Ok(Some(rows))
}

/// Stops when `act` returns `false`.
fn for_each_row(path: &Path, mut act: impl FnMut(u64, Box<[u8]>) -> io::Result<bool>) -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, File::open(path)?);
    let mut head = [0; 12];
    loop {
        if input.read(&mut head[..1])? == 0 {
            return Ok(());
        }
        input.read_exact(&mut head[1..])?;
        let (hash, length) = head.split_at(8);
        let hash = hash.try_into().map_or(0, u64::from_le_bytes);
        let length = length.try_into().map_or(0, u32::from_le_bytes);
        let mut row = vec![0; length as usize].into_boxed_slice();
        input.read_exact(&mut row)?;
        if !act(hash, row)? {
            return Ok(());
        }
    }
}

/// A row: `{"Item":{…}}`.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "Item", borrow)]
    item: HashMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Number {
    #[serde(rename = "N")]
    text: String,
}

/// Whether two rows with the same hash have the same key.
fn is_same_key(schema: &KeySchema, one: &[u8], other: &[u8]) -> io::Result<bool> {
    let (one, other): (Line<'_>, Line<'_>) = (serde_json::from_slice(one)?, serde_json::from_slice(other)?);
    let is_same = |name: &String| {
        let (Some(one), Some(other)) = (one.item.get(name), other.item.get(name)) else { return false };
        if one.get() == other.get() {
            return true;
        }
        // The same number can be written in different ways.
        let number = |value: &RawValue| serde_json::from_str::<Number>(value.get()).ok();
        let numbers = number(one).zip(number(other));
        numbers.is_some_and(|(one, other)| plain_number(&one.text) == plain_number(&other.text))
    };
    Ok(std::iter::once(&schema.partition).chain(&schema.sort).all(is_same))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(key: u32, value: usize) -> Vec<u8> {
        format!("{{\"Item\":{{\"PK\":{{\"S\":\"{key}\"}},\"v\":{{\"N\":\"{value}\"}}}}}}").into_bytes()
    }

    /// The last rows, whatever it takes to find them, and how many files had to be divided.
    fn last_rows_of(rows: &[(u64, Vec<u8>)], memory: usize) -> (Vec<Vec<u8>>, usize) {
        let (folder, schema) = (tempfile::tempdir().unwrap(), KeySchema::partition("PK"));
        let mut spill = Spill::new(folder.path().join("spill"), 2);
        rows.iter().for_each(|(hash, row)| spill.add(*hash, row).unwrap());
        let mut files = spill.finish().unwrap();
        let (mut found, mut divided) = (Vec::new(), 0);
        while let Some(file) = files.pop() {
            match file.take(&schema, memory).unwrap() {
                SpillContents::LastRows(rows) => found.extend(rows.into_iter().map(|(_, row)| row.into_vec())),
                SpillContents::Divided(into) => {
                    divided += 1;
                    files.extend(into);
                }
            }
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no file is left");
        found.sort();
        (found, divided)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_last_row_of_each_key_is_found_in_any_memory(
            keys in prop::collection::vec(0_u32..60, 0..300),
            memory in 200_usize..4000,
        ) {
            // Few hashes, so that different keys share them.
            let rows: Vec<_> =
                keys.iter().enumerate().map(|(value, key)| (u64::from(key % 40) << 3, row(*key, value))).collect();
            let last: std::collections::BTreeMap<_, _> =
                keys.iter().enumerate().map(|(value, key)| (*key, row(*key, value))).collect();
            let mut expected: Vec<_> = last.into_values().collect();
            expected.sort();
            prop_assert_eq!(last_rows_of(&rows, memory).0, expected);
        }
    }

    #[test]
    fn many_rows_of_one_key_need_no_memory_and_no_division() {
        let rows: Vec<_> = (0..1000).map(|value| (7, row(1, value))).collect();
        assert_eq!(last_rows_of(&rows, 300), (vec![row(1, 999)], 0));
        let rows: Vec<_> = (0..1000).map(|key| (u64::from(key) << 20, row(key, 0))).collect();
        let (found, divided) = last_rows_of(&rows, 3000);
        assert!(found.len() == 1000 && divided > 1, "{divided}");
    }

    #[test]
    fn a_number_is_the_same_key_however_it_is_written() {
        let schema = KeySchema { partition: "p".into(), sort: Some("s".into()) };
        let row = |number: &str| format!("{{\"Item\":{{\"p\":{{\"S\":\"a\"}},\"s\":{{\"N\":\"{number}\"}}}}}}");
        let same = |one: &str, other: &str| is_same_key(&schema, row(one).as_bytes(), row(other).as_bytes()).unwrap();
        assert!(same("15", "15") && same("15", "1.50E1") && !same("15", "51"));
    }
}
