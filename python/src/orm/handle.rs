//! Links of one instance: handles that never do I/O by themselves.

use std::sync::Arc;

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::batch::Batch;
use super::generic_alias;
use super::link::LinkField;
use super::model::Model;
use super::way::{Ends, Lazy, Way};

/// A link and the instance that it is of.
#[derive(Debug)]
pub struct Handle {
    field: Py<LinkField>,
    instance: Py<PyAny>,
}

impl Handle {
    pub fn new(field: Py<LinkField>, instance: Py<PyAny>) -> Self {
        Self { field, instance }
    }

    fn model(&self) -> &Model {
        self.field.get().model().get()
    }

    fn way(&self) -> PyResult<&Way> {
        self.field.get().way()
    }

    fn ends(&self, py: Python<'_>) -> PyResult<Arc<Ends>> {
        self.field.get().ends(py)
    }

    /// The key by which the other end is found, if there is one.
    fn key<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let instance = self.instance.bind(py);
        let way = self.way()?;
        if way.is_many() {
            return self.model().key_of(instance, &self.ends(py)?.own);
        }
        self.model().key_of(instance, &way.own)
    }

    /// What the link leads to; nothing where that is not known yet.
    fn known<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (model, index) = (self.model(), self.field.get().index());
        let slot = model.link_slot(index);
        if let Some(linked) = model.slots().get(self.instance.bind(py), slot)? {
            return Ok(Some(linked));
        }
        // No key, no row: that needs no query.
        let is_nothing = !self.way()?.is_many() && self.key(py)?.is_none();
        Ok(is_nothing.then(|| py.None().into_bound(py)))
    }

    fn loaded<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.known(py)? {
            Some(linked) => Ok(linked),
            None => Err(self.not_loaded(py)?),
        }
    }

    #[cold]
    fn not_loaded(&self, py: Python<'_>) -> PyResult<PyErr> {
        let class = self.model().slots().class(py).name()?;
        let way = self.way()?;
        let name = &way.text;
        let with_row = if way.is_many() {
            format!(
                "load it with the rows by .prefetch({class}.{name}) or fetch_links=[\"{name}\"]"
            )
        } else {
            format!("fetch it with the row by fetch_links=[\"{name}\"]")
        };
        let message = if way.lazy == Lazy::Raise {
            format!("{class}.{name} is not loaded; {with_row}")
        } else {
            format!("{class}.{name} is not loaded; {with_row}, or now by `await x.{name}.fetch()`")
        };
        not_loaded(py, &message)
    }

    fn batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Batch>>> {
        let Some(slot) = self.model().batch_slot() else {
            return Ok(None);
        };
        let batch = self.model().slots().get(self.instance.bind(py), slot)?;
        Ok(batch.and_then(|batch| batch.cast_into::<Batch>().ok()))
    }

    /// What the query that made the instance ran on.
    fn home(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let batch = self.batch(py)?;
        Ok(batch.and_then(|batch| batch.get().home(py)))
    }

    /// Where the columns of a link's key are among those that batches keep; nothing where the link loads row by row.
    fn places(&self, ends: &Ends) -> PyResult<Option<Vec<usize>>> {
        if self.way()?.lazy != Lazy::Batch {
            return Ok(None);
        }
        let kept = self.model().key_columns();
        let place = |column: &usize| kept.iter().position(|known| known == column);
        Ok(ends.own.iter().map(place).collect())
    }

    /// The first step of a load: whether the answer is known already, and that, or the keys to ask for.
    fn begin<'py>(&self, py: Python<'py>, refresh: bool) -> PyResult<(bool, Bound<'py, PyAny>)> {
        let way = self.way()?;
        if !refresh && let Some(known) = self.known(py)? {
            return Ok((true, known));
        }
        let ends = self.ends(py)?;
        let Some(key) = self.key(py)? else {
            return if way.is_many() {
                Err(self.unsaved(py)?)
            } else {
                Ok((true, py.None().into_bound(py)))
            };
        };
        let keys = PyDict::new(py);
        keys.set_item(&key, py.None())?;
        let batch = if refresh { None } else { self.batch(py)? };
        if let (Some(batch), Some(places)) = (batch, self.places(&ends)?) {
            let index = self.field.get().index();
            if let Some(found) = batch.get().found(index, &key)? {
                let found = copied(found);
                self.keep(py, &ends, found.clone())?;
                return Ok((true, found));
            }
            for key in batch.get().pending(py, index, &places)? {
                if !has_null(&key)? && batch.get().found(index, &key)?.is_none() {
                    keys.set_item(key, py.None())?;
                }
            }
        }
        Ok((false, keys.keys().into_any()))
    }

    /// The last step of a load: what was found for the keys.
    fn finish<'py>(
        &self,
        py: Python<'py>,
        keys: &Bound<'py, PyList>,
        found: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (way, ends) = (self.way()?, self.ends(py)?);
        let by_key = ends.by_key(way.kind, found)?;
        if let Some(batch) = self.batch(py)? {
            let kept = batch.get().keep(py, self.field.get().index());
            for key in keys {
                let found = match by_key.get_item(&key)? {
                    Some(found) => found,
                    None => way.nothing(py),
                };
                kept.set_item(key, found)?;
            }
        }
        let linked = match self.key(py)? {
            Some(key) => way.found(py, &by_key, &key)?,
            None => way.nothing(py),
        };
        self.keep(py, &ends, linked.clone())?;
        Ok(linked)
    }

    fn keep(&self, py: Python<'_>, ends: &Ends, linked: Bound<'_, PyAny>) -> PyResult<()> {
        let index = self.field.get().index();
        self.model()
            .keep_link(self.instance.bind(py), index, ends, linked)
    }

    /// A load came to nothing.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(batch) = self.batch(py)? {
            batch.get().forget(py, self.field.get().index());
        }
        Ok(())
    }

    fn running(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let batch = self.batch(py)?;
        Ok(batch.and_then(|batch| batch.get().running(py, self.field.get().index())))
    }

    fn set_running(&self, py: Python<'_>, load: Option<Py<PyAny>>) -> PyResult<()> {
        if let Some(batch) = self.batch(py)? {
            let index = self.field.get().index();
            batch.get().set_running(py, index, load);
        }
        Ok(())
    }

    #[cold]
    fn unsaved(&self, py: Python<'_>) -> PyResult<PyErr> {
        let class = self.model().slots().class(py).name()?;
        let message =
            format!("the {class} has no key yet, so nothing can be linked to it; insert it first");
        not_loaded(py, &message)
    }

    fn repr(&self, py: Python<'_>) -> PyResult<String> {
        let name = &self.way()?.text;
        Ok(match self.known(py)? {
            Some(linked) => format!("<link {name}: {}>", linked.repr()?),
            None => match self.key(py)? {
                Some(key) => format!("<link {name}: not loaded, key {}>", key.repr()?),
                None => format!("<link {name}: not loaded>"),
            },
        })
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.field)?;
        visit.call(&self.instance)
    }
}

