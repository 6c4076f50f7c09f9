//! What a class body says about its table, as the Python side hands it over.

use data_bridge_driver::Error;
use data_bridge_orm::query::Conversion;
use data_bridge_orm::schema::{Action, Column, Identity, PgType, Reference, Table};
use pyo3::prelude::*;

use crate::errors;

/// One column: the attributes of `data_bridge.postgres.orm`'s `ColumnSpec`.
#[derive(Debug, FromPyObject)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own in Column()"
)]
pub struct ColumnSpec {
    pub name: String,
    sql_type: String,
    /// The labels of an enum type, of which `sql_type` is the name.
    enum_labels: Option<Vec<String>>,
    nullable: bool,
    primary_key: bool,
    unique: bool,
    index: bool,
    /// `"always"`, `"by default"` or none.
    identity: Option<String>,
    server_default: Option<String>,
    check: Option<String>,
    collation: Option<String>,
    comment: Option<String>,
    foreign_key: Option<String>,
    on_delete: Option<String>,
    on_update: Option<String>,
    /// Whether a key without its row is an error when the link is loaded.
    pub strict: bool,
    /// Whether it says that a row is deleted.
    soft_delete: bool,
    /// Whether it says whose a row is.
    pub tenant: bool,
    /// Whether the constructor takes it.
    pub init: bool,
    /// Whether it counts the row's versions.
    pub version: bool,
    /// A tuple of the one value, since the value may be `None`.
    pub default: Option<(Py<PyAny>,)>,
    pub default_factory: Option<Py<PyAny>>,
    /// SQL that an update sets the column to.
    pub onupdate_sql: Option<String>,
    /// A callable whose value an update sets the column to.
    pub onupdate: Option<Py<PyAny>>,
    /// The number of what converts its values.
    converter: Option<u32>,
}

impl ColumnSpec {
    fn column(&self) -> Result<Column, Error> {
        let mut ty = PgType::parse(&self.sql_type)?;
        if let Some(labels) = &self.enum_labels {
            ty = ty.with_labels(labels)?;
        }
        let mut column = Column::new(&self.name, ty)?;
        column.nullable = self.nullable;
        column.conversion = self.converter.map_or(Conversion::NONE, Conversion::at);
        column.comment.clone_from(&self.comment);
        column.identity = match self.identity.as_deref() {
            None => None,
            Some("always") => Some(Identity::Always),
            Some("by default") => Some(Identity::ByDefault),
            Some(other) => {
                return Err(Error::interface(format!(
                    "identity={other:?} is unknown; use \"always\", \"by default\" or False"
                )));
            }
        };
        if self.primary_key {
            column = column.primary_key();
        }
        if self.unique {
            column = column.unique();
        }
        if self.index {
            column = column.index();
        }
        if let Some(sql) = &self.server_default {
            column = column.default(sql)?;
        }
        if let Some(sql) = &self.check {
            column = column.check(sql)?;
        }
        if let Some(name) = &self.collation {
            column = column.collation(name)?;
        }
        if let Some(target) = &self.foreign_key {
            let mut reference = Reference::parse(target)?;
            if let Some(action) = &self.on_delete {
                reference = reference.on_delete(action.parse::<Action>()?);
            }
            if let Some(action) = &self.on_update {
                reference = reference.on_update(action.parse::<Action>()?);
            }
            column = column.references(reference);
        }
        Ok(column)
    }
}

/// The table of a class.
///
/// # Errors
/// `InterfaceError` for what the schema refuses.
pub fn table(
    py: Python<'_>,
    name: &str,
    schema: Option<&str>,
    comment: Option<&str>,
    columns: &[ColumnSpec],
) -> PyResult<Table> {
    let build = || {
        let mut table = Table::builder(name)?;
        if let Some(schema) = schema {
            table = table.schema(schema)?;
        }
        if let Some(comment) = comment {
            table = table.comment(comment);
        }
        for column in columns {
            table = table.column(column.column()?);
            if column.soft_delete {
                table = table.soft_delete(&column.name);
            }
            if column.tenant {
                table = table.tenant(&column.name);
            }
        }
        table.build()
    };
    build().map_err(|error: Error| errors::to_py(py, &error))
}
