//! Where in a request something is, as DynamoDB writes it: `requestItems.logfile.member.keys`.

/// A step into the JSON text.
enum Step {
    Object { key: Option<String> },
    List { index: usize },
}

/// The path of what ends or stands at the line and column in which serde's `message` about `body` ends; empty at the top.
pub(super) fn at_position(message: &str, body: &str) -> Option<String> {
    let (line, column) = message.rsplit_once(" at line ")?.1.split_once(" column ")?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.trim().parse().ok()?);
    let before: usize = body.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    Some(written(&steps_to(body.as_bytes().get(..before + column)?)))
}

/// The path of the first string `text` in `body`.
pub(super) fn of_text(text: &str, body: &str) -> Option<String> {
    let quoted = format!("\"{text}\"");
    let end = body.find(&quoted)? + quoted.len();
    Some(written(&steps_to(&body.as_bytes()[..end])))
}

/// `path` and its member `name`.
pub(super) fn member(path: &str, name: &str) -> String {
    if path.is_empty() { lower_camel(name) } else { format!("{path}.{}", lower_camel(name)) }
}

/// The steps to the end of `text`, the start of a JSON text: if it ends with a closing bracket, to what is closed there.
fn steps_to(text: &[u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut string: Option<Vec<u8>> = None;
    let mut last_string = Vec::new();
    let mut bytes = text.iter().copied().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (&mut string, byte) {
            (Some(open), b'\\') => {
                open.push(byte);
                open.extend(bytes.next().map(|(_, escaped)| escaped));
            }
            (Some(_), b'"') => last_string = string.take().unwrap_or_default(),
            (Some(open), _) => open.push(byte),
            (None, b'"') => string = Some(Vec::new()),
            (None, b'{') => steps.push(Step::Object { key: None }),
            (None, b'[') => steps.push(Step::List { index: 1 }),
            (None, b':') => {
                if let Some(Step::Object { key }) = steps.last_mut() {
                    *key = Some(String::from_utf8_lossy(&last_string).into_owned());
                }
            }
            (None, b',') => match steps.last_mut() {
                Some(Step::List { index }) => *index += 1,
                Some(Step::Object { key }) => *key = None,
                None => {}
            },
            (None, b'}' | b']') if at + 1 == text.len() => {
                // What is closed here is meant, not its last member.
                steps.pop();
            }
            (None, b'}' | b']') => drop(steps.pop()),
            _ => {}
        }
    }
    steps
}

fn written(steps: &[Step]) -> String {
    let mut path = String::new();
    let mut in_map = false;
    for step in steps {
        let part = match step {
            Step::Object { key: None } => continue,
            Step::Object { key: Some(key) } if in_map => format!("{key}.member"),
            Step::Object { key: Some(key) } => lower_camel(key),
            Step::List { index } => format!("{index}.member"),
        };
        // The only map by names of the client's in which anything can be missing.
        in_map = !in_map && part == "requestItems";
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&part);
    }
    path
}

fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(body: &str, needle: &str) -> String {
        let column = body.find(needle).unwrap() + needle.len();
        at_position(&format!("some error at line 1 column {column}"), body).unwrap()
    }

    #[test]
    fn paths_are_written_as_dynamodb_writes_them() {
        let batch = r#"{"RequestItems":{"a,\"}":{"Keys":[]},"t":{"ConsistentRead":true}}}"#;
        assert_eq!(path(batch, "true}"), "requestItems.t.member");
        let transaction = r#"{"TransactItems":[{"Put":{}},{"Get":{"Key":{}}}]}"#;
        assert_eq!(path(transaction, r#""Get":{"Key":{}}"#), "transactItems.2.member.get");
        assert_eq!(path(transaction, r#""Put":{}"#), "transactItems.1.member.put");
        assert_eq!(path(r#"{"KeySchema":[{"KeyType":"X"}]}"#, r#""X""#), "keySchema.1.member.keyType");
        assert_eq!(path("{}", "{}"), "");
        assert_eq!(member("", "TableName"), "tableName");
        assert_eq!(member("requestItems.t.member", "Keys"), "requestItems.t.member.keys");
        assert_eq!(at_position("no position", "{}"), None);
    }
}
