//! Which rows belong to a part of a load that runs as several processes.
//!
//! Each part reads all of the input and writes the rows whose key hashes to it. All rows with the same key therefore
//! belong to the same part, and the last of them wins, as in a load without parts. The hash never changes, and
//! `docs/scale.md` defines it: parts of one load may run on different machines, with different versions of this
//! program.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use twox_hash::XxHash64;

use crate::batch_writer::{KeySchema, plain_number};
use crate::mapping::AttributeSink;

/// The hash of the keys is XXH64 with this seed.
const SEED: u64 = 0;

/// One of the parts of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    index: u32,
    count: NonZeroU32,
}

impl Part {
    /// `None` unless `index`, from 0, is less than `count`.
    pub fn new(index: u32, count: u32) -> Option<Self> {
        let count = NonZeroU32::new(count)?;
        (index < count.get()).then_some(Self { index, count })
    }

    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts the load has.
    pub fn count(self) -> NonZeroU32 {
        self.count
    }

    /// `text` with each `{part}` replaced by this part's number.
    pub fn fill_in(self, text: &str) -> String {
        text.replace(PLACEHOLDER, &self.index.to_string())
    }

    pub(super) fn has(self, hash: u64) -> bool {
        hash % u64::from(self.count.get()) == u64::from(self.index)
    }

    /// Whether a record without a key belongs to this part. Such a record, too, belongs to exactly one part.
    pub(super) fn owns_record(self, source: usize, record: u64) -> bool {
        let place = [source as u64, record].map(u64::to_le_bytes).concat();
        self.has(XxHash64::oneshot(SEED, &place))
    }

    /// The part that the engine of an array job sets in the environment of its task: AWS Batch, Slurm, or a Kubernetes
    /// Indexed Job with `LOAD_PARTS`.
    ///
    /// # Errors
    /// No engine has set one, or its variables are incomplete or invalid.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let engines = [&AWS_BATCH[..], &SLURM, &KUBERNETES];
        let found: Vec<_> =
            engines.into_iter().filter(|names| names.iter().any(|name| variable(name).is_some())).collect();
        let [names] = found[..] else {
            return Err(match found.len() {
                0 => format!(
                    "this is not a task of an array job: neither {} nor {} nor {} are set",
                    AWS_BATCH.join(" and "),
                    SLURM[..2].join(" and "),
                    KUBERNETES.join(" and ")
                ),
                _ => "the variables of more than one engine are set; give the part as I/N".to_owned(),
            });
        };
        let missing: Vec<_> = names.iter().copied().filter(|name| variable(name).is_none()).collect();
        if !missing.is_empty() {
            let there: Vec<_> = names.iter().copied().filter(|name| !missing.contains(name)).collect();
            return Err(format!("{} is set, but {} is missing", there.join(" and "), missing.join(" and ")));
        }
        let numbers: Vec<u32> = names
            .iter()
            .map(|name| {
                let text = variable(name).unwrap_or_default();
                text.parse().map_err(|_| format!("{name} is {text:?}, which is not a whole number"))
            })
            .collect::<Result<_, String>>()?;
        let part = match numbers[..] {
            [index, count] => Self::new(index, count),
            [id, count, first, step] => {
                let distance = id.checked_sub(first).filter(|distance| step > 0 && distance % step == 0);
                distance.and_then(|distance| Self::new(distance / step, count))
            }
            _ => None,
        };
        let values: Vec<_> = names.iter().zip(&numbers).map(|(name, number)| format!("{name}={number}")).collect();
        part.ok_or_else(|| {
            format!("{} do not define a part: the indexes of the array must have equal steps", values.join(" "))
        })
    }
}

/// The placeholder for a part's number in file names.
pub const PLACEHOLDER: &str = "{part}";

const AWS_BATCH: [&str; 2] = ["AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"];
/// `sbatch --array=10-40:10` has the indexes 10, 20, 30 and 40.
const SLURM: [&str; 4] =
    ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"];
/// Kubernetes sets only a pod's index; the manifest must set the number of parts.
const KUBERNETES: [&str; 2] = ["JOB_COMPLETION_INDEX", "LOAD_PARTS"];

impl FromStr for Part {
    type Err = String;

    /// `I/N`
    fn from_str(text: &str) -> Result<Self, String> {
        let part = text.split_once('/').and_then(|(index, count)| Self::new(index.parse().ok()?, count.parse().ok()?));
        part.ok_or_else(|| "expected I/N, with I from 0 to N-1, for example 0/8; or auto".to_owned())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Hashes the keys of items. Receives an item's attributes and keeps those of the table's key.
#[derive(Debug)]
pub(super) struct KeyHasher {
    schema: KeySchema,
    partition: Vec<u8>,
    sort: Vec<u8>,
    both: Vec<u8>,
}

impl KeyHasher {
    pub(super) fn new(schema: KeySchema) -> Self {
        Self { schema, partition: Vec::new(), sort: Vec::new(), both: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.partition.clear();
        self.sort.clear();
    }

    /// The hash of the key, once the item has all its attributes.
    pub(super) fn hash(&mut self) -> u64 {
        if self.schema.sort.is_none() {
            return XxHash64::oneshot(SEED, &self.partition);
        }
        self.both.clear();
        self.both.extend_from_slice(&self.partition);
        self.both.extend_from_slice(&self.sort);
        XxHash64::oneshot(SEED, &self.both)
    }

    /// The type, the length, the value.
    fn part(&mut self, name: &str, kind: u8, value: &[&[u8]]) {
        let bytes = if name == self.schema.partition {
            &mut self.partition
        } else if self.schema.sort.as_deref() == Some(name) {
            &mut self.sort
        } else {
            return;
        };
        let length: usize = value.iter().map(|bytes| bytes.len()).sum();
        bytes.clear();
        bytes.push(kind);
        bytes.extend_from_slice(&(length as u64).to_le_bytes());
        value.iter().for_each(|value| bytes.extend_from_slice(value));
    }
}

impl AttributeSink for KeyHasher {
    fn string(&mut self, name: &str, parts: &[&str]) {
        match parts {
            [one] => self.part(name, b'S', &[one.as_bytes()]),
            [one, two] => self.part(name, b'S', &[one.as_bytes(), two.as_bytes()]),
            parts => self.part(name, b'S', &[parts.concat().as_bytes()]),
        }
    }

    fn number(&mut self, name: &str, text: &str) {
        self.part(name, b'N', &[plain_number(text).as_bytes()]);
    }

    fn value(&mut self, name: &str, value: &AttributeValue) {
        match value {
            AttributeValue::S(text) => self.string(name, &[text]),
            AttributeValue::N(text) => self.number(name, text),
            AttributeValue::B(blob) => self.part(name, b'B', &[blob.as_ref()]),
            // Keys have no other types. The item is rejected.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
