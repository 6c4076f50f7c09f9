//! `json` and `jsonb`: the objects that Python's `json` makes of them, both ways.
//!
//! Everything goes through `json`, a `str` too: it becomes a JSON string, as a JSON string comes back as a `str`. `None` is SQL's
//! NULL; JSON's own null can be had with `'null'::jsonb` in the query. Numbers with a fraction or an exponent are Python floats; one
//! that no float can hold is an error.

use bytes::{BufMut, BytesMut};
use pyo3::exceptions::{PyOverflowError, PyRecursionError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyBytes, PyCFunction, PyDict, PyList, PyString, PyTuple};

use super::{Decoded, Encoded, Fault, text as utf8_text};

/// The one version of `jsonb` on the wire.
const JSONB_VERSION: u8 = 1;

/// No float has more digits before its point.
const MAX_FLOAT_DIGITS: usize = 308;

pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let wire = wire.trim_ascii();
    let codec = Codec::get(py)?;
    let scan = if may_exceed_float(wire) {
        &codec.scan_strictly
    } else {
        &codec.scan
    };
    let source = utf8_text::decode(py, wire)?
        .cast_into::<PyString>()
        .map_err(PyErr::from)?;
    let parsed = scan.bind(py).call1((&source, 0));
    let parsed = parsed.map_err(|raised| unreadable(py, raised))?;
    let (value, end): (Bound<'py, PyAny>, usize) = parsed.extract()?;
    if end != source.len()? {
        return Err(Fault::data("the server sent malformed JSON"));
    }
    Ok(value)
}

pub(super) fn decode_jsonb<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    match text(wire) {
        Some(json) => decode(py, json),
        None => Err(Fault::data("the server sent a jsonb of an unknown version")),
    }
}

/// The JSON text of a `jsonb`.
pub(super) fn text(wire: &[u8]) -> Option<&[u8]> {
    match wire.split_first() {
        Some((&JSONB_VERSION, json)) => Some(json),
        _ => None,
    }
}

pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let json = write(value).map_err(|raised| unwritable(value.py(), raised))?;
    if let Ok(bytes) = json.cast::<PyBytes>() {
        out.extend_from_slice(bytes.as_bytes());
        return Ok(());
    }
    let json = json
        .cast::<PyString>()
        .map_err(|_| Fault::data("the JSON encoder gave no str"))?;
    out.extend_from_slice(utf8_text::utf8(json)?);
    Ok(())
}

pub(super) fn encode_jsonb(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    out.put_u8(JSONB_VERSION);
    encode(value, out)
}

/// The JSON text of an object, as `str` or `bytes`. Models of Pydantic and msgspec write themselves; within other objects the
/// encoder asks for what to make of them.
fn write<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let is_plain = value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_exact_instance_of::<PyString>();
    if !is_plain {
        let class = value.get_type();
        if class.hasattr(intern!(py, "model_dump_json"))? {
            return value.call_method(
                intern!(py, "model_dump_json"),
                (),
                Some(Codec::get(py)?.of_pydantic.bind(py)),
            );
        }
        if class.hasattr(intern!(py, "__struct_fields__"))? {
            static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            return ENCODE.import(py, "msgspec.json", "encode")?.call1((value,));
        }
    }
    Codec::get(py)?.encode.bind(py).call1((value,))
}

/// Why Python's `json` could not read what the server takes for JSON, and what helps.
#[cold]
fn unreadable(py: Python<'_>, raised: PyErr) -> Fault {
    let what = if raised.is_instance_of::<PyOverflowError>(py) {
        "a number that no float can hold"
    } else if raised.is_instance_of::<PyRecursionError>(py) {
        "more levels than Python can nest"
    } else if raised.get_type(py).is(py.get_type::<PyValueError>()) {
        "an integer of more digits than sys.set_int_max_str_digits() allows"
    } else {
        return raised.into();
    };
    Fault::data(format!(
        "the JSON holds {what}; cast it to text in the query"
    ))
}

/// Why Python's `json` could not write an object. Its own messages name a type and no value; those of other code may.
#[cold]
fn unwritable(py: Python<'_>, raised: PyErr) -> Fault {
    if raised.is_instance_of::<PyTypeError>(py) {
        let message = raised.value(py).to_string();
        let is_its_own =
            message.starts_with("Object of type ") || message.starts_with("keys must be ");
        if is_its_own {
            return Fault::data(message);
        }
    }
    raised.into()
}

/// Whether a number may be in there that a float cannot hold: one with an exponent, or with very many digits.
fn may_exceed_float(json: &[u8]) -> bool {
    let mut run = 0;
    for byte in json {
        match byte {
            b'0'..=b'9' => {
                run += 1;
                if run > MAX_FLOAT_DIGITS {
                    return true;
                }
            }
            b'e' | b'E' if run > 0 => return true,
            _ => run = 0,
        }
    }
    false
}

/// The callables of Python's `json` that are used, made once.
struct Codec {
    /// `scan(text, start) -> (value, end)`, the heart of `json.loads` without its Python layers.
    scan: Py<PyAny>,
    /// The same, but raises for a number that would become an infinite float.
    scan_strictly: Py<PyAny>,
    /// `encode(value) -> str`
    encode: Py<PyAny>,
    /// How Pydantic writes what it can read again.
    of_pydantic: Py<PyDict>,
}

impl Codec {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static CODEC: PyOnceLock<Codec> = PyOnceLock::new();
        CODEC.get_or_try_init(py, || Self::new(py))
    }

    fn new(py: Python<'_>) -> PyResult<Self> {
        let json = py.import("json")?;
        let decoder = json.getattr("JSONDecoder")?;
        let finite = PyCFunction::new_closure(py, None, None, finite_float)?;
        let strict = [("parse_float", finite)].into_py_dict(py)?;
        let options = PyDict::new(py);
        options.set_item("ensure_ascii", false)?;
        options.set_item("allow_nan", false)?;
        options.set_item("separators", (",", ":"))?;
        let default = py
            .import("data_bridge.postgres._json")?
            .getattr("default")?;
        options.set_item("default", default)?;
        Ok(Self {
            scan: decoder.call0()?.getattr("scan_once")?.unbind(),
            scan_strictly: decoder
                .call((), Some(&strict))?
                .getattr("scan_once")?
                .unbind(),
            of_pydantic: [("by_alias", true), ("round_trip", true)]
                .into_py_dict(py)?
                .unbind(),
            encode: json
                .getattr("JSONEncoder")?
                .call((), Some(&options))?
                .getattr("encode")?
                .unbind(),
        })
    }
}

fn finite_float(args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<f64> {
    let text: String = args.get_item(0)?.extract()?;
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(PyOverflowError::new_err("no float can hold this number")),
    }
}
