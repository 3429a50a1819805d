//! RegisterScalableTarget and DeregisterScalableTarget.

use serde_json::{Value, json};

use super::super::{ScalableTarget, SuspendedState, TargetId};
use super::error::Error;
use super::input::{Input, LONGEST};
use super::{Context, TargetNames, description};

const MAX_CAPACITY: i64 = i32::MAX as i64;

/// The role that AWS creates automatically.
const ROLE: &str = "aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable";

pub(super) fn register(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let names = TargetNames::read_all(input)?;
    let min = input.integer("MinCapacity", i64::MIN, MAX_CAPACITY)?;
    let max = input.integer("MaxCapacity", i64::MIN, MAX_CAPACITY)?;
    let role = input.text("RoleARN", LONGEST)?;
    let tags = input.map("Tags")?;
    let suspended = input.structure("SuspendedState", |state| {
        Ok([
            state.bool("DynamicScalingInSuspended")?,
            state.bool("DynamicScalingOutSuspended")?,
            state.bool("ScheduledScalingSuspended")?,
        ])
    })?;
    input.check()?;
    let id = names.target()?;
    check_resource(&id, context)?;
    let mut target = match context.auto_scaling.target(&id) {
        Some(existing) => existing.clone(),
        None => {
            let (Some(min), Some(max)) = (min, max) else {
                return Err(Error::validation(
                    "MinCapacity and MaxCapacity must be specified when a new scalable target is registered",
                ));
            };
            new_target(id, min, max, context)
        }
    };
    target.min = min.unwrap_or(target.min);
    target.max = max.unwrap_or(target.max);
    if target.min < 1 {
        return Err(Error::validation("Minimum capacity cannot be less than 1"));
    }
    if target.max < target.min {
        return Err(Error::validation("Maximum capacity cannot be less than minimum capacity"));
    }
    if let Some(role) = role {
        target.role_arn = role.to_owned();
    }
    if let Some(tags) = tags {
        target.tags.extend(tags);
    }
    if let Some([scale_in, scale_out, scheduled]) = suspended {
        let old = target.suspended;
        target.suspended = SuspendedState {
            scale_in: scale_in.unwrap_or(old.scale_in),
            scale_out: scale_out.unwrap_or(old.scale_out),
            scheduled: scheduled.unwrap_or(old.scheduled),
        };
    }
    let answer = json!({ "ScalableTargetARN": target.arn });
    context.auto_scaling.register(target);
    Ok(answer)
}

fn new_target(id: TargetId, min: u64, max: u64, context: &Context<'_>) -> ScalableTarget {
    let name = (context.new_id)().replace('-', "");
    ScalableTarget {
        id,
        arn: format!(
            "arn:aws:application-autoscaling:{}:{}:scalable-target/{name}",
            context.region,
            crate::identifiers::ACCOUNT
        ),
        min,
        max,
        role_arn: format!("arn:aws:iam::{}:role/{ROLE}", crate::identifiers::ACCOUNT),
        created: context.view.now,
        suspended: SuspendedState::default(),
        tags: Default::default(),
        last_scale_out: None,
        last_scale_in: None,
    }
}

fn check_resource(id: &TargetId, context: &Context<'_>) -> Result<(), Error> {
    if !context.throttling {
        return Err(Error::validation(
            "This server was started with --no-throttle: it counts no capacity, so there is nothing to scale.",
        ));
    }
    let table = context.view.tables.iter().find(|(name, _)| **name == *id.table);
    let Some((_, table)) = table else {
        return Err(Error::validation(format!("DynamoDB table does not exist: table/{}", id.table)));
    };
    match &id.index {
        Some(name) if !table.indexes.iter().any(|index| *index.name == **name) => {
            Err(Error::validation(format!("DynamoDB index does not exist: {}", id.resource_id())))
        }
        _ => Ok(()),
    }
}

pub(super) fn deregister(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let names = TargetNames::read_all(input)?;
    input.check()?;
    let id = names.target()?;
    if context.auto_scaling.deregister(context.view.now, &id, context.alarms) {
        Ok(json!({}))
    } else {
        Err(Error::not_found(format!("No scalable target found for {}", description(&id))))
    }
}
