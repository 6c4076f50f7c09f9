//! Rust errors to the exceptions of `data_bridge.postgres.errors`.

use std::error::Error as _;

use data_bridge_driver::error::{DbError, Error, Kind, Outcome};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule};

const MODULE: &str = "data_bridge.postgres.errors";

/// The exception for an error of the driver, with every field that the server sent and the error that led to it as its cause.
#[cold]
pub fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    let raised = build(py, error).map_or_else(|failed| failed, PyErr::from_value);
    if let Some(source) = error
        .source()
        .and_then(|source| source.downcast_ref::<Error>())
    {
        raised.set_cause(py, Some(to_py(py, source)));
    }
    raised
}

/// A `DataError` for a value that was refused before anything was sent.
#[cold]
pub fn data_error(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "DataError", message, Outcome::NotSent)
}

/// A `DataError` for a value that came from the server.
#[cold]
pub fn decode_error(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "DataError", message, Outcome::Unknown)
}

/// An `InterfaceError`: the API was used wrongly.
#[cold]
pub fn interface_error(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "InterfaceError", message, Outcome::NotSent)
}

/// An exception of the class of this name, made without an error of the driver.
#[cold]
pub fn raise(py: Python<'_>, class: &str, message: &str, outcome: Outcome) -> PyErr {
    let build = || {
        let fields = PyDict::new(py);
        fields.set_item("outcome", outcome.as_str())?;
        module(py)?.getattr(class)?.call((message,), Some(&fields))
    };
    build().map_or_else(|failed| failed, PyErr::from_value)
}

/// The exception for what a panic left behind, so that a bug is an ordinary exception and never ends the process.
#[cold]
pub fn panicked(py: Python<'_>, payload: &(dyn std::any::Any + Send)) -> PyErr {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message = format!("a bug in data_bridge, please report it: {text}");
    raise(py, "RustPanic", &message, Outcome::Unknown)
}

fn build<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("outcome", error.outcome().as_str())?;
    fields.set_item("retryable", error.safe_to_retry())?;
    let errors = module(py)?;
    let class = match error.db() {
        Some(db) => {
            add_fields(&fields, db)?;
            errors.call_method1("class_for", (db.code().as_str(),))?
        }
        None => errors.getattr(class_of(error.kind()))?,
    };
    class.call((error.to_string(),), Some(&fields))
}

fn class_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Config => "ConfigError",
        Kind::Connect => "ConnectError",
        Kind::ConnectTimeout => "ConnectTimeout",
        Kind::Tls => "TlsError",
        Kind::Auth => "AuthError",
        Kind::Protocol => "ProtocolError",
        Kind::ConnectionLost => "ConnectionLost",
        Kind::Data => "DataError",
        Kind::Interface => "InterfaceError",
        Kind::NotSupported => "NotSupportedError",
        Kind::Timeout => "QueryTimeout",
        Kind::Cancelled => "Cancelled",
        Kind::PoolTimeout => "PoolTimeout",
        Kind::PoolClosed => "PoolClosed",
        Kind::PipelineAborted => "PipelineAborted",
        Kind::CommitOutcomeUnknown => "CommitOutcomeUnknown",
        Kind::TransactionRolledBack => "TransactionRolledBack",
        Kind::Io => "OperationalError",
        // `Server` has a class for its SQLSTATE; kinds added later are at least caught as what they all are.
        _ => "DatabaseError",
    }
}

fn add_fields(fields: &Bound<'_, PyDict>, db: &DbError) -> PyResult<()> {
    let code = db.code();
    let texts = [
        ("sqlstate", Some(code.as_str())),
        ("severity", Some(db.severity())),
        ("message", Some(db.message())),
        ("detail", db.detail()),
        ("hint", db.hint()),
        ("internal_query", db.internal_query()),
        ("where", db.where_()),
        ("schema_name", db.schema()),
        ("table_name", db.table()),
        ("column_name", db.column()),
        ("data_type_name", db.data_type()),
        ("constraint_name", db.constraint()),
        ("routine", db.routine()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            fields.set_item(name, text)?;
        }
    }
    for (name, number) in [
        ("position", db.position()),
        ("internal_position", db.internal_position()),
    ] {
        if let Some(number) = number {
            fields.set_item(name, number)?;
        }
    }
    Ok(())
}

fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    ERRORS
        .get_or_try_init(py, || py.import(MODULE).map(Bound::unbind))
        .map(|module| module.bind(py))
}
