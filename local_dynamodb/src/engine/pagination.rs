//! One page of a Query or a Scan, without the engine reading the rest of the table for it.
//!
//! DynamoDB ends a page at 1 MB of items. The engine does too, but without a `Limit` in the request it first reads
//! everything from the start of the page to the end of the table. So a request without a `Limit` gets a small one here,
//! and a larger one as long as the limit and not the megabyte ended the page. Each attempt is discarded for the next,
//! so the response is what the engine returns for the complete page; the attempts before it read an eighth of its items
//! each.

use dynoxide::DynoxideError;
use dynoxide::actions::query::{QueryRequest, QueryResponse};
use dynoxide::actions::scan::{ScanRequest, ScanResponse};

use super::{Database, segments};

/// The limits tried, in items. The first keeps memory low (64 items of 400 KB are 25 MB), the last is enough for
/// items of 32 bytes; for smaller ones no limit follows.
const LIMITS: [usize; 4] = [64, 512, 4_096, 32_768];

/// Runs a Query.
///
/// # Errors
/// The engine's.
pub(crate) fn query(database: &Database, request: QueryRequest) -> Result<QueryResponse, DynoxideError> {
    let limits = if request.limit.is_none() { LIMITS.as_slice() } else { &[] };
    for &limit in limits {
        let answer = database.query(QueryRequest { limit: Some(limit), ..copy_of_query(&request) })?;
        if let Some(answer) = whole_page(answer, limit) {
            return Ok(answer);
        }
    }
    let limit = request.limit;
    database.query(request).map(|answer| counted(answer, limit))
}

/// Runs a Scan.
///
/// # Errors
/// The engine's.
pub(crate) fn scan(database: &Database, request: ScanRequest) -> Result<ScanResponse, DynoxideError> {
    let limits = match request {
        ScanRequest { limit: Some(_), .. } => [].as_slice(),
        _ => LIMITS.as_slice(),
    };
    for &limit in limits {
        let answer = segments::scan(database, ScanRequest { limit: Some(limit), ..copy_of_scan(&request) })?;
        if let Some(answer) = whole_page(answer, limit) {
            return Ok(answer);
        }
    }
    let limit = request.limit;
    segments::scan(database, request).map(|answer| counted(answer, limit))
}

/// The end of a page, from its response.
trait PageResponse {
    fn has_more(&self) -> bool;
    fn scanned(&mut self) -> &mut usize;
}

impl PageResponse for QueryResponse {
    fn has_more(&self) -> bool {
        self.last_evaluated_key.is_some()
    }

    fn scanned(&mut self) -> &mut usize {
        &mut self.scanned_count
    }
}

impl PageResponse for ScanResponse {
    fn has_more(&self) -> bool {
        self.last_evaluated_key.is_some()
    }

    fn scanned(&mut self) -> &mut usize {
        &mut self.scanned_count
    }
}

/// The page, unless it was `limit` that ended it: as many items were read as were allowed, and there may be more.
fn whole_page<P: PageResponse>(mut page: P, limit: usize) -> Option<P> {
    let ended_by_limit = page.has_more() && *page.scanned() >= limit;
    (!ended_by_limit).then(|| counted(page, Some(limit)))
}

/// The engine counts as scanned the item that did not fit into the megabyte any more; the next page counts it again.
fn counted<P: PageResponse>(mut page: P, limit: Option<usize>) -> P {
    if page.has_more() && limit.is_none_or(|limit| *page.scanned() < limit) {
        *page.scanned() -= 1;
    }
    page
}

/// The engine's requests cannot be cloned.
pub(super) fn copy_of_query(request: &QueryRequest) -> QueryRequest {
    QueryRequest {
        table_name: request.table_name.clone(),
        key_condition_expression: request.key_condition_expression.clone(),
        filter_expression: request.filter_expression.clone(),
        projection_expression: request.projection_expression.clone(),
        expression_attribute_names: request.expression_attribute_names.clone(),
        expression_attribute_values: request.expression_attribute_values.clone(),
        scan_index_forward: request.scan_index_forward,
        limit: request.limit,
        exclusive_start_key: request.exclusive_start_key.clone(),
        select: request.select.clone(),
        consistent_read: request.consistent_read,
        index_name: request.index_name.clone(),
        return_consumed_capacity: request.return_consumed_capacity.clone(),
        key_conditions: request.key_conditions.clone(),
        attributes_to_get: request.attributes_to_get.clone(),
        query_filter: request.query_filter.clone(),
        conditional_operator: request.conditional_operator.clone(),
        exclusive_start_key_raw: request.exclusive_start_key_raw.clone(),
    }
}

pub(super) fn copy_of_scan(request: &ScanRequest) -> ScanRequest {
    ScanRequest {
        table_name: request.table_name.clone(),
        filter_expression: request.filter_expression.clone(),
        projection_expression: request.projection_expression.clone(),
        expression_attribute_names: request.expression_attribute_names.clone(),
        expression_attribute_values: request.expression_attribute_values.clone(),
        limit: request.limit,
        exclusive_start_key: request.exclusive_start_key.clone(),
        select: request.select.clone(),
        consistent_read: request.consistent_read,
        index_name: request.index_name.clone(),
        segment: request.segment,
        total_segments: request.total_segments,
        return_consumed_capacity: request.return_consumed_capacity.clone(),
        attributes_to_get: request.attributes_to_get.clone(),
        scan_filter: request.scan_filter.clone(),
        conditional_operator: request.conditional_operator.clone(),
        exclusive_start_key_raw: request.exclusive_start_key_raw.clone(),
    }
}
