//! The cost of a write to the table and each of its indexes.

use std::sync::Arc;

use super::item_size::{attribute_size, write_units};
use super::partition_key::PartitionKey;
use super::units::CapacityUnits;

/// The properties of an item that determine the cost of writing it.
pub trait Item {
    /// The name of each attribute and the size of its value.
    fn attribute_sizes(&self) -> impl Iterator<Item = (&str, usize)>;

    /// The bytes of an attribute that can be a key: those of a string, of a binary value, or of a number in a canonical
    /// form. `None` if the item has no such attribute.
    fn key_bytes(&self, name: &str) -> Option<&[u8]>;

    /// Whether both items have the same value for the attribute, or both have none. The order of a set makes no
    /// difference.
    fn same_value(&self, other: &Self, name: &str) -> bool;

    /// The item's size by DynamoDB's rules.
    fn size(&self) -> usize {
        self.attribute_sizes().map(|(name, value_size)| attribute_size(name, value_size)).sum()
    }
}

/// The attributes that an index holds in addition to its own key and the table's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// `ALL`.
    All,
    /// `KEYS_ONLY`.
    KeysOnly,
    /// `INCLUDE`, with the names in `NonKeyAttributes`.
    Include(Vec<String>),
}

/// The capacity that an index uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexScope {
    /// A global secondary index has its own.
    Global,
    /// A local secondary index uses the table's.
    Local,
}

/// The properties of a secondary index that determine the cost of writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its name.
    pub name: Arc<str>,
    /// The capacity that it uses.
    pub scope: IndexScope,
    /// The attributes of its partition key: one, or up to four in a global index.
    pub partition_key: Vec<String>,
    /// The attributes of its sort key: none, one, or up to four in a global index.
    pub sort_key: Vec<String>,
    /// The attributes of the table's key, which every index holds.
    pub table_key: Vec<String>,
    /// The other attributes that it holds.
    pub projection: Projection,
}

/// One write to one global secondary index: an entry put, changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexWrite {
    /// The index's name.
    pub index: Arc<str>,
    /// The value of the index's partition key.
    pub key: PartitionKey,
    /// Its cost to the index.
    pub units: CapacityUnits,
}

/// The cost of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteCost {
    /// The cost to the table, for the item and its entries in local indexes.
    pub table: CapacityUnits,
    /// The cost to global indexes. An item whose index key changes is two writes to that index.
    pub indexes: Vec<IndexWrite>,
}

impl WriteCost {
    /// The cost of a write that affects no global index.
    pub fn of_table(table: CapacityUnits) -> Self {
        Self { table, indexes: Vec::new() }
    }

    /// The cost to the named index.
    pub fn of_index(&self, name: &str) -> CapacityUnits {
        self.indexes.iter().filter(|write| &*write.index == name).map(|write| write.units).sum()
    }
}

/// Whether a write is part of a transaction, which determines its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A single write or one in a batch: batches have no cost of their own.
    Standard,
    /// In a transaction: twice the cost to the table. Documented: Developer Guide, "DynamoDB transactions: how it
    /// works". The cost to indexes is unchanged. Measured: by dynoxide's project.
    Transactional,
}

/// The cost of a put, an update (`old` and `new`) or a delete (only `old`). `None` means no such item.
///
/// Before the write, the old item is usually unknown. With `old: None` this is then the estimate for admission, and the
/// real cost is settled afterwards.
///
/// The table is charged for the larger of the two, at least one unit. Documented: Developer Guide, "DynamoDB read and
/// write operations".
pub fn write_cost<I: Item>(
    indexes: &[IndexDefinition],
    old: Option<&I>,
    new: Option<&I>,
    isolation: Isolation,
) -> WriteCost {
    let size = old.map_or(0, Item::size).max(new.map_or(0, Item::size));
    let times = match isolation {
        Isolation::Standard => 1,
        Isolation::Transactional => 2,
    };
    let mut cost = WriteCost::of_table(write_units(size) * times);
    for index in indexes {
        let entries = EntryWrites::of(index, old, new);
        match index.scope {
            IndexScope::Local => cost.table += entries.units(),
            IndexScope::Global => {
                let writes = entries.0.into_iter().flatten();
                cost.indexes.extend(writes.map(|(key, units)| IndexWrite { index: index.name.clone(), key, units }));
            }
        }
    }
    cost
}

