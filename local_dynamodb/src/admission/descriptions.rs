//! What descriptions of tables say that the engine does not know: warm throughput, and the maximum on demand of indexes.

use capacity::{CapacityState, TableState};
use serde_json::{Value, json};

use super::gate::AdmissionGate;
use crate::engine::OperationOutput;
use crate::ledger::Account;

impl AdmissionGate {
    /// The JSON body of a response.
    ///
    /// # Errors
    /// The output cannot be written as JSON.
    pub(crate) fn to_json(&self, output: &OperationOutput) -> serde_json::Result<Vec<u8>> {
        let (name, member) = match output {
            OperationOutput::DescribeTable(output) => (&output.table.table_name, "Table"),
            OperationOutput::CreateTable(output) => (&output.table_description.table_name, "TableDescription"),
            OperationOutput::UpdateTable(output) => (&output.table_description.table_name, "TableDescription"),
            _ => return output.to_json(),
        };
        let now = self.clock.now();
        let account = |account: &mut Account| {
            let new = account.provisioning.new_index().map(|new| (new.name.clone(), new.is_allocated(now)));
            (account.state(now), new)
        };
        let Some((state, new)) = self.ledger().table(now, name).map(account) else { return output.to_json() };
        let mut body = serde_json::from_slice(&output.to_json()?)?;
        complete(&mut body, member, &state);
        if let Some((name, is_allocated)) = new {
            let mut indexes = body[member]["GlobalSecondaryIndexes"].as_array_mut().into_iter().flatten();
            if let Some(index) = indexes.find(|index| index["IndexName"] == *name) {
                index["Backfilling"] = json!(is_allocated);
            }
        }
        serde_json::to_vec(&body)
    }
}

fn complete(body: &mut Value, member: &str, state: &TableState) {
    let table = &mut body[member];
    table["WarmThroughput"] = warm_throughput(&state.read, &state.write);
    let indexes = table.get_mut("GlobalSecondaryIndexes").and_then(Value::as_array_mut);
    for index in indexes.into_iter().flatten() {
        let Some(own) = state.indexes.iter().find(|own| index["IndexName"] == *own.name) else { continue };
        index["WarmThroughput"] = warm_throughput(&own.read, &own.write);
        if own.read.maximum.is_some() || own.write.maximum.is_some() {
            let mut maximum = json!({});
            if let Some(units) = own.read.maximum {
                maximum["MaxReadRequestUnits"] = json!(units);
            }
            if let Some(units) = own.write.maximum {
                maximum["MaxWriteRequestUnits"] = json!(units);
            }
            index["OnDemandThroughput"] = maximum;
        }
    }
}

fn warm_throughput(read: &CapacityState, write: &CapacityState) -> Value {
    json!({ "ReadUnitsPerSecond": read.warm, "WriteUnitsPerSecond": write.warm, "Status": "ACTIVE" })
}
