//! Reads and fills the objects of `decimal.Decimal` in place, where that is known to be safe.
//!
//! Through text, as the public interface wants it, a `numeric` takes 150 ns to decode, more than the other five columns of a usual row
//! together; in place it takes 35. The `_decimal` of `CPython` has kept the layout below since 3.3 but does not promise it, so
//! nothing is taken on trust: [`Fields::of`] compares it with real objects first, and where anything differs, text it is.

use std::mem::{offset_of, size_of};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// `PyDecObject` of `CPython`'s `Modules/_decimal/_decimal.c`.
#[repr(C)]
struct DecimalObject {
    head: ffi::PyObject,
    hash: ffi::Py_hash_t,
    number: Mpd,
    words: [u64; 4],
}

/// `mpd_t` of libmpdec: `±words * 10^exponent`, words little end first in base [`RADIX`].
#[repr(C)]
struct Mpd {
    flags: u8,
    exponent: isize,
    digits: isize,
    len: isize,
    alloc: isize,
    data: *mut u64,
}

const RADIX: u64 = 10_000_000_000_000_000_000;
const NEGATIVE: u8 = 1;
/// Infinity, NaN and signalling NaN.
const SPECIAL: u8 = 2 | 4 | 8;

/// The way into `Decimal` objects, checked.
pub(super) struct Fields {
    zero: Py<PyAny>,
    absolute: ffi::unaryfunc,
}

impl Fields {
    /// `None` where `Decimal` is not laid out as expected: another interpreter, or `_pydecimal`.
    pub(super) fn of(class: &Bound<'_, PyType>) -> PyResult<Option<Self>> {
        let py = class.py();
        let size: usize = class.getattr("__basicsize__")?.extract()?;
        let is_native = class.getattr("__slots__").is_err() && size == size_of::<DecimalObject>();
        if !is_native || cfg!(not(target_pointer_width = "64")) {
            return Ok(None);
        }
        // SAFETY: a type has its slots for all of its life.
        let absolute = unsafe {
            let slots = (*class.as_ptr().cast::<ffi::PyTypeObject>()).tp_as_number;
            slots.as_ref().and_then(|slots| slots.nb_absolute)
        };
        let Some(absolute) = absolute else {
            return Ok(None);
        };
        let fields = Self {
            zero: class.call1((0,))?.unbind(),
            absolute,
        };
        Ok(fields.hold_for(class)?.then_some(fields))
            .inspect(|_| debug_assert!(PyErr::take(py).is_none()))
    }

    /// Whether real objects read as what they are, and filled ones are what was meant.
    fn hold_for(&self, class: &Bound<'_, PyType>) -> PyResult<bool> {
        let py = class.py();
        for (text, expected) in [
            ("0", (false, 0, 0)),
            ("-0.00", (true, 0, -2)),
            ("-123.45", (true, 12_345, -2)),
            ("7E+3", (false, 7, 3)),
            ("9999999999999999999", (false, RADIX - 1, 0)),
        ] {
            let object = class.call1((text,))?;
            // SAFETY: `of` saw to it that the object has the size of the structure, all of it initialised memory.
            let plausible = unsafe { Self::is_plausible(&object) };
            if !plausible || self.read(&object) != Some(expected) {
                return Ok(false);
            }
        }
        for text in [
            "10000000000000000000",
            "NaN",
            "sNaN",
            "Infinity",
            "-Infinity",
        ] {
            if self.read(&class.call1((text,))?).is_some() {
                return Ok(false);
            }
        }
        for (mantissa, scale, text) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (-12_345, 2, "-123.45"),
            (110, 2, "1.10"),
            (i64::MAX, 0, "9223372036854775807"),
            (i64::MIN + 1, 18, "-9.223372036854775807"),
        ] {
            let made = self.make(py, mantissa, scale)?;
            let expected = class.call1((text,))?;
            let same = made.str()?.to_str()? == text
                && made.eq(&expected)?
                && made.hash()? == expected.hash()?
                && made.add(&expected)?.eq(expected.mul(2)?)?;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the words of a small number lie inside of the object, and there is room for four.
    ///
    /// # Safety
    /// The object has the size of [`DecimalObject`].
    unsafe fn is_plausible(object: &Bound<'_, PyAny>) -> bool {
        let decimal = object.as_ptr().cast::<DecimalObject>();
        // SAFETY: the caller's.
        let number = unsafe { &(*decimal).number };
        let inside = decimal
            .cast::<u8>()
            .wrapping_add(offset_of!(DecimalObject, words));
        number.len == 1 && number.alloc == 4 && number.data.cast::<u8>() == inside
    }

    /// Sign, digits and exponent of an object whose type is exactly `Decimal`; `None` for more than 19 digits and for NaN and the
    /// infinities.
    #[allow(clippy::unused_self)] // having `self` is the proof that the layout was checked
    pub(super) fn read(&self, decimal: &Bound<'_, PyAny>) -> Option<(bool, u64, i32)> {
        // SAFETY: `of` compared this layout with real objects of the type; they do not change, and `len` words are valid.
        unsafe {
            let number = &(*decimal.as_ptr().cast::<DecimalObject>()).number;
            if number.flags & SPECIAL != 0 || number.len != 1 {
                return None;
            }
            Some((
                number.flags & NEGATIVE != 0,
                *number.data,
                i32::try_from(number.exponent).ok()?,
            ))
        }
    }

    /// The `Decimal` that is `mantissa / 10^scale`, with that scale.
    pub(super) fn make<'py>(
        &self,
        py: Python<'py>,
        mantissa: i64,
        scale: u16,
    ) -> PyResult<Bound<'py, PyAny>> {
        let coefficient = mantissa.unsigned_abs();
        // SAFETY: `abs(Decimal(0))` is a new object that nobody else has seen yet, so it may be changed. Its layout was checked, one
        // word has room in its own memory, and an `i64` is below RADIX.
        unsafe {
            let object = (self.absolute)(self.zero.as_ptr());
            let made = Bound::from_owned_ptr_or_err(py, object)?;
            let decimal = object.cast::<DecimalObject>();
            let number = &mut (*decimal).number;
            if mantissa < 0 {
                number.flags |= NEGATIVE;
            }
            number.exponent = -isize::try_from(scale).unwrap_or(0);
            number.digits = coefficient
                .checked_ilog10()
                .map_or(1, |log| isize::try_from(log).unwrap_or(0) + 1);
            *number.data = coefficient;
            Ok(made)
        }
    }
}