/// The cost of a write whose condition fails: the same as if it had succeeded, without the indexes. Documented:
/// Developer Guide, "DynamoDB read and write operations". Also the cost of a ConditionCheck in a transaction.
pub fn failed_condition_cost<I: Item>(old: Option<&I>, new: Option<&I>, isolation: Isolation) -> WriteCost {
    write_cost(&[], old, new, isolation)
}

/// The writes to one index that follow from one write to the table. Documented: Developer Guide, "Using Global
/// Secondary Indexes in DynamoDB", "Provisioned throughput considerations for Global Secondary Indexes". That each is
/// rounded up separately, and that an update in place costs the larger of the two entries, was measured by dynoxide's
/// project.
struct EntryWrites([Option<(PartitionKey, CapacityUnits)>; 2]);

impl EntryWrites {
    fn of<I: Item>(index: &IndexDefinition, old: Option<&I>, new: Option<&I>) -> Self {
        let old = old.and_then(|item| Entry::of(index, item));
        let new = new.and_then(|item| Entry::of(index, item));
        Self(match (old, new) {
            (None, None) => [None, None],
            (Some(entry), None) | (None, Some(entry)) => [Some(entry.write()), None],
            (Some(old), Some(new)) if !old.same_key(&new, index) => [Some(old.write()), Some(new.write())],
            (Some(old), Some(new)) if old.same_projection(&new, index) => [None, None],
            (Some(old), Some(new)) => [Some((new.key, old.write().1.max(new.write().1))), None],
        })
    }

    fn units(&self) -> CapacityUnits {
        self.0.iter().flatten().map(|(_, units)| *units).sum()
    }
}

/// An item with all attributes of the index's key. An item that lacks one is not in the index.
struct Entry<'a, I> {
    item: &'a I,
    key: PartitionKey,
    size: usize,
}

impl<'a, I: Item> Entry<'a, I> {
    fn of(index: &IndexDefinition, item: &'a I) -> Option<Self> {
        if !index.sort_key.iter().all(|name| item.key_bytes(name).is_some()) {
            return None;
        }
        let partition_key = index.partition_key.iter().map(|name| item.key_bytes(name)).collect::<Option<Vec<_>>>()?;
        let projected = item.attribute_sizes().filter(|(name, _)| index.holds(name));
        let size = projected.map(|(name, value_size)| attribute_size(name, value_size)).sum();
        Some(Self { item, key: PartitionKey::composite(partition_key), size })
    }

    fn write(&self) -> (PartitionKey, CapacityUnits) {
        (self.key, write_units(self.size))
    }

    fn same_key(&self, other: &Self, index: &IndexDefinition) -> bool {
        index.partition_key.iter().chain(&index.sort_key).all(|name| self.item.same_value(other.item, name))
    }

    fn same_projection(&self, other: &Self, index: &IndexDefinition) -> bool {
        let names = self.item.attribute_sizes().chain(other.item.attribute_sizes()).map(|(name, _)| name);
        names.filter(|name| index.holds(name)).all(|name| self.item.same_value(other.item, name))
    }
}

