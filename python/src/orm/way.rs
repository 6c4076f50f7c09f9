//! The links of a model: which columns lead where. The other end is found when it is first needed.

use std::sync::{Arc, Mutex, PoisonError};

use data_bridge_driver::Error;
use data_bridge_orm::schema::{ColumnRef, Table};
use pyo3::exceptions::{PyLookupError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::model::Model;
use crate::errors;

/// A link to another class.
#[derive(Debug)]
pub struct Way {
    pub name: Py<PyString>,
    pub text: String,
    pub kind: Kind,
    pub lazy: Lazy,
    /// Whether a key without its row is an error.
    pub strict: bool,
    /// Positions of the referring columns, of a foreign key.
    pub own: Vec<usize>,
    /// What gives the other end, which may be defined later than this one.
    resolve: Py<PyAny>,
    ends: Mutex<Option<Arc<Ends>>>,
}

/// How many rows are at the other end, and how they are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One: the key is here.
    One,
    /// Many: their keys are there.
    Many,
    /// Many: the keys are in a table between.
    Through,
}

/// What `fetch()` does where nothing was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lazy {
    /// Loads the link of all rows of the same result.
    Batch,
    /// Loads that of one row.
    Single,
    /// Refuses.
    Raise,
}

/// The two ends of a link.
#[derive(Debug)]
pub struct Ends {
    pub target: Py<Model>,
    /// Positions of this side's columns.
    pub own: Vec<usize>,
    /// Positions of the other side's columns; of a table between, those that its rows refer to.
    pub to: Vec<usize>,
    pub between: Option<Between>,
    /// The link of the target that leads back over the same foreign key.
    pub back: Option<usize>,
}

/// A table between two.
#[derive(Debug)]
pub struct Between {
    pub model: Py<Model>,
    /// Positions of its columns that refer to this side, and to the other.
    pub own: Vec<usize>,
    pub to: Vec<usize>,
}

/// A link as the class body has it: name, slot, kind, own columns, whether strict, what `fetch()` does, and what resolves it.
pub type LinkSpec = (String, String, String, Vec<String>, bool, String, Py<PyAny>);

/// What `resolve` answers: the other model, the columns of both sides, and the model between with its columns.
type Resolved = (
    Py<Model>,
    Vec<String>,
    Vec<String>,
    Option<(Py<Model>, Vec<String>, Vec<String>)>,
);

impl Way {
    /// From what the class body says.
    ///
    /// # Errors
    /// A column or an option that does not exist.
    pub fn new(py: Python<'_>, table: &Table, spec: LinkSpec) -> PyResult<Self> {
        let (text, _, kind, own, strict, lazy, resolve) = spec;
        Ok(Self {
            name: PyString::intern(py, &text).unbind(),
            own: positions(py, table, &own)?,
            kind: match kind.as_str() {
                "one" => Kind::One,
                "many" => Kind::Many,
                _ => Kind::Through,
            },
            lazy: match lazy.as_str() {
                "batch" => Lazy::Batch,
                "single" => Lazy::Single,
                "raise" => Lazy::Raise,
                other => {
                    return Err(PyValueError::new_err(format!(
                        "lazy={other:?} is unknown; use \"batch\", \"single\" or \"raise\""
                    )));
                }
            },
            text,
            strict,
            resolve,
            ends: Mutex::new(None),
        })
    }

    /// Whether it leads to many rows.
    pub fn is_many(&self) -> bool {
        self.kind != Kind::One
    }

