//! A `Table` class as the native side knows it: its table, its slots, its defaults and its links.

use data_bridge_orm::query::ValueType;
use data_bridge_orm::schema::{ColumnRef, Fragment, Identity, Name, Table};
use pyo3::exceptions::{PyAttributeError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFrozenSet, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::column::Col;
use super::converter::Conversions;
use super::link::LinkField;
use super::loaded::Loaded;
use super::scope::check_tenant;
use super::slots::Slots;
use super::spec::{self, ColumnSpec, TableSpec};
use super::state;
use super::variants::Variants;
use super::way::{LinkSpec, Way};
use crate::errors;

/// The slot of what an instance shares with the others of its result.
const BATCH: &str = "_batch";

/// The native half of a `Table` class.
#[pyclass(frozen, module = "data_bridge._native")]
#[derive(Debug)]
pub struct Model {
    table: Table,
    /// One for each column, then one for each link, then that of the state.
    slots: Slots,
    /// The column that counts the row's versions.
    version: Option<usize>,
    fields: Vec<Field>,
    links: Vec<Way>,
    /// Positions of the columns that links begin at, by which instances of one result are loaded together.
    key_columns: Vec<usize>,
    is_typed: bool,
    /// Those of the columns; nothing at all where no column has one.
    conversions: Box<[Option<Conversions>]>,
    is_flat: bool,
    /// What is called with each instance that a query has made.
    on_load: Loaded,
    variants: Variants,
}

/// A column, and what an instance makes of it.
#[derive(Debug)]
pub struct Field {
    pub name: Py<PyString>,
    pub column: ColumnRef,
    /// Whether the constructor takes it.
    init: bool,
    pub default: Default,
    pub conversion: Option<Conversions>,
    /// What a value given by the user goes through.
    validators: Option<Py<PyTuple>>,
    pub on_update: OnUpdate,
    /// Whether it says whose a row is.
    pub is_tenant: bool,
}

/// What a new instance holds where nothing was given.
#[derive(Debug)]
pub enum Default {
    /// A value must be given.
    Required,
    Value(Py<PyAny>),
    Factory(Py<PyAny>),
    /// Nothing: the server will say.
    Server,
}

/// What an update sets a column to that it does not name.
#[derive(Debug)]
pub enum OnUpdate {
    Nothing,
    Sql(Fragment),
    Call(Py<PyAny>),
}

/// Columns of updated rows, and the SQL that they are set to; without SQL it is a value that comes along.
type Fixed<'m> = Vec<(&'m str, Option<&'m str>)>;

/// The state and the version of an instance, as far as it has them.
type Known<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

#[pymethods]
impl Model {
    #[new]
    #[pyo3(signature = (class, table, columns, links))]
    fn new(
        class: &Bound<'_, PyType>,
        table: TableSpec,
        columns: Vec<ColumnSpec>,
        links: Vec<LinkSpec>,
    ) -> PyResult<Self> {
        let py = class.py();
        let base = table.base.as_ref().map(|base| base.get().slots());
        let variants = Variants::by(columns.iter().position(|spec| spec.discriminator));
        let described = &table;
        let table = spec::table(py, described, &columns)?;
        let names = columns
            .iter()
            .map(|column| column.attribute.as_str())
            .chain(links.iter().map(|link| link.1.as_str()))
            .chain([state::SLOT])
            .chain((!links.is_empty()).then_some(BATCH));
        let slots = Slots::new(class, names, base)?;
        let links = links
            .into_iter()
            .map(|link| Way::new(py, &table, link))
            .collect::<PyResult<Vec<_>>>()?;
        let key_columns = key_columns(&table, &links);
        let version = columns.iter().position(|spec| spec.version);
        let fields: Vec<Field> = columns
            .into_iter()
            .enumerate()
            .filter_map(|(index, spec)| Some((spec, table.column_at(index)?)))
            .map(|(spec, column)| Field::new(py, spec, column, &table))
            .collect::<PyResult<_>>()?;
        let is_typed = table
            .columns()
            .iter()
            .all(|column| super::is_binary(column.ty.oid()));
        let mut conversions: Vec<_> = fields
            .iter()
            .map(|field| field.conversion.clone())
            .collect();
        if conversions.iter().all(Option::is_none) {
            conversions.clear();
        }
        let conversions: Box<[_]> = conversions.into();
        let is_flat = conversions.iter().flatten().all(Conversions::is_flat);
        Ok(Self {
            table,
            slots,
            version,
            fields,
            links,
            key_columns,
            is_typed,
            conversions,
            is_flat,
            on_load: Loaded::default(),
            variants,
        })
    }

    /// The descriptors for the class: columns and links by name.
    fn descriptors<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let py = slf.py();
        let this = slf.get();
        let descriptors = PyDict::new(py);
        for field in &this.fields {
            let column = Col::new(slf.clone().unbind(), field.column.clone());
            descriptors.set_item(&field.name, Bound::new(py, column)?)?;
        }
        for (index, way) in this.links.iter().enumerate() {
            let field = LinkField::new(slf.clone().unbind(), index, None);
            descriptors.set_item(&way.name, field)?;
        }
        Ok(descriptors)
    }

    /// Gives a new instance its values: the constructor's work.
    fn construct(&self, instance: &Bound<'_, PyAny>, values: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = instance.py();
        self.set_new(instance)?;
        let mut used = 0;
        for (index, way) in self.links.iter().enumerate() {
            if !values.is_empty()
                && let Some(linked) = values.get_item(&way.name)?
            {
                used += 1;
                self.set_link(instance, index, &linked)?;
            }
        }
        let mut missing = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            let value = match values.get_item(&field.name)? {
                Some(_) if !field.init => {
                    return Err(PyTypeError::new_err(format!(
                        "{} is not for the constructor: it has init=False",
                        field.column
                    )));
                }
                Some(value) => {
                    used += 1;
                    Some(field.accept(value)?)
                }
                None if self.slots.get(instance, index)?.is_some() => continue,
                None => field.default.value(py)?,
            };
            if value.is_some() {
                self.slots.set(instance, index, value)?;
            } else if matches!(field.default, Default::Required) {
                missing.push(field.column.column().name.as_str());
            }
        }
        if used < values.len() {
            return Err(self.unknown(values));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let class = self.slots.class(py).name()?;
        Err(PyTypeError::new_err(format!(
            "{class}() needs a value for {}",
            missing.join(", ")
        )))
    }

    /// The names and values of an instance's columns, those without a value left out.
    pub fn values<'py>(&self, instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let values = PyDict::new(instance.py());
        for (index, field) in self.fields.iter().enumerate() {
            if let Some(value) = self.slots.get(instance, index)? {
                values.set_item(&field.name, value)?;
            }
        }
        Ok(values)
    }

    /// A column's value, or the instance that a loaded link leads to.
    fn item<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let text = name.to_str()?;
        if self.links.iter().any(|way| way.text == text) {
            return instance
                .getattr(name)?
                .getattr(pyo3::intern!(instance.py(), "loaded"));
        }
        match self
            .fields
            .iter()
            .position(|field| field.column.column().name.as_str() == text)
        {
            // The attribute says what is wrong where there is no value yet.
            Some(index) => match self.slots.get(instance, index)? {
                Some(value) => Ok(value),
                None => instance.getattr(name),
            },
            None => Err(PyKeyError::new_err(name.clone().unbind())),
        }
    }

    /// The names of the columns that a save would write.
    fn changed<'py>(&self, instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyFrozenSet>> {
        let names = self.to_write(instance)?;
        let names = names.iter().filter_map(|index| self.fields.get(*index));
        PyFrozenSet::new(instance.py(), names.map(|field| &field.name))
    }

    /// Whether an instance is not in the database yet.
    pub fn is_new(&self, instance: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.changes(instance)?.is_none())
    }

    /// Has the next save write these columns, which were changed in place.
    fn mark_changed(&self, instance: &Bound<'_, PyAny>, names: Vec<String>) -> PyResult<()> {
        for name in names {
            let column = self.table.column(&name);
            let column = column.map_err(|error| errors::to_py(instance.py(), &error))?;
            self.touch(instance, column.index())?;
        }
        Ok(())
    }

    /// What an instance knows of its row, to be given to `restore` when what was written is undone.
    fn state<'py>(&self, instance: &Bound<'py, PyAny>) -> PyResult<Known<'py>> {
        let version = match self.version {
            Some(version) => self.slots.get(instance, version)?,
            None => None,
        };
        Ok((self.slots.get(instance, self.state_slot())?, version))
    }

    /// Has an instance know again what it knew, and what has changed since.
    fn restore(&self, instance: &Bound<'_, PyAny>, known: Known<'_>) -> PyResult<()> {
        let (state, version) = known;
        self.restore_state(instance, state)?;
        match self.version {
            Some(index) => self.slots.set(instance, index, version),
            None => Ok(()),
        }
    }

    /// The row of an instance is gone.
    fn mark_new(&self, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set_new(instance)
    }

    /// Gives an instance values that its row has already.
    fn take(
        &self,
        instance: &Bound<'_, PyAny>,
        names: Vec<String>,
        values: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        self.take_values(instance, &names, values)
    }

    /// Instances among rows that were written are now as the database has them.
    fn mark_saved(&self, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        for row in rows.try_iter()? {
            let row = row?;
            if self.slots.fit(&row) {
                self.set_clean(&row)?;
            }
        }
        Ok(())
    }

    /// Has these callables called with each instance that a query has made.
    fn on_load(&self, py: Python<'_>, hooks: Vec<Py<PyAny>>) {
        self.on_load.set(py, hooks);
    }

    /// The class.
    #[getter]
    fn cls<'py>(&self, py: Python<'py>) -> Bound<'py, PyType> {
        self.slots.class(py).clone()
    }

    /// What updates set columns to, but those that are `named`: pairs of a column and SQL, or no SQL for each of the values
    /// that come along.
    fn on_update<'py>(
        &self,
        py: Python<'py>,
        named: Vec<String>,
    ) -> PyResult<(Fixed<'_>, Bound<'py, PyTuple>)> {
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for field in &self.fields {
            let name = field.column.column().name.as_str();
            if named.iter().any(|other| other == name) {
                continue;
            }
            match &field.on_update {
                OnUpdate::Nothing => {}
                OnUpdate::Sql(sql) => columns.push((name, Some(sql.as_str()))),
                OnUpdate::Call(call) => {
                    columns.push((name, None));
                    values.push(call.call0(py)?);
                }
            }
        }
        Ok((columns, PyTuple::new(py, values)?))
    }

    /// The table's name, quoted and with its schema, for SQL.
    #[getter]
    fn qualified_name(&self) -> &str {
        self.table.name().quoted()
    }

    /// The table's name.
    #[getter]
    fn table_name(&self) -> &str {
        self.table.name().name().as_str()
    }

    /// The names of the primary key's columns.
    #[getter]
    fn key_names(&self) -> Vec<&str> {
        let key = self.table.primary_key().iter();
        key.filter_map(|index| self.table.columns().get(*index))
            .map(|column| column.name.as_str())
            .collect()
    }

    /// The name of the column that counts the row's versions.
    #[getter]
    fn version_name(&self) -> Option<&str> {
        let column = self.table.columns().get(self.version?)?;
        Some(column.name.as_str())
    }

    /// The table's name with its schema, as foreign keys name it.
    #[getter]
    fn full_name(&self) -> String {
        self.table.name().to_string()
    }

    /// The foreign keys: their columns, the table referred to, and its columns.
    #[getter]
    fn references(&self) -> Vec<(Vec<String>, String, Vec<String>)> {
        let texts = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        let keys = self.table.foreign_keys();
        keys.map(|(own, to)| (texts(own), to.table.to_string(), texts(&to.columns)))
            .collect()
    }

    /// The table and the columns that these columns refer to, in their order, if they are a foreign key.
    fn reference(&self, own: Vec<String>) -> Option<(String, Vec<String>)> {
        self.references()
            .into_iter()
            .find_map(|(columns, table, to)| {
                let place = |name: &String| columns.iter().position(|column| column == name);
                let places: Vec<_> = own.iter().map(place).collect::<Option<_>>()?;
                let to = places.iter().map(|place| to.get(*place).cloned());
                let to = to.collect::<Option<Vec<_>>>()?;
                (own.len() == columns.len()).then_some((table, to))
            })
    }

    /// The table's schema, if one was given.
    #[getter]
    fn schema_name(&self) -> Option<&str> {
        self.table.name().schema().map(Name::as_str)
    }

    /// The columns' names.
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.table
            .columns()
            .iter()
            .map(|column| column.name.as_str())
            .collect()
    }

    /// The links' names.
    #[getter]
    fn link_names(&self) -> Vec<&str> {
        self.links.iter().map(|way| way.text.as_str()).collect()
    }

    /// Has rows with this value in the discriminator become instances of a derived class.
    fn adopt(&self, value: Py<PyAny>, variant: Py<Self>) {
        self.variants.add(value, variant);
    }

    /// The models of the derived classes that share the table.
    fn variants(&self, py: Python<'_>) -> Vec<Py<Self>> {
        self.variants.models(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.slots.traverse(&visit)?;
        self.on_load.traverse(&visit)?;
        self.variants.traverse(&visit)?;
        for way in &self.links {
            way.traverse(&visit)?;
        }
        for field in &self.fields {
            if let Default::Value(object) | Default::Factory(object) = &field.default {
                visit.call(object)?;
            }
            if let OnUpdate::Call(object) = &field.on_update {
                visit.call(object)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        for way in &self.links {
            way.clear();
        }
    }
}

impl Model {
    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// An instance was made of a row.
    ///
    /// # Errors
    /// Those of the program's hooks.
    #[inline]
    pub fn loaded(&self, instance: &Bound<'_, PyAny>) -> PyResult<()> {
        self.on_load.call(instance)
    }

    /// What a row that has been read into an instance of this class is an instance of: of the class of its kind.
    ///
    /// # Errors
    /// Exhausted memory.
    #[inline]
    pub fn of_kind<'py>(&self, instance: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.variants
            .instance(&self.slots, self.fields.len(), instance)
    }

    /// The slots of its instances: columns first, then links.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// The columns, in the table's order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether every column is of a built-in type, whose id the client knows.
    pub fn is_typed(&self) -> bool {
        self.is_typed
    }

    /// Whether no column has validators or a converter of its own for what is sent.
    pub fn takes_values_as_they_are(&self) -> bool {
        self.fields.iter().all(Field::takes_values_as_they_are)
    }

    /// What becomes of a column's values beyond their type.
    #[inline]
    pub fn conversion(&self, index: usize) -> Option<&Conversions> {
        self.conversions.get(index)?.as_ref()
    }

    /// Whether no conversion makes objects that could refer back to an instance.
    pub fn is_flat(&self) -> bool {
        self.is_flat
    }

    /// The links.
    pub fn links(&self) -> &[Way] {
        &self.links
    }

    /// The slot of a link's instance.
    pub fn link_slot(&self, link: usize) -> usize {
        self.fields.len() + link
    }

    /// The slot of what an instance knows of its row.
    pub fn state_slot(&self) -> usize {
        self.fields.len() + self.links.len()
    }

    /// The position of the column that counts the row's versions.
    pub fn version(&self) -> Option<usize> {
        self.version
    }

    /// The slot of what an instance shares with the others of its result, in a class that has links.
    pub fn batch_slot(&self) -> Option<usize> {
        (!self.links.is_empty()).then(|| self.state_slot() + 1)
    }

    /// Positions of the columns that links begin at.
    pub fn key_columns(&self) -> &[usize] {
        &self.key_columns
    }

    /// The key of a link was set: what the old one led to is forgotten.
    ///
    /// # Errors
    /// An instance of another class.
    pub fn forget_links(&self, instance: &Bound<'_, PyAny>, column: usize) -> PyResult<()> {
        for (index, way) in self.links.iter().enumerate() {
            if way.own.contains(&column) {
                self.slots.set(instance, self.link_slot(index), None)?;
            }
        }
        Ok(())
    }

    /// Refuses that a strict link leads nowhere although its key says otherwise.
    ///
    /// # Errors
    /// `MissingRowError`.
    pub fn check_missing(&self, instance: &Bound<'_, PyAny>, link: usize) -> PyResult<()> {
        match self.links.get(link) {
            Some(way)
                if way.strict && !way.is_many() && self.key_of(instance, &way.own)?.is_some() =>
            {
                Err(way.missing(instance.py(), self.slots.class(instance.py())))
            }
            _ => Ok(()),
        }
    }

    /// Makes an instance refer to another, or to none.
    ///
    /// # Errors
    /// An object of another class than the link's, or a link to many.
    pub fn set_link(
        &self,
        instance: &Bound<'_, PyAny>,
        link: usize,
        linked: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = instance.py();
        let Some(way) = self.links.get(link) else {
            return Ok(());
        };
        if way.is_many() {
            return Err(PyAttributeError::new_err(format!(
                "{} is a collection; change it by `await x.{0}.add(...)`, .remove(...) or .set([...])",
                way.text
            )));
        }
        let ends = way.ends(py, self)?;
        let target = ends.target.get();
        let key = ends.to.iter().map(|column| {
            if linked.is_none() {
                return Ok(py.None().into_bound(py));
            }
            target.slots.get(linked, *column)?.ok_or_else(|| {
                let name = target.table.columns().get(*column);
                let name = name.map(|column| column.name.as_str()).unwrap_or_default();
                PyTypeError::new_err(format!(
                    "the {} has no {name} yet; insert it first",
                    way.text
                ))
            })
        });
        let key = key.collect::<PyResult<Vec<_>>>()?;
        for (column, value) in way.own.iter().zip(key) {
            self.assign(instance, *column, value)?;
        }
        self.slots
            .set(instance, self.link_slot(link), Some(linked.clone()))?;
        self.slots.track(instance);
        Ok(())
    }

    /// The error for names that are no column.
    #[cold]
    pub fn unknown(&self, values: &Bound<'_, PyDict>) -> PyErr {
        let known = |name: &str| {
            self.table.column(name).is_ok() || self.links.iter().any(|way| way.text == name)
        };
        let unknown = values
            .keys()
            .iter()
            .map(|key| key.to_string())
            .filter(|name| !known(name))
            .collect::<Vec<_>>();
        PyTypeError::new_err(format!(
            "{} has no column {}",
            self.table.name(),
            unknown.join(", ")
        ))
    }
}

impl Field {
    fn new(py: Python<'_>, spec: ColumnSpec, column: ColumnRef, table: &Table) -> PyResult<Self> {
        let default = match (spec.default, spec.default_factory) {
            (Some((value,)), _) => Default::Value(value),
            (None, Some(factory)) => Default::Factory(factory),
            (None, None)
                if column.column().default.is_some()
                    || column.column().identity.is_some()
                    || column.column().generated.is_some()
                    || column.column().serial
                    || !spec.init =>
            {
                Default::Server
            }
            (None, None) if column.column().nullable => Default::Value(py.None()),
            (None, None) => Default::Required,
        };
        // In an upsert the name of the column alone could also mean that of the proposed row.
        let next = spec.version.then(|| {
            let (table, column) = (table.known_as().quoted(), column.column().name.quoted());
            format!("{table}.{column} + 1")
        });
        let on_update = match (next.or(spec.onupdate_sql), spec.onupdate) {
            (Some(sql), _) => {
                OnUpdate::Sql(Fragment::new(&sql).map_err(|error| errors::to_py(py, &error))?)
            }
            (None, Some(call)) => OnUpdate::Call(call),
            (None, None) => OnUpdate::Nothing,
        };
        Ok(Self {
            name: PyString::intern(py, &spec.attribute).unbind(),
            validators: Some(spec.validators).filter(|all| !all.bind(py).is_empty()),
            conversion: Conversions::of(ValueType::of_column(column.column())),
            column,
            init: spec.init,
            default,
            on_update,
            is_tenant: spec.tenant,
        })
    }
}

impl Field {
    /// A value that the user gives, once it has gone through the validators.
    ///
    /// # Errors
    /// `ValidationError` for a value that is refused.
    #[inline]
    pub fn accept<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match &self.validators {
            None => Ok(value),
            Some(validators) => self.validate(validators, &value),
        }
    }

    fn validate<'py>(
        &self,
        validators: &Py<PyTuple>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static RUN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = value.py();
        let table = self.column.table().name().to_string();
        RUN.import(py, "data_bridge.postgres.orm._validation", "run")?
            .call1((table, &self.name, validators, value))
    }

    fn takes_values_as_they_are(&self) -> bool {
        let sends = self.conversion.as_ref().is_some_and(Conversions::dumps);
        self.validators.is_none() && !sends
    }

    /// What the driver sends for a value of this column.
    ///
    /// # Errors
    /// Those of a converter of the user; a row of another tenant.
    #[inline]
    pub fn sent<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if self.is_tenant {
            check_tenant(&value, &self.column.to_string())?;
        }
        match &self.conversion {
            None => Ok(value),
            Some(conversion) => conversion.dump(&value),
        }
    }

    /// Whether this is its name.
    pub fn is_called(&self, name: &str) -> bool {
        self.column.column().name.as_str() == name
    }

    /// Whether the server alone gives it a value, `GENERATED ALWAYS`.
    pub fn is_given_by_server(&self) -> bool {
        self.column.column().identity == Some(Identity::Always)
    }

    /// Whether the server computes it from other columns.
    pub fn is_generated(&self) -> bool {
        self.column.column().generated.is_some()
    }
}

impl Default {
    /// Whether there is a value where none is given.
    pub fn is_some(&self) -> bool {
        matches!(self, Self::Value(_) | Self::Factory(_))
    }

    /// The value to give, if there is one.
    ///
    /// # Errors
    /// The factory's own.
    pub fn value<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Required | Self::Server => Ok(None),
            Self::Value(value) => Ok(Some(value.bind(py).clone())),
            Self::Factory(factory) => factory.bind(py).call0().map(Some),
        }
    }
}

/// The columns that links begin at: foreign keys, and for links to many the primary key.
fn key_columns(table: &Table, links: &[Way]) -> Vec<usize> {
    let mut columns: Vec<usize> = links.iter().flat_map(|way| way.own.clone()).collect();
    if links.iter().any(Way::is_many) {
        columns.extend(table.primary_key());
    }
    columns.sort_unstable();
    columns.dedup();
    columns
}
