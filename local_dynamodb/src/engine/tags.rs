//! Tags of tables. The engine takes any character in them, counts bytes where DynamoDB counts characters, takes the ARN of an
//! index for its table's, and creates a table before it finds that the table cannot have its tags.

use dynoxide::DynoxideError;
use dynoxide::actions::list_tags_of_resource::ListTagsOfResourceRequest;
use dynoxide::actions::tag_resource::{TagResourceRequest, TagResourceResponse};
use dynoxide::actions::untag_resource::{UntagResourceRequest, UntagResourceResponse};
use dynoxide::types::Tag;

use super::Database;

/// Source of the limits and the characters: API Reference, "Tag"; Developer Guide, "Tagging restrictions in DynamoDB".
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;
const SIGNS: &str = "_.:/=+-@";

/// Runs a TagResource.
///
/// # Errors
/// `ValidationException` for an index, or for tags that cannot be; the engine's.
pub(super) fn tag_resource(
    database: &Database,
    request: TagResourceRequest,
) -> Result<TagResourceResponse, DynoxideError> {
    check_is_no_index(request.resource_arn.as_deref())?;
    check_tags(&request.tags)?;
    if request.tags.is_empty() {
        return database.tag_resource(request);
    }
    let resource_arn = request.resource_arn.clone();
    database.list_tags_of_resource(ListTagsOfResourceRequest { resource_arn }).map_err(|error| match error {
        DynoxideError::AccessDeniedException(_) => DynoxideError::ResourceNotFoundException(format!(
            "Requested resource not found: ResourcArn: {} not found",
            request.resource_arn.as_deref().unwrap_or_default()
        )),
        other => other,
    })?;
    let arn = request.resource_arn.unwrap_or_default();
    let table = arn.split_once(":table/").map_or("", |(_, table)| table);
    database.storage.set_tags(table.split('/').next().unwrap_or(table), &request.tags)?;
    Ok(TagResourceResponse {})
}

/// Runs an UntagResource.
///
/// # Errors
/// `ValidationException` for an index; the engine's.
pub(super) fn untag_resource(
    database: &Database,
    request: UntagResourceRequest,
) -> Result<UntagResourceResponse, DynoxideError> {
    check_is_no_index(request.resource_arn.as_deref())?;
    database.untag_resource(request)
}

/// Checks the tags that a table is to be created with.
///
/// # Errors
/// `ValidationException` if there are too many, or one cannot be.
pub(super) fn check_of_new_table(tags: Option<&Vec<Tag>>) -> Result<(), DynoxideError> {
    let tags = tags.map(Vec::as_slice).unwrap_or_default();
    check_tags(tags)?;
    if tags.len() > MAX_TAGS { Err(invalid("Too many tags: tag limit is 50")) } else { Ok(()) }
}

/// Checks that an ARN is not an index's: only tables have tags.
///
/// # Errors
/// `ValidationException` if it is.
pub(super) fn check_is_no_index(arn: Option<&str>) -> Result<(), DynoxideError> {
    match arn.filter(|arn| arn.contains("/index/")) {
        None => Ok(()),
        Some(arn) => Err(invalid(&format!(
            "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
        ))),
    }
}

fn check_tags(tags: &[Tag]) -> Result<(), DynoxideError> {
    let is_taken = |c: char| c.is_alphanumeric() || c.is_whitespace() || SIGNS.contains(c);
    for (at, tag) in (1..).zip(tags) {
        for (member, text) in [("key", &tag.key), ("value", &tag.value)] {
            if !text.chars().all(is_taken) {
                return Err(DynoxideError::ValidationException(format!(
                    "1 validation error detected: Value '{text}' at 'tags.{at}.member.{member}' failed to satisfy \
                     constraint: Member must satisfy regular expression pattern: ^([\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*)$"
                )));
            }
        }
        if tag.key.is_empty() || tag.key.chars().count() > MAX_KEY {
            return Err(invalid("Tag key must be between 1 and 128 characters"));
        }
        if tag.value.chars().count() > MAX_VALUE {
            return Err(invalid("Tag value must be between 0 and 256 characters"));
        }
    }
    Ok(())
}

fn invalid(reason: &str) -> DynoxideError {
    DynoxideError::ValidationException(format!("One or more parameter values were invalid: {reason}"))
}
