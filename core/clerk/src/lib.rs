//! What a phone holds: store, search, outbox, sync engine, the facade `ClerkApp`.

pub mod sync;
