//! The ids of the records' copies, determined before anything is written.

use std::num::NonZeroU32;
use std::str::FromStr;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::LoadError;
use crate::input::{RecordReader, Source};
use crate::mapping::{Copies, Ids, Mapper, Mapping, Numbering};

/// What `--id-stride` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdStride {
    /// As far apart as the files need.
    Auto,
    /// This far apart.
    Of(NonZeroU32),
}

impl FromStr for IdStride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            number => {
                number.parse().map(Self::Of).map_err(|_| "expected a whole number of at least 1, or auto".to_owned())
            }
        }
    }
}

/// The numbering that the mapping and the command line ask for, checked against the ids in the files.
///
/// # Errors
/// A file cannot be read, two records would get the same id, or the mapping numbers no copies.
pub fn choose_numbering(
    mapping: &Mapping,
    sources: &[Source],
    copies: Option<NonZeroU32>,
    stride: Option<IdStride>,
) -> Result<Numbering, LoadError> {
    let own = mapping.copies();
    let count = copies.map_or(own.count, NonZeroU32::get);
    if !mapping.is_numbered() {
        return if count == 1 { Ok(Numbering::AS_IN_FILE) } else { Err(LoadError::CopiesNotNumbered(count)) };
    }
    let asked = match stride {
        Some(IdStride::Of(stride)) => Some(Numbering::with_stride(count, stride.get().into())),
        Some(IdStride::Auto) => None,
        None => Numbering::of_copies(Copies { count, ..own }),
    };
    match asked {
        Some(numbering) if !numbering.may_collide(sources.len()) => return Ok(numbering),
        None if count == 1 && sources.len() == 1 => return Ok(Numbering::AS_IN_FILE),
        _ => {}
    }
    if let Some(source) = sources.iter().find(|source| !source.is_repeatable()) {
        source.open()?; // reports a missing file
        return Err(LoadError::NotRepeatable { source_name: source.name().to_owned() });
    }
    let find_ids = |source: &Source| find_ids(mapping, source);
    let found: Vec<Ids> = sources.par_iter().map(find_ids).collect::<Result<_, _>>()?;
    let numbering = asked.unwrap_or_else(|| Numbering::fitting(count, &found));
    let named: Vec<_> = sources.iter().map(Source::name).zip(found).collect();
    numbering.check(&named)?;
    Ok(numbering)
}

/// The lowest and highest id in a file. Records without one are left for the load to report.
fn find_ids(mapping: &Mapping, source: &Source) -> Result<Ids, LoadError> {
    let mut reader = RecordReader::new(source.open()?, mapping.input());
    let mut mapper = Mapper::new(mapping, Numbering::AS_IN_FILE, 0, source.name());
    let mut ids: Ids = None;
    let mut number = 0;
    while let Some(record) = reader.next_record() {
        let record = record.map_err(|error| LoadError::Unreadable { source_name: source.name().to_owned(), error })?;
        if let Ok(fields) = record.fields
            && mapper.begin(number, record.raw, fields).is_ok()
            && let Some(id) = mapper.id()
        {
            ids = Some(ids.map_or(id..=id, |ids| id.min(*ids.start())..=id.max(*ids.end())));
        }
        number += 1;
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_is_a_number_or_auto() {
        assert_eq!("auto".parse(), Ok(IdStride::Auto));
        assert_eq!("4000".parse(), Ok(IdStride::Of(NonZeroU32::new(4000).unwrap())));
        for wrong in ["0", "-1", "many", ""] {
            assert!(wrong.parse::<IdStride>().is_err(), "{wrong}");
        }
    }
}
