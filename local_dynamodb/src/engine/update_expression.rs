//! The paths in an update expression, and the part of an item at them.
//!
//! Only expressions that the engine has accepted, or will refuse, come here: what is malformed has no paths.

use std::collections::{BTreeMap, HashMap};

use dynoxide::AttributeValue;

use crate::ledger::Attributes;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clause {
    Set,
    Remove,
    Add,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// A path that an expression updates; never empty.
pub(super) type Path = Vec<Step>;

/// Each path that `expression` updates and the clause that it is in, with `names` put in for placeholders.
pub(super) fn paths(expression: &str, names: Option<&HashMap<String, String>>) -> Vec<(Clause, Path)> {
    let mut paths = Vec::new();
    let (mut clause, mut expects_path, mut depth) = (None, false, 0_usize);
    let tokens: Vec<&str> = tokens(expression).collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let keyword = match token.to_ascii_uppercase().as_str() {
            "SET" => Some(Clause::Set),
            "REMOVE" => Some(Clause::Remove),
            "ADD" => Some(Clause::Add),
            "DELETE" => Some(Clause::Delete),
            _ => None,
        };
        match (*token, keyword) {
            ("(", _) => depth += 1,
            (")", _) => depth = depth.saturating_sub(1),
            (",", _) if depth == 0 => expects_path = true,
            (_, Some(keyword)) => (clause, expects_path) = (Some(keyword), true),
            _ if expects_path => {
                expects_path = false;
                let mut path = vec![step(token, names)];
                while let (Some("." | "["), Some(next)) = (tokens.get(at).copied(), tokens.get(at + 1)) {
                    let is_index = tokens[at] == "[";
                    path.push(match next.parse() {
                        Ok(index) if is_index => Step::Index(index),
                        _ => step(next, names),
                    });
                    at += if is_index { 3 } else { 2 };
                }
                paths.extend(clause.map(|clause| (clause, path)));
            }
            _ => {}
        }
    }
    paths
}

fn step(name: &str, names: Option<&HashMap<String, String>>) -> Step {
    Step::Name(names.and_then(|names| names.get(name)).map_or(name, String::as_str).to_owned())
}

/// Names, placeholders and numbers are a token each, and so is any other character that is not a space.
pub(super) fn tokens(expression: &str) -> impl Iterator<Item = &str> {
    let mut rest = expression;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '#' | ':');
        let is_name = first.is_alphanumeric() || matches!(first, '_' | '#' | ':');
        let end = if is_name { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

/// What DynamoDB says of two paths that take the same value for a map and for a list. Paths that overlap are left to the engine.
pub(super) fn conflict(paths: &[Path]) -> Option<String> {
    let mut conflict = None;
    for (at, first) in paths.iter().enumerate() {
        for second in &paths[at + 1..] {
            match first.iter().zip(second).find(|(one, other)| one != other) {
                None => return None,
                Some((Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_))) => {
                    conflict = conflict.or(Some((first, second)));
                }
                Some(_) => {}
            }
        }
    }
    let (first, second) = conflict?;
    Some(format!(
        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: {}, path two: \
         {}",
        written(first),
        written(second)
    ))
}

fn written(path: &Path) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Name(name) => name.clone(),
        Step::Index(index) => format!("[{index}]"),
    });
    format!("[{}]", steps.collect::<Vec<_>>().join(", "))
}

/// The part of `item` at `paths`. Of a list only the elements at a path are left, in their order.
pub(super) fn part_at<'a>(item: &Attributes, paths: impl IntoIterator<Item = &'a Path>) -> Attributes {
    let mut wanted = Wanted::default();
    for path in paths {
        path.iter().fold(&mut wanted, |wanted, step| wanted.0.entry(step.clone()).or_default());
    }
    wanted.of_map(item)
}

/// What is wanted of a value: all of it if nothing is named.
#[derive(Default)]
struct Wanted(BTreeMap<Step, Wanted>);

