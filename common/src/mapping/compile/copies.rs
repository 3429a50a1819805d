//! `[copies]`: how the copies of a record are numbered.

use super::Compiler;
use crate::mapping::compiled::ColumnType;
use crate::mapping::document::Section;
use crate::mapping::error::MappingError;
use crate::mapping::{Copies, Stride};

impl<'a> Compiler<'a> {
    pub(super) fn read_copies(&mut self, root: &Section<'a>) -> Result<Copies, MappingError> {
        let Some(section) = root.section("copies", "[copies]")? else { return Ok(Copies::default()) };
        section.allow(&["column", "count", "per_copy", "per_file"])?;
        let Some(column) = section.get("column") else {
            let at = section.entries().next().map_or(0..0, |(at, _)| at);
            return Err(self.document.error(
                at,
                "[copies] has no column",
                "name the column that copies are numbered by",
            ));
        };
        let slot = self.slot(column.text()?, column.span())?;
        if self.set.columns[slot].kind != ColumnType::Integer {
            let message = format!("copies are numbered by {:?}, which is no integer", self.set.columns[slot].name);
            return Err(column.error(message, "give it the type integer under [columns]"));
        }
        if let Some((computed, _)) = self.computed.iter().find(|(_, rule)| {
            let mut slots = Vec::new();
            rule.slots(&mut slots);
            slots.contains(&slot)
        }) {
            let message = format!("the column {:?} is computed from it", self.set.columns[*computed].name);
            return Err(column.error(message, "make that an attribute under [item.attributes]"));
        }
        self.numbered = Some((slot, column.span()));
        let count = section.get("count").map(|count| (count, count.natural())).map_or(Ok(1), |(entry, count)| {
            count.and_then(|count| {
                u32::try_from(count)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| entry.error("count is out of range", "write a number from 1 on"))
            })
        })?;
        let stride = |key| match section.get(key) {
            Some(entry) if entry.is_text() && entry.text()? == "auto" => Ok(Stride::Auto),
            Some(entry) => entry.natural().map(|number| Stride::Of(number.into())),
            None => Ok(Stride::Of(0)),
        };
        let copies = Copies { count, per_copy: stride("per_copy")?, per_file: stride("per_file")? };
        if let (true, Stride::Of(0)) = (count > 1, copies.per_copy) {
            return Err(column.error("all copies of a row have the same id", "write per_copy: how far apart they are"));
        }
        Ok(copies)
    }
}
