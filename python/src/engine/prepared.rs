//! What the Python front resolves once per statement: codecs of parameters and columns.

use data_bridge_driver::session::Statement;
use data_bridge_driver::types::Format;
use pyo3::prelude::*;

use crate::convert::{Layout, Params};
use crate::engine::catalog::Catalog;
use crate::engine::reset::leaves_traces;

/// The codecs of one statement, kept with it.
#[derive(Debug)]
pub struct Prepared {
    /// Encodes the parameters.
    pub params: Params,
    /// Decodes the rows.
    pub layout: Layout,
    /// The formats of the columns; empty where all are binary.
    pub result_formats: Box<[Format]>,
    /// Whether it may leave the session changed.
    pub leaves_traces: bool,
}

impl Prepared {
    /// Resolves the types of `statement`, all of which the catalog must know.
    pub fn new(py: Python<'_>, statement: &Statement, catalog: &Catalog) -> PyResult<Self> {
        let params = Params::new(
            statement
                .parameters()
                .iter()
                .map(|oid| catalog.resolve(*oid)),
        );
        let columns = statement.columns().iter();
        let layout = Layout::new(
            py,
            columns.map(|column| (column.name.as_str(), catalog.resolve(column.type_oid))),
        )?;
        let is_binary = layout
            .formats()
            .iter()
            .all(|format| *format == Format::Binary);
        let result_formats = if is_binary {
            Box::default()
        } else {
            layout.formats().into()
        };
        Ok(Self {
            params,
            layout,
            result_formats,
            leaves_traces: leaves_traces(statement.sql()),
        })
    }
}
