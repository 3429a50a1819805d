//! Application Auto Scaling's API: AWS JSON 1.1, `X-Amz-Target: AnyScaleFrontendService.OPERATION`.
//!
//! Source of members, limits and errors: Application Auto Scaling API Reference; the wording is that of the service where
//! it is known.

mod describe;
mod error;
mod input;
mod policies;
mod tags;
mod targets;

use serde_json::{Map, Value, json};

use self::error::Error;
use self::input::{Input, LONGEST};
use super::{AutoScaling, TargetId, View};
use crate::alarms::Alarms;

/// What `X-Amz-Target` begins with.
pub(crate) const TARGET_PREFIX: &str = "AnyScaleFrontendService.";

const OPERATIONS: [&str; 10] = [
    "DeleteScalingPolicy",
    "DeregisterScalableTarget",
    "DescribeScalableTargets",
    "DescribeScalingActivities",
    "DescribeScalingPolicies",
    "ListTagsForResource",
    "PutScalingPolicy",
    "RegisterScalableTarget",
    "TagResource",
    "UntagResource",
];

const NAMESPACES: [&str; 15] = [
    "ecs",
    "elasticmapreduce",
    "ec2",
    "appstream",
    "dynamodb",
    "rds",
    "sagemaker",
    "custom-resource",
    "comprehend",
    "lambda",
    "cassandra",
    "kafka",
    "elasticache",
    "neptune",
    "workspaces",
];

/// What an operation works on.
pub(crate) struct Context<'a> {
    pub(crate) view: View<'a>,
    pub(crate) auto_scaling: &'a mut AutoScaling,
    pub(crate) alarms: &'a mut Alarms,
    /// For which the request is signed.
    pub(crate) region: &'a str,
    /// Whether capacity is enforced. If not, there is nothing to scale.
    pub(crate) throttling: bool,
    /// Makes an identifier that nothing else has: a UUID.
    pub(crate) new_id: fn() -> String,
}

/// Runs an operation: the HTTP status and the JSON body of the response.
pub(crate) fn run(operation: &str, body: &[u8], context: &mut Context<'_>) -> (u16, Vec<u8>) {
    match dispatch(operation, body, context) {
        Ok(answer) => (200, answer.to_string().into_bytes()),
        Err(error) => (400, error.to_json()),
    }
}

/// The response to an unsigned request.
pub(crate) fn unsigned() -> (u16, Vec<u8>) {
    (400, Error::of("MissingAuthenticationTokenException", "Missing Authentication Token").to_json())
}

/// The response to an internal error.
pub(crate) fn internal() -> (u16, Vec<u8>) {
    (500, Error::of("InternalServiceException", "The request processing has failed").to_json())
}

fn dispatch(operation: &str, body: &[u8], context: &mut Context<'_>) -> Result<Value, Error> {
    let members: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| Error::of("SerializationException", "The request body is not a JSON object"))?;
    let mut input = Input::new(&members);
    match operation {
        "DeleteScalingPolicy" => policies::delete(&mut input, context),
        "DeregisterScalableTarget" => targets::deregister(&mut input, context),
        "DescribeScalableTargets" => describe::targets(&mut input, context),
        "DescribeScalingActivities" => describe::activities(&mut input, context),
        "DescribeScalingPolicies" => describe::policies(&mut input, context),
        "ListTagsForResource" => tags::list(&mut input, context),
        "PutScalingPolicy" => policies::put(&mut input, context),
        "RegisterScalableTarget" => targets::register(&mut input, context),
        "TagResource" => tags::tag(&mut input, context),
        "UntagResource" => tags::untag(&mut input, context),
        other => Err(Error::of(
            "UnknownOperationException",
            format!("local_dynamodb has no {other} of Application Auto Scaling. It has {}.", OPERATIONS.join(", ")),
        )),
    }
}

/// The members that say which target a request is about.
struct TargetNames<'a> {
    namespace: Option<&'a str>,
    resource_id: Option<&'a str>,
    dimension: Option<&'a str>,
}

impl<'a> TargetNames<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, Error> {
        let namespace = input.one_of("ServiceNamespace", &NAMESPACES)?;
        let namespace = input.require("ServiceNamespace", namespace);
        let resource_id = input.text("ResourceId", LONGEST)?;
        let dimension = input.text("ScalableDimension", LONGEST)?;
        Ok(Self { namespace, resource_id, dimension })
    }

    /// For operations on one target.
    fn read_all(input: &mut Input<'a>) -> Result<Self, Error> {
        let mut names = Self::read(input)?;
        names.resource_id = input.require("ResourceId", names.resource_id);
        names.dimension = input.require("ScalableDimension", names.dimension);
        Ok(names)
    }

    /// The target that all of them name. To be called when the input is checked.
    fn target(&self) -> Result<TargetId, Error> {
        let id = TargetId::parse(self.resource_id.unwrap_or_default(), self.dimension.unwrap_or_default());
        id.filter(|_| self.namespace == Some("dynamodb")).ok_or_else(unsupported)
    }

    fn matches(&self, id: &TargetId) -> bool {
        self.namespace == Some("dynamodb")
            && self.resource_id.is_none_or(|resource| resource == id.resource_id())
            && self.dimension.is_none_or(|dimension| dimension == id.dimension())
    }
}

fn unsupported() -> Error {
    Error::validation("Unsupported service namespace, resource type or scalable dimension")
}

/// `service namespace: dynamodb, resource ID: table/logfile, scalable dimension: dynamodb:table:WriteCapacityUnits`
fn description(id: &TargetId) -> String {
    format!("service namespace: dynamodb, resource ID: {}, scalable dimension: {}", id.resource_id(), id.dimension())
}

fn id_members(id: &TargetId) -> Map<String, Value> {
    let members = [
        ("ServiceNamespace", json!("dynamodb")),
        ("ResourceId", json!(id.resource_id())),
        ("ScalableDimension", json!(id.dimension())),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
