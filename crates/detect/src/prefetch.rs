//! Asking for cache lines ahead of their use: one record's wait for memory passes while others are asked for.
//!
//! The only unsafe code of this crate. A prefetch is a hint: it reads and writes nothing that a program could see, and an address
//! that is not mapped is no fault (Intel SDM vol. 2, `PREFETCHh`), so it is sound for any reference.

#![allow(unsafe_code, reason = "the hint is only there as an intrinsic, and not on every processor")]

/// Octets of a cache line.
const LINE: usize = 64;

/// Asks for all of a value, but nothing that it points to. Does nothing where the processor has no such hint, or we do not know
/// it.
#[inline]
pub(crate) fn prefetch<T: ?Sized>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<i8>();
    let (mut at, end) = (0, size_of_val(value));
    while at < end {
        line(start.wrapping_add(at));
        at += LINE; // an iterator in steps divides first
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn line(at: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint, see above; every processor of this architecture knows it (SSE).
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at) }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
fn line(_at: *const i8) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_changes_nothing() {
        let (empty, texts): (&[u64], _) = (&[], ["", "a", &"b".repeat(1000)]);
        prefetch(empty);
        for text in texts {
            prefetch(text);
        }
        assert_eq!(texts[2].len(), 1000);
    }
}
