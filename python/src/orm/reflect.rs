//! An existing database as descriptions of its tables, from which the Python side writes classes.

use data_bridge_driver::Error;
use data_bridge_orm::reflect::{Fields, QUERIES, Reflection};
use data_bridge_orm::schema::naming::{Kind, Naming};
use data_bridge_orm::schema::{
    Builtin, Column, Constraint, EnumType, Fragment, Index, IndexForm, Key, Name, Nulls, Part,
    Reference, Rule, Table, Timing, in_dependency_order,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::errors;

/// The queries whose answers [`reflect`] takes.
#[pyfunction(name = "orm_reflect_queries")]
pub fn queries() -> [&'static str; 4] {
    QUERIES
}

/// The tables of the answers, those that are referred to first, as dictionaries.
#[pyfunction(name = "orm_reflect")]
#[pyo3(signature = (answers, bare))]
#[expect(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub fn reflect<'py>(
    py: Python<'py>,
    answers: [Vec<Bound<'py, PyTuple>>; 4],
    bare: Option<&str>,
) -> PyResult<Bound<'py, PyList>> {
    let rows = answers
        .each_ref()
        .map(|rows| rows.iter().map(Row).collect::<Vec<_>>());
    let tables = Reflection::new(rows.each_ref().map(Vec::as_slice), bare)
        .and_then(Reflection::into_tables)
        .map_err(|error| errors::to_py(py, &error))?;
    let found = PyList::empty(py);
    for table in in_dependency_order(&tables) {
        found.append(described(py, table)?)?;
    }
    Ok(found)
}

/// A row as a tuple of Python's.
struct Row<'a, 'py>(&'a Bound<'py, PyTuple>);

impl Row<'_, '_> {
    fn value<T: for<'a, 'py> FromPyObject<'a, 'py>>(
        &self,
        index: usize,
    ) -> Result<Option<T>, Error> {
        let fault = || {
            Error::interface(format!(
                "a row of the catalogs holds another type in place {index}"
            ))
        };
        let value = self.0.get_item(index).map_err(|_| fault())?;
        if value.is_none() {
            return Ok(None);
        }
        value.extract().map(Some).map_err(|_| fault())
    }
}

impl Fields for Row<'_, '_> {
    fn text(&self, index: usize) -> Result<Option<String>, Error> {
        self.value(index)
    }

    fn flag(&self, index: usize) -> Result<bool, Error> {
        Ok(self.value(index)?.unwrap_or_default())
    }

    fn number(&self, index: usize) -> Result<Option<i64>, Error> {
        self.value(index)
    }

    fn texts(&self, index: usize) -> Result<Vec<String>, Error> {
        Ok(self.value(index)?.unwrap_or_default())
    }
}

fn described<'py>(py: Python<'py>, table: &Table) -> PyResult<Bound<'py, PyDict>> {
    let name = table.name();
    let dict = PyDict::new(py);
    dict.set_item("name", name.name().as_str())?;
    dict.set_item("schema", name.schema().map(Name::as_str))?;
    dict.set_item("comment", table.comment())?;
    dict.set_item("columns", each(py, table.columns(), column)?)?;
    dict.set_item(
        "constraints",
        each(py, table.constraints(), |py, one| {
            constraint(py, table, one)
        })?,
    )?;
    dict.set_item(
        "indexes",
        each(py, table.indexes(), |py, one| index(py, table, one))?,
    )?;
    Ok(dict)
}

fn each<'py, T>(
    py: Python<'py>,
    items: &[T],
    describe: impl Fn(Python<'py>, &T) -> PyResult<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for item in items {
        list.append(describe(py, item)?)?;
    }
    Ok(list)
}

fn column<'py>(py: Python<'py>, column: &Column) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", column.name.as_str())?;
    dict.set_item("type", column.ty.to_string())?;
    dict.set_item("builtin", column.ty.builtin().map(Builtin::sql))?;
    dict.set_item("is_array", column.ty.is_array())?;
    dict.set_item("enum", column.ty.enum_type().map(enum_type))?;
    dict.set_item("nullable", column.nullable)?;
    let identity = column
        .identity
        .map(|identity| identity == data_bridge_orm::schema::Identity::Always);
    dict.set_item("identity", identity)?;
    let options = &column.sequence;
    let sequence = PyDict::new(py);
    for (name, value) in [
        ("start", options.start),
        ("increment", options.increment),
        ("min", options.min),
        ("max", options.max),
        ("cache", options.cache),
    ] {
        if let Some(value) = value {
            sequence.set_item(name, value)?;
        }
    }
    if options.cycle {
        sequence.set_item("cycle", true)?;
    }
    dict.set_item("sequence", sequence)?;
    dict.set_item("serial", column.serial)?;
    dict.set_item("default", column.default.as_ref().map(Fragment::as_str))?;
    let generated = column.generated.as_ref();
    dict.set_item("generated", generated.map(|one| one.expression.as_str()))?;
    dict.set_item("stored", generated.is_none_or(|one| one.stored))?;
    dict.set_item(
        "collation",
        column.collation.as_ref().map(ToString::to_string),
    )?;
    dict.set_item("comment", column.comment.as_deref())?;
    Ok(dict)
}

/// Schema, name and labels.
fn enum_type(ty: &EnumType) -> (Option<&str>, &str, &[String]) {
    let name = ty.name();
    (
        name.schema().map(Name::as_str),
        name.name().as_str(),
        ty.labels(),
    )
}

