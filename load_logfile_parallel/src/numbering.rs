//! Which ids the copies of the rows get, found out before anything is written.

use common::load::{Ids, LoadError, Numbering, Source, find_ids};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::arguments::{Arguments, IdStride};

/// The numbering asked for, checked against the ids in the files.
///
/// # Errors
/// A file cannot be read, or two rows would get the same id.
pub(crate) fn choose(arguments: &Arguments, sources: &[Source]) -> Result<Numbering, LoadError> {
    let copies = arguments.copies.get();
    let asked = match arguments.id_stride {
        Some(IdStride::Of(stride)) => Some(Numbering::with_stride(copies, stride.get().into())),
        Some(IdStride::Auto) => None,
        None => Some(Numbering::workshop(copies)),
    };
    if let Some(numbering) = asked
        && !numbering.may_collide(sources.len())
    {
        return Ok(numbering);
    }
    if let Some(source) = sources.iter().find(|source| !source.is_regular_file()) {
        source.open()?; // a missing file or a directory says so itself
        return Err(LoadError::NotRepeatable { source_name: source.name().to_owned() });
    }
    let found: Vec<Ids> = sources.par_iter().map(find_ids).collect::<Result<_, _>>()?;
    let numbering = asked.unwrap_or_else(|| Numbering::fitting(copies, &found));
    let named: Vec<_> = sources.iter().map(Source::name).zip(found).collect();
    numbering.check(&named)?;
    Ok(numbering)
}
