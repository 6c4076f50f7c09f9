//! Python arguments to a [`Request`].

use std::sync::Arc;

use data_bridge_driver::sql::begins_transaction;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::bulk::Columns;
use crate::engine::{Args, Portal, Request, RowBuilder, Shape};
use crate::errors;

/// What makes objects of rows, handed through Python: the ORM's instances.
#[pyclass(frozen, module = "data_bridge._native")]
pub struct Builder(pub Arc<dyn RowBuilder>);

impl Request {
    /// A plain statement.
    pub fn plain(sql: Bound<'_, PyString>, args: Args, shape: Shape) -> Self {
        Self {
            sql: sql.unbind(),
            args,
            shape,
            declared: no_types(),
            typed: false,
            builder: None,
            portal: None,
            follow: None,
            fresh: false,
        }
    }

    /// Refuses to open a transaction by a statement that stands alone: what follows it would run on any connection, and
    /// what shares its connection would be part of it.
    #[inline]
    pub fn check_alone(&self, py: Python<'_>) -> PyResult<()> {
        let opens = self.sql.bind(py).to_str().is_ok_and(begins_transaction);
        if opens {
            return Err(errors::interface_error(
                py,
                "a transaction needs a connection of its own: use transaction(), or connection() to write BEGIN by hand",
            ));
        }
        Ok(())
    }
}

/// Builds a request. `args` is a tuple of values, a list of tuples to execute in one Sync, or [`Columns`] of rows. `shape` is one of `rows`,
/// `row`, `value`, `count`, `rows_or_count`, `page`, `describe`. Options, all by keyword:
///
/// - `column`: the column for `value`, from 0;
/// - `types`: OIDs of the parameters, where the caller knows them;
/// - `typed`: the caller vouches that all columns travel in binary, so that even the first use takes one round trip;
/// - `builder`: a [`Builder`];
/// - `portal`, `page_size`: read by pages through a portal of this name;
/// - `more`: the portal is open, read on;
/// - `follow`: a statement that runs behind the others in the same Sync and returns one int8; the answer becomes a pair;
/// - `fresh`: with the shape `describe`, ask the server even if the statement is known.
pub fn build(
    sql: Bound<'_, PyString>,
    args: &Bound<'_, PyAny>,
    shape: &str,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Request> {
    let py = sql.py();
    let args = if let Ok(args) = args.cast::<PyTuple>() {
        Args::One(args.clone().unbind())
    } else if let Ok(columns) = args.cast::<Columns>() {
        Args::Columns(columns.clone().unbind())
    } else {
        Args::Many(args.extract()?)
    };
    let option = |name: &str| match options {
        Some(options) => options.get_item(name),
        None => Ok(None),
    };
    let shape = match shape {
        "rows" => Shape::Rows,
        "row" => Shape::Row,
        "value" => value_of(
            py,
            option("column")?.map_or(Ok(0), |column| column.extract())?,
        )?,
        "count" => Shape::Count,
        "rows_or_count" => Shape::RowsOrCount,
        "page" => Shape::Page,
        "describe" => Shape::Describe,
        other => {
            return Err(errors::interface_error(
                py,
                &format!("unknown shape {other:?}"),
            ));
        }
    };
    let mut request = Request::plain(sql, args, shape);
    if let Some(types) = option("types")? {
        request.declared = types.extract::<Vec<u32>>()?.into();
    }
    if let Some(typed) = option("typed")? {
        request.typed = typed.extract()?;
    }
    if let Some(builder) = option("builder")? {
        request.builder = Some(Arc::clone(&builder.cast::<Builder>()?.get().0));
    }
    if let Some(sql) = option("follow")? {
        request.follow = Some(sql.extract::<String>()?.into());
    }
    if let Some(fresh) = option("fresh")? {
        request.fresh = fresh.extract()?;
    }
    if let Some(name) = option("portal")? {
        request.portal = Some(Portal {
            name: name.extract::<String>()?.into(),
            rows: option("page_size")?.map_or(Ok(1000), |rows| rows.extract())?,
            is_open: option("more")?.map_or(Ok(false), |more| more.extract())?,
        });
    }
    Ok(request)
}

/// One column of the first row.
///
/// # Errors
/// `InterfaceError` for a number below 0: columns are not counted from the end.
pub fn value_of(py: Python<'_>, column: isize) -> PyResult<Shape> {
    usize::try_from(column).map(Shape::Value).map_err(|_| {
        errors::interface_error(
            py,
            &format!("column is counted from 0, it cannot be {column}"),
        )
    })
}

/// The empty list of declared types, shared.
fn no_types() -> Arc<[u32]> {
    static NONE: std::sync::LazyLock<Arc<[u32]>> = std::sync::LazyLock::new(|| Arc::new([]));
    Arc::clone(&NONE)
}
