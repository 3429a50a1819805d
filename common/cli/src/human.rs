//! Numbers and times for people.

use std::time::Duration;

/// A time in the unit that suits it: `850 ms`, `75.3 s`, `12 min 5 s`, `3 h 40 min`, `11 days 8 h`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |large: u64, name: &str, small: u64, small_name: &str| {
        let name = if name == "days" && large == 1 { "day" } else { name };
        if small == 0 { format!("{large} {name}") } else { format!("{large} {name} {small} {small_name}") }
    };
    match seconds {
        0 if time < Duration::from_millis(10) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        0 => format!("{} ms", time.as_millis()),
        1..120 => format!("{:.1} s", time.as_secs_f64()),
        120..7200 => two(seconds / 60, "min", seconds % 60, "s"),
        7200..172_800 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "days", seconds % 86_400 / 3600, "h"),
    }
}

/// A whole number with commas between thousands: `1,000,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 row`, `2,000 rows`.
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A rate per second, with at least three significant digits: `26.6`, `1,234`.
pub fn rate(number: u64, time: Duration) -> String {
    let rate = number as f64 / time.as_secs_f64().max(1e-9);
    if rate < 99.95 { format!("{rate:.1}") } else { count(rate.round() as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_that_suits_them() {
        for (millis, text) in [
            (0, "0.0 ms"),
            (9, "9.0 ms"),
            (850, "850 ms"),
            (75_320, "75.3 s"),
            (120_000, "2 min"),
            (725_000, "12 min 5 s"),
            (13_200_000, "3 h 40 min"),
            (979_700_000, "11 days 8 h"),
            (172_800_000, "2 days"),
        ] {
            assert_eq!(time(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2000].map(|number| counted(number, "row")), ["0 rows", "1 row", "2,000 rows"]);
        assert_eq!(rate(2000, Duration::from_millis(75_300)), "26.6");
        assert_eq!(rate(1_000_000, Duration::from_secs(60)), "16,667");
        assert_eq!(rate(0, Duration::ZERO), "0.0");
    }
}
