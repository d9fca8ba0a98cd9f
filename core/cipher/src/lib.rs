//! The cryptography under SQLCipher: AES-256 in CBC mode, HMAC-SHA512, PBKDF2 and random bytes from Rust's
//! libraries instead of OpenSSL.
//!
//! SQLCipher calls a provider by a table of C functions and asks for it by the name
//! [`yaoban_cipher_setup`] (`SQLCIPHER_CRYPTO_CUSTOM` in `.cargo/config.toml`). The format of the files is
//! SQLCipher's own: what OpenSSL wrote is read here and the other way round
//! (<https://www.zetetic.net/sqlcipher/design/>). Every crate that opens a file says `use yaoban_cipher as _`;
//! one that sets a key calls [`ready`] first.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`algorithms`] | the algorithms, on slices |
//! | this one | pointers into slices, and the table; the only unsafe code |

pub mod algorithms;

use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::slice;

use algorithms::{BLOCK_BYTES, Direction, HMAC_BYTES, IV_BYTES, KEY_BYTES, Unfit};

/// SQLite's codes.
const OK: c_int = 0;
const ERROR: c_int = 1;
/// SQLCipher's code of SHA-512, for HMAC and PBKDF2. Our files use no other.
const SHA512: c_int = 2;
/// SQLCipher's mode for encrypting; 0 decrypts.
const ENCRYPT: c_int = 1;

type Bytes = *const c_uchar;
type BytesMut = *mut c_uchar;

/// SQLCipher's table of a provider (`struct sqlcipher_provider` of 4.19).
#[repr(C)]
pub struct Provider {
    init: extern "C" fn() -> c_int,
    shutdown: extern "C" fn(),
    get_provider_name: extern "C" fn(*mut c_void) -> *const c_char,
    add_random: extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int,
    random: unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int,
    hmac:
        unsafe extern "C" fn(*mut c_void, c_int, Bytes, c_int, Bytes, c_int, Bytes, c_int, BytesMut) -> c_int,
    kdf:
        unsafe extern "C" fn(*mut c_void, c_int, Bytes, c_int, Bytes, c_int, c_int, c_int, BytesMut) -> c_int,
    cipher: unsafe extern "C" fn(*mut c_void, c_int, Bytes, c_int, Bytes, Bytes, c_int, BytesMut) -> c_int,
    get_cipher: extern "C" fn(*mut c_void) -> *const c_char,
    get_key_sz: extern "C" fn(*mut c_void) -> c_int,
    get_iv_sz: extern "C" fn(*mut c_void) -> c_int,
    get_block_sz: extern "C" fn(*mut c_void) -> c_int,
    get_hmac_sz: extern "C" fn(*mut c_void, c_int) -> c_int,
    ctx_init: extern "C" fn(*mut *mut c_void) -> c_int,
    ctx_free: extern "C" fn(*mut *mut c_void) -> c_int,
    fips_status: extern "C" fn(*mut c_void) -> c_int,
    get_provider_version: extern "C" fn(*mut c_void) -> *const c_char,
    next: *mut Provider,
}

/// Fills in the table of the provider. SQLCipher calls it once, when SQLite starts.
///
/// # Safety
/// `provider` points to room for a [`Provider`], or is null (then an error is returned).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn yaoban_cipher_setup(provider: *mut Provider) -> c_int {
    if provider.is_null() {
        return ERROR;
    }
    let table = Provider {
        init,
        shutdown,
        get_provider_name: name,
        add_random,
        random,
        hmac,
        kdf,
        cipher,
        get_cipher: cipher_name,
        get_key_sz: key_bytes,
        get_iv_sz: iv_bytes,
        get_block_sz: block_bytes,
        get_hmac_sz: hmac_bytes,
        ctx_init: ctx,
        ctx_free: ctx,
        fips_status,
        get_provider_version: version,
        next: std::ptr::null_mut(),
    };
    // SAFETY: the caller gives room for it.
    unsafe { provider.write(table) };
    OK
}

unsafe extern "C" {
    /// SQLCipher's own start, which SQLite runs at the end of its own. Done already: waits and does nothing.
    fn sqlcipher_extra_init(argument: *const c_char) -> c_int;
}

/// Waits until SQLCipher can set a key; call it before each `PRAGMA key`.
///
/// SQLite says that it has started before SQLCipher has: of two threads that open the first files of a
/// process the second could find no cryptography yet, and its key was refused.
///
/// # Errors
/// SQLite's code when there is no memory for it, or the system gives no random bytes.
pub fn ready() -> Result<(), c_int> {
    // SAFETY: both may be called at any time from any thread (SQLCipher's holds SQLite's main mutex); the
    // argument is not read.
    let done = unsafe {
        match rusqlite::ffi::sqlite3_initialize() {
            OK => sqlcipher_extra_init(std::ptr::null()),
            failed => failed,
        }
    };
    if done == OK { Ok(()) } else { Err(done) }
}

/// What came of a call, as SQLite's code.
fn code(done: Result<(), Unfit>) -> c_int {
    if done.is_ok() { OK } else { ERROR }
}

/// The bytes that a pointer and a length stand for.
///
/// # Safety
/// `length` bytes can be read at `start` for as long as the slice is used, and nobody writes them.
unsafe fn bytes<'a>(start: Bytes, length: c_int) -> Result<&'a [u8], Unfit> {
    match usize::try_from(length) {
        Ok(0) => Ok(&[]),
        // SAFETY: as above.
        Ok(length) if !start.is_null() => Ok(unsafe { slice::from_raw_parts(start, length) }),
        _ => Err(Unfit),
    }
}

