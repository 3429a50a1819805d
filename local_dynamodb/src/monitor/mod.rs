//! The monitor page: what the Monitor tab of the AWS console shows of a table, live, with explanations.
//!
//! The page is [`asset`]s: files of the folder `page`, embedded in the binary, that load nothing from elsewhere. They ask
//! for the [`report`] once a second, in which [`situation`] has gathered how each table is doing and [`explanation`] says
//! it, and for the [`items`] of a table when someone wants to see them.

mod asset;
mod automation;
mod explanation;
pub(crate) mod items;
mod report;
mod situation;

pub(crate) use asset::{Asset, HEADERS};
pub(crate) use automation::Automatic;
pub(crate) use report::json;
