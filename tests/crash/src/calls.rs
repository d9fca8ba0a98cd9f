//! Stands in for the C library's file calls, so that everything in the process — SQLite, SQLCipher,
//! the standard library — goes through [`crate::trace`] without knowing it.
//!
//! A symbol defined in the program is taken before the one of the shared C library, so linking this
//! crate is enough. Each function makes the system call itself; while nothing is recorded, that is all
//! it does. [`crate::disk`] is held against the real directories after each recording, so a call that
//! is missing here shows.
#![allow(unsafe_code)]
// The signatures are the C library's. What each may be given is said there and not repeated here.
#![allow(clippy::missing_safety_doc, missing_docs)]

use std::ffi::{CStr, c_char, c_int, c_void};

use libc::{AT_FDCWD, AT_REMOVEDIR, iovec, mode_t, off_t, size_t, ssize_t};

use crate::trace::{
    Change, Naming, Opened, Outcome, armed, changing, closing, naming, opening, syncing, tracked,
};

/// Keeps this module in programs that link the crate: an object that nobody refers to is left out.
pub(crate) fn link() {
    std::hint::black_box(pwrite64 as *const ());
}

fn fail(errno: c_int) -> c_int {
    // SAFETY: the C library gives every thread a valid, writable errno.
    unsafe { *libc::__errno_location() = errno };
    -1
}

fn or_full(outcome: Outcome<c_int>) -> c_int {
    match outcome {
        Outcome::Done(value) => value,
        Outcome::DiskFull => fail(libc::ENOSPC),
    }
}

/// The absolute path that a call means, if it is text.
///
/// # Safety
/// `path` is a string of C, as every caller of the C library promises.
unsafe fn path_of(directory: c_int, path: *const c_char) -> Option<String> {
    // SAFETY: as promised to this function.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    if path.starts_with('/') || directory == AT_FDCWD {
        return Some(path.to_owned());
    }
    let link = format!("/proc/self/fd/{directory}\0");
    let mut base = [0_u8; 4_096];
    // SAFETY: both buffers are ours, the first ends with NUL, the second is as long as said.
    let length = unsafe {
        libc::syscall(
            libc::SYS_readlinkat,
            AT_FDCWD,
            link.as_ptr(),
            base.as_mut_ptr(),
            base.len(),
        )
    };
    let base = std::str::from_utf8(base.get(..usize::try_from(length).ok()?)?).ok()?;
    Some(format!("{base}/{path}"))
}

/// # Safety
/// As `openat(2)`.
unsafe fn open_at(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    let open = || unsafe { libc::syscall(libc::SYS_openat, directory, path, flags, mode) as c_int };
    if !armed() {
        return open();
    }
    // SAFETY: as promised to this function.
    match unsafe { path_of(directory, path) } {
        Some(path) => or_full(opening(
            &Opened {
                path: &path,
                creates: flags & libc::O_CREAT != 0,
                truncates: flags & libc::O_TRUNC != 0,
            },
            open,
        )),
        None => open(),
    }
}

// `open` takes its mode only with O_CREAT; on Linux a variadic argument comes where a plain one would,
// and without it the value is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { open_at(AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { open_at(AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { open_at(directory, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat64(
    directory: c_int,
    path: *const c_char,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { open_at(directory, path, flags, mode) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    // SAFETY: closing a number can at most fail.
    let close = || unsafe { libc::syscall(libc::SYS_close, descriptor) as c_int };
    if armed() && tracked(descriptor) {
        closing(descriptor, close)
    } else {
        close()
    }
}

/// Bytes of a successful write, with the place where they went.
///
/// # Safety
/// `buffer` holds at least `done` bytes.
unsafe fn written(at: off_t, buffer: *const c_void, done: ssize_t) -> Option<Change> {
    let length = usize::try_from(done).ok().filter(|length| *length > 0)?;
    // SAFETY: as promised to this function.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) }.to_vec();
    Some(Change::Write { at: at as u64, bytes })
}

fn position(descriptor: c_int) -> off_t {
    // SAFETY: asking for the position changes nothing.
    unsafe { libc::syscall(libc::SYS_lseek, descriptor, 0, libc::SEEK_CUR) as off_t }
}

