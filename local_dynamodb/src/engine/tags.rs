//! Tags of tables. The engine takes any character in them, takes the ARN of an index for its table's, and creates a table
//! before it finds that the table cannot have its tags.

use dynoxide::DynoxideError;
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
/// `ValidationException` for an index, or for characters that a tag cannot have; the engine's.
pub(super) fn tag_resource(
    database: &Database,
    request: TagResourceRequest,
) -> Result<TagResourceResponse, DynoxideError> {
    check_is_no_index(request.resource_arn.as_deref())?;
    check_characters(&request.tags)?;
    database.tag_resource(request)
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
/// `ValidationException` if there are too many, or one is too long or has other characters.
pub(super) fn check_of_new_table(tags: Option<&Vec<Tag>>) -> Result<(), DynoxideError> {
    let tags = tags.map(Vec::as_slice).unwrap_or_default();
    check_characters(tags)?;
    let refusal = if tags.len() > MAX_TAGS {
        "Too many tags: tag limit is 50"
    } else if tags.iter().any(|tag| tag.key.is_empty() || tag.key.chars().count() > MAX_KEY) {
        "Tag key must be between 1 and 128 characters"
    } else if tags.iter().any(|tag| tag.value.chars().count() > MAX_VALUE) {
        "Tag value must be between 0 and 256 characters"
    } else {
        return Ok(());
    };
    Err(DynoxideError::ValidationException(format!("One or more parameter values were invalid: {refusal}")))
}

/// Checks that an ARN is not an index's: only tables have tags.
///
/// # Errors
/// `ValidationException` if it is.
pub(super) fn check_is_no_index(arn: Option<&str>) -> Result<(), DynoxideError> {
    match arn.filter(|arn| arn.contains("/index/")) {
        None => Ok(()),
        Some(arn) => Err(DynoxideError::ValidationException(format!(
            "One or more parameter values were invalid: Invalid resource arn provided, only table or stream is accepted. \
             Provided resource arn: {arn}"
        ))),
    }
}

fn check_characters(tags: &[Tag]) -> Result<(), DynoxideError> {
    let is_taken = |c: char| c.is_alphanumeric() || c.is_whitespace() || SIGNS.contains(c);
    let texts = (1..).zip(tags).flat_map(|(at, tag)| [(at, "key", &tag.key), (at, "value", &tag.value)]);
    let refused = texts.into_iter().find(|(_, _, text)| !text.chars().all(is_taken));
    refused.map_or(Ok(()), |(at, member, text)| {
        Err(DynoxideError::ValidationException(format!(
            "1 validation error detected: Value '{text}' at 'tags.{at}.member.{member}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: ^([\\p{{L}}\\p{{Z}}\\p{{N}}_.:/=+\\-@]*)$"
        )))
    })
}
