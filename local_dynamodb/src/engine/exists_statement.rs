//! `EXISTS(SELECT …)` in a PartiQL transaction: a condition on an item that the transaction does not write. The engine does
//! not have it. So it is evaluated before the other statements, under the same lock.

use dynoxide::DynoxideError;
use dynoxide::actions::execute_statement::ExecuteStatementRequest;
use dynoxide::actions::execute_transaction::{
    ExecuteTransactionRequest, ExecuteTransactionResponse, ItemResponse, ParameterizedStatement,
};
use dynoxide::errors::CancellationReason;
use dynoxide::types::{CapacityDetail, ConsumedCapacity, transactional_write_capacity};

use super::Database;
use super::transactions::{cancelled, none};
use super::update_expression::tokens;

/// A condition on an item costs as much as a transactional write of up to 1 KB.
const UNITS: f64 = 2.0;

/// Runs an ExecuteTransaction.
///
/// # Errors
/// `TransactionCanceledException` if a condition does not hold; the engine's.
pub(super) fn execute_transaction(
    database: &Database,
    mut request: ExecuteTransactionRequest,
) -> Result<ExecuteTransactionResponse, DynoxideError> {
    let statements = request.transact_statements.len();
    let selects: Vec<_> = request.transact_statements.iter().map(|each| select_of(&each.statement)).collect();
    // Conditions alone, or with reads, are not a transaction of writes: the engine reports it.
    let writes = request.transact_statements.iter().zip(&selects).any(|(each, select)| {
        select.is_none() && !tokens(&each.statement).next().is_some_and(|verb| verb.eq_ignore_ascii_case("SELECT"))
    });
    if !writes || selects.iter().all(Option::is_none) {
        return database.execute_transaction(request);
    }
    for (position, (select, table)) in selects.iter().enumerate().filter_map(|(at, each)| Some((at, each.as_ref()?))) {
        let key = database.key_names(table)?;
        if !key.is_empty() && conditions_in(select) <= key.len() {
            return Err(DynoxideError::ValidationException(format!(
                "Validation failed in TransactStatements[{position}]: EXISTS() must contain a single item read with \
                 additional condition"
            )));
        }
    }
    let mut reasons = vec![none(); statements];
    let (mut conditions, mut rest) = (Vec::new(), Vec::new());
    for (position, (each, select)) in request.transact_statements.drain(..).zip(selects).enumerate() {
        let Some((select, table)) = select else {
            rest.push((position, each));
            continue;
        };
        if !holds(database, &each, select)? {
            reasons[position] = CancellationReason {
                code: "ConditionalCheckFailed".into(),
                message: Some("The conditional request failed".into()),
                item: None,
            };
        }
        conditions.push((position, table));
    }
    if reasons.iter().any(|reason| reason.code != "None") {
        return Err(cancelled(reasons));
    }
    let (positions, statements): (Vec<_>, Vec<_>) = rest.into_iter().unzip();
    let mode = request.return_consumed_capacity.clone();
    request.transact_statements = statements;
    let mut response = database.execute_transaction(request).map_err(|error| match error {
        DynoxideError::TransactionCanceledException(_, given) => {
            positions.iter().zip(given).for_each(|(position, reason)| reasons[*position] = reason);
            cancelled(std::mem::take(&mut reasons))
        }
        other => other,
    })?;
    for (position, table) in conditions {
        // Writes have no responses; what has none is left out as the engine leaves it out.
        if let Some(responses) = response.responses.as_mut().filter(|responses| !responses.is_empty()) {
            responses.insert(position.min(responses.len()), ItemResponse::default());
        }
        charge(&mut response.consumed_capacity, &table, mode.as_ref());
    }
    Ok(response)
}

/// The SELECT in an EXISTS, and its table; `None` for other statements.
fn select_of(statement: &str) -> Option<(String, String)> {
    let inner = statement.trim();
    let (verb, rest) = inner.split_at_checked("EXISTS".len())?;
    let select = rest.trim().strip_prefix('(')?.strip_suffix(')')?.trim();
    let mut words = tokens(select);
    let is_select = verb.eq_ignore_ascii_case("EXISTS") && words.next()?.eq_ignore_ascii_case("SELECT");
    let after_from = select.get(select.to_ascii_uppercase().find("FROM")? + "FROM".len()..)?.trim_start();
    let table = match after_from.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => after_from.split_whitespace().next()?,
    };
    is_select.then(|| (select.to_owned(), table.to_owned()))
}

/// How many conditions `AND` joins in a SELECT. Words in quotes are names and values.
fn conditions_in(select: &str) -> usize {
    let mut quote = None;
    let words = select.split(|c: char| match quote {
        Some(open) => {
            quote = (c != open).then_some(open);
            true
        }
        None if matches!(c, '"' | '\'') => {
            quote = Some(c);
            true
        }
        None => !c.is_alphanumeric() && c != '_',
    });
    let (mut conditions, mut open_betweens) = (1, 0_usize);
    for word in words {
        if word.eq_ignore_ascii_case("BETWEEN") {
            open_betweens += 1;
        } else if word.eq_ignore_ascii_case("AND") {
            // The `AND` of a `BETWEEN` belongs to it.
            conditions += usize::from(open_betweens == 0);
            open_betweens = open_betweens.saturating_sub(1);
        }
    }
    conditions
}

fn holds(database: &Database, statement: &ParameterizedStatement, select: String) -> Result<bool, DynoxideError> {
    let request = ExecuteStatementRequest {
        statement: select,
        parameters: statement.parameters.clone(),
        consistent_read: Some(true),
        ..Default::default()
    };
    Ok(database.execute_statement(request)?.items.is_some_and(|items| !items.is_empty()))
}

fn charge(consumed: &mut Option<Vec<ConsumedCapacity>>, table: &str, mode: Option<&String>) {
    let Some(list) = consumed else { return };
    if let Some(of_table) = list.iter_mut().find(|each| each.table_name == table) {
        let add = |units: &mut Option<f64>| units.iter_mut().for_each(|units| *units += UNITS);
        of_table.capacity_units += UNITS;
        add(&mut of_table.write_capacity_units);
        if let Some(CapacityDetail { capacity_units, write_capacity_units, .. }) = &mut of_table.table {
            *capacity_units += UNITS;
            add(write_capacity_units);
        }
    } else {
        list.extend(transactional_write_capacity(table, UNITS, &mode.cloned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_counted_outside_of_quotes() {
        for (conditions, count) in [
            ("PK = 'a'", 1),
            ("PK = 'a AND b' and \"x AND y\" = 1", 2),
            ("PK = 'a' AND x BETWEEN 1 AND 2", 2),
            ("PK = 'it''s' AND SK = ? AND (x = 1 OR y = 2)", 3),
        ] {
            assert_eq!(conditions_in(&format!("SELECT * FROM \"t\" WHERE {conditions}")), count, "{conditions}");
        }
    }

    #[test]
    fn the_condition_is_the_select_in_the_parentheses() {
        let select = "SELECT * FROM \"logfile\" WHERE PK = 'a' AND (x = 1)";
        assert_eq!(select_of(&format!(" exists ( {select} ) ")), Some((select.into(), "logfile".into())));
        for other in ["", "EXISTS", "EXISTS()", "EXISTS(DELETE FROM x)", "SELECT * FROM x", "INSERT INTO x VALUE {}"] {
            assert_eq!(select_of(other), None, "{other}");
        }
    }
}
