//! What a class body says about its table, as the Python side hands it over.

use data_bridge_driver::Error;
use data_bridge_orm::query::Conversion;
use data_bridge_orm::schema::{
    Action, Builtin, Column, Fragment, Generated, Identity, Name, PgType, Reference,
    SequenceOptions, Table, Timing, naming::Naming,
};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::model::Model;
use super::table_args::TableArg;
use crate::errors;

/// One column: the attributes of `data_bridge.postgres.orm`'s `ColumnSpec`.
#[derive(Debug, FromPyObject)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own in Column()"
)]
pub struct ColumnSpec {
    /// The name of the column.
    pub name: String,
    /// The name of the attribute.
    pub attribute: String,
    sql_type: String,
    /// The labels of an enum type, of which `sql_type` is the name.
    enum_labels: Option<Vec<String>>,
    nullable: bool,
    primary_key: bool,
    unique: bool,
    index: bool,
    /// `"always"`, `"by default"` or none.
    identity: Option<String>,
    /// The options of its sequence.
    sequence: Option<Sequence>,
    /// SQL that it is computed from.
    generated: Option<String>,
    /// Whether it is then kept.
    stored: bool,
    renamed_from: Option<String>,
    server_default: Option<String>,
    check: Option<String>,
    collation: Option<String>,
    comment: Option<String>,
    foreign_key: Option<String>,
    on_delete: Option<String>,
    on_update: Option<String>,
    /// When the foreign key is looked at.
    timing: String,
    /// Whether it says that a row is deleted.
    soft_delete: bool,
    /// Whether it says whose a row is.
    pub tenant: bool,
    /// Whether the constructor takes it.
    pub init: bool,
    /// Whether rows of several classes are told apart by it.
    pub discriminator: bool,
    /// Whether it counts the row's versions.
    pub version: bool,
    /// A tuple of the one value, since the value may be `None`.
    pub default: Option<(Py<PyAny>,)>,
    pub default_factory: Option<Py<PyAny>>,
    /// SQL that an update sets the column to.
    pub onupdate_sql: Option<String>,
    /// A callable whose value an update sets the column to.
    pub onupdate: Option<Py<PyAny>>,
    /// What a value given by the user goes through.
    pub validators: Py<PyTuple>,
    /// The number of what converts its values.
    converter: Option<u32>,
}

/// The options of an identity column's sequence: the attributes of `Identity`.
#[derive(Debug, FromPyObject)]
struct Sequence {
    start: Option<i64>,
    increment: Option<i64>,
    min: Option<i64>,
    max: Option<i64>,
    cache: Option<i64>,
    cycle: bool,
}

impl ColumnSpec {
    fn column(&self) -> Result<Column, Error> {
        let (mut ty, serial) = match serial_type(&self.sql_type) {
            Some(counted) => (PgType::from(counted), true),
            None => (PgType::parse(&self.sql_type)?, false),
        };
        if let Some(labels) = &self.enum_labels {
            ty = ty.with_labels(labels)?;
        }
        let mut column = Column::new(&self.name, ty)?;
        column.nullable = self.nullable;
        column.serial = serial;
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
        if let Some(options) = &self.sequence {
            column.sequence = SequenceOptions {
                start: options.start,
                increment: options.increment,
                min: options.min,
                max: options.max,
                cache: options.cache,
                cycle: options.cycle,
            };
        }
        if let Some(sql) = &self.generated {
            column.generated = Some(Generated {
                expression: Fragment::new(sql)?,
                stored: self.stored,
            });
        }
        if let Some(old) = &self.renamed_from {
            column.renamed_from = Some(Name::column(old)?);
        }
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
            reference.on_delete = action(self.on_delete.as_deref())?;
            reference.on_update = action(self.on_update.as_deref())?;
            column = column.references(reference).timing(timing(&self.timing));
        }
        Ok(column)
    }
}

/// The type behind one of the words that PostgreSQL has for a column that counts by a sequence of its own.
fn serial_type(word: &str) -> Option<Builtin> {
    match word.to_ascii_lowercase().as_str() {
        "smallserial" | "serial2" => Some(Builtin::Int2),
        "serial" | "serial4" => Some(Builtin::Int4),
        "bigserial" | "serial8" => Some(Builtin::Int8),
        _ => None,
    }
}

/// What a referring row does; the usual where nothing is said.
///
/// # Errors
/// Other words than those of an action.
pub fn action(words: Option<&str>) -> Result<Action, Error> {
    words.map_or(Ok(Action::default()), str::parse)
}

/// When a constraint is looked at.
pub fn timing(words: &str) -> Timing {
    match words {
        "DEFERRABLE" => Timing::Deferrable,
        "DEFERRED" => Timing::Deferred,
        _ => Timing::Immediate,
    }
}

/// A table beside its columns: the attributes of `_TableOptions`.
#[derive(Debug, FromPyObject)]
pub struct TableSpec {
    name: String,
    schema: Option<String>,
    comment: Option<String>,
    renamed_from: Option<String>,
    /// The naming convention: pairs of a key and a pattern.
    naming: Vec<(String, String)>,
    args: Vec<TableArg>,
    /// The model of the class whose table is shared, and the kind of its rows that are meant.
    pub base: Option<Py<Model>>,
    kind: Option<(String, String)>,
}

/// The table of a class.
///
/// # Errors
/// `InterfaceError` for what the schema refuses.
pub fn table(py: Python<'_>, spec: &TableSpec, columns: &[ColumnSpec]) -> PyResult<Table> {
    let build = || {
        let naming = spec
            .naming
            .iter()
            .map(|(key, text)| (key.as_str(), text.as_str()));
        let mut table = Table::builder(&spec.name)?.naming(Naming::new(naming)?);
        if let Some(schema) = &spec.schema {
            table = table.schema(schema)?;
        }
        if let Some(comment) = &spec.comment {
            table = table.comment(comment);
        }
        if let Some(old) = &spec.renamed_from {
            table = table.renamed_from(old)?;
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
        if let Some((column, value)) = &spec.kind {
            table = table.kind(column, value);
        }
        for arg in &spec.args {
            table = arg.add_to(table)?;
        }
        table.build()
    };
    build().map_err(|error: Error| errors::to_py(py, &error))
}
