//! Data that is no text, or text in another encoding, by its first bytes.

use super::{WrongFormat, wrong};

/// What begins so, and what is to be done with it.
const MAGICS: [(&[u8], &str, &str); 17] = [
    (b"PK\x03\x04", "a zip archive", "unpack it: unzip -p FILE | load_logfile TABLE -"),
    // Of what was compressed once, nothing is left to be seen here.
    (b"\x1f\x8b", "compressed twice", "unpack it: zcat FILE | load_logfile TABLE -"),
    (b"\x28\xb5\x2f\xfd", "compressed twice", "unpack it: zstd -dc FILE | load_logfile TABLE -"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x -so FILE | load_logfile TABLE -"),
    (b"Rar!", "a rar archive", "unpack it: unrar p -inul FILE | load_logfile TABLE -"),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "unpack it: lz4 -dc FILE | load_logfile TABLE -"),
    (b"\xff\x06\0\0sNaPpY", "compressed with snappy", "unpack it: snzip -dc FILE | load_logfile TABLE -"),
    (b"\x1f\x9d", "compressed with compress", "unpack it: zcat FILE | load_logfile TABLE -"),
    (b"PAR1", "a Parquet file", "convert it to CSV or JSON Lines first, with duckdb for instance"),
    (b"ORC", "an ORC file", "convert it to CSV or JSON Lines first"),
    (b"Obj\x01", "an Avro file", "convert it to JSON Lines first: avro-tools tojson FILE"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export its table: sqlite3 -csv FILE 'SELECT …' | load_logfile TABLE -",
    ),
    (b"LZIP", "compressed with lzip", "unpack it: lzip -dc FILE | load_logfile TABLE -"),
    (b"\x5d\0\0", "compressed with lzma", "unpack it: xz -dc FILE | load_logfile TABLE -"),
    (b"%PDF-", "a PDF document", "name a log file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Microsoft Office", "save it as CSV first"),
    (b"ElfFile\0", "a Windows event log", "convert it to CSV first: Get-WinEvent -Path FILE | Export-Csv"),
];

/// Archives and other data that are no text.
pub(in crate::input) fn of_bytes(head: &[u8]) -> Option<WrongFormat> {
    if head.starts_with(b"PK\x03\x04") && (contains(head, b"[Content_Types].xml") || contains(head, b"xl/")) {
        return wrong("an Excel workbook (xlsx)", "save it as CSV UTF-8 first");
    }
    if let Some((_, found, advice)) = MAGICS.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return wrong(*found, *advice);
    }
    if head.get(257..262) == Some(b"ustar") {
        return wrong("a tar archive", "unpack it: tar -xOf FILE | load_logfile TABLE -");
    }
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).take(32).filter(|byte| **byte == 0).count();
    let pairs = (head.len() / 2).min(32);
    // With a mark of its own, it is read as UTF-16 whose every second character is NUL.
    let is_utf32 = head.starts_with("\u{feff}\0".as_bytes()) || head.starts_with(b"\0\0\xfe\xff");
    if is_utf32 || pairs > 3 && zeros(0).abs_diff(pairs / 2) < 2 && zeros(1) == pairs {
        return wrong("UTF-32", "convert it: iconv -f UTF-32 -t UTF-8 FILE | load_logfile TABLE -");
    }
    if let Some(name) = utf16(head) {
        return wrong(
            format!("{name} without a byte-order mark"),
            format!("convert it: iconv -f {name} -t UTF-8 FILE | load_logfile TABLE -"),
        );
    }
    match () {
        () if is_binary(head) => wrong(
            "binary data, not text",
            "name a log file; if it is compressed or encrypted in another way, unpack it first: COMMAND FILE | load_logfile TABLE -",
        ),
        () if head.starts_with(b"\0") => wrong(
            "a file that begins with NUL bytes",
            "it may have been written while the disk was full or the machine went down; remove them: tr -d '\\0' < FILE | load_logfile TABLE -",
        ),
        () => None,
    }
}

/// The name of UTF-16 text that has no byte-order mark. In every script, ASCII characters stand in a log: digits, punctuation, line ends.
/// One byte of each of them is NUL, always the first or always the second, and other text has none.
fn utf16(head: &[u8]) -> Option<&'static str> {
    let pairs = head.len() / 2;
    let nuls = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (name, unit): (_, fn([u8; 2]) -> u16) = match (nuls(0), nuls(1)) {
        (0, ascii) if 8 * ascii >= pairs => ("UTF-16LE", u16::from_le_bytes),
        (ascii, 0) if 8 * ascii >= pairs => ("UTF-16BE", u16::from_be_bytes),
        _ => return None,
    };
    let is_text = |c: char| !c.is_control() || c.is_whitespace();
    let units: Vec<u16> = head.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    // The second of the last pair of surrogates may be cut off.
    let whole = match &units[..] {
        [whole @ .., 0xd800..=0xdbff] => whole,
        all => all,
    };
    // Text with a few NULs in it.
    let is_ascii = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let mut wide = head.chunks_exact(2).filter(|pair| !pair.contains(&0)).peekable();
    if wide.peek().is_some() && wide.all(|pair| pair.iter().all(is_ascii)) {
        return None;
    }
    let is_utf16 = pairs > 1 && char::decode_utf16(whole.iter().copied()).all(|decoded| decoded.is_ok_and(is_text));
    is_utf16.then_some(name)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// Whether bytes are neither UTF-8 nor text in an older encoding, which has no control characters other than white space and escapes.
/// One in ten random bytes is one.
fn is_binary(head: &[u8]) -> bool {
    // The last character may be cut off.
    let is_utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    let controls = head.iter().filter(|byte| is_control(byte)).count();
    !is_utf8 && controls * 50 > head.len()
}
