//! One worker's part of an import: its rows go to the disk, and then the last one of each key to the objects.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::figures::Figures;
use super::part_file::{PartFile, Written};
use super::shared::Shared;
use super::spill::{Spill, SpillContents, SpillFile};
use crate::batch_writer::{Settled, Turn};
use crate::load::LoadError;
use crate::load::request::{Origin, Request};
use crate::load::sink::Sink;

/// One worker's share of an import.
pub(in crate::load) struct ImportSink {
    shared: Arc<Shared>,
    /// Bytes for the rows that are being sorted.
    memory: usize,
    step: Step,
    json: Vec<u8>,
    settled: Vec<Settled<Arc<Origin>>>,
    figures: Figures,
    error: Option<LoadError>,
}

enum Step {
    /// Rows arrive.
    Filling(Spill),
    /// All rows are on the disk; the last row of each key is written, file by file.
    Sorting {
        files: Vec<SpillFile>,
        object: Option<PartFile>,
    },
    Done,
    Stopped,
}

impl ImportSink {
    pub(super) fn new(shared: Arc<Shared>, memory: usize, spill: Spill) -> Self {
        Self {
            shared,
            memory,
            step: Step::Filling(spill),
            json: Vec::new(),
            settled: Vec::new(),
            figures: Figures::default(),
            error: None,
        }
    }

    fn push(&mut self, request: Request) -> Result<(), LoadError> {
        let Step::Filling(spill) = &mut self.step else { return Ok(()) };
        self.json.clear();
        request.push_item_json(&mut self.json);
        spill.add(request.key().hash(), &self.json).map_err(|error| self.shared.io_error(error))?;
        self.figures.add_row(request.item_size(), &self.json, &self.shared.indexes);
        self.settled.push(Settled::Written(request.tag));
        Ok(())
    }

    /// The next file; `false` when that was the last one.
    fn sort_next(&mut self) -> Result<bool, LoadError> {
        let shared = Arc::clone(&self.shared);
        let io_error = |error| shared.io_error(error);
        let Step::Sorting { files, object } = &mut self.step else { return Ok(false) };
        let Some(file) = files.pop() else {
            let last = object.take();
            self.written(last)?;
            return Ok(false);
        };
        let rows = match file.take(&shared.schema, self.memory).map_err(io_error)? {
            SpillContents::LastRows(rows) => rows,
            SpillContents::Divided(into) => {
                files.extend(into);
                return Ok(true);
            }
        };
        let mut full = Vec::new();
        for (_, row) in &rows {
            let mut part = match object.take() {
                Some(part) => part,
                None => {
                    let number = shared.next.fetch_add(1, Ordering::Relaxed);
                    PartFile::create(&shared.work.path, number).map_err(io_error)?
                }
            };
            part.add(row).map_err(io_error)?;
            if part.is_full() {
                full.push(part);
            } else {
                *object = Some(part);
            }
        }
        if let Some((_, row)) = rows.into_iter().next() {
            shared.state().item.get_or_insert(row);
        }
        full.into_iter().try_for_each(|part| self.written(Some(part)))?;
        Ok(true)
    }

    fn written(&mut self, part: Option<PartFile>) -> Result<(), LoadError> {
        let Some(part) = part else { return Ok(()) };
        let Written { path, items, bytes } = part.finish().map_err(|error| self.shared.io_error(error))?;
        self.figures += Figures { items, bytes, objects: 1, ..Figures::default() };
        Ok(self.shared.deliver(&path)?)
    }

    fn begin_sorting(&mut self) -> Result<(), LoadError> {
        if let Step::Filling(spill) = std::mem::replace(&mut self.step, Step::Stopped) {
            let files = spill.finish().map_err(|error| self.shared.io_error(error))?;
            self.step = Step::Sorting { files, object: None };
        }
        Ok(())
    }

    fn fail(&mut self, error: LoadError) {
        self.error.get_or_insert(error);
        self.step = Step::Stopped;
    }
}

impl Sink for ImportSink {
    /// Always: rows are on the disk before this is called again.
    fn has_room(&self) -> bool {
        true
    }

    fn push_all(&mut self, requests: Vec<Request>) {
        for request in requests {
            if let Err(error) = self.push(request) {
                return self.fail(error);
            }
        }
    }

    fn close(&mut self) {
        if let Err(error) = self.begin_sorting() {
            self.fail(error);
        }
    }

    fn stop(&mut self) {
        self.step = Step::Stopped;
    }

    async fn turn(&mut self) -> Turn {
        // Lets other futures run between two files.
        tokio::task::yield_now().await;
        match self.step {
            Step::Filling(_) => return Turn::NeedsInput,
            Step::Stopped => return Turn::Stopped,
            Step::Done => return Turn::Done,
            Step::Sorting { .. } => {}
        }
        match self.sort_next() {
            Ok(true) => Turn::Progress,
            Ok(false) => {
                self.shared.state().figures += std::mem::take(&mut self.figures);
                self.step = Step::Done;
                Turn::Done
            }
            Err(error) => {
                self.fail(error);
                Turn::Stopped
            }
        }
    }

    fn take_settled(&mut self) -> Vec<Settled<Arc<Origin>>> {
        std::mem::take(&mut self.settled)
    }

    fn take_error(&mut self) -> Option<LoadError> {
        self.error.take()
    }
}
