//! Writes the Kotlin and Swift sources of the bindings; see `make bindings`.

fn main() {
    uniffi::uniffi_bindgen_main();
}