impl Wanted {
    fn of_map(&self, map: &Attributes) -> Attributes {
        let parts = self.0.iter().filter_map(|(step, wanted)| match step {
            Step::Name(name) => Some((name.clone(), wanted.of(map.get(name)?)?)),
            Step::Index(_) => None,
        });
        parts.collect()
    }

    fn of(&self, value: &AttributeValue) -> Option<AttributeValue> {
        if self.0.is_empty() {
            return Some(value.clone());
        }
        match value {
            AttributeValue::M(map) => Some(self.of_map(map)).filter(|part| !part.is_empty()).map(AttributeValue::M),
            AttributeValue::L(list) => {
                let parts = self.0.iter().filter_map(|(step, wanted)| match step {
                    Step::Index(index) => wanted.of(list.get(*index)?),
                    Step::Name(_) => None,
                });
                Some(parts.collect::<Vec<_>>()).filter(|part| !part.is_empty()).map(AttributeValue::L)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Clause::{Add, Delete, Remove, Set};
    use serde_json::{Value, json};

    fn written(expression: &str) -> Vec<(Clause, String)> {
        let names = HashMap::from([("#set".to_owned(), "SET".to_owned()), ("#d".to_owned(), "a.b".to_owned())]);
        let text = |path: Path| {
            path.iter()
                .map(|step| match step {
                    Step::Name(name) => format!("/{name}"),
                    Step::Index(index) => format!("[{index}]"),
                })
                .collect()
        };
        paths(expression, Some(&names)).into_iter().map(|(clause, path)| (clause, text(path))).collect()
    }

    #[test]
    fn paths_are_found_in_every_clause() {
        for (expression, expected) in [
            ("SET a = :v", vec![(Set, "/a")]),
            (
                "set #set.b[0].c=if_not_exists(x, :v) + :set,#d=list_append(:a,b)",
                vec![(Set, "/SET/b[0]/c"), (Set, "/a.b")],
            ),
            (
                "REMOVE a, b[1][2] ADD n :one DELETE s.t :set",
                vec![(Remove, "/a"), (Remove, "/b[1][2]"), (Add, "/n"), (Delete, "/s/t")],
            ),
            ("SET a = b - c, d = (e)", vec![(Set, "/a"), (Set, "/d")]),
            ("", vec![]),
            ("SET", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(clause, path)| (clause, path.to_owned())).collect();
            assert_eq!(written(expression), expected, "{expression}");
        }
    }

    #[test]
    fn paths_through_the_same_value_as_a_map_and_as_a_list_conflict() {
        let conflict = |expression: &str| {
            let paths: Vec<_> = paths(expression, None).into_iter().map(|(_, path)| path).collect();
            conflict(&paths).map(|reason| reason.split_once("path one: ").unwrap().1.to_owned())
        };
        assert_eq!(conflict("SET a.b = :v, c = :v REMOVE a[1].d").unwrap(), "[a, b], path two: [a, [1], d]");
        for fine in ["SET a.b = :v, a.c = :v", "SET a[0] = :v, a[1] = :v", "SET a.b = :v, c[1] = :v"] {
            assert_eq!(conflict(fine), None, "{fine}");
        }
        assert_eq!(conflict("SET a.b = :v, a[0] = :v, a = :v"), None, "they overlap");
    }

    #[test]
    fn the_part_at_paths_holds_nothing_else() {
        let item: Attributes = serde_json::from_value(json!({
            "a": {"M": {"b": {"S": "x"}, "c": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}}}, "d": {"S": "y"},
        }))
        .unwrap();
        for (expression, expected) in [
            ("SET a.b = :v", json!({"a": {"M": {"b": {"S": "x"}}}})),
            ("SET a.c[2] = :v, a.c[0] = :v", json!({"a": {"M": {"c": {"L": [{"N": "0"}, {"N": "2"}]}}}})),
            ("SET d = :v REMOVE a.missing, a.c[7]", json!({"d": {"S": "y"}})),
            ("SET d.e = :v", json!({})),
        ] {
            let paths = paths(expression, None);
            let part = serde_json::to_value(part_at(&item, paths.iter().map(|(_, path)| path))).unwrap();
            assert_eq!(part, expected as Value, "{expression}");
        }
    }
}
