//! Lines of text: their ends, and the mark at their beginning.

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Line ends in `bytes`, which `next` follows: LF, CRLF, and CR alone, as Python's text mode counts them. Of a CRLF its LF is
/// counted, so a CR at the very end is none until it is known that no LF follows.
pub(super) fn count_lines(bytes: &[u8], next: Option<&u8>) -> u64 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
    let counts = |&at: &usize| bytes[at] == b'\n' || bytes.get(at + 1).or(next).is_some_and(|&next| next != b'\n');
    ends.filter(counts).count() as u64
}