fn or_full_write(outcome: Outcome<ssize_t>) -> ssize_t {
    match outcome {
        Outcome::Done(value) => value,
        Outcome::DiskFull => fail(libc::ENOSPC) as ssize_t,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(descriptor: c_int, buffer: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the arguments are the caller's, unchanged.
    let write = || unsafe { libc::syscall(libc::SYS_write, descriptor, buffer, length) as ssize_t };
    if !(armed() && tracked(descriptor)) {
        return write();
    }
    or_full_write(changing(descriptor, write, |done| {
        // The position is behind what was written, also where every write appends.
        // SAFETY: the system has just read that many bytes from there.
        unsafe { written(position(descriptor) - *done as off_t, buffer, *done) }
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(descriptor: c_int, pieces: *const iovec, count: c_int) -> ssize_t {
    if !(armed() && tracked(descriptor)) || count < 1 {
        // SAFETY: the arguments are the caller's, unchanged.
        return unsafe { libc::syscall(libc::SYS_writev, descriptor, pieces, count) as ssize_t };
    }
    // The first piece alone: a short write, which every caller has to go on from.
    // SAFETY: there is at least one piece, and it is the caller's.
    unsafe { write(descriptor, (*pieces).iov_base, (*pieces).iov_len) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    descriptor: c_int,
    buffer: *const c_void,
    length: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the arguments are the caller's, unchanged.
    let write = || unsafe { libc::syscall(libc::SYS_pwrite64, descriptor, buffer, length, at) as ssize_t };
    if !(armed() && tracked(descriptor)) {
        return write();
    }
    or_full_write(changing(descriptor, write, |done| {
        // SAFETY: the system has just read that many bytes from there.
        unsafe { written(at, buffer, *done) }
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    buffer: *const c_void,
    length: size_t,
    at: off_t,
) -> ssize_t {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { pwrite(descriptor, buffer, length, at) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(descriptor: c_int, length: off_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    let truncate = || unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, length) as c_int };
    if !(armed() && tracked(descriptor)) {
        return truncate();
    }
    or_full(changing(descriptor, truncate, |done| {
        (*done == 0).then_some(Change::Truncate {
            length: length as u64,
        })
    }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(descriptor: c_int, length: off_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { ftruncate(descriptor, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(descriptor: c_int) -> c_int {
    // SAFETY: syncing a number can at most fail.
    let sync = || unsafe { libc::syscall(libc::SYS_fsync, descriptor) as c_int };
    if armed() && tracked(descriptor) {
        syncing(descriptor, sync)
    } else {
        sync()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    // SAFETY: syncing a number can at most fail.
    let sync = || unsafe { libc::syscall(libc::SYS_fdatasync, descriptor) as c_int };
    if armed() && tracked(descriptor) {
        syncing(descriptor, sync)
    } else {
        sync()
    }
}

/// Refused while recording, so that copies go by reading and writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_at: *mut off_t,
    to: c_int,
    to_at: *mut off_t,
    length: size_t,
    flags: u32,
) -> ssize_t {
    if armed() && tracked(to) {
        return fail(libc::ENOSYS) as ssize_t;
    }
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { libc::syscall(libc::SYS_copy_file_range, from, from_at, to, to_at, length, flags) as ssize_t }
}

/// As [`copy_file_range`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendfile(to: c_int, from: c_int, at: *mut off_t, length: size_t) -> ssize_t {
    if armed() && tracked(to) {
        return fail(libc::ENOSYS) as ssize_t;
    }
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { libc::syscall(libc::SYS_sendfile, to, from, at, length) as ssize_t }
}

/// As [`copy_file_range`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendfile64(to: c_int, from: c_int, at: *mut off_t, length: size_t) -> ssize_t {
    // SAFETY: the arguments are the caller's, unchanged.
    unsafe { sendfile(to, from, at, length) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn linkat(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    let link =
        || unsafe { libc::syscall(libc::SYS_linkat, from_directory, from, to_directory, to, flags) as c_int };
    if !armed() {
        return link();
    }
    // SAFETY: both are the caller's strings.
    match unsafe { (path_of(from_directory, from), path_of(to_directory, to)) } {
        (Some(from), Some(to)) => or_full(naming(&Naming::Link { from: &from, to: &to }, link)),
        _ => link(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    let rename = || unsafe { libc::syscall(libc::SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) as c_int };
    if !armed() {
        return rename();
    }
    // SAFETY: both are the caller's strings.
    match unsafe { (path_of(AT_FDCWD, from), path_of(AT_FDCWD, to)) } {
        (Some(from), Some(to)) => or_full(naming(&Naming::Rename { from: &from, to: &to }, rename)),
        _ => rename(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    let unlink = || unsafe { libc::syscall(libc::SYS_unlinkat, directory, path, flags) as c_int };
    if !armed() {
        return unlink();
    }
    // SAFETY: the caller's string.
    match unsafe { path_of(directory, path) } {
        Some(path) if flags & AT_REMOVEDIR != 0 => {
            or_full(naming(&Naming::RemoveDirectory { path: &path }, unlink))
        }
        Some(path) => or_full(naming(&Naming::Remove { path: &path }, unlink)),
        None => unlink(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the argument is the caller's, unchanged.
    unsafe { unlinkat(AT_FDCWD, path, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: the argument is the caller's, unchanged.
    unsafe { unlinkat(AT_FDCWD, path, AT_REMOVEDIR) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: the arguments are the caller's, unchanged.
    let make = || unsafe { libc::syscall(libc::SYS_mkdirat, AT_FDCWD, path, mode) as c_int };
    if !armed() {
        return make();
    }
    // SAFETY: the caller's string.
    match unsafe { path_of(AT_FDCWD, path) } {
        Some(path) => or_full(naming(&Naming::MakeDirectory { path: &path }, make)),
        None => make(),
    }
}
