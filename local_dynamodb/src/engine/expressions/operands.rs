//! Functions and operators of conditions with operands that they do not take.
//!
//! In which order DynamoDB reports several errors is known from dynalite's tests, which were recorded against DynamoDB: first
//! functions in the whole expression, then each condition in turn.

use dynoxide::AttributeValue;

use super::condition::{Call, Condition, Element, Operand};
use super::{Names, Values};
use crate::engine::ordering::{check_bounds, is_ordered};

/// Operands of an `IN`. Source: Developer Guide, "Comparison operator and function reference".
const MAX_IN_OPERANDS: usize = 100;
const TYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

/// Checks a condition; without `values`, all but the types of operands.
pub(super) fn check(condition: &Condition<'_>, names: &Names, values: Option<&Values>) -> Result<(), String> {
    let mut clauses = Vec::new();
    collect(condition, &mut clauses);
    clauses.iter().copied().try_for_each(check_names)?;
    clauses.iter().copied().try_for_each(check_use)?;
    clauses.iter().copied().try_for_each(|clause| {
        let checks = Checks { names, values };
        checks
            .clause(clause)
            .map_err(|error| values.and_then(|values| undefined(clause, names, values)).unwrap_or(error))
    })
}

/// The conditions that stand between `AND`, `OR` and `NOT`.
pub(super) fn collect<'c, 'a>(condition: &'c Condition<'a>, clauses: &mut Vec<&'c Condition<'a>>) {
    match condition {
        Condition::Joined(_, terms) => terms.iter().for_each(|term| collect(term, clauses)),
        Condition::Not(inner) => collect(inner, clauses),
        clause => clauses.push(clause),
    }
}

pub(super) fn operands<'c, 'a>(clause: &'c Condition<'a>) -> &'c [Operand<'a>] {
    match clause {
        Condition::Operator(_, operands) | Condition::Function(Call { operands, .. }) => operands,
        Condition::Joined(..) | Condition::Not(_) => &[],
    }
}

/// The names of functions are case-sensitive.
fn check_names(clause: &Condition<'_>) -> Result<(), String> {
    fn check(call: &Call<'_>) -> Result<(), String> {
        if expected_operands(call.function).is_none() {
            return Err(format!("Invalid function name; function: {}", call.function));
        }
        check_operands(&call.operands)
    }
    fn check_operands(operands: &[Operand<'_>]) -> Result<(), String> {
        operands.iter().try_for_each(|operand| if let Operand::Call(call) = operand { check(call) } else { Ok(()) })
    }
    if let Condition::Function(call) = clause { check(call) } else { check_operands(operands(clause)) }
}

fn expected_operands(function: &str) -> Option<usize> {
    match function {
        "attribute_exists" | "attribute_not_exists" | "size" => Some(1),
        "attribute_type" | "begins_with" | "contains" => Some(2),
        _ => None,
    }
}

/// `size` is an operand and no condition; the other functions are conditions and no operands.
fn check_use(clause: &Condition<'_>) -> Result<(), String> {
    let misused = operands(clause).iter().find_map(|operand| match operand {
        Operand::Call(call) if call.function != "size" => Some(call.function),
        _ => None,
    });
    let misused = match clause {
        Condition::Function(Call { function: "size", .. }) => Some("size"),
        _ => misused,
    };
    misused.map_or(Ok(()), |function| {
        Err(format!("The function is not allowed to be used this way in an expression; function: {function}"))
    })
}

/// The first name or value of a condition that the request does not define.
fn undefined(clause: &Condition<'_>, names: &Names, values: &Values) -> Option<String> {
    let is_defined =
        |name: &str| !name.starts_with('#') || names.as_ref().is_some_and(|names| names.contains_key(name));
    operands(clause).iter().find_map(|operand| match operand {
        Operand::Path(path) => path.iter().find_map(|element| match element {
            Element::Name(name) if !is_defined(name) => Some(format!(
                "An expression attribute name used in the document path is not defined; attribute name: {name}"
            )),
            _ => None,
        }),
        Operand::Value(value) if !values.contains_key(*value) => {
            Some(format!("An expression attribute value used in expression is not defined; attribute value: {value}"))
        }
        _ => None,
    })
}

struct Checks<'v> {
    names: &'v Names,
    values: Option<&'v Values>,
}

