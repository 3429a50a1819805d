//! Identifiers in ARNs and responses.

/// The account in ARNs, as the engine has it.
pub(crate) const ACCOUNT: &str = "000000000000";

/// An identifier that nothing else has.
pub(crate) fn uuid() -> String {
    let (high, low) = (fastrand::u64(..), fastrand::u64(..));
    let parts = [high >> 32, high >> 16 & 0xffff, high & 0x0fff | 0x4000, low >> 48 & 0x3fff | 0x8000];
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", parts[0], parts[1], parts[2], parts[3], low & 0xffff_ffff_ffff)
}