fn constraint<'py>(
    py: Python<'py>,
    table: &Table,
    constraint: &Constraint,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", constraint.name.as_str())?;
    dict.set_item(
        "timing",
        match constraint.timing {
            Timing::Immediate => "",
            Timing::Deferrable => "DEFERRABLE",
            Timing::Deferred => "DEFERRED",
        },
    )?;
    let (kind, over): (_, Vec<&str>) = match &constraint.rule {
        Rule::PrimaryKey { columns, include } => {
            dict.set_item("kind", "primary key")?;
            dict.set_item("columns", texts(columns))?;
            dict.set_item("include", texts(include))?;
            (Kind::PrimaryKey, Vec::new())
        }
        Rule::Unique {
            columns,
            include,
            nulls_not_distinct,
        } => {
            dict.set_item("kind", "unique")?;
            dict.set_item("columns", texts(columns))?;
            dict.set_item("include", texts(include))?;
            dict.set_item("nulls_not_distinct", nulls_not_distinct)?;
            (
                Kind::Unique,
                columns.iter().chain(include).map(Name::as_str).collect(),
            )
        }
        Rule::Check {
            condition,
            no_inherit,
        } => {
            dict.set_item("kind", "check")?;
            dict.set_item("sql", condition.as_str())?;
            dict.set_item("no_inherit", no_inherit)?;
            (Kind::Check, Vec::new())
        }
        Rule::ForeignKey {
            columns,
            references,
        } => {
            dict.set_item("kind", "foreign key")?;
            dict.set_item("columns", texts(columns))?;
            reference(&dict, references)?;
            (Kind::ForeignKey, texts(columns))
        }
        Rule::Exclude(exclude) => {
            dict.set_item("kind", "exclude")?;
            dict.set_item("using", exclude.method.as_ref().map(Name::as_str))?;
            dict.set_item("include", texts(&exclude.include))?;
            dict.set_item("where", exclude.filter.as_ref().map(Fragment::as_str))?;
            let parts: Vec<_> = exclude
                .elements
                .iter()
                .map(|(part, _)| part.clone())
                .collect();
            dict.set_item("parts", each(py, &parts, part)?)?;
            let operators = exclude
                .elements
                .iter()
                .map(|(_, operator)| operator.as_str());
            dict.set_item("operators", operators.collect::<Vec<_>>())?;
            // Named as it is: what it would be called by itself follows from its expressions.
            dict.set_item("usual", false)?;
            return Ok(dict);
        }
    };
    dict.set_item("usual", is_usual(table, kind, &over, &constraint.name))?;
    Ok(dict)
}

fn reference(dict: &Bound<'_, PyDict>, to: &Reference) -> PyResult<()> {
    dict.set_item("target_schema", to.table.schema().map(Name::as_str))?;
    dict.set_item("target", to.table.name().as_str())?;
    dict.set_item("target_columns", texts(&to.columns))?;
    dict.set_item("on_delete", to.on_delete.sql())?;
    dict.set_item("on_update", to.on_update.sql())?;
    dict.set_item("set_columns", texts(&to.set_columns))?;
    dict.set_item("full", to.full)
}

fn index<'py>(py: Python<'py>, table: &Table, index: &Index) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let IndexForm {
        parts,
        method,
        include,
        unique,
        nulls_not_distinct,
        filter,
        parameters,
    } = &index.form;
    dict.set_item("name", index.name.as_str())?;
    dict.set_item("parts", each(py, parts, part)?)?;
    dict.set_item("using", method.as_ref().map(Name::as_str))?;
    dict.set_item("include", texts(include))?;
    dict.set_item("unique", unique)?;
    dict.set_item("nulls_not_distinct", nulls_not_distinct)?;
    dict.set_item("where", filter.as_ref().map(Fragment::as_str))?;
    dict.set_item("options", pairs(parameters))?;
    let columns: Vec<&str> = index
        .form
        .key_columns()
        .chain(include)
        .map(Name::as_str)
        .collect();
    let plain = columns.len() == parts.len() + include.len();
    dict.set_item(
        "usual",
        plain && is_usual(table, Kind::Index, &columns, &index.name),
    )?;
    Ok(dict)
}

fn part<'py>(py: Python<'py>, part: &Part) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let (column, sql) = match &part.key {
        Key::Column(name) => (Some(name.as_str()), None),
        Key::Expression(sql) => (None, Some(sql.as_str())),
    };
    dict.set_item("column", column)?;
    dict.set_item("sql", sql)?;
    dict.set_item(
        "collation",
        part.collation.as_ref().map(ToString::to_string),
    )?;
    let class = part.opclass.as_ref();
    dict.set_item("opclass", class.map(|class| class.name.to_string()))?;
    dict.set_item(
        "opclass_options",
        class.map(|class| pairs(&class.parameters)),
    )?;
    dict.set_item("descending", part.descending)?;
    dict.set_item(
        "nulls",
        part.nulls.map(|nulls| match nulls {
            Nulls::First => "first",
            Nulls::Last => "last",
        }),
    )?;
    Ok(dict)
}

/// Whether it has the name that it would get by itself.
fn is_usual(table: &Table, kind: Kind, columns: &[&str], name: &Name) -> bool {
    let table = table.name().name().as_str();
    Naming::default()
        .name(kind, table, columns, "", 0)
        .is_ok_and(|usual| usual == *name)
}

fn texts(names: &[Name]) -> Vec<&str> {
    names.iter().map(Name::as_str).collect()
}

fn pairs(parameters: &[(Name, Fragment)]) -> Vec<(&str, &str)> {
    parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
