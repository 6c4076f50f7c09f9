//! Connecting, on a worker thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_bridge_driver::Error;
use data_bridge_driver::config::{Config, Secret};
use data_bridge_driver::dial::{self, Connected};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::engine::{Catalog, Engine};
use crate::errors;

/// Where and how to connect; never shows a password.
#[pyclass(frozen, module = "data_bridge._native", name = "Config")]
#[derive(Clone, Debug)]
pub struct PyConfig {
    config: Config,
    statement_cache: usize,
}

#[pymethods]
impl PyConfig {
    /// From a connection string (URL or `key=value` pairs, `None` for the environment alone) and keywords that win over
    /// it; one that is `None` is not given.
    #[new]
    #[pyo3(signature = (text=None, *, statement_cache=dial::STATEMENT_CACHE, **settings))]
    fn new(
        py: Python<'_>,
        text: Option<&str>,
        statement_cache: usize,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let fail = |error| errors::to_py(py, &error);
        let mut builder =
            Config::builder().environment(data_bridge_driver::config::Environment::of_process());
        if let Some(text) = text {
            builder = builder.connection_string(text).map_err(fail)?;
        }
        let given = settings.into_iter().flatten();
        for (key, value) in given.filter(|(_, value)| !value.is_none()) {
            let key: String = key.extract()?;
            builder = match key.as_str() {
                "password" => builder.password(Secret::new(value.extract()?)),
                "connect_timeout" => {
                    let seconds: f64 = value.extract()?;
                    let limit = Duration::try_from_secs_f64(seconds).map_err(|_| {
                        errors::interface_error(
                            py,
                            "connect_timeout must be a number of seconds above 0",
                        )
                    })?;
                    builder.connect_timeout(limit)
                }
                "allow_cleartext_password" => builder.allow_cleartext_password(value.extract()?),
                _ => builder.set(&key, &value.str()?.to_cow()?).map_err(fail)?,
            };
        }
        Ok(Self {
            config: builder.build().map_err(fail)?,
            statement_cache,
        })
    }

    /// Opens a connection; blocks, with the GIL released.
    fn dial(&self, py: Python<'_>) -> PyResult<Dialed> {
        py.detach(|| self.connect())
            .map(Dialed::from)
            .map_err(|error| errors::to_py(py, &error))
    }

    fn __repr__(&self) -> String {
        let hosts: Vec<String> = self
            .config
            .targets()
            .iter()
            .map(|target| target.address().to_string())
            .collect();
        format!(
            "<Config user={:?} database={:?} at {}>",
            self.config.user(),
            self.config.database(),
            hosts.join(", ")
        )
    }
}

impl PyConfig {
    /// Opens a connection; blocks, and needs no interpreter.
    pub fn connect(&self) -> Result<Connected, Error> {
        dial::connect(&self.config, self.statement_cache)
    }
}

/// A connection that no front has taken over yet.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Dialed(Mutex<Option<Connected>>);

impl From<Connected> for Dialed {
    fn from(connected: Connected) -> Self {
        Self(Mutex::new(Some(connected)))
    }
}

impl Dialed {
    /// Hands it over to an engine; only once.
    pub fn engine(&self, py: Python<'_>, catalog: Arc<Catalog>) -> PyResult<Engine> {
        let connected = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let connected = connected
            .ok_or_else(|| errors::interface_error(py, "the connection was taken over already"))?;
        Ok(Engine::new(connected, catalog)?)
    }
}
