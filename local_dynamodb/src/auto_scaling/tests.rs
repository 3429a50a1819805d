//! Tables, alarms and policies together, minute by minute, without a server.

#![allow(clippy::needless_pass_by_value, reason = "requests are written as literals")]

use capacity::{CapacityState, CapacityUnits, IndexState};

use super::*;

/// A table `logfile` with an index `GSI_1`, of which the write capacity is scaled as a server would.
struct World {
    minute: u64,
    table_wcu: u64,
    index_wcu: u64,
    auto_scaling: AutoScaling,
    alarms: Alarms,
    metrics: Metrics,
    /// What each UpdateTable asked for, with the minute.
    steps: Vec<(u64, u64)>,
    outcome: Outcome,
}

const TABLE: &str = "table/logfile";
const INDEX: &str = "table/logfile/index/GSI_1";

impl World {
    fn new() -> Self {
        Self {
            minute: 30_000_000,
            table_wcu: 10,
            index_wcu: 10,
            auto_scaling: AutoScaling::default(),
            alarms: Alarms::default(),
            metrics: Metrics::default(),
            steps: Vec::new(),
            outcome: Outcome::Accepted,
        }
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.minute * 60)
    }

    fn tables(&self) -> Vec<(Arc<str>, TableState)> {
        let state = |units| CapacityState {
            provisioned: Some(units),
            balance: Some(0),
            ceiling: Some(0),
            maximum: None,
            warm: units,
            consumed: CapacityUnits::default(),
        };
        let index = IndexState {
            name: "GSI_1".into(),
            write: state(self.index_wcu),
            read: state(7),
            backlog: 0,
            backlog_units: CapacityUnits::default(),
            backlog_limit: 0,
        };
        vec![("logfile".into(), TableState { write: state(self.table_wcu), read: state(8), indexes: vec![index] })]
    }

    fn call(&mut self, operation: &str, request: Value) -> (u16, Value) {
        let tables = self.tables();
        let now = self.now();
        let mut context = api::Context {
            view: View { now, tables: &tables, metrics: &self.metrics },
            auto_scaling: &mut self.auto_scaling,
            alarms: &mut self.alarms,
            region: "us-east-1",
            throttling: true,
            new_id: crate::identifiers::uuid,
        };
        let (status, body) = api::run(operation, request.to_string().as_bytes(), &mut context);
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn done(&mut self, operation: &str, request: Value) -> Value {
        let (status, answer) = self.call(operation, request);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn refused(&mut self, operation: &str, request: Value) -> (String, String) {
        let (status, answer) = self.call(operation, request);
        assert_eq!(status, 400, "{answer}");
        (answer["__type"].as_str().unwrap().into(), answer["Message"].as_str().unwrap().into())
    }

    fn scaled(resource: &str, min: u64, max: u64, target: f64) -> Self {
        let mut world = Self::new();
        world.done("RegisterScalableTarget", register(resource, json!({ "MinCapacity": min, "MaxCapacity": max })));
        world.done("PutScalingPolicy", policy(resource, json!({ "TargetValue": target })));
        world
    }

    /// A minute in which this many units are consumed, and what happens at its end.
    fn pass(&mut self, units: u64) {
        let (table, index): (Arc<str>, Arc<str>) = ("logfile".into(), "GSI_1".into());
        let within = self.now() + Duration::from_secs(30);
        for index in [None, Some(&index)] {
            self.metrics.consumed(within, Access::Write, &table, index, CapacityUnits::new(units));
        }
        let minute = self.minute;
        self.minute += 1;
        let (now, tables) = (self.now(), self.tables());
        let view = View { now, tables: &tables, metrics: &self.metrics };
        self.auto_scaling.advance(&view, &mut self.alarms);
        self.alarms.evaluate(minute, &self.metrics);
        for adjustment in self.auto_scaling.plan(&view, &self.alarms) {
            if self.outcome == Outcome::Accepted {
                self.steps.push((self.minute - 30_000_000, adjustment.to));
                let wcu = if adjustment.target.index.is_some() { &mut self.index_wcu } else { &mut self.table_wcu };
                *wcu = adjustment.to;
            }
            let outcome = self.outcome.clone();
            self.auto_scaling.settle(now, crate::identifiers::uuid(), adjustment, &outcome);
        }
    }
}

fn register(resource: &str, more: Value) -> Value {
    let kind = if resource == TABLE { "table" } else { "index" };
    let mut request = json!({
        "ServiceNamespace": "dynamodb", "ResourceId": resource,
        "ScalableDimension": format!("dynamodb:{kind}:WriteCapacityUnits"),
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn policy(resource: &str, tracking: Value) -> Value {
    let mut configuration = json!({
        "PredefinedMetricSpecification": { "PredefinedMetricType": "DynamoDBWriteCapacityUtilization" },
    });
    configuration.as_object_mut().unwrap().extend(tracking.as_object().unwrap().clone());
    register(
        resource,
        json!({
            "PolicyName": "half", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        }),
    )
}

#[test]
fn a_load_is_followed_up_and_down() {
    for resource in [TABLE, INDEX] {
        let mut world = World::scaled(resource, 5, 100, 50.0);
        // 20 units a second, of 10 that there are: the burst is there for that.
        (0..5).for_each(|_| world.pass(20 * 60));
        assert_eq!(world.steps, [(2, 40)], "{resource}: two minutes above the target");
        (0..30).for_each(|_| world.pass(4 * 60));
        assert_eq!(world.steps, [(2, 40), (20, 8)], "{resource}: fifteen minutes far below it");
        let activities = world.done("DescribeScalingActivities", json!({ "ServiceNamespace": "dynamodb" }));
        let [down, up] = &activities["ScalingActivities"].as_array().unwrap()[..] else { panic!("{activities}") };
        assert_eq!(
            (&up["Description"], &up["StatusCode"]),
            (&json!("Setting write capacity units to 40."), &json!("Successful"))
        );
        let cause = down["Cause"].as_str().unwrap();
        assert!(
            cause.starts_with(&format!("monitor alarm TargetTracking-{resource}-AlarmLow-"))
                && cause.ends_with(" in state ALARM triggered policy half"),
            "{cause}"
        );
        assert_eq!(
            up["StatusMessage"],
            "Successfully set write capacity units to 40. Change successfully fulfilled by dynamodb."
        );
    }
}

/// As in AWS, the capacity stays when consumption becomes zero: alarms on DynamoDB's metrics keep their state without data.
#[test]
fn nothing_is_scaled_in_when_nothing_is_consumed() {
    let mut world = World::scaled(TABLE, 5, 100, 50.0);
    (0..2).for_each(|_| world.pass(20 * 60));
    (0..100).for_each(|_| world.pass(0));
    assert_eq!(world.steps, [(2, 40)]);
}

#[test]
fn limits_are_applied_at_once_and_suspended_directions_rest() {
    let mut world = World::new();
    world.done("RegisterScalableTarget", register(TABLE, json!({ "MinCapacity": 20, "MaxCapacity": 30 })));
    world.pass(0);
    assert_eq!(world.steps, [(1, 20)]);
    let suspended = json!({ "SuspendedState": { "DynamicScalingOutSuspended": true } });
    world.done("RegisterScalableTarget", register(TABLE, suspended));
    world.done("PutScalingPolicy", policy(TABLE, json!({ "TargetValue": 70 })));
    (0..5).for_each(|_| world.pass(50 * 60));
    assert_eq!(world.steps.len(), 1);
    let resumed = json!({ "SuspendedState": { "DynamicScalingOutSuspended": false } });
    world.done("RegisterScalableTarget", register(TABLE, resumed));
    world.pass(50 * 60);
    assert_eq!(world.steps, [(1, 20), (7, 30)]);
    world.done("RegisterScalableTarget", register(TABLE, json!({ "MaxCapacity": 25 })));
    (0..2).for_each(|_| world.pass(0));
    assert_eq!(world.steps.last(), Some(&(8, 25)));
    let activities =
        world.done("DescribeScalingActivities", json!({ "ServiceNamespace": "dynamodb", "MaxResults": 1 }));
    assert_eq!(activities["ScalingActivities"][0]["Cause"], "maximum capacity was set to 25");
    assert_eq!(activities["NextToken"], "1");
}

#[test]
fn what_update_table_refuses_is_one_failed_activity_and_what_is_in_use_none() {
    let mut world = World::scaled(TABLE, 5, 100, 50.0);
    world.outcome = Outcome::InUse;
    (0..4).for_each(|_| world.pass(20 * 60));
    assert_eq!(world.auto_scaling.activities().count(), 0);
    world.outcome = Outcome::Refused("Subscriber limit exceeded".into());
    (0..4).for_each(|_| world.pass(20 * 60));
    let all: Vec<_> = world.auto_scaling.activities().map(|each| (each.status, &*each.message)).collect();
    let message = "Failed to set write capacity units to 40. Reason: Failed updating table: Subscriber limit exceeded";
    assert_eq!(all, [(Status::Failed, message)]);
}

#[test]
fn a_policy_has_the_alarms_of_aws_and_they_follow_the_capacity() {
    let mut world = World::scaled(TABLE, 5, 100, 70.0);
    let answer = world.done("DescribeScalingPolicies", json!({ "ServiceNamespace": "dynamodb" }));
    let policy_json = &answer["ScalingPolicies"][0];
    let kinds = ["AlarmHigh", "AlarmLow", "ProvisionedCapacityHigh", "ProvisionedCapacityLow"];
    let alarms = policy_json["Alarms"].as_array().unwrap();
    for (alarm, kind) in alarms.iter().zip(kinds) {
        assert!(alarm["AlarmName"].as_str().unwrap().starts_with(&format!("TargetTracking-table/logfile-{kind}-")));
    }
    assert_eq!(alarms.len(), 4);
    let thresholds = |world: &World| world.alarms.iter().map(|alarm| alarm.definition.threshold).collect::<Vec<_>>();
    assert_eq!(thresholds(&world), [420.0, 300.0, 10.0, 10.0]);
    world.table_wcu = 20;
    world.pass(0);
    assert_eq!(thresholds(&world), [840.0, 600.0, 20.0, 20.0]);

    // Put again, it keeps its identity; without scaling in it has no lower alarm.
    world.done("PutScalingPolicy", policy(TABLE, json!({ "TargetValue": 70, "DisableScaleIn": true })));
    let again = world.done("DescribeScalingPolicies", json!({ "ServiceNamespace": "dynamodb" }));
    assert_eq!(again["ScalingPolicies"][0]["PolicyARN"], policy_json["PolicyARN"]);
    assert_eq!((&again["ScalingPolicies"][0]["Alarms"][0], world.alarms.iter().count()), (&alarms[0], 3));
    world.done("DeregisterScalableTarget", register(TABLE, json!({})));
    assert!(world.alarms.is_empty() && world.auto_scaling.policies().is_empty());
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_aws() {
    let mut world = World::new();
    let kind = |kind: &str, message: &str| (kind.to_owned(), message.to_owned());
    let validation = |message: &str| kind("ValidationException", message);
    assert_eq!(
        world.refused("RegisterScalableTarget", json!({ "ServiceNamespace": "dynamo", "ResourceId": "" })),
        validation(&format!(
            "3 validation errors detected: Value 'dynamo' at 'serviceNamespace' failed to satisfy constraint: Member must \
             satisfy enum value set: [{}]; Value '' at 'resourceId' failed to satisfy constraint: Member must have length \
             greater than or equal to 1; Value null at 'scalableDimension' failed to satisfy constraint: Member must not be \
             null",
            "ecs, elasticmapreduce, ec2, appstream, dynamodb, rds, sagemaker, custom-resource, comprehend, lambda, \
             cassandra, kafka, elasticache, neptune, workspaces"
        ))
    );
    let limits = json!({ "MinCapacity": 5, "MaxCapacity": 10 });
    let mut other = register(TABLE, limits.clone());
    other["ResourceId"] = json!("table/other");
    assert_eq!(
        world.refused("RegisterScalableTarget", other),
        validation("DynamoDB table does not exist: table/other")
    );
    assert_eq!(
        world.refused("RegisterScalableTarget", register(TABLE, json!({ "MinCapacity": 5, "MaxCapacity": 4 }))),
        validation("Maximum capacity cannot be less than minimum capacity")
    );
    for negative in [json!({ "MinCapacity": -5, "MaxCapacity": 10 }), json!({ "MinCapacity": 5, "MaxCapacity": -10 })] {
        assert_eq!(world.refused("RegisterScalableTarget", register(TABLE, negative)).0, "ValidationException");
    }
    let mut mixed = register(TABLE, limits.clone());
    mixed["ScalableDimension"] = json!("dynamodb:index:WriteCapacityUnits");
    assert_eq!(
        world.refused("RegisterScalableTarget", mixed),
        validation("Unsupported service namespace, resource type or scalable dimension")
    );
    let about = "service namespace: dynamodb, resource ID: table/logfile, scalable dimension: \
        dynamodb:table:WriteCapacityUnits";
    assert_eq!(
        world.refused("DeregisterScalableTarget", register(TABLE, json!({}))),
        kind("ObjectNotFoundException", &format!("No scalable target found for {about}"))
    );
    assert_eq!(
        world.refused("PutScalingPolicy", policy(TABLE, json!({ "TargetValue": 50 }))).0,
        "ObjectNotFoundException"
    );
    world.done("RegisterScalableTarget", register(TABLE, limits));
    assert_eq!(
        world.refused("PutScalingPolicy", policy(TABLE, json!({}))),
        validation(
            "1 validation error detected: Value null at 'targetTrackingScalingPolicyConfiguration.targetValue' failed to \
             satisfy constraint: Member must not be null"
        )
    );
    let (_, message) =
        world.refused("PutScalingPolicy", policy(TABLE, json!({ "TargetValue": 50, "ScaleOutCooldown": -1 })));
    assert!(message.contains("Value '-1' at 'targetTrackingScalingPolicyConfiguration.scaleOutCooldown'"), "{message}");
    for value in [19.9, 90.1] {
        let (_, message) = world.refused("PutScalingPolicy", policy(TABLE, json!({ "TargetValue": value })));
        assert!(message.starts_with("Target value must be between 20 and 90"), "{message}");
    }
    world.done("PutScalingPolicy", policy(TABLE, json!({ "TargetValue": 50 })));
    let mut second = policy(TABLE, json!({ "TargetValue": 60 }));
    second["PolicyName"] = json!("other");
    assert_eq!(
        world.refused("PutScalingPolicy", second),
        validation("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
    );
    let mut gone = register(TABLE, json!({}));
    gone["PolicyName"] = json!("gone");
    assert_eq!(
        world.refused("DeleteScalingPolicy", gone),
        kind("ObjectNotFoundException", &format!("No scaling policy found for {about}, policy name: gone"))
    );
    assert_eq!(world.refused("PutScheduledAction", json!({})).0, "UnknownOperationException");
    assert_eq!(world.refused("DescribeScalableTargets", json!([])).0, "SerializationException");
}

#[test]
fn tags_are_those_of_the_target() {
    let mut world = World::new();
    let request = register(TABLE, json!({ "MinCapacity": 5, "MaxCapacity": 10, "Tags": { "a": "1" } }));
    let arn = world.done("RegisterScalableTarget", request)["ScalableTargetARN"].clone();
    world.done("TagResource", json!({ "ResourceARN": arn, "Tags": { "b": "2" } }));
    world.done("UntagResource", json!({ "ResourceARN": arn, "TagKeys": ["a"] }));
    assert_eq!(world.done("ListTagsForResource", json!({ "ResourceARN": arn })), json!({ "Tags": { "b": "2" } }));
    assert_eq!(
        world.refused("ListTagsForResource", json!({ "ResourceARN": "arn:other" })).0,
        "ResourceNotFoundException"
    );
}
