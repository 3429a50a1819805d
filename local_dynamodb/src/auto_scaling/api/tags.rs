//! The tags of scalable targets.

use serde_json::{Value, json};

use super::super::ScalableTarget;
use super::Context;
use super::error::Error;
use super::input::{Input, LONGEST};

pub(super) fn list(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let arn = arn(input)?;
    input.check()?;
    Ok(json!({ "Tags": target(arn, context)?.tags }))
}

pub(super) fn tag(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let arn = arn(input)?;
    let tags = input.map("Tags")?;
    let tags = input.require("Tags", tags);
    input.check()?;
    target(arn, context)?.tags.extend(tags.unwrap_or_default());
    Ok(json!({}))
}

pub(super) fn untag(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let arn = arn(input)?;
    let keys = input.texts("TagKeys")?;
    input.check()?;
    target(arn, context)?.tags.retain(|key, _| !keys.contains(&&**key));
    Ok(json!({}))
}

fn arn<'a>(input: &mut Input<'a>) -> Result<Option<&'a str>, Error> {
    let arn = input.text("ResourceARN", LONGEST)?;
    Ok(input.require("ResourceARN", arn))
}

fn target<'a>(arn: Option<&str>, context: &'a mut Context<'_>) -> Result<&'a mut ScalableTarget, Error> {
    let arn = arn.unwrap_or_default();
    let found = context.auto_scaling.targets.iter_mut().find(|target| target.arn == arn);
    found.ok_or_else(|| Error::of("ResourceNotFoundException", format!("The resource {arn} does not exist")))
}
