//! What the engine says was consumed. It is always asked for by index; the client gets as much of it as it asked for.

use capacity::{Access, CapacityUnits};
use dynoxide::types::{CapacityDetail, ConsumedCapacity};

use crate::operation::{Answer, Operation};

/// The capacity that a request consumed of one table and its indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub(crate) table: String,
    pub(crate) access: Access,
    /// By the table itself, local indexes included.
    pub(crate) units: CapacityUnits,
    /// By its global indexes.
    pub(crate) indexes: Vec<(String, CapacityUnits)>,
}

impl Consumed {
    fn of(capacity: &ConsumedCapacity, access: Access) -> Self {
        let units = |detail: &CapacityDetail| CapacityUnits::from_f64(detail.capacity_units);
        let local = capacity.local_secondary_indexes.iter().flatten().map(|(_, detail)| units(detail));
        let global = capacity.global_secondary_indexes.iter().flatten();
        let indexes: Vec<_> = global.map(|(name, detail)| (name.clone(), units(detail))).collect();
        // A failed statement of a batch is in the total and in no detail: it is the table's.
        let total = CapacityUnits::from_f64(capacity.capacity_units);
        let details = capacity.table.as_ref().map(units).unwrap_or_default() + local.sum();
        let of_indexes = indexes.iter().map(|(_, units)| *units).sum();
        // A transaction that is sent again is charged as a read of what it wrote.
        let access = if capacity.read_capacity_units.is_some() { Access::Read } else { access };
        Self {
            table: capacity.table_name.clone(),
            access,
            units: details.max(total.saturating_sub(of_indexes)),
            indexes,
        }
    }

    /// Of the table itself, or of one of its global indexes.
    pub(crate) fn units_of(&self, index: Option<&str>) -> CapacityUnits {
        match index {
            None => self.units,
            Some(name) => self.indexes.iter().filter(|(each, _)| each == name).map(|(_, units)| *units).sum(),
        }
    }
}

/// How much the client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Total,
    Indexes,
}

/// Makes `operation` ask for all, and tells what it asked for. `None` if it has no such member, or one that the engine
/// is going to refuse.
pub(crate) fn ask_for_all(operation: &mut Operation) -> Option<Wanted> {
    let member = return_consumed_capacity(operation)?;
    let wanted = match member.as_deref() {
        None | Some("NONE") => Wanted::Nothing,
        Some("TOTAL") => Wanted::Total,
        Some("INDEXES") => Wanted::Indexes,
        Some(_) => return None,
    };
    *member = Some("INDEXES".into());
    Some(wanted)
}

/// Reads what was consumed out of `answer`, and leaves in it what was `wanted`.
pub(crate) fn take(answer: &mut Answer, access: Access, wanted: Wanted) -> Vec<Consumed> {
    match member(answer) {
        None => Vec::new(),
        Some(Member::One(capacity)) => {
            let consumed = capacity.iter().map(|capacity| Consumed::of(capacity, access)).collect();
            match wanted {
                Wanted::Nothing => *capacity = None,
                Wanted::Total => capacity.iter_mut().for_each(leave_total),
                Wanted::Indexes => {}
            }
            consumed
        }
        Some(Member::List(list)) => {
            let consumed = list.iter().flatten().map(|capacity| Consumed::of(capacity, access)).collect();
            match wanted {
                Wanted::Nothing => *list = None,
                Wanted::Total => list.iter_mut().flatten().for_each(leave_total),
                Wanted::Indexes => {}
            }
            consumed
        }
    }
}

fn leave_total(capacity: &mut ConsumedCapacity) {
    capacity.table = None;
    capacity.global_secondary_indexes = None;
    capacity.local_secondary_indexes = None;
    capacity.vector_indexes = None;
}

fn return_consumed_capacity(operation: &mut Operation) -> Option<&mut Option<String>> {
    Some(match operation {
        Operation::PutItem(request) => &mut request.return_consumed_capacity,
        Operation::UpdateItem(request) => &mut request.return_consumed_capacity,
        Operation::DeleteItem(request) => &mut request.return_consumed_capacity,
        Operation::GetItem(request) => &mut request.return_consumed_capacity,
        Operation::Query(request) => &mut request.return_consumed_capacity,
        Operation::Scan(request) => &mut request.return_consumed_capacity,
        Operation::BatchWriteItem(request) => &mut request.return_consumed_capacity,
        Operation::BatchGetItem(request) => &mut request.return_consumed_capacity,
        Operation::TransactWriteItems(request) => &mut request.return_consumed_capacity,
        Operation::TransactGetItems(request) => &mut request.return_consumed_capacity,
        Operation::ExecuteStatement(request) => &mut request.return_consumed_capacity,
        Operation::BatchExecuteStatement(request) => &mut request.return_consumed_capacity,
        Operation::ExecuteTransaction(request) => &mut request.return_consumed_capacity,
        _ => return None,
    })
}

enum Member<'a> {
    One(&'a mut Option<ConsumedCapacity>),
    List(&'a mut Option<Vec<ConsumedCapacity>>),
}

fn member(answer: &mut Answer) -> Option<Member<'_>> {
    Some(match answer {
        Answer::PutItem(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::UpdateItem(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::DeleteItem(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::GetItem(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::Query(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::Scan(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::ExecuteStatement(answer) => Member::One(&mut answer.consumed_capacity),
        Answer::BatchWriteItem(answer) => Member::List(&mut answer.consumed_capacity),
        Answer::BatchGetItem(answer) => Member::List(&mut answer.consumed_capacity),
        Answer::TransactWriteItems(answer) => Member::List(&mut answer.consumed_capacity),
        Answer::TransactGetItems(answer) => Member::List(&mut answer.consumed_capacity),
        Answer::BatchExecuteStatement(answer) => Member::List(&mut answer.consumed_capacity),
        Answer::ExecuteTransaction(answer) => Member::List(&mut answer.consumed_capacity),
        _ => return None,
    })
}
