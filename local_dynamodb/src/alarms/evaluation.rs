//! How CloudWatch decides the state of an alarm from the data points of its metric.
//!
//! Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data" and "Evaluating an alarm".

use super::definition::{AlarmDefinition, MissingData, StateValue};

/// How many data points more than the evaluation periods are looked at. The User Guide's examples have two more; it does
/// not say how many there are for each period.
const EXTRA_PERIODS: usize = 2;

/// How many periods, until the one that ends now, are looked at.
pub(super) fn range(definition: &AlarmDefinition) -> usize {
    definition.evaluation_periods + EXTRA_PERIODS
}

/// The state that follows from the values of the last [`range`] periods, oldest first; `None` is a period without data.
/// `None` keeps the current state.
pub(super) fn state(definition: &AlarmDefinition, values: &[Option<f64>]) -> Option<StateValue> {
    let needed = definition.datapoints_to_alarm();
    let breaches = |value: f64| definition.comparison.is_breached(value, definition.threshold);
    let real: Vec<bool> = values.iter().flatten().map(|value| breaches(*value)).collect();
    let decide = |breaching: usize| if breaching >= needed { StateValue::Alarm } else { StateValue::Ok };
    if real.len() >= definition.evaluation_periods {
        let latest = &real[real.len() - definition.evaluation_periods..];
        return Some(decide(count(latest)));
    }
    let missing = definition.evaluation_periods - real.len();
    match definition.missing_data() {
        MissingData::Breaching => Some(decide(count(&real) + missing)),
        MissingData::NotBreaching => Some(decide(count(&real))),
        MissingData::Missing if real.is_empty() => Some(StateValue::InsufficientData),
        _ if count(&real) >= needed => Some(StateValue::Alarm),
        _ if real.contains(&false) => Some(StateValue::Ok),
        // All that is known is breaching. If the oldest of it is old enough, no data point that may still come late could
        // make an alarm premature.
        MissingData::Missing => {
            let oldest = values.iter().position(Option::is_some).map_or(0, |position| values.len() - position);
            (oldest >= needed).then_some(StateValue::Alarm)
        }
        MissingData::Ignore => None,
    }
}

fn count(breaching: &[bool]) -> usize {
    breaching.iter().filter(|each| **each).count()
}

#[cfg(test)]
mod tests {
    use super::super::definition::tests::definition;
    use super::*;

    const TREATMENTS: [MissingData; 4] =
        [MissingData::Missing, MissingData::Ignore, MissingData::Breaching, MissingData::NotBreaching];

    /// Values as the User Guide writes them: `0` is not breaching, `X` is, `-` is missing.
    fn states(needed: usize, values: &str) -> [Option<StateValue>; 4] {
        let values: Vec<_> = values
            .chars()
            .map(|each| match each {
                '0' => Some(0.0),
                'X' => Some(100.0),
                _ => None,
            })
            .collect();
        TREATMENTS.map(|treatment| {
            let mut definition = definition("alarm");
            definition.metric.namespace = "local_dynamodb".into();
            definition.evaluation_periods = 3;
            definition.datapoints_to_alarm = Some(needed);
            definition.treat_missing_data = Some(treatment);
            assert_eq!(range(&definition), 5);
            state(&definition, &values)
        })
    }

    const OK: Option<StateValue> = Some(StateValue::Ok);
    const ALARM: Option<StateValue> = Some(StateValue::Alarm);
    const INSUFFICIENT: Option<StateValue> = Some(StateValue::InsufficientData);
    const RETAIN: Option<StateValue> = None;

    /// The User Guide's tables; the columns are missing, ignore, breaching, notBreaching.
    #[test]
    fn missing_data_is_treated_as_in_the_tables_of_the_user_guide() {
        for (needed, values, expected) in [
            (3, "0-X-X", [OK, OK, OK, OK]),
            (3, "0----", [OK, OK, OK, OK]),
            (3, "-----", [INSUFFICIENT, RETAIN, ALARM, OK]),
            (3, "0XX-X", [ALARM, ALARM, ALARM, ALARM]),
            (3, "--X--", [ALARM, RETAIN, ALARM, OK]),
            (2, "0-X-X", [ALARM, ALARM, ALARM, ALARM]),
            (2, "00X0X", [ALARM, ALARM, ALARM, ALARM]),
            (2, "0-X--", [OK, OK, ALARM, OK]),
            (2, "----0", [OK, OK, ALARM, OK]),
            (2, "---X-", [ALARM, RETAIN, ALARM, OK]),
        ] {
            assert_eq!(states(needed, values), expected, "{needed} of 3: {values}");
        }
    }

    #[test]
    fn an_alarm_is_not_premature() {
        assert_eq!(states(3, "----X")[0], RETAIN);
        assert_eq!(states(3, "---X-")[0], RETAIN);
        assert_eq!(states(3, "---X0")[0], OK);
    }

    /// Without gaps, an alarm is M out of N whatever missing data counts as; with gaps, it never rests on fewer breaching
    /// data points than what missing data counts as allows.
    #[test]
    fn any_values_are_evaluated_by_the_same_rules() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..20_000 {
            let mut definition = definition("alarm");
            definition.metric.namespace = "local_dynamodb".into();
            definition.evaluation_periods = random.usize(1..6);
            let needed = random.usize(1..=definition.evaluation_periods);
            definition.datapoints_to_alarm = Some(needed);
            definition.treat_missing_data = random.choice(TREATMENTS);
            let gaps = random.bool();
            let values: Vec<_> = (0..range(&definition))
                .map(|_| (!gaps || random.bool()).then(|| if random.bool() { 100.0 } else { 0.0 }))
                .collect();
            let state = state(&definition, &values);
            let breaching = |values: &[Option<f64>]| values.iter().flatten().filter(|value| **value > 50.0).count();
            if gaps {
                let nothing = values.iter().all(Option::is_none);
                assert_eq!(
                    state == INSUFFICIENT,
                    nothing && definition.missing_data() == MissingData::Missing,
                    "{values:?}"
                );
                if definition.missing_data() == MissingData::NotBreaching && state == ALARM {
                    assert!(breaching(&values) >= needed, "{values:?}");
                }
            } else {
                let latest = &values[values.len() - definition.evaluation_periods..];
                assert_eq!(state, if breaching(latest) >= needed { ALARM } else { OK }, "{values:?}");
            }
        }
    }

    #[test]
    fn metrics_of_dynamodb_ignore_missing_data_whatever_is_set() {
        for treatment in TREATMENTS {
            let mut definition = definition("alarm");
            definition.treat_missing_data = Some(treatment);
            assert_eq!(state(&definition, &[None; 5]), RETAIN);
        }
    }
}
