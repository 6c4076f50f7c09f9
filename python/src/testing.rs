//! An interpreter for unit tests: the package's Python files without the extension module, which is not built for them.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

/// Runs `test` with the interpreter attached.
pub fn with_python<R>(test: impl FnOnce(Python<'_>) -> R) -> R {
    Python::initialize();
    Python::attach(|py| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data_bridge");
        let modules = py.import("sys").unwrap().getattr("modules").unwrap();
        for (name, path) in [
            ("data_bridge", folder.to_owned()),
            ("data_bridge.postgres", format!("{folder}/postgres")),
        ] {
            if !modules.contains(name).unwrap() {
                let package = PyModule::new(py, name).unwrap();
                package.setattr("__path__", [path]).unwrap();
                if name.contains('.') {
                    let record = crate::record::class(py).unwrap();
                    package.setattr("Record", record).unwrap();
                }
                modules.set_item(name, package).unwrap();
            }
        }
        test(py)
    })
}

/// The value of a Python expression that may use what the codecs have to do with.
pub fn eval<'py>(py: Python<'py>, expression: &str) -> Bound<'py, PyAny> {
    let globals = PyDict::new(py);
    py.run(
        c"import collections, dataclasses, datetime, decimal, enum, gc, pickle, copy, uuid, sys, types
from datetime import date, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from data_bridge.postgres.interval import Interval
from data_bridge.postgres.range import Multirange, Range
from data_bridge.postgres import errors, Record
UTC = timezone.utc
ts = datetime.datetime
class Plan(enum.Enum):
    FREE = 'free'
class Level(enum.IntEnum):
    ONE = 1
class Five:
    __module__ = 'shop'
    def __index__(self): return 5
class Bad:
    def __index__(self): raise ZeroDivisionError('no')
class Interrupting:
    def __index__(self): raise KeyboardInterrupt
class Shrinking(list):
    pass
class Clearing:
    def __init__(self, target): self.target = target
    def __index__(self):
        self.target.clear()
        return 1
def shrinking():
    items = []
    items.extend([Clearing(items), 2, 3])
    return items
def endless():
    items = []
    items.append(items)
    return items
class Eastern(datetime.tzinfo):
    'Two hours that happen twice.'
    def utcoffset(self, moment): return timedelta(hours=-5 if moment.fold else -4)
    def dst(self, moment): return None
",
        Some(&globals),
        None,
    )
    .unwrap();
    let code = std::ffi::CString::new(expression).unwrap();
    py.eval(&code, Some(&globals), None)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
}

/// The class and the text of an exception.
pub fn describe(py: Python<'_>, error: &PyErr) -> String {
    format!(
        "{}: {}",
        error.get_type(py).name().unwrap(),
        error.value(py)
    )
}