impl Checks<'_> {
    fn clause(&self, clause: &Condition<'_>) -> Result<(), String> {
        for operand in operands(clause) {
            if let Operand::Call(call) = operand {
                self.call(call)?;
            }
        }
        match clause {
            Condition::Function(call) => self.call(call),
            Condition::Operator("IN", operands) if operands.len() > 1 + MAX_IN_OPERANDS => {
                let count = operands.len() - 1;
                Err(format!("The IN operator is provided with too many operands; number of operands: {count}"))
            }
            Condition::Operator("BETWEEN", operands) => self.between(operands),
            Condition::Operator(operator, operands) if operands.len() == 2 => {
                self.check_distinct(operator, operands)?;
                if operator.starts_with(['<', '>']) && *operator != "<>" {
                    operands.iter().try_for_each(|operand| self.check_ordered(operator, operand))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn call(&self, Call { function, operands }: &Call<'_>) -> Result<(), String> {
        if expected_operands(function) != Some(operands.len()) {
            return Err(format!(
                "Incorrect number of operands for operator or function; operator or function: {function}, number of \
                 operands: {}",
                operands.len()
            ));
        }
        self.check_distinct(function, operands)?;
        let incorrect = |kind: &str| Err(incorrect_type(function, kind));
        match (*function, &operands[..]) {
            ("attribute_exists" | "attribute_not_exists", [Operand::Value(_) | Operand::Call(_)]) => {
                Err(format!("Operator or function requires a document path; operator or function: {function}"))
            }
            ("size", [operand]) => match self.type_of(operand) {
                Some(kind @ ("N" | "BOOL" | "NULL")) => incorrect(kind),
                _ => Ok(()),
            },
            ("begins_with", _) => match operands.iter().find_map(|operand| self.type_of(operand)) {
                Some("S" | "B") | None => Ok(()),
                Some(kind) => incorrect(kind),
            },
            ("attribute_type", [_, kind]) => match (kind, self.value(kind)) {
                (Operand::Value(_), None) => Ok(()),
                (_, Some(AttributeValue::S(kind))) if TYPES.contains(&kind.as_str()) => Ok(()),
                (_, Some(AttributeValue::S(kind))) => Err(format!(
                    "Invalid attribute type name found; type: {kind}, valid types: {{{}}}",
                    TYPES.join(",")
                )),
                (_, Some(value)) => incorrect(value.type_name()),
                (_, None) => incorrect("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
            },
            _ => Ok(()),
        }
    }

    fn between(&self, operands: &[Operand<'_>]) -> Result<(), String> {
        operands.iter().try_for_each(|operand| self.check_ordered("BETWEEN", operand))?;
        match (self.value(&operands[1]), self.value(&operands[2])) {
            (Some(lower), Some(upper)) => check_bounds(lower, upper),
            _ => Ok(()),
        }
    }

    fn check_ordered(&self, operator: &str, operand: &Operand<'_>) -> Result<(), String> {
        match self.value(operand) {
            Some(value) if !is_ordered(value) => Err(incorrect_type(operator, value.type_name())),
            _ => Ok(()),
        }
    }

    /// Two operands must not be the same attribute.
    fn check_distinct(&self, operator: &str, operands: &[Operand<'_>]) -> Result<(), String> {
        let [Operand::Path(first), Operand::Path(second)] = operands else { return Ok(()) };
        let resolved =
            |path: &[Element<'_>]| -> Vec<String> { path.iter().map(|element| self.resolved(*element)).collect() };
        let first = resolved(first);
        if first != resolved(second) {
            return Ok(());
        }
        Err(format!(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \
             {operator}, first operand: [{}]",
            first.join(", ")
        ))
    }

    fn resolved(&self, element: Element<'_>) -> String {
        match element {
            Element::Name(name) => {
                self.names.as_ref().and_then(|names| names.get(name)).map_or(name, String::as_str).into()
            }
            Element::Index(index) => format!("[{index}]"),
        }
    }

    fn value(&self, operand: &Operand<'_>) -> Option<&AttributeValue> {
        match operand {
            Operand::Value(name) => self.values?.get(*name),
            Operand::Path(_) | Operand::Call(_) => None,
        }
    }

    fn type_of(&self, operand: &Operand<'_>) -> Option<&'static str> {
        match operand {
            Operand::Path(_) => None,
            Operand::Value(_) => self.value(operand).map(AttributeValue::type_name),
            Operand::Call(_) => Some("N"),
        }
    }
}

fn incorrect_type(operator: &str, kind: &str) -> String {
    format!("Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}")
}