/// The same for bytes to be written.
///
/// # Safety
/// `length` bytes can be written at `start` for as long as the slice is used, and nobody else uses them.
unsafe fn bytes_mut<'a>(start: BytesMut, length: c_int) -> Result<&'a mut [u8], Unfit> {
    match usize::try_from(length) {
        Ok(0) => Ok(&mut []),
        // SAFETY: as above.
        Ok(length) if !start.is_null() => Ok(unsafe { slice::from_raw_parts_mut(start, length) }),
        _ => Err(Unfit),
    }
}

/// # Safety
/// `buffer` has room for `length` bytes.
unsafe extern "C" fn random(_: *mut c_void, buffer: *mut c_void, length: c_int) -> c_int {
    // SAFETY: as above.
    code(unsafe { bytes_mut(buffer.cast(), length) }.and_then(algorithms::random))
}

/// # Safety
/// Every pointer is null or stands for as many bytes as its length says, `out` for [`HMAC_BYTES`].
unsafe extern "C" fn hmac(
    _: *mut c_void,
    algorithm: c_int,
    key: Bytes,
    key_bytes: c_int,
    first: Bytes,
    first_bytes: c_int,
    second: Bytes,
    second_bytes: c_int,
    out: BytesMut,
) -> c_int {
    let done = || {
        if algorithm != SHA512 || first.is_null() {
            return Err(Unfit);
        }
        // SAFETY: as above; a second part may be missing.
        let (key, first, second) = unsafe {
            let second_bytes = if second.is_null() { 0 } else { second_bytes };
            (
                bytes(key, key_bytes)?,
                bytes(first, first_bytes)?,
                bytes(second, second_bytes)?,
            )
        };
        let sum = algorithms::hmac(key, [first, second]);
        // SAFETY: as above. Nothing above is read any more, wherever `out` is.
        unsafe { bytes_mut(out, HMAC_BYTES)? }.copy_from_slice(&sum);
        Ok(())
    };
    code(done())
}

/// # Safety
/// Every pointer stands for as many bytes as its length says; `key` is none of the others.
unsafe extern "C" fn kdf(
    _: *mut c_void,
    algorithm: c_int,
    pass: Bytes,
    pass_bytes: c_int,
    salt: Bytes,
    salt_bytes: c_int,
    rounds: c_int,
    key_bytes: c_int,
    key: BytesMut,
) -> c_int {
    let done = || {
        if algorithm != SHA512 {
            return Err(Unfit);
        }
        // SAFETY: as above.
        let (pass, salt, key) = unsafe {
            (
                bytes(pass, pass_bytes)?,
                bytes(salt, salt_bytes)?,
                bytes_mut(key, key_bytes)?,
            )
        };
        algorithms::derive(pass, salt, u32::try_from(rounds).map_err(|_| Unfit)?, key)
    };
    code(done())
}

/// # Safety
/// `key`, `from` and `into` stand for as many bytes as their lengths say, `iv` for [`IV_BYTES`]. `from` and
/// `into` may be the same or overlap; key and iv lie elsewhere.
unsafe extern "C" fn cipher(
    _: *mut c_void,
    mode: c_int,
    key: Bytes,
    key_bytes: c_int,
    iv: Bytes,
    from: Bytes,
    length: c_int,
    into: BytesMut,
) -> c_int {
    let done = || {
        let count = usize::try_from(length).map_err(|_| Unfit)?;
        if from.is_null() || into.is_null() {
            return Err(Unfit);
        }
        // SAFETY: as above; copied first, as the two may overlap.
        let (key, iv, content) = unsafe {
            std::ptr::copy(from, into, count);
            (
                bytes(key, key_bytes)?,
                bytes(iv, IV_BYTES)?,
                bytes_mut(into, length)?,
            )
        };
        let direction = if mode == ENCRYPT {
            Direction::Encrypt
        } else {
            Direction::Decrypt
        };
        algorithms::crypt(direction, key, iv, content)
    };
    code(done())
}

extern "C" fn init() -> c_int {
    OK
}

extern "C" fn shutdown() {}

/// The system's source of random bytes needs nothing added.
extern "C" fn add_random(_: *mut c_void, _: *const c_void, _: c_int) -> c_int {
    OK
}

/// A connection needs no state of its own here.
extern "C" fn ctx(_: *mut *mut c_void) -> c_int {
    OK
}

extern "C" fn fips_status(_: *mut c_void) -> c_int {
    0
}

extern "C" fn name(_: *mut c_void) -> *const c_char {
    c"yaoban".as_ptr()
}

extern "C" fn version(_: *mut c_void) -> *const c_char {
    const VERSION: &CStr = c"1";
    VERSION.as_ptr()
}

extern "C" fn cipher_name(_: *mut c_void) -> *const c_char {
    c"AES-256-CBC".as_ptr()
}

extern "C" fn key_bytes(_: *mut c_void) -> c_int {
    KEY_BYTES
}

extern "C" fn iv_bytes(_: *mut c_void) -> c_int {
    IV_BYTES
}

extern "C" fn block_bytes(_: *mut c_void) -> c_int {
    BLOCK_BYTES
}

extern "C" fn hmac_bytes(_: *mut c_void, algorithm: c_int) -> c_int {
    if algorithm == SHA512 { HMAC_BYTES } else { 0 }
}
