//! PutScalingPolicy and DeleteScalingPolicy.

use std::ops::RangeInclusive;

use capacity::Access;
use serde_json::{Value, json};

use super::super::policy::{AlarmKind, PolicyAlarm};
use super::super::{Policy, TargetId, TargetTracking};
use super::describe::alarms_json;
use super::error::Error;
use super::input::{Input, LONGEST};
use super::{Context, TargetNames, description};

const LONGEST_NAME: usize = 256;
/// Source: DynamoDB Developer Guide, "Managing throughput capacity automatically with DynamoDB auto scaling".
const TARGET_VALUES: RangeInclusive<f64> = 20.0..=90.0;
const TRACKING: &str = "TargetTrackingScaling";

pub(super) fn put(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let name = input.text("PolicyName", LONGEST_NAME)?;
    let name = input.require("PolicyName", name);
    let names = TargetNames::read_all(input)?;
    let kind = input.one_of("PolicyType", &["StepScaling", TRACKING, "PredictiveScaling"])?;
    let tracking = input.structure("TargetTrackingScalingPolicyConfiguration", Tracking::read)?;
    input.check()?;
    let id = names.target()?;
    if context.auto_scaling.target(&id).is_none() {
        return Err(Error::not_found(format!("No scalable target registered for {}", description(&id))));
    }
    // Without a type, a policy is one of step scaling.
    if kind != Some(TRACKING) {
        let kind = kind.unwrap_or("StepScaling");
        return Err(Error::validation(format!(
            "Policy type {kind} is not supported for service namespace dynamodb: use {TRACKING}"
        )));
    }
    let Some(tracking) = tracking else {
        return Err(Error::validation(
            "TargetTrackingScalingPolicyConfiguration must be specified for policy type TargetTrackingScaling",
        ));
    };
    let tracking = tracking.check(&id)?;
    let name = name.unwrap_or_default();
    let other = context.auto_scaling.policies().iter().any(|each| each.target == id && each.name != name);
    if other {
        return Err(Error::validation(
            "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
        ));
    }
    let policy = new_policy(name, id, tracking, context);
    let answer = json!({ "PolicyARN": policy.arn, "Alarms": alarms_json(&policy) });
    context.auto_scaling.put_policy(&context.view, context.region, policy, context.alarms);
    Ok(answer)
}

/// A policy that is put again keeps its identity.
fn new_policy(name: &str, target: TargetId, tracking: TargetTracking, context: &Context<'_>) -> Policy {
    let existing = context.auto_scaling.policy(&target, name);
    let arn = existing.map(|policy| policy.arn.clone()).unwrap_or_else(|| {
        format!(
            "arn:aws:autoscaling:{}:{}:scalingPolicy:{}:resource/dynamodb/{}:policyName/{name}",
            context.region,
            crate::identifiers::ACCOUNT,
            (context.new_id)(),
            target.resource_id()
        )
    });
    let scales_in = !tracking.disable_scale_in.unwrap_or(false);
    let kinds = AlarmKind::ALL.into_iter().filter(|kind| scales_in || *kind != AlarmKind::Low);
    let alarm = |kind| {
        let kept = existing.and_then(|policy| policy.alarms.iter().find(|alarm| alarm.kind == kind));
        kept.cloned().unwrap_or_else(|| PolicyAlarm::new(kind, &target, context.region, &(context.new_id)()))
    };
    let alarms = kinds.map(alarm).collect();
    let created = existing.map_or(context.view.now, |policy| policy.created);
    Policy { name: name.to_owned(), arn, tracking, created, alarms, target }
}

/// The configuration, as far as the model's constraints check it.
struct Tracking<'a> {
    tracking: TargetTracking,
    metric: Option<&'a str>,
    customized: bool,
}

impl<'a> Tracking<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, Error> {
        let target_value = input.double("TargetValue")?;
        let target_value = input.require("TargetValue", target_value).unwrap_or_default();
        let metric = input.structure("PredefinedMetricSpecification", |metric| {
            let kind = metric.text("PredefinedMetricType", LONGEST)?;
            Ok(metric.require("PredefinedMetricType", kind))
        })?;
        let cooldown = |input: &mut Input<'a>, name| {
            let seconds = input.integer(name, 0, i32::MAX.into())?;
            Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()))
        };
        let tracking = TargetTracking {
            target_value,
            scale_out_cooldown: cooldown(input, "ScaleOutCooldown")?,
            scale_in_cooldown: cooldown(input, "ScaleInCooldown")?,
            disable_scale_in: input.bool("DisableScaleIn")?,
        };
        Ok(Self { tracking, metric: metric.flatten(), customized: input.has("CustomizedMetricSpecification") })
    }

    fn check(self, id: &TargetId) -> Result<TargetTracking, Error> {
        if self.customized {
            return Err(Error::validation(
                "local_dynamodb does not support CustomizedMetricSpecification: use PredefinedMetricSpecification",
            ));
        }
        let wanted = match id.access {
            Access::Read => "DynamoDBReadCapacityUtilization",
            Access::Write => "DynamoDBWriteCapacityUtilization",
        };
        match self.metric {
            Some(metric) if metric == wanted => {}
            Some(metric) => {
                return Err(Error::validation(format!(
                    "Predefined metric type {metric} is not supported for scalable dimension {}: use {wanted}",
                    id.dimension()
                )));
            }
            None => return Err(Error::validation("A metric specification must be specified")),
        }
        let value = self.tracking.target_value;
        if !TARGET_VALUES.contains(&value) {
            return Err(Error::validation(format!(
                "Target value must be between {:.0} and {:.0} for metric type {wanted}, and is {value}",
                TARGET_VALUES.start(),
                TARGET_VALUES.end()
            )));
        }
        Ok(self.tracking)
    }
}

pub(super) fn delete(input: &mut Input<'_>, context: &mut Context<'_>) -> Result<Value, Error> {
    let name = input.text("PolicyName", LONGEST)?;
    let name = input.require("PolicyName", name);
    let names = TargetNames::read_all(input)?;
    input.check()?;
    let (id, name) = (names.target()?, name.unwrap_or_default());
    if context.auto_scaling.delete_policy(context.view.now, &id, name, context.alarms) {
        Ok(json!({}))
    } else {
        Err(Error::not_found(format!("No scaling policy found for {}, policy name: {name}", description(&id))))
    }
}
