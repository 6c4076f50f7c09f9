//! What changes the rows of a table between two: each change one statement, whatever the number of rows.

use std::fmt::Write as _;

use data_bridge_orm::schema::Table;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::model::Model;
use super::scope::placed;

/// The statement that adds to, removes from, replaces or clears what one row is linked to.
///
/// Its parameters are the values of the row's key, then for each column of the other side an array of its values; `clear` has
/// only the former. With `symmetric` each link is there in both directions.
#[pyfunction(name = "orm_link_statement")]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn link_statement(
    between: &Bound<'_, Model>,
    own: Vec<String>,
    to: Vec<String>,
    change: &str,
    symmetric: bool,
) -> PyResult<String> {
    let table = between.get().table();
    let sides = Sides {
        placed: placed(between.py(), table)?,
        own: columns(table, &own)?,
        to: columns(table, &to)?,
        symmetric,
    };
    match change {
        "add" => Ok(sides.add()),
        "remove" => Ok(sides.remove()),
        "replace" => Ok(sides.replace()),
        "clear" => Ok(sides.clear()),
        other => Err(PyValueError::new_err(format!("unknown change {other:?}"))),
    }
}

/// A column's name and type, quoted for SQL.
type Columns = Vec<(String, String)>;

fn columns(table: &Table, names: &[String]) -> PyResult<Columns> {
    names
        .iter()
        .map(|name| {
            let column = table.column(name);
            let column = column.map_err(|error| PyValueError::new_err(error.to_string()))?;
            let (name, ty) = (column.column().name.quoted(), &column.column().ty);
            Ok((name.to_owned(), ty.to_string()))
        })
        .collect()
}

struct Sides {
    /// The table's name where the caller's scope has it.
    placed: String,
    own: Columns,
    to: Columns,
    symmetric: bool,
}

impl Sides {
    fn add(&self) -> String {
        let mut sql = format!(
            "INSERT INTO {} ({}, {}) SELECT {}, {} FROM {}",
            self.name(),
            names(&self.own, ""),
            names(&self.to, ""),
            self.key(),
            names(&self.to, "other."),
            self.others()
        );
        if self.symmetric {
            let _ = write!(
                sql,
                " UNION SELECT {}, {} FROM {}",
                names(&self.to, "other."),
                self.key(),
                self.others()
            );
        }
        sql + " ON CONFLICT DO NOTHING"
    }

    fn remove(&self) -> String {
        let forward = self.directed(&self.own, &self.to);
        let back = self.directed(&self.to, &self.own);
        format!(
            "DELETE FROM {} AS link USING {} WHERE {}",
            self.name(),
            self.others(),
            self.either(&forward, &back)
        )
    }

    fn replace(&self) -> String {
        let others = |columns: &Columns| {
            format!(
                "NOT EXISTS (SELECT FROM {} WHERE {})",
                self.others(),
                self.are_others(columns)
            )
        };
        let forward = format!("{} AND {}", self.is_key(&self.own), others(&self.to));
        let back = format!("{} AND {}", self.is_key(&self.to), others(&self.own));
        format!(
            "WITH gone AS (DELETE FROM {} AS link WHERE {}) {}",
            self.name(),
            self.either(&forward, &back),
            self.add()
        )
    }

    fn clear(&self) -> String {
        format!(
            "DELETE FROM {} AS link WHERE {}",
            self.name(),
            self.either(&self.is_key(&self.own), &self.is_key(&self.to))
        )
    }

    fn name(&self) -> &str {
        &self.placed
    }

    /// The row's key as parameters.
    fn key(&self) -> String {
        let types = self.own.iter().enumerate();
        let params = types.map(|(at, (_, ty))| format!("${}::{ty}", at + 1));
        params.collect::<Vec<_>>().join(", ")
    }

    /// The keys of the other side as a table.
    fn others(&self) -> String {
        let types = self.to.iter().enumerate();
        let arrays = types.map(|(at, (_, ty))| format!("${}::{ty}[]", self.own.len() + at + 1));
        format!(
            "unnest({}) AS other({})",
            arrays.collect::<Vec<_>>().join(", "),
            names(&self.to, "")
        )
    }

    fn is_key(&self, columns: &Columns) -> String {
        let pairs = columns.iter().zip(&self.own).enumerate();
        let equal =
            pairs.map(|(at, ((name, _), (_, ty)))| format!("link.{name} = ${}::{ty}", at + 1));
        equal.collect::<Vec<_>>().join(" AND ")
    }

    fn are_others(&self, columns: &Columns) -> String {
        let pairs = columns.iter().zip(&self.to);
        let equal = pairs.map(|((name, _), (other, _))| format!("link.{name} = other.{other}"));
        equal.collect::<Vec<_>>().join(" AND ")
    }

    fn directed(&self, from: &Columns, to: &Columns) -> String {
        format!("{} AND {}", self.is_key(from), self.are_others(to))
    }

    fn either(&self, forward: &str, back: &str) -> String {
        if self.symmetric {
            format!("({forward}) OR ({back})")
        } else {
            forward.to_owned()
        }
    }
}

fn names(columns: &Columns, before: &str) -> String {
    let names = columns.iter().map(|(name, _)| format!("{before}{name}"));
    names.collect::<Vec<_>>().join(", ")
}

impl Model {
    /// Gives an instance values that its row has already.
    ///
    /// # Errors
    /// A column that does not exist, or an object of another class.
    pub fn take_values(
        &self,
        instance: &Bound<'_, PyAny>,
        names: &[String],
        values: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        for (name, value) in names.iter().zip(values) {
            let column = self.table().column(name);
            let column = column.map_err(|error| PyValueError::new_err(error.to_string()))?;
            self.slots().set(instance, column.index(), Some(value))?;
            self.forget_links(instance, column.index())?;
        }
        self.slots().track(instance);
        Ok(())
    }
}
