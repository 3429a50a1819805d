//! The consumed capacity that the engine returns. It is always requested by index; the client gets as much of it as it
//! requested.

use capacity::{Access, CapacityUnits};
use dynoxide::types::{CapacityDetail, ConsumedCapacity};

use crate::engine::{Operation, OperationOutput};
use crate::ledger::Consumption;

/// The request's ReturnConsumedCapacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReturnConsumedCapacity {
    None,
    Total,
    Indexes,
}

/// Makes `operation` request all of it, and returns what the client requested. `None` if the operation has no such member,
/// or a value that the engine will refuse.
pub(crate) fn request_indexes(operation: &mut Operation) -> Option<ReturnConsumedCapacity> {
    let member = return_consumed_capacity(operation)?;
    let requested = match member.as_deref() {
        None | Some("NONE") => ReturnConsumedCapacity::None,
        Some("TOTAL") => ReturnConsumedCapacity::Total,
        Some("INDEXES") => ReturnConsumedCapacity::Indexes,
        Some(_) => return None,
    };
    *member = Some("INDEXES".into());
    Some(requested)
}

/// Reads what was consumed out of `output`, and leaves in it what the client `requested`.
pub(crate) fn take(
    output: &mut OperationOutput,
    access: Access,
    requested: ReturnConsumedCapacity,
) -> Vec<Consumption> {
    match member(output) {
        None => Vec::new(),
        Some(Member::One(capacity)) => {
            let consumed = capacity.iter().map(|capacity| consumption(capacity, access)).collect();
            match requested {
                ReturnConsumedCapacity::None => *capacity = None,
                ReturnConsumedCapacity::Total => capacity.iter_mut().for_each(leave_total),
                ReturnConsumedCapacity::Indexes => {}
            }
            consumed
        }
        Some(Member::List(list)) => {
            let consumed = list.iter().flatten().map(|capacity| consumption(capacity, access)).collect();
            match requested {
                ReturnConsumedCapacity::None => *list = None,
                ReturnConsumedCapacity::Total => list.iter_mut().flatten().for_each(leave_total),
                ReturnConsumedCapacity::Indexes => {}
            }
            consumed
        }
    }
}

fn consumption(capacity: &ConsumedCapacity, access: Access) -> Consumption {
    let units = |detail: &CapacityDetail| CapacityUnits::from_f64(detail.capacity_units);
    let local = capacity.local_secondary_indexes.iter().flatten().map(|(_, detail)| units(detail));
    let global = capacity.global_secondary_indexes.iter().flatten();
    let indexes: Vec<_> = global.map(|(name, detail)| (name.clone(), units(detail))).collect();
    // A failed statement of a batch is in the total and in no detail: it counts for the table.
    let total = CapacityUnits::from_f64(capacity.capacity_units);
    let details = capacity.table.as_ref().map(units).unwrap_or_default() + local.sum();
    let of_indexes = indexes.iter().map(|(_, units)| *units).sum();
    // A repeated transaction is charged as a read of what it wrote.
    let access = if capacity.read_capacity_units.is_some() { Access::Read } else { access };
    Consumption {
        table: capacity.table_name.clone(),
        access,
        units: details.max(total.saturating_sub(of_indexes)),
        indexes,
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

fn member(output: &mut OperationOutput) -> Option<Member<'_>> {
    Some(match output {
        OperationOutput::PutItem(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::UpdateItem(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::DeleteItem(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::GetItem(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::Query(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::Scan(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::ExecuteStatement(output) => Member::One(&mut output.consumed_capacity),
        OperationOutput::BatchWriteItem(output) => Member::List(&mut output.consumed_capacity),
        OperationOutput::BatchGetItem(output) => Member::List(&mut output.consumed_capacity),
        OperationOutput::TransactWriteItems(output) => Member::List(&mut output.consumed_capacity),
        OperationOutput::TransactGetItems(output) => Member::List(&mut output.consumed_capacity),
        OperationOutput::BatchExecuteStatement(output) => Member::List(&mut output.consumed_capacity),
        OperationOutput::ExecuteTransaction(output) => Member::List(&mut output.consumed_capacity),
        _ => return None,
    })
}
