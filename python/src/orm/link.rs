//! Links: on a class the way to another one, on an instance a handle that never does I/O by itself.

use data_bridge_orm::schema::ColumnRef;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::model::{Model, Way};
use crate::errors;

/// A foreign key as an attribute: `Post.author`.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct LinkField {
    model: Py<Model>,
    index: usize,
}

impl LinkField {
    /// The model's link at this position.
    pub fn new(model: Py<Model>, index: usize) -> Self {
        Self { model, index }
    }

    /// The class it is on with the column that refers, and the linked class with the column referred to.
    ///
    /// # Errors
    /// No such class yet.
    pub fn ends(&self, py: Python<'_>) -> PyResult<(&Py<Model>, ColumnRef, Py<Model>, ColumnRef)> {
        let way = self.way()?;
        let target = way.model(py)?;
        let to = target.get().table().column(&way.target);
        let to = to.map_err(|error| errors::to_py(py, &error))?;
        let from = self.model.get().table().column_at(way.column);
        let from = from.ok_or_else(|| PyAttributeError::new_err("the link is gone"))?;
        Ok((&self.model, from, target, to))
    }

    fn way(&self) -> PyResult<&Way> {
        self.model
            .get()
            .links()
            .get(self.index)
            .ok_or_else(|| PyAttributeError::new_err("the link is gone"))
    }
}

#[pymethods]
impl LinkField {
    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<&Bound<'py, PyAny>>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match instance {
            Some(instance) if !instance.is_none() => {
                let handle = Linked {
                    field: slf.clone().unbind(),
                    instance: instance.clone().unbind(),
                };
                Ok(Bound::new(slf.py(), handle)?.into_any())
            }
            _ => Ok(slf.clone().into_any()),
        }
    }

    /// Refers to another row; the key column follows.
    fn __set__(&self, instance: &Bound<'_, PyAny>, linked: &Bound<'_, PyAny>) -> PyResult<()> {
        self.model.get().set_link(instance, self.index, linked)
    }

    /// The link's name, for `fetch_links`.
    #[getter]
    fn name(&self) -> PyResult<&str> {
        Ok(&self.way()?.text)
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!(
            "<link {}.{}>",
            self.model.get().table().name(),
            self.way()?.text
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.model)
    }
}

/// The link of one instance: `post.author`.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Link")]
#[derive(Debug)]
pub struct Linked {
    field: Py<LinkField>,
    instance: Py<PyAny>,
}

impl Linked {
    fn slot(&self) -> (&Model, usize) {
        let field = self.field.get();
        let model = field.model.get();
        (model, model.link_slot(field.index))
    }

    /// The linked instance, `None` where there is none; nothing where that is not known yet.
    fn known<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (model, slot) = self.slot();
        if let Some(linked) = model.slots().get(self.instance.bind(py), slot)? {
            return Ok(Some(linked));
        }
        // No key, no row: that needs no query.
        let key = self.r#ref(py)?;
        Ok(key.is_none().then_some(key))
    }

    #[cold]
    fn not_loaded(&self, py: Python<'_>) -> PyResult<PyErr> {
        static NOT_LOADED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let (model, way) = (self.field.get().model.get(), self.field.get().way()?);
        let class = model.slots().class(py).name()?;
        let name = &way.text;
        let message = format!(
            "{class}.{name} is not loaded; fetch it with the row by fetch_links=[\"{name}\"], or now by `await x.{name}.fetch()`"
        );
        let error = NOT_LOADED.import(py, "data_bridge.postgres.orm._errors", "NotLoadedError")?;
        Ok(PyErr::from_value(error.call1((message,))?))
    }
}

#[pymethods]
impl Linked {
    /// The key, without a query.
    #[getter]
    fn r#ref<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (model, column) = (self.field.get().model.get(), self.field.get().way()?.column);
        let key = model.slots().get(self.instance.bind(py), column)?;
        Ok(key.unwrap_or_else(|| py.None().into_bound(py)))
    }

    /// The linked instance, or `None` where there is none.
    #[getter]
    fn loaded<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.known(py)? {
            Some(linked) => Ok(linked),
            None => Err(self.not_loaded(py)?),
        }
    }

    /// Whether `loaded` has an answer.
    #[getter]
    fn is_loaded(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.known(py)?.is_some())
    }

    /// The other class's model, and the column there that the key refers to.
    #[getter]
    fn _target(&self, py: Python<'_>) -> PyResult<(Py<Model>, String)> {
        let way = self.field.get().way()?;
        Ok((way.model(py)?, way.target.clone()))
    }

    /// Keeps what a query found.
    fn _keep(&self, py: Python<'_>, linked: Bound<'_, PyAny>) -> PyResult<()> {
        let (model, slot) = self.slot();
        let instance = self.instance.bind(py);
        if linked.is_none() {
            model.check_missing(instance, self.field.get().index)?;
        }
        model.slots().set(instance, slot, Some(linked))?;
        model.slots().track(instance);
        Ok(())
    }

    /// Loads the linked row by its key; what `loaded` then gives. Always asks the server, unless there is no key.
    #[pyo3(signature = (*, db = None))]
    fn fetch<'py>(
        slf: &Bound<'py, Self>,
        db: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static FETCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        FETCH
            .import(slf.py(), "data_bridge.postgres.orm._verbs", "fetch_linked")?
            .call1((slf, db))
    }

    /// An attribute of the linked instance.
    fn __getattr__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // Those are asked for by protocols, such as copy's, that only want to know whether they are there.
        if name.to_str()?.starts_with("__") {
            return Err(PyAttributeError::new_err(name.clone().unbind()));
        }
        self.loaded(py)?.getattr(name)
    }

    /// A column of the linked instance.
    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.loaded(py)?.get_item(name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let name = &self.field.get().way()?.text;
        Ok(match self.known(py)? {
            Some(linked) => format!("<link {name}: {}>", linked.repr()?),
            None => format!("<link {name}: not loaded, key {}>", self.r#ref(py)?.repr()?),
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.field)?;
        visit.call(&self.instance)
    }
}
