use std::sync::Arc;

use capacity::{Access, CapacityUnits};

use super::definition::tests::definition;
use super::*;

fn consume(metrics: &mut Metrics, minute: u64, units: u64) {
    let table: Arc<str> = "logfile".into();
    metrics.consumed(Duration::from_secs(minute * 60 + 30), Access::Write, &table, None, CapacityUnits::new(units));
}

#[test]
fn an_alarm_follows_its_metric_and_says_why() {
    let (mut alarms, mut metrics) = (Alarms::default(), Metrics::default());
    alarms.put(Duration::from_secs(6_000), "eu-west-1", definition("busy"));
    let mut states = Vec::new();
    for (minute, units) in (100..).zip([10, 60, 70, 80, 0, 20, 90]) {
        consume(&mut metrics, minute, units);
        alarms.evaluate(minute, &metrics);
        states.push(alarms.get("busy").unwrap().state.name());
    }
    // One minute is not enough for the two periods: the known one is not breaching.
    assert_eq!(states, ["OK", "OK", "ALARM", "ALARM", "ALARM", "OK", "OK"]);
    let alarm = alarms.get("busy").unwrap();
    assert_eq!(alarm.arn, "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:busy");
    assert_eq!(
        alarm.reason,
        "Threshold Crossed: 1 out of the last 2 datapoints [20.0 (01/01/70 01:45:00)] was not greater than the threshold \
         (50.0) (minimum 1 datapoint for ALARM -> OK transition)."
    );
    assert_eq!(alarm.transitioned, Duration::from_secs(106 * 60));
    let history: Vec<_> = alarms.history().map(|item| &*item.summary).collect();
    assert_eq!(
        history,
        [
            "Alarm updated from ALARM to OK",
            "Alarm updated from OK to ALARM",
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Alarm \"busy\" created",
        ]
    );
}

#[test]
fn longer_periods_end_with_the_minute() {
    let mut metrics = Metrics::default();
    (100..110).for_each(|minute| consume(&mut metrics, minute, minute));
    let mut definition = definition("busy");
    (definition.period_minutes, definition.evaluation_periods) = (3, 1);
    let values: Vec<_> = points(&definition, 106, &metrics).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [Some(100.0), Some(101.0 + 102.0 + 103.0), Some(104.0 + 105.0 + 106.0)]);
}

#[test]
fn a_state_that_was_set_lasts_until_the_next_evaluation() {
    let (mut alarms, mut metrics) = (Alarms::default(), Metrics::default());
    alarms.put(Duration::ZERO, "us-east-1", definition("busy"));
    assert!(alarms.set_state(Duration::ZERO, "busy", StateValue::Alarm, "a drill", None));
    assert_eq!(
        (alarms.get("busy").unwrap().state, &*alarms.get("busy").unwrap().reason),
        (StateValue::Alarm, "a drill")
    );
    assert!(!alarms.set_state(Duration::ZERO, "other", StateValue::Ok, "", None));
    consume(&mut metrics, 100, 1);
    alarms.evaluate(100, &metrics);
    assert_eq!(alarms.get("busy").unwrap().state, StateValue::Ok);
    assert!(alarms.delete(Duration::ZERO, "busy") && !alarms.delete(Duration::ZERO, "busy"));
    assert!(alarms.is_empty());
}
