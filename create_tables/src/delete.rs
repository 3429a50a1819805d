//! Deletes the lab's tables.

use std::io::{self, BufRead, IsTerminal as _, Write};

use anyhow::{Context as _, Result};
use common::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use common::cli::{ErrorWithAdvice, Exit};
use common::tables::{TableDefinition, TableDescription};

use crate::difference::differences;
use crate::lab::{Lab, note, report};

/// An error for a script that needs `--yes`, because there is no terminal.
pub(crate) fn check_confirmation(confirmed: bool) -> Result<(), ErrorWithAdvice> {
    if confirmed || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(ErrorWithAdvice::new(
        "nothing was deleted: standard input is not a terminal, so the deletion cannot be confirmed",
        "in a script, confirm with --yes",
    ))
}

/// Deletes `tables` after asking and waits until they are gone.
pub(crate) async fn delete(lab: &Lab, tables: &[&'static TableDefinition], confirmed: bool) -> Result<Exit> {
    let mut existing = Vec::new();
    for &table in tables {
        match lab.describe(table.name).await? {
            None => report(format_args!("{}: does not exist, nothing to delete", table.name))?,
            Some(found) => existing.push((table, found)),
        }
    }
    if existing.is_empty() {
        return Ok(Exit::Done);
    }
    if !confirmed {
        let question = question(lab, &existing);
        if !ask(&question, &mut io::stdin().lock(), &mut io::stderr().lock())? {
            report("nothing was deleted")?;
            return Ok(Exit::Failed);
        }
    }
    for (table, found) in &existing {
        delete_one(lab, table, found).await?;
    }
    Ok(Exit::Done)
}

async fn delete_one(lab: &Lab, table: &TableDefinition, found: &TableDescription) -> Result<()> {
    use aws_sdk_dynamodb::types::TableStatus;
    if found.status != TableStatus::Deleting {
        lab.retry_while_busy(table.name, "be deleted", async || {
            match lab.client.delete_table().table_name(table.name).send().await.map_err(ServiceError::from) {
                Ok(_) => Ok(()),
                // Deleted by someone else, or by the first attempt of a request that the SDK retried.
                Err(error) if error.kind == ServiceErrorKind::NoSuchTable => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await
        .with_context(|| format!("cannot delete {}", lab.table_at(table.name)))?;
    } else {
        note(format_args!("{} is already being deleted", table.name));
    }
    lab.wait(table.name, "be gone", |found| Ok(found.is_none().then_some(()))).await?;
    report(format_args!("{}: deleted", table.name))
}

fn question(lab: &Lab, existing: &[(&TableDefinition, TableDescription)]) -> String {
    let mut question = format!("Delete from {}, with all their items:\n", lab.connection);
    for (table, found) in existing {
        question.push_str(&format!("  {} (about {} items)", table.name, found.item_count));
        if differences(table, found).iter().any(|difference| !difference.is_capacity()) {
            question.push_str(" - its definition is not the workshop's; is it yours?");
        }
        question.push('\n');
    }
    question.push_str("Type yes to delete: ");
    question
}

/// End of input means no.
fn ask(question: &str, answers: &mut impl BufRead, output: &mut impl Write) -> Result<bool> {
    write!(output, "{question}").and_then(|()| output.flush()).context("cannot ask")?;
    let mut answer = String::new();
    answers.read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_deletes() {
        for (answer, expected) in
            [("yes\n", true), ("Y\n", true), ("yes", true), ("no\n", false), ("\n", false), ("", false)]
        {
            let mut output = Vec::new();
            assert_eq!(ask("sure? ", &mut answer.as_bytes(), &mut output).unwrap(), expected, "{answer:?}");
            assert_eq!(output, b"sure? ");
        }
    }
}