/// The error for what no query has loaded.
#[cold]
pub fn not_loaded(py: Python<'_>, message: &str) -> PyResult<PyErr> {
    static NOT_LOADED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let error = NOT_LOADED.import(py, "data_bridge.postgres.orm._errors", "NotLoadedError")?;
    Ok(PyErr::from_value(error.call1((message,))?))
}

/// A list of one's own; other things as they are.
fn copied(found: Bound<'_, PyAny>) -> Bound<'_, PyAny> {
    match found.cast::<PyList>() {
        Ok(list) => list.get_slice(0, list.len()).into_any(),
        Err(_) => found,
    }
}

fn has_null(key: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(key.is_none()
        || match key.cast::<PyTuple>() {
            Ok(parts) => parts.contains(key.py().None())?,
            Err(_) => false,
        })
}

/// One of the routines that take several steps.
fn routine<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static LINKS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let module = LINKS.get_or_try_init(py, || {
        let module = py.import("data_bridge.postgres.orm._links")?;
        Ok::<_, PyErr>(module.into_any().unbind())
    })?;
    module.bind(py).getattr(name)
}

/// The link of one instance to one row: `post.author`.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Link")]
#[derive(Debug)]
pub struct Linked(pub Handle);

#[pymethods]
impl Linked {
    /// The key, without a query.
    #[getter]
    fn r#ref<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.0.key(py)?.unwrap_or_else(|| py.None().into_bound(py)))
    }

    /// The linked instance, or `None` where there is none.
    #[getter]
    fn loaded<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.loaded(py)
    }

    /// Whether `loaded` has an answer.
    #[getter]
    fn is_loaded(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.0.known(py)?.is_some())
    }

    /// The linked row, loaded by its key if need be, along with those of the other rows of the same result.
    #[pyo3(signature = (*, refresh = false, db = None, timeout = None))]
    fn fetch<'py>(
        slf: &Bound<'py, Self>,
        refresh: bool,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "fetch")?.call1((slf, refresh, db, timeout))
    }

    #[getter]
    fn _field(&self, py: Python<'_>) -> Py<LinkField> {
        self.0.field.clone_ref(py)
    }

    #[getter]
    fn _home(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.home(py)
    }

    fn _begin<'py>(&self, py: Python<'py>, refresh: bool) -> PyResult<(bool, Bound<'py, PyAny>)> {
        self.0.begin(py, refresh)
    }

    fn _finish<'py>(
        &self,
        keys: &Bound<'py, PyList>,
        found: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.finish(keys.py(), keys, found)
    }

    fn _abandon(&self, py: Python<'_>) -> PyResult<()> {
        self.0.abandon(py)
    }

    #[getter(_running)]
    fn running(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.running(py)
    }

    fn _set_running(&self, py: Python<'_>, load: Option<Py<PyAny>>) -> PyResult<()> {
        self.0.set_running(py, load)
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
        self.0.loaded(py)?.getattr(name)
    }

    /// A column of the linked instance.
    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.loaded(py)?.get_item(name)
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(class, item)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.0.repr(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }
}

