//! DescribeScalableTargets, DescribeScalingPolicies and DescribeScalingActivities.

use serde_json::{Map, Value, json};

use super::super::{Activity, Policy, ScalableTarget};
use super::error::Error;
use super::input::Input;
use super::{Context, TargetNames, id_members};

/// Elements in a response.
const MAX_RESULTS: u64 = 50;

pub(super) fn targets(input: &mut Input<'_>, context: &Context<'_>) -> Result<Value, Error> {
    let names = TargetNames::read(input)?;
    let resources = input.texts("ResourceIds")?;
    let page = Page::read(input)?;
    input.check()?;
    check_dimension(&names, &resources)?;
    let targets = context.auto_scaling.targets().iter().filter(|target| names.matches(&target.id));
    let targets = targets.filter(|target| resources.is_empty() || resources.contains(&&*target.id.resource_id()));
    page.answer("ScalableTargets", targets.map(target_json))
}

pub(super) fn policies(input: &mut Input<'_>, context: &Context<'_>) -> Result<Value, Error> {
    let names = TargetNames::read(input)?;
    let policy_names = input.texts("PolicyNames")?;
    let page = Page::read(input)?;
    input.check()?;
    check_dimension(&names, &[])?;
    let policies = context.auto_scaling.policies().iter().filter(|policy| names.matches(&policy.target));
    let policies = policies.filter(|policy| policy_names.is_empty() || policy_names.contains(&&*policy.name));
    page.answer("ScalingPolicies", policies.map(policy_json))
}

pub(super) fn activities(input: &mut Input<'_>, context: &Context<'_>) -> Result<Value, Error> {
    let names = TargetNames::read(input)?;
    // There are none that have not scaled: they are not kept.
    input.bool("IncludeNotScaledActivities")?;
    let page = Page::read(input)?;
    input.check()?;
    check_dimension(&names, &[])?;
    let activities = context.auto_scaling.activities().filter(|activity| names.matches(&activity.target));
    page.answer("ScalingActivities", activities.map(activity_json))
}

/// "If you specify a scalable dimension, you must also specify a resource ID."
fn check_dimension(names: &TargetNames<'_>, resources: &[&str]) -> Result<(), Error> {
    if names.dimension.is_some() && names.resource_id.is_none() && resources.is_empty() {
        return Err(Error::validation("If you specify a scalable dimension, you must also specify a resource ID"));
    }
    Ok(())
}

struct Page {
    first: usize,
    max: usize,
}

impl Page {
    fn read(input: &mut Input<'_>) -> Result<Self, Error> {
        let max = input.integer("MaxResults", 1, MAX_RESULTS as i64)?.unwrap_or(MAX_RESULTS);
        let first = input.text("NextToken", usize::MAX)?.map_or(Ok(0), str::parse);
        let first =
            first.map_err(|_| Error::of("InvalidNextTokenException", "The next token supplied was invalid."))?;
        Ok(Self { first, max: max as usize })
    }

    fn answer(&self, name: &str, all: impl Iterator<Item = Value>) -> Result<Value, Error> {
        let mut rest = all.skip(self.first);
        let shown: Vec<_> = rest.by_ref().take(self.max).collect();
        let mut answer = Map::from_iter([(name.to_owned(), Value::Array(shown))]);
        if rest.next().is_some() {
            answer.insert("NextToken".into(), (self.first + self.max).to_string().into());
        }
        Ok(answer.into())
    }
}

fn target_json(target: &ScalableTarget) -> Value {
    let mut members = id_members(&target.id);
    let own = json!({
        "MinCapacity": target.min,
        "MaxCapacity": target.max,
        "RoleARN": target.role_arn,
        "CreationTime": target.created.as_secs_f64(),
        "SuspendedState": {
            "DynamicScalingInSuspended": target.suspended.scale_in,
            "DynamicScalingOutSuspended": target.suspended.scale_out,
            "ScheduledScalingSuspended": target.suspended.scheduled,
        },
        "ScalableTargetARN": target.arn,
    });
    extend(&mut members, own);
    members.into()
}

fn policy_json(policy: &Policy) -> Value {
    let tracking = &policy.tracking;
    let metric = match policy.target.access {
        capacity::Access::Read => "DynamoDBReadCapacityUtilization",
        capacity::Access::Write => "DynamoDBWriteCapacityUtilization",
    };
    let mut configuration = Map::new();
    extend(
        &mut configuration,
        json!({
            "TargetValue": tracking.target_value,
            "PredefinedMetricSpecification": { "PredefinedMetricType": metric },
            "ScaleOutCooldown": tracking.scale_out_cooldown,
            "ScaleInCooldown": tracking.scale_in_cooldown,
            "DisableScaleIn": tracking.disable_scale_in,
        }),
    );
    let mut members = id_members(&policy.target);
    let own = json!({
        "PolicyARN": policy.arn,
        "PolicyName": policy.name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": configuration,
        "Alarms": alarms_json(policy),
        "CreationTime": policy.created.as_secs_f64(),
    });
    extend(&mut members, own);
    members.into()
}

pub(super) fn alarms_json(policy: &Policy) -> Value {
    policy.alarms.iter().map(|alarm| json!({ "AlarmName": alarm.name, "AlarmARN": alarm.arn })).collect()
}

fn activity_json(activity: &Activity) -> Value {
    let mut members = id_members(&activity.target);
    let own = json!({
        "ActivityId": activity.id,
        "Description": activity.description(),
        "Cause": activity.cause,
        "StartTime": activity.start.as_secs_f64(),
        "EndTime": activity.end.map(|end| end.as_secs_f64()),
        "StatusCode": activity.status.name(),
        "StatusMessage": activity.message,
    });
    extend(&mut members, own);
    members.into()
}

/// What is null is left out.
fn extend(members: &mut Map<String, Value>, own: Value) {
    if let Value::Object(own) = own {
        members.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    }
}
