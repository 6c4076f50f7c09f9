//! The rows of one result as the siblings that they are: what is fetched over a link for one is fetched for all.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::model::Model;

/// The most rows that are siblings: it bounds what one of them can load, and keeps alive.
const MAX_ROWS: usize = 10_000;

/// What the instances of one result share. It holds their keys and what these led to, never the instances: they are let go one
/// by one, and make no circle.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Batch {
    home: Option<Py<PyAny>>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rows: usize,
    /// For each key column of the model, its values by row.
    keys: Vec<Vec<Py<PyAny>>>,
    links: Vec<Loading>,
}

/// How far one link was loaded.
#[derive(Debug)]
struct Loading {
    link: usize,
    /// So many rows' keys were asked for.
    asked: usize,
    /// What each key led to.
    found: Py<PyDict>,
    /// The load that runs now, to be awaited by others.
    running: Option<Py<PyAny>>,
}

impl Batch {
    /// Of a result of this model's rows.
    pub fn new(model: &Model, home: Option<Py<PyAny>>) -> Self {
        let keys = model.key_columns().iter().map(|_| Vec::new()).collect();
        Self {
            home,
            inner: Mutex::new(Inner {
                keys,
                ..Inner::default()
            }),
        }
    }

    /// Weak references to what ran the query, in the order in which they are to be asked.
    pub fn home(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.home.as_ref().map(|home| home.clone_ref(py))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in another row; whether there was room.
    ///
    /// # Errors
    /// An instance of another class.
    pub fn add(&self, model: &Model, instance: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut inner = self.lock();
        if inner.rows == MAX_ROWS {
            return Ok(false);
        }
        inner.rows += 1;
        for (values, column) in inner.keys.iter_mut().zip(model.key_columns()) {
            let value = model.slots().get(instance, *column)?;
            values.push(value.map_or_else(|| instance.py().None(), Bound::unbind));
        }
        Ok(true)
    }

    /// What a key led to, if that is known.
    ///
    /// # Errors
    /// A key that cannot be hashed.
    pub fn found<'py>(
        &self,
        link: usize,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = key.py();
        let found = {
            let inner = self.lock();
            let loading = inner.links.iter().find(|loading| loading.link == link);
            loading.map(|loading| loading.found.clone_ref(py))
        };
        found.map_or(Ok(None), |found| found.bind(py).get_item(key))
    }

    /// The keys of the rows that were not asked for yet, which are those at these places among the key columns.
    ///
    /// # Errors
    /// Exhausted memory.
    pub fn pending<'py>(
        &self,
        py: Python<'py>,
        link: usize,
        places: &[usize],
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut inner = self.lock();
        let rows = inner.rows;
        let asked = inner.loading(py, link).asked;
        inner.loading(py, link).asked = rows;
        let value = |place: usize, row: usize| {
            let values = inner.keys.get(place)?;
            Some(values.get(row)?.bind(py).clone())
        };
        (asked..rows)
            .map(|row| match places {
                [place] => Ok(value(*place, row).unwrap_or_else(|| py.None().into_bound(py))),
                places => {
                    let parts = places.iter().filter_map(|place| value(*place, row));
                    Ok(PyTuple::new(py, parts.collect::<Vec<_>>())?.into_any())
                }
            })
            .collect()
    }

    /// A load came to nothing: its keys are to be asked for again.
    pub fn forget(&self, py: Python<'_>, link: usize) {
        self.lock().loading(py, link).asked = 0;
    }

    /// Where to keep what keys led to.
    pub fn keep<'py>(&self, py: Python<'py>, link: usize) -> Bound<'py, PyDict> {
        self.lock().loading(py, link).found.bind(py).clone()
    }

    /// The load of a link that runs now.
    pub fn running(&self, py: Python<'_>, link: usize) -> Option<Py<PyAny>> {
        let mut inner = self.lock();
        let running = inner.loading(py, link).running.as_ref();
        running.map(|running| running.clone_ref(py))
    }

    /// Says which load of a link runs now.
    pub fn set_running(&self, py: Python<'_>, link: usize, running: Option<Py<PyAny>>) {
        let old = std::mem::replace(&mut self.lock().loading(py, link).running, running);
        drop(old);
    }
}

impl Inner {
    fn loading(&mut self, py: Python<'_>, link: usize) -> &mut Loading {
        let known = self.links.iter().position(|loading| loading.link == link);
        let at = known.unwrap_or_else(|| {
            self.links.push(Loading {
                link,
                asked: 0,
                found: PyDict::new(py).unbind(),
                running: None,
            });
            self.links.len() - 1
        });
        &mut self.links[at]
    }
}

#[pymethods]
impl Batch {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.home)?;
        // Whoever holds the lock runs; what is not seen in this round is kept.
        if let Ok(inner) = self.inner.try_lock() {
            for loading in &inner.links {
                visit.call(&loading.found)?;
                visit.call(&loading.running)?;
            }
            for value in inner.keys.iter().flatten() {
                visit.call(value)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let inner = std::mem::take(&mut *self.lock());
        drop(inner);
    }
}

/// The batches of the instances that one run of a statement makes: one for each class among a row's.
#[derive(Debug)]
pub struct Batches {
    home: Option<Py<PyAny>>,
    by_entity: Mutex<Vec<Option<Py<Batch>>>>,
}

impl Batches {
    /// Of a statement that this holder runs.
    pub fn new(home: Option<Py<PyAny>>) -> Self {
        Self {
            home,
            by_entity: Mutex::new(Vec::new()),
        }
    }

    /// Whether it is known where the statement runs.
    pub fn has_home(&self) -> bool {
        self.home.is_some()
    }

    /// Makes an instance one of its siblings; `entity` is its place in a row.
    ///
    /// # Errors
    /// Exhausted memory.
    pub fn join(&self, entity: usize, model: &Model, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(slot) = model.batch_slot() else {
            return Ok(());
        };
        let py = instance.py();
        let mut by_entity = self
            .by_entity
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if by_entity.len() <= entity {
            by_entity.resize_with(entity + 1, || None);
        }
        let place = &mut by_entity[entity];
        let batch = match place {
            Some(batch) if batch.get().add(model, instance)? => batch.clone_ref(py),
            _ => {
                let home = self.home.as_ref().map(|home| home.clone_ref(py));
                let batch = Py::new(py, Batch::new(model, home))?;
                batch.get().add(model, instance)?;
                *place = Some(batch.clone_ref(py));
                batch
            }
        };
        model
            .slots()
            .set(instance, slot, Some(batch.into_bound(py).into_any()))
    }
}