    /// Both ends.
    ///
    /// # Errors
    /// No such class yet, or one without the columns.
    pub fn ends(&self, py: Python<'_>, model: &Model) -> PyResult<Arc<Ends>> {
        let known = || self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ends) = &*known() {
            return Ok(Arc::clone(ends));
        }
        // Without the lock, since Python code runs here.
        let (target, own, to, between): Resolved = self.resolve.bind(py).call0()?.extract()?;
        let between = between.map(|(between, own, to)| {
            let table = between.get().table();
            let (own, to) = (positions(py, table, &own)?, positions(py, table, &to)?);
            Ok::<_, PyErr>(Between {
                model: between.clone_ref(py),
                own,
                to,
            })
        });
        let own = positions(py, model.table(), &own)?;
        let to = positions(py, target.get().table(), &to)?;
        let back = match self.kind {
            Kind::Many => target.get().links().iter().position(|way| {
                way.kind == Kind::One
                    && way.own == to
                    && way
                        .ends(py, target.get())
                        .is_ok_and(|back| std::ptr::eq(back.target.get(), model))
            }),
            Kind::One | Kind::Through => None,
        };
        let ends = Arc::new(Ends {
            target,
            own,
            to,
            between: between.transpose()?,
            back,
        });
        *known() = Some(Arc::clone(&ends));
        Ok(ends)
    }

    /// The table at the other end, for links that begin at this table: the model's own, an alias, or the end of another link.
    ///
    /// # Errors
    /// Those of [`Way::ends`].
    pub fn linked(&self, py: Python<'_>, model: &Model, from: &Table) -> PyResult<Table> {
        let ends = self.ends(py, model)?;
        let name = if from.is_alias() {
            format!("{}.{}", from.known_as(), self.text)
        } else {
            self.text.clone()
        };
        let linked = || -> Result<Table, Error> {
            let target = ends.target.get().table();
            let Some(between) = &ends.between else {
                let on = pairs(from, &ends.own, target, &ends.to);
                return target.linked(&name, on, self.is_many());
            };
            let table = between.model.get().table();
            let on = pairs(from, &ends.own, table, &between.own);
            let through = table.linked(&format!("{name}.through"), on, true)?;
            target.linked(&name, pairs(&through, &between.to, target, &ends.to), true)
        };
        linked().map_err(|error| errors::to_py(py, &error))
    }

    /// The error for a key that no row has.
    #[cold]
    pub fn missing(&self, py: Python<'_>, class: &Bound<'_, PyType>) -> PyErr {
        static MISSING: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let build = || {
            let message = format!(
                "{}.{} is strict, and there is no row with the key that it refers to",
                class.name()?,
                self.text,
            );
            MISSING
                .import(py, "data_bridge.postgres.orm._errors", "MissingRowError")?
                .call1((message,))
        };
        build().map_or_else(|failed| failed, PyErr::from_value)
    }

    /// Shows what it holds to the garbage collector.
    ///
    /// # Errors
    /// The collector's own.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.resolve)?;
        // Held only for moments that the collector cannot come in between.
        if let Ok(ends) = self.ends.try_lock()
            && let Some(ends) = &*ends
        {
            visit.call(&ends.target)?;
            if let Some(between) = &ends.between {
                visit.call(&between.model)?;
            }
        }
        Ok(())
    }

    /// Lets go of the other end, so that classes that link to each other can be collected.
    pub fn clear(&self) {
        let ends = self.ends.lock().map(|mut ends| ends.take());
        drop(ends);
    }
}

/// The columns of two tables that equal each other where rows are linked.
fn pairs(from: &Table, own: &[usize], to: &Table, others: &[usize]) -> Vec<(ColumnRef, ColumnRef)> {
    let pairs = own.iter().zip(others);
    pairs
        .filter_map(|(own, other)| Some((from.column_at(*own)?, to.column_at(*other)?)))
        .collect()
}

fn positions(py: Python<'_>, table: &Table, names: &[String]) -> PyResult<Vec<usize>> {
    names
        .iter()
        .map(|name| {
            let column = table.column(name);
            Ok(column.map_err(|error| errors::to_py(py, &error))?.index())
        })
        .collect()
}

impl Model {
    /// The position of a link by its name.
    ///
    /// # Errors
    /// No such link; the message lists those that there are.
    pub fn link_at(&self, name: &str) -> PyResult<usize> {
        let links = self.links();
        links
            .iter()
            .position(|way| way.text == name)
            .ok_or_else(|| {
                let known: Vec<&str> = links.iter().map(|way| way.text.as_str()).collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                PyLookupError::new_err(format!(
                    "{} has no link {name:?}; it has {known}",
                    self.table().name()
                ))
            })
    }
}
