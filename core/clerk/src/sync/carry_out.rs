//! Carries out the engine's commands on a store: one home for the driver, tests and simulators.

use super::event::{Command, Stored};
use super::storage::{StoreResult, SyncStore};

/// Carries out one command.
pub fn carry_out(store: &mut dyn SyncStore, command: Command) -> StoreResult<Stored> {
    let done = |()| Stored::Done;
    let state = |s| Stored::State(Box::new(s));
    match command {
        Command::State => store.state().map(state),
        Command::Adopt { greeting, restored } => store.adopt(&greeting, restored).map(state),
        Command::DropScope(scope) => store.drop_scope(&scope).map(done),
        Command::BeginLoad(plan) => store.begin_load(&plan).map(done),
        Command::LoadChunk { index, chunk } => store.load_chunk(index, chunk).map(done),
        Command::FinishLoad { hub_now_ms } => store.finish_load(hub_now_ms).map(done),
        Command::AbandonLoad => store.abandon_load().map(done),
        Command::ApplyPull {
            pages,
            ack_n,
            hub_now_ms,
        } => store.apply_pull(pages, ack_n, hub_now_ms).map(done),
        Command::NextOps {
            now_ms,
            ops_max,
            bytes_max,
        } => store.next_ops(now_ms, ops_max, bytes_max).map(Stored::Ops),
        Command::RecordResults(results) => store.record_results(&results).map(done),
        Command::NoteSoloFailure { n } => store.note_solo_failure(n).map(Stored::SoloFailures),
        Command::RenumberFrom { n } => store.renumber_from(n).map(done),
        Command::Sums { scope } => store.sums(&scope).map(Stored::Sums),
        Command::ReplaceRanges { cursor, ranges } => store.replace_ranges(&cursor, ranges).map(done),
        Command::MarkRepaired { hub_now_ms } => store.mark_repaired(hub_now_ms).map(done),
        Command::Prune { hub_now_ms } => store.prune(hub_now_ms).map(done),
        Command::Lock { reason } => store.lock(&reason).map(done),
    }
}
