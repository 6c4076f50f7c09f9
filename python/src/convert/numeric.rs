//! `numeric`: `decimal.Decimal`, digit for digit, with the scale kept.
//!
//! A float is taken by its shortest text (0.1 is 0.1), as Python prints it, rather than by the 55 digits of its binary value.

use bytes::BytesMut;
use data_bridge_driver::types::numeric::{self, Numeric};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFloat, PyInt, PyString, PyType};

use super::mpdec::Fields;
use super::{Decoded, Encoded, Fault, number, text};

pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let numeric = numeric::decode(wire)?;
    let decimal = Decimal::get(py)?;
    if let Some(fields) = &decimal.fields
        && let Some((mantissa, scale)) = numeric.to_scaled_i64()
        // Fails under a decimal context with odd traps; the constructor does not look at the context.
        && let Ok(made) = fields.make(py, mantissa, scale)
    {
        return Ok(made);
    }
    Ok(decimal.construct(py, &numeric)?)
}

/// Takes a `Decimal`, an `int`, a `float`, an object with `__index__`, or the decimal text of a number.
pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let decimal = Decimal::get(value.py())?;
    if value.get_type_ptr() == decimal.class.as_ptr().cast() {
        if let Some(fields) = &decimal.fields
            && let Some((negative, coefficient, exponent)) = fields.read(value)
        {
            return encode_small(negative, coefficient, exponent, out);
        }
        return encode_text(&value.str()?, out);
    }
    if let Ok(string) = value.cast::<PyString>() {
        return encode_text(string, out);
    }
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        return encode_text(&float.repr()?, out);
    }
    if let Ok(int) = value.cast_exact::<PyInt>()
        && let Ok(small) = int.extract::<i64>()
    {
        return encode_small(small < 0, small.unsigned_abs(), 0, out);
    }
    // Subclasses print as they like; the constructors of the base classes do not.
    let py = value.py();
    let plain = if value.is_instance_of::<PyFloat>() {
        PyFloat::new(py, value.extract()?).repr()?
    } else if value.is_instance_of::<PyInt>() || value.is_instance(decimal.class.bind(py))? {
        decimal.class.bind(py).call1((value,))?.str()?
    } else if let Some(int) = number::index(value)? {
        decimal.class.bind(py).call1((int,))?.str()?
    } else {
        return Err(Fault::wrong_type("a Decimal, an int or a float", value));
    };
    encode_text(&plain, out)
}

/// A number whose digits fit 64 bits, as most do.
fn encode_small(negative: bool, coefficient: u64, exponent: i32, out: &mut BytesMut) -> Encoded {
    if let Ok(scale) = u16::try_from(-i64::from(exponent)) {
        return Ok(numeric::encode_scaled(negative, coefficient, scale, out)?);
    }
    let digits: Vec<u8> = coefficient
        .to_string()
        .bytes()
        .map(|digit| digit - b'0')
        .collect();
    Ok(numeric::encode(negative, &digits, exponent, out)?)
}

fn encode_text(number: &Bound<'_, PyString>, out: &mut BytesMut) -> Encoded {
    Ok(numeric::encode_text(text::utf8(number)?, out)?)
}

/// `decimal.Decimal`, and the way into its objects where there is one.
struct Decimal {
    class: Py<PyType>,
    fields: Option<Fields>,
}

impl Decimal {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static DECIMAL: PyOnceLock<Decimal> = PyOnceLock::new();
        DECIMAL.get_or_try_init(py, || {
            let class = py
                .import("decimal")?
                .getattr("Decimal")?
                .cast_into::<PyType>()?;
            let fields = Fields::of(&class)?;
            Ok(Self {
                class: class.unbind(),
                fields,
            })
        })
    }

    /// The constructor takes all digits, whatever the precision of the context.
    fn construct<'py>(
        &self,
        py: Python<'py>,
        numeric: &Numeric<'_>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut text = Vec::new();
        numeric.write_scientific(&mut text);
        let text = PyString::from_bytes(py, &text)?;
        // SAFETY: one argument, which is alive during the call.
        unsafe {
            Bound::from_owned_ptr_or_err(
                py,
                ffi::PyObject_CallOneArg(self.class.as_ptr(), text.as_ptr()),
            )
        }
    }
}