/// The links of one instance to many rows: `user.posts`, `user.roles`.
#[pyclass(frozen, module = "data_bridge.postgres", name = "Collection")]
#[derive(Debug)]
pub struct Collection(pub Handle);

#[pymethods]
impl Collection {
    /// The linked instances, as a list.
    #[getter]
    fn loaded<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.loaded(py)
    }

    /// Whether `loaded` has an answer.
    #[getter]
    fn is_loaded(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.0.known(py)?.is_some())
    }

    /// The linked rows, loaded if need be, along with those of the other rows of the same result.
    #[pyo3(signature = (*, refresh = false, db = None, timeout = None))]
    fn fetch<'py>(
        slf: &Bound<'py, Self>,
        refresh: bool,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "fetch")?.call1((slf, refresh, db, timeout))
    }

    /// How many linked rows there are, by a query.
    #[pyo3(signature = (*conditions, db = None, timeout = None))]
    fn count<'py>(
        slf: &Bound<'py, Self>,
        conditions: &Bound<'py, PyTuple>,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "count")?.call1((slf, conditions, db, timeout))
    }

    /// Links rows; those that are new are inserted first.
    #[pyo3(signature = (*rows, db = None, timeout = None))]
    fn add<'py>(
        slf: &Bound<'py, Self>,
        rows: &Bound<'py, PyTuple>,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "add")?.call1((slf, rows, db, timeout))
    }

    /// Unlinks rows; the rows themselves stay.
    #[pyo3(signature = (*rows, db = None, timeout = None))]
    fn remove<'py>(
        slf: &Bound<'py, Self>,
        rows: &Bound<'py, PyTuple>,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "remove")?.call1((slf, rows, db, timeout))
    }

    /// Links these rows and no others.
    #[pyo3(signature = (rows, *, db = None, timeout = None))]
    fn set<'py>(
        slf: &Bound<'py, Self>,
        rows: &Bound<'py, PyAny>,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "replace")?.call1((slf, rows, db, timeout))
    }

    /// Unlinks all rows.
    #[pyo3(signature = (*, db = None, timeout = None))]
    fn clear<'py>(
        slf: &Bound<'py, Self>,
        db: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        routine(slf.py(), "clear")?.call1((slf, db, timeout))
    }

    #[getter]
    fn _field(&self, py: Python<'_>) -> Py<LinkField> {
        self.0.field.clone_ref(py)
    }

    #[getter]
    fn _home(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.home(py)
    }

    /// The instance that the rows are linked to.
    #[getter]
    fn _instance(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.instance.clone_ref(py)
    }

    /// The values of the columns that the rows are linked by.
    #[getter]
    fn _key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.0.key(py)? {
            Some(key) => Ok(key),
            None => Err(self.0.unsaved(py)?),
        }
    }

    fn _begin<'py>(&self, py: Python<'py>, refresh: bool) -> PyResult<(bool, Bound<'py, PyAny>)> {
        self.0.begin(py, refresh)
    }

    fn _finish<'py>(
        &self,
        keys: &Bound<'py, PyList>,
        found: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.finish(keys.py(), keys, found)
    }

    /// The links were changed: has the instance know these linked rows, or forget what it knew.
    #[pyo3(signature = (rows))]
    fn _keep(&self, py: Python<'_>, rows: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let (model, index) = (self.0.model(), self.0.field.get().index());
        if let (Some(batch), Some(key)) = (self.0.batch(py)?, self.0.key(py)?) {
            let kept = batch.get().keep(py, index);
            if kept.contains(&key)? {
                kept.del_item(key)?;
            }
        }
        if let Some(rows) = rows {
            return self.0.keep(py, &*self.0.ends(py)?, rows);
        }
        let instance = self.0.instance.bind(py);
        model.slots().set(instance, model.link_slot(index), None)
    }

    fn _abandon(&self, py: Python<'_>) -> PyResult<()> {
        self.0.abandon(py)
    }

    #[getter(_running)]
    fn running(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.running(py)
    }

    fn _set_running(&self, py: Python<'_>, load: Option<Py<PyAny>>) -> PyResult<()> {
        self.0.set_running(py, load)
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.loaded(py)?.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.0.loaded(py)?.try_iter()
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        at: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.loaded(py)?.get_item(at)
    }

    fn __contains__(&self, py: Python<'_>, row: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.0.loaded(py)?.contains(row)
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        class: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(class, item)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.0.repr(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }
}
