//! What the connections of both fronts tell, and what they take note of, without waiting for anything.

use std::sync::Arc;

use data_bridge_driver::wire::TransactionStatus;
use pyo3::prelude::*;

use super::Engine;
use crate::bulk::StagePlan;

/// The half of a connection that does not depend on its front.
#[pyclass(
    frozen,
    subclass,
    module = "data_bridge._native",
    name = "BaseConnection"
)]
pub struct Base(pub(crate) Arc<Engine>);

#[pymethods]
impl Base {
    /// Commands that travel with the next statement.
    fn _push_prelude(&self, sql: &str) {
        self.0.push_prelude(sql);
    }

    /// Takes back the last such command, if it has not been sent.
    fn _pop_prelude(&self) -> bool {
        self.0.pop_prelude()
    }

    /// A transaction block begins or ends: within it, statements that end its transaction are refused.
    fn _set_in_block(&self, in_block: bool) {
        self.0.set_in_block(in_block);
    }

    /// Notes that a staging table is about to be used; what drops the one used longest ago, where there are too many.
    fn _stage(&self, plan: &StagePlan) -> Option<String> {
        self.0.stage(plan.plan())
    }

    /// `"idle"`, `"open"` or `"failed"`.
    #[getter]
    fn _status(&self) -> &'static str {
        match self.0.status() {
            TransactionStatus::Idle => "idle",
            TransactionStatus::Open => "open",
            TransactionStatus::Failed => "failed",
        }
    }

    #[getter]
    fn _is_reusable(&self) -> bool {
        self.0.is_reusable()
    }

    #[getter]
    fn _outstanding(&self) -> usize {
        self.0.outstanding()
    }

    #[getter]
    fn _unsent(&self) -> usize {
        self.0.unsent()
    }

    /// Whether calls are held back because a cancel request is on its way.
    #[getter]
    fn _is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Requests so far.
    #[getter]
    fn _requests(&self) -> u64 {
        self.0.requests()
    }

    /// Session state may have been changed, which a pool must reset.
    fn _touch(&self) {
        self.0.touch();
    }

    /// Whether there are statements that were prepared by SQL.
    #[getter]
    fn _has_prepared(&self) -> bool {
        self.0.has_prepared()
    }

    /// Whether the connection is closed.
    #[getter]
    fn is_closed(&self) -> bool {
        self.0.closed().is_some()
    }

    /// Process id of the server's backend.
    #[getter]
    fn backend_pid(&self) -> Option<i32> {
        self.0.backend_pid()
    }

    /// Whether TLS protects the connection.
    #[getter]
    fn is_encrypted(&self) -> bool {
        self.0.is_encrypted()
    }

    /// A run-time parameter that the server reports, such as `server_version`.
    fn parameter(&self, name: &str) -> Option<String> {
        self.0.parameter(name)
    }
}
