//! Rust errors to the exceptions of `data_bridge.postgres.errors`.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Runs what an entry point does. A panic in it is a bug, and becomes an exception like any other; after that `broken`
/// closes what it may have left half-done.
#[inline]
pub fn guarded<T>(
    py: Python<'_>,
    work: impl FnOnce() -> PyResult<T>,
    broken: impl FnOnce(),
) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let error = panicked(py, payload.as_ref());
        broken();
        Err(error)
    })
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

/// Hands a notice of the server to Python's logging.
#[cold]
pub fn log_notice(py: Python<'_>, notice: &DbError) -> PyResult<()> {
    let code = notice.code();
    let told = (notice.severity(), code.as_str(), notice.message());
    py.import("data_bridge.postgres._pool")?
        .call_method1("log_notice", told)?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::testing::{describe, eval, with_python};

    fn server(body: &str) -> Error {
        Error::server(DbError::parse(body.as_bytes()).unwrap())
    }

    fn attribute(py: Python<'_>, error: &PyErr, name: &str) -> String {
        error.value(py).getattr(name).unwrap().to_string()
    }

    const FULL: &str = "SFEHLER\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(1) exists.\0HUse another.\0P7\0p3\0qSELECT 1\0\
        Wfunction f()\0spublic\0tusers\0cid\0dint4\0nusers_pkey\0R_bt_check\0\0";

    #[test]
    fn server_errors_keep_every_field_also_through_pickle() {
        with_python(|py| {
            let error = to_py(py, &server(FULL));
            let copy = eval(py, "lambda error: pickle.loads(pickle.dumps(error))")
                .call1((error.value(py),))
                .unwrap();
            let copy = PyErr::from_value(copy);
            for error in [error, copy] {
                assert_eq!(
                    describe(py, &error),
                    "UniqueViolationError: duplicate key (SQLSTATE 23505)\nDETAIL:  Key (id)=(1) exists.\nHINT:  Use another."
                );
                for (name, wanted) in [
                    ("sqlstate", "23505"),
                    ("severity", "ERROR"),
                    ("message", "duplicate key"),
                    ("detail", "Key (id)=(1) exists."),
                    ("hint", "Use another."),
                    ("position", "7"),
                    ("internal_position", "3"),
                    ("internal_query", "SELECT 1"),
                    ("where", "function f()"),
                    ("schema_name", "public"),
                    ("table_name", "users"),
                    ("column_name", "id"),
                    ("data_type_name", "int4"),
                    ("constraint_name", "users_pkey"),
                    ("routine", "_bt_check"),
                    ("retryable", "False"),
                    ("outcome", "failed"),
                ] {
                    assert_eq!(attribute(py, &error, name), wanted, "{name}");
                }
            }
        });
    }

    #[test]
    fn classes_follow_the_sqlstate() {
        with_python(|py| {
            for (code, class, parent) in [
                ("23505", "UniqueViolationError", "IntegrityError"),
                ("40001", "SerializationError", "OperationalError"),
                ("42601", "PostgresSyntaxError", "ProgrammingError"),
                ("25006", "ReadOnlySQLTransactionError", "OperationalError"),
                ("22000", "DataError", "DatabaseError"),
                ("22ZZZ", "DataError", "DatabaseError"),
                ("HV999", "OperationalError", "DatabaseError"),
                ("ZZ123", "DatabaseError", "Error"),
            ] {
                let error = to_py(py, &server(&format!("VERROR\0C{code}\0Mx\0\0")));
                assert_eq!(error.get_type(py).name().unwrap(), class, "{code}");
                assert!(
                    error.is_instance(py, &module(py).unwrap().getattr(parent).unwrap()),
                    "{code}"
                );
                assert_eq!(attribute(py, &error, "sqlstate"), code);
            }
        });
    }

    #[test]
    fn every_kind_has_a_class_that_pickles() {
        with_python(|py| {
            let again = eval(py, "lambda error: pickle.loads(pickle.dumps(error))");
            for (error, class, outcome) in [
                (Error::config("x"), "ConfigError", "not_sent"),
                (Error::connect("x"), "ConnectError", "not_sent"),
                (Error::connect_timeout("x"), "ConnectTimeout", "not_sent"),
                (Error::tls("x"), "TlsError", "not_sent"),
                (Error::auth("x"), "AuthError", "not_sent"),
                (Error::protocol("x"), "ProtocolError", "unknown"),
                (Error::lost("x"), "ConnectionLost", "unknown"),
                (Error::data("x"), "DataError", "not_sent"),
                (Error::decode("x"), "DataError", "unknown"),
                (Error::interface("x"), "InterfaceError", "not_sent"),
                (Error::not_supported("x"), "NotSupportedError", "not_sent"),
                (Error::timeout("x"), "QueryTimeout", "unknown"),
                (Error::cancelled("x"), "Cancelled", "unknown"),
                (Error::pool_timeout("x"), "PoolTimeout", "not_sent"),
                (Error::pool_closed("x"), "PoolClosed", "not_sent"),
                (Error::pipeline_aborted("x"), "PipelineAborted", "failed"),
                (
                    Error::commit_outcome_unknown("x"),
                    "CommitOutcomeUnknown",
                    "unknown",
                ),
                (
                    Error::transaction_rolled_back("x"),
                    "TransactionRolledBack",
                    "failed",
                ),
                (Error::new(Kind::Io, "x"), "OperationalError", "unknown"),
            ] {
                let raised = to_py(py, &error);
                let copy = PyErr::from_value(again.call1((raised.value(py),)).unwrap());
                for raised in [raised, copy] {
                    assert_eq!(describe(py, &raised), format!("{class}: x"));
                    assert_eq!(attribute(py, &raised, "outcome"), outcome, "{class}");
                    assert_eq!(attribute(py, &raised, "message"), "x");
                    assert_eq!(attribute(py, &raised, "sqlstate"), "None");
                    assert_eq!(
                        attribute(py, &raised, "retryable") == "True",
                        error.safe_to_retry(),
                        "{class}"
                    );
                }
            }
        });
    }

    #[test]
    fn what_led_to_an_error_is_its_cause() {
        with_python(|py| {
            let lost = Error::lost("gone").with_source(server("VFATAL\0C57P01\0Mshut down\0\0"));
            let raised = to_py(py, &lost);
            let cause = raised.cause(py).unwrap();
            assert_eq!(
                describe(py, &cause),
                "AdminShutdownError: shut down (SQLSTATE 57P01)"
            );
        });
    }

    #[test]
    fn a_panic_is_an_ordinary_exception() {
        with_python(|py| {
            let payload = catch_unwind(|| panic!("index {}", 5)).unwrap_err();
            let raised = panicked(py, &*payload);
            assert_eq!(
                describe(py, &raised),
                "RustPanic: a bug in data_bridge, please report it: index 5"
            );
            assert!(raised.is_instance_of::<pyo3::exceptions::PyException>(py));
        });
    }
}
