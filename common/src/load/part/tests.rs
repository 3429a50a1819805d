use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;

use super::*;

#[test]
fn a_part_is_one_of_so_many() {
    for text in ["0/1", "0/8", "7/8", "9999/10000"] {
        assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
    }
    for wrong in ["", "1", "8/8", "1/0", "-1/8", "1/", "/8", "1/8/2", "one/two", " 1/8"] {
        assert!(wrong.parse::<Part>().is_err(), "{wrong}");
    }
    assert_eq!(Part::new(12, 100).unwrap().fill_in("{part}/report-{part}.json"), "12/report-12.json");
}

fn of(variables: &[(&str, &str)]) -> Result<String, String> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    Part::from_environment(|name| variables.get(name).map(|&value| value.to_owned())).map(|part| part.to_string())
}

#[test]
fn the_engines_name_a_part() {
    assert_eq!(of(&[("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "8")]), Ok("3/8".into()));
    assert_eq!(of(&[("JOB_COMPLETION_INDEX", "0"), ("LOAD_PARTS", "2")]), Ok("0/2".into()));
    let slurm = |id, count, first, step| {
        of(&[
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", count),
            ("SLURM_ARRAY_TASK_MIN", first),
            ("SLURM_ARRAY_TASK_STEP", step),
        ])
    };
    assert_eq!(slurm("3", "8", "0", "1"), Ok("3/8".into()));
    assert_eq!(slurm("40", "4", "10", "10"), Ok("3/4".into()));
    // --array=1,2,7 has no step.
    assert!(slurm("7", "3", "1", "1").unwrap_err().contains("SLURM_ARRAY_TASK_ID=7"));
    assert!(slurm("25", "4", "10", "10").is_err() && slurm("5", "4", "10", "10").is_err());
    assert!(slurm("3", "8", "0", "0").is_err());
}

#[test]
fn half_of_a_part_is_none() {
    for (one, other) in [
        ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
        ("JOB_COMPLETION_INDEX", "LOAD_PARTS"),
        ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
    ] {
        for (there, missing) in [(one, other), (other, one)] {
            let error = of(&[(there, "1")]).unwrap_err();
            assert!(error.starts_with(there) && error.contains(missing), "{error}");
        }
    }
    assert!(of(&[]).unwrap_err().contains("AWS_BATCH_JOB_ARRAY_INDEX"));
    assert!(of(&[("JOB_COMPLETION_INDEX", "x"), ("LOAD_PARTS", "2")]).unwrap_err().contains("\"x\""));
    assert!(of(&[("JOB_COMPLETION_INDEX", "2"), ("LOAD_PARTS", "2")]).is_err());
    let two = [
        ("JOB_COMPLETION_INDEX", "0"),
        ("LOAD_PARTS", "2"),
        ("AWS_BATCH_JOB_ARRAY_INDEX", "0"),
        ("AWS_BATCH_JOB_ARRAY_SIZE", "2"),
    ];
    assert!(of(&two).unwrap_err().contains("more than one engine"));
}

fn hash(schema: &KeySchema, attributes: &[(&str, AttributeValue)]) -> u64 {
    let mut hasher = KeyHasher::new(schema.clone());
    attributes.iter().for_each(|(name, value)| hasher.value(name, value));
    hasher.hash()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

/// These are also in docs/scale.md. Another hash would let parts of one load write the same key, and lose others.
#[test]
fn the_hash_never_changes() {
    const DOCUMENTATION: &str = include_str!("../../../../docs/scale.md");
    let alone = KeySchema::partition("PK");
    let both = KeySchema { sort: Some("SK".into()), ..alone.clone() };
    for (value, expected) in [
        (text("request#1"), 0x6713_7872_d916_348b),
        (text("request#2"), 0x39f5_7e7c_f293_8a79),
        (text(""), 0xe4f8_f62a_c9ec_895a),
        (number("15"), 0xbc9d_165c_cdb9_bc4c),
        (AttributeValue::B(Blob::new(*b"\x00\xff")), 0xd99b_90a5_cb56_76d3),
    ] {
        let found = hash(&alone, &[("PK", value.clone()), ("other", text("x"))]);
        assert_eq!(found, expected, "{value:?}: {found:016x}");
        assert!(DOCUMENTATION.contains(&format!("{found:016x}")), "{value:?}: {found:016x}");
    }
    let found = hash(&both, &[("SK", number("-1.5")), ("PK", text("a"))]);
    assert_eq!(found, 0xff78_4e17_2a6c_ce0c, "{found:016x}");
    assert!(DOCUMENTATION.contains(&format!("{found:016x}")));
}

#[test]
fn keys_tell_types_and_parts_apart() {
    let schema = KeySchema { partition: "p".into(), sort: Some("s".into()) };
    let hash = |p, s| hash(&schema, &[("p", p), ("s", s)]);
    assert_ne!(hash(text("a"), text("bc")), hash(text("ab"), text("c")));
    assert_ne!(hash(text("1"), text("1")), hash(text("1"), number("1")));
    let mut in_parts = KeyHasher::new(KeySchema::partition("p"));
    let mut hashes = [&["request#", "12"][..], &["request#12"], &["request", "#", "12"]].map(|parts| {
        in_parts.clear();
        in_parts.string("p", parts);
        in_parts.hash()
    });
    hashes.sort_unstable();
    assert_eq!(hashes[0], hashes[2]);
}

#[test]
fn numbers_that_dynamodb_holds_equal_are_the_same_key() {
    for (same, plain) in [
        (&["15", "015", "+15", "15.0", "1.5E1", "150e-1", "0.0015E4"][..], "15"),
        (&["-1.5", "-01.50", "-15e-1"], "-1.5"),
        (&["0", "-0.0", "0E5", "00"], "0"),
        (&["0.05", "5e-2", ".05"], "0.05"),
        (&["1500", "15e2"], "1500"),
    ] {
        same.iter().for_each(|text| assert_eq!(plain_number(text), plain, "{text}"));
    }
    assert_eq!(plain_number("1E125"), format!("1{}", "0".repeat(125)));
}

#[test]
fn parts_are_even() {
    for count in [2, 3, 7, 64] {
        let mut rows = vec![0_u32; count as usize];
        let mut hasher = KeyHasher::new(KeySchema::partition("PK"));
        for id in 0..100_000 {
            hasher.string("PK", &["request#", &(id * 2000).to_string()]);
            let hash = hasher.hash();
            (0..count)
                .filter(|&index| Part::new(index, count).unwrap().has(hash))
                .for_each(|index| rows[index as usize] += 1);
        }
        let even = 100_000 / count;
        assert!(rows.iter().all(|&rows| rows.abs_diff(even) < even / 10), "{rows:?}");
        assert_eq!(rows.iter().sum::<u32>(), 100_000, "each key belongs to one part");
    }
}