impl IndexDefinition {
    fn holds(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|each| each == name);
        match &self.projection {
            Projection::All => true,
            Projection::Include(included) if is_in(included) => true,
            _ => is_in(&self.partition_key) || is_in(&self.sort_key) || is_in(&self.table_key),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::limits::MAX_ITEM_SIZE;
    use super::*;

    /// Strings only: `item_size` handles other types.
    #[derive(Clone)]
    struct Strings(BTreeMap<&'static str, String>);

    impl Item for Strings {
        fn attribute_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
            self.0.iter().map(|(name, value)| (*name, value.len()))
        }

        fn key_bytes(&self, name: &str) -> Option<&[u8]> {
            self.0.get(name).map(String::as_bytes)
        }

        fn same_value(&self, other: &Self, name: &str) -> bool {
            self.0.get(name) == other.0.get(name)
        }
    }

    fn item<const N: usize>(attributes: [(&'static str, &str); N]) -> Strings {
        Strings(attributes.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
    }

    /// The lab's table: PK, GSI_1 on GSI_1_PK with bytessent, and a large attribute that no index but `ALL` holds.
    fn row(gsi_1_pk: Option<&str>, bytes_sent: &str, other: usize) -> Strings {
        let mut row = item([("PK", "request#1"), ("bytessent", bytes_sent), ("url", &"x".repeat(other))]);
        row.0.extend(gsi_1_pk.map(|key| ("GSI_1_PK", key.to_owned())));
        row
    }

    fn gsi_1(projection: Projection) -> IndexDefinition {
        IndexDefinition {
            name: "GSI_1".into(),
            scope: IndexScope::Global,
            partition_key: vec!["GSI_1_PK".to_owned()],
            sort_key: Vec::new(),
            table_key: vec!["PK".to_owned()],
            projection,
        }
    }

    fn include_bytes_sent() -> Projection {
        Projection::Include(vec!["bytessent".to_owned()])
    }

    fn units(index: &IndexDefinition, old: Option<&Strings>, new: Option<&Strings>) -> (u64, Vec<u64>) {
        let cost = write_cost(std::slice::from_ref(index), old, new, Isolation::Standard);
        (cost.table.rounded_up(), cost.indexes.iter().map(|write| write.units.rounded_up()).collect())
    }

    #[test]
    fn the_table_pays_for_the_larger_item_and_at_least_a_unit() {
        let index = gsi_1(Projection::KeysOnly);
        let (small, large) = (row(None, "1", 10), row(None, "1", 3000));
        assert_eq!(units(&index, None, Some(&small)).0, 1);
        assert_eq!(units(&index, Some(&small), Some(&large)).0, 3);
        assert_eq!(units(&index, Some(&large), Some(&small)).0, 3);
        assert_eq!(units(&index, Some(&large), None).0, 3);
        assert_eq!(units(&index, None, None).0, 1);
    }

    #[test]
    fn the_largest_item_costs_400_in_the_table_and_in_an_index_that_holds_it() {
        let mut largest = row(Some("host#a"), "1", 0);
        let rest = MAX_ITEM_SIZE - largest.size();
        largest.0.insert("url", "x".repeat(rest));
        assert_eq!(largest.size(), MAX_ITEM_SIZE);
        assert_eq!(units(&gsi_1(Projection::All), None, Some(&largest)), (400, vec![400]));
        assert_eq!(units(&gsi_1(include_bytes_sent()), None, Some(&largest)), (400, vec![1]));
    }

    #[test]
    fn entering_and_leaving_an_index_is_one_write_of_the_entry() {
        let index = gsi_1(include_bytes_sent());
        let (outside, inside) = (row(None, "1", 3000), row(Some("host#a"), &"1".repeat(1900), 3000));
        assert_eq!(units(&index, None, Some(&inside)).1, [2]);
        assert_eq!(units(&index, Some(&outside), Some(&inside)).1, [2]);
        assert_eq!(units(&index, Some(&inside), Some(&outside)).1, [2]);
        assert_eq!(units(&index, Some(&inside), None).1, [2]);
        assert!(units(&index, Some(&outside), Some(&outside)).1.is_empty());
        assert!(units(&index, None, Some(&outside)).1.is_empty());
    }

    #[test]
    fn changing_the_key_of_the_index_is_a_delete_and_a_put() {
        let old = row(Some("host#a"), &"1".repeat(1900), 0);
        let new = row(Some("host#b"), "1", 0);
        let index = gsi_1(include_bytes_sent());
        assert_eq!(units(&index, Some(&old), Some(&new)).1, [2, 1]);
        let cost = write_cost(&[index], Some(&old), Some(&new), Isolation::Standard);
        assert_eq!(cost.of_index("GSI_1"), CapacityUnits::new(3));
        assert_eq!(cost.indexes[0].key, PartitionKey::new(b"host#a"));
        assert_eq!(cost.indexes[1].key, PartitionKey::new(b"host#b"));
    }

    #[test]
    fn a_change_costs_the_index_only_if_it_is_projected() {
        let old = row(Some("host#a"), &"1".repeat(1900), 10);
        let (other_url, other_bytes) = (row(Some("host#a"), &"1".repeat(1900), 20), row(Some("host#a"), "1", 10));
        for (projection, url_changes, bytes_change) in [
            (include_bytes_sent(), vec![], vec![2]),
            (Projection::KeysOnly, vec![], vec![]),
            (Projection::All, vec![2], vec![2]),
        ] {
            let index = gsi_1(projection);
            assert_eq!(units(&index, Some(&old), Some(&other_url)).1, url_changes);
            assert_eq!(units(&index, Some(&old), Some(&other_bytes)).1, bytes_change);
            assert!(units(&index, Some(&old), Some(&old)).1.is_empty());
        }
    }

    #[test]
    fn a_sort_key_of_the_index_counts_as_its_key() {
        let mut index = gsi_1(Projection::KeysOnly);
        index.sort_key.push("bytessent".to_owned());
        let (old, new) = (row(Some("host#a"), "1", 0), row(Some("host#a"), "2", 0));
        assert_eq!(units(&index, Some(&old), Some(&new)).1, [1, 1]);
        let without = item([("PK", "request#1"), ("GSI_1_PK", "host#a")]);
        assert!(units(&index, None, Some(&without)).1.is_empty());
    }

    #[test]
    fn removing_a_projected_attribute_is_a_change() {
        let index = gsi_1(include_bytes_sent());
        let mut without = row(Some("host#a"), "1", 0);
        without.0.remove("bytessent");
        assert_eq!(units(&index, Some(&row(Some("host#a"), "1", 0)), Some(&without)).1, [1]);
        assert_eq!(units(&index, Some(&without), Some(&row(Some("host#a"), "1", 0))).1, [1]);
    }

    #[test]
    fn a_local_index_is_paid_by_the_table() {
        let local = IndexDefinition { scope: IndexScope::Local, ..gsi_1(include_bytes_sent()) };
        assert_eq!(units(&local, None, Some(&row(Some("a"), "1", 0))), (2, vec![]));
    }

    #[test]
    fn a_transaction_doubles_the_price_in_the_table_only() {
        let (old, new) = (row(Some("host#a"), "1", 1500), row(Some("host#b"), "1", 0));
        let cost = write_cost(&[gsi_1(Projection::All)], Some(&old), Some(&new), Isolation::Transactional);
        assert_eq!((cost.table.rounded_up(), cost.of_index("GSI_1").rounded_up()), (4, 3));
    }

    #[test]
    fn a_failed_condition_costs_as_if_it_had_held_but_nothing_in_indexes() {
        let (old, new) = (row(Some("host#a"), "1", 300 * 1024 - 100), row(Some("host#b"), "1", 310 * 1024 - 100));
        assert_eq!(
            failed_condition_cost(Some(&old), Some(&new), Isolation::Standard),
            WriteCost::of_table(CapacityUnits::new(310))
        );
        assert_eq!(failed_condition_cost::<Strings>(None, None, Isolation::Transactional).table, CapacityUnits::new(2));
    }
}
