use std::num::NonZeroU32;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::streams::records_of;
use crate::support::eventually;
use crate::support::json::{done, refused, sum, table, with};
use crate::{message, refusal};

fn specify(table: &str, attribute: &str, enabled: bool) -> Value {
    json!({"TableName": table, "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": enabled}})
}

fn enable(server: &LocalDynamoDb, table: &str) {
    done(server, "UpdateTimeToLive", specify(table, "expires", true));
}

#[expect(clippy::disallowed_methods, reason = "a client compares the expiry with the time of day")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn keys(server: &LocalDynamoDb, scan: Value) -> Vec<String> {
    let items = done(server, "Scan", scan)["Items"].as_array().unwrap().clone();
    let mut keys: Vec<_> = items.iter().map(|item| item["PK"]["S"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

#[test]
fn expired_items_are_deleted_with_their_index_entries_and_outside_the_capacity() {
    let server = with(|options| {
        options.ttl_delay = Duration::ZERO;
        options.capacity.starting_burst = Duration::from_secs(300);
    });
    table(&server, "logfile", 5, Some(5));
    let stream = json!({"StreamEnabled": true, "StreamViewType": "OLD_IMAGE"});
    done(&server, "UpdateTable", json!({"TableName": "logfile", "StreamSpecification": stream}));
    let put = |key: &str, expires: Value| {
        let item = json!({"PK": {"S": key}, "GSI_1_PK": {"S": "g"}, "expires": expires});
        done(&server, "PutItem", json!({"TableName": "logfile", "Item": item}));
    };
    let number = |seconds: u64| json!({"N": seconds.to_string()});
    put("expired", number(now() - 10));
    put("expires later", number(now() + 3_600));
    put("expired as text", json!({"S": (now() - 10).to_string()}));
    put("expired six years ago", number(now() - 6 * 366 * 86_400));
    put("fraction", json!({"N": format!("{}.5", now() - 10)}));
    enable(&server, "logfile");
    let before = sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]);
    let left = ["expired as text", "expired six years ago", "expires later"];
    eventually(|| (keys(&server, json!({"TableName": "logfile"})) == left).then_some(()));
    assert_eq!(keys(&server, json!({"TableName": "logfile", "IndexName": "GSI_1"})), left);
    eventually(|| (sum(&server, "TimeToLiveDeletedItemCount", &["logfile"]) == 2.0).then_some(()));
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]), before);

    // The client's own deletion is not the service's.
    done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "expires later"}}}));
    let removals: Vec<_> =
        records_of(&server, "logfile").into_iter().filter(|each| each["eventName"] == "REMOVE").collect();
    let service = json!({"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"});
    let identities: Vec<_> = removals.iter().map(|each| each.get("userIdentity")).collect();
    assert_eq!(identities, [Some(&service), Some(&service), None]);
    assert!(removals[0]["dynamodb"]["OldImage"]["expires"].is_object());
}

#[test]
fn items_expire_on_the_servers_clock_and_stay_for_the_delay() {
    let server = with(|options| {
        options.speed = NonZeroU32::new(1_000).unwrap();
        options.ttl_delay = Duration::from_secs(600);
    });
    table(&server, "logfile", 0, None);
    enable(&server, "logfile");
    let item = json!({"PK": {"S": "a"}, "expires": {"N": (now() + 1_800).to_string()}});
    done(&server, "PutItem", json!({"TableName": "logfile", "Item": item}));
    assert_eq!(keys(&server, json!({"TableName": "logfile"})), ["a"]);
    eventually(|| keys(&server, json!({"TableName": "logfile"})).is_empty().then_some(()));
}

#[test]
fn a_change_that_changes_nothing_is_refused() {
    let server = with(|_| {});
    table(&server, "logfile", 0, None);
    let refusal = |attribute: &str, enabled| {
        let (kind, error) = refused(&server, "UpdateTimeToLive", specify("logfile", attribute, enabled));
        assert_eq!(kind, "ValidationException");
        message(&error).to_owned()
    };
    assert_eq!(refusal("expires", false), "TimeToLive is already disabled");
    enable(&server, "logfile");
    assert_eq!(refusal("expires", true), "TimeToLive is already enabled");
    let other = "TimeToLive is active on a different AttributeName: current AttributeName is expires";
    assert_eq!((refusal("other", true), refusal("other", false)), (other.into(), other.into()));
    let described = done(&server, "DescribeTimeToLive", json!({"TableName": "logfile"}));
    let expected = json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"});
    assert_eq!(described["TimeToLiveDescription"], expected);
    done(&server, "UpdateTimeToLive", specify("logfile", "expires", false));
    done(&server, "UpdateTimeToLive", specify("logfile", "other", true));
}

#[test]
fn a_specification_that_cannot_be_is_refused() {
    let server = with(|_| {});
    table(&server, "logfile", 0, None);
    let name = |length: usize| specify("logfile", &"x".repeat(length), true);
    for (length, constraint) in [(0, "greater than or equal to 1"), (256, "less than or equal to 255")] {
        let refusal = refusal(&server, "UpdateTimeToLive", name(length));
        assert!(refusal.starts_with("ValidationException: 1 validation error detected: "), "{refusal}");
        assert!(refusal.ends_with(&format!("Member must have length {constraint}")), "{refusal}");
    }
    for (specification, kind) in [
        (json!({"Enabled": true}), "ValidationException"),
        (json!({"AttributeName": "expires"}), "ValidationException"),
        (json!({"AttributeName": "expires", "Enabled": "yes"}), "SerializationException"),
        (json!({"AttributeName": 3, "Enabled": true}), "SerializationException"),
    ] {
        let request = json!({"TableName": "logfile", "TimeToLiveSpecification": specification});
        assert_eq!(refused(&server, "UpdateTimeToLive", request).0, kind, "{specification}");
    }
    let absent = refusal(&server, "UpdateTimeToLive", specify("absent", "expires", true));
    assert!(absent.starts_with("ResourceNotFoundException: "), "{absent}");
    done(&server, "UpdateTimeToLive", name(255));
}
