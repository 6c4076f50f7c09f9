//! A table in the making: what was written beside its columns and below them, checked as a whole and named.

use data_bridge_driver::Error;

use super::{
    Builtin, Column, Constraint, Index, IndexForm, Key, Name, Part, QualifiedName, Rule, Table,
    Timing,
    ddl_text::literal,
    naming::{Kind, Naming},
    table::Inner,
};

/// The most columns that PostgreSQL gives a table (`MaxHeapAttributeNumber`).
const MAX_COLUMNS: usize = 1600;

/// A table in the making.
#[derive(Clone, Debug)]
pub struct TableBuilder {
    name: Name,
    schema: Option<Name>,
    columns: Vec<Column>,
    rules: Vec<(Option<Name>, Rule, Timing)>,
    indexes: Vec<(Option<Name>, IndexForm)>,
    comment: Option<String>,
    renamed_from: Option<Name>,
    naming: Naming,
    soft_delete: Option<String>,
    tenant: Option<String>,
    kind: Option<(String, String)>,
}

impl TableBuilder {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        Ok(Self {
            name: Name::new(name)?,
            schema: None,
            columns: Vec::new(),
            rules: Vec::new(),
            indexes: Vec::new(),
            comment: None,
            renamed_from: None,
            naming: Naming::default(),
            soft_delete: None,
            tenant: None,
            kind: None,
        })
    }

    /// Puts the table into a schema.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn schema(mut self, schema: &str) -> Result<Self, Error> {
        self.schema = Some(Name::new(schema)?);
        Ok(self)
    }

    /// Adds a column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Adds a constraint, named by the convention where `name` is `None`.
    #[must_use]
    pub fn constraint(self, name: Option<Name>, rule: Rule) -> Self {
        self.constraint_timed(name, rule, Timing::Immediate)
    }

    /// Adds a constraint that is looked at at this time.
    #[must_use]
    pub fn constraint_timed(mut self, name: Option<Name>, rule: Rule, timing: Timing) -> Self {
        self.rules.push((name, rule, timing));
        self
    }

    /// Adds an index, named by the convention where `name` is `None`.
    #[must_use]
    pub fn index(mut self, name: Option<Name>, form: IndexForm) -> Self {
        self.indexes.push((name, form));
        self
    }

    /// Sets the table's comment.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    /// Says what the table was called before, for a migration.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn renamed_from(mut self, name: &str) -> Result<Self, Error> {
        self.renamed_from = Some(Name::new(name)?);
        Ok(self)
    }

    /// Sets the convention for names that nobody gave.
    #[must_use]
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Has rows marked as deleted in this column instead of removed, and left out wherever the table is read.
    #[must_use]
    pub fn soft_delete(mut self, column: &str) -> Self {
        self.soft_delete = Some(column.to_owned());
        self
    }

    /// Says by this column whose a row is, and leaves out those of others wherever the table is read.
    #[must_use]
    pub fn tenant(mut self, column: &str) -> Self {
        self.tenant = Some(column.to_owned());
        self
    }

    /// Means only the rows that have this value in this column, as text: those of one kind among several that share a table.
    #[must_use]
    pub fn kind(mut self, column: &str, value: &str) -> Self {
        self.kind = Some((column.to_owned(), value.to_owned()));
        self
    }

    /// Checks the whole and finishes it.
    ///
    /// # Errors
    /// Two columns, constraints or indexes of one name; a second primary key; a constraint over a column that is not there.
    pub fn build(mut self) -> Result<Table, Error> {
        let name = self.name.as_str();
        check_columns(name, &self.columns)?;
        let soft_delete = deleted_by(name, &self.columns, self.soft_delete.as_deref())?;
        let tenant = marked(name, &self.columns, self.tenant.as_deref())?;
        let kind = match &self.kind {
            None => None,
            Some((column, value)) => marked(name, &self.columns, Some(column))?
                .map(|index| (index, literal(value).into())),
        };
        let constraints = self.constraints()?;
        let taken = constraints.iter().map(|one| one.name.clone()).collect();
        let indexes = self.finished_indexes(taken)?;
        let primary_key = self.primary_key(&constraints)?;
        for part in &primary_key {
            if let Some(column) = self.columns.get_mut(*part) {
                column.nullable = false;
                column.primary_key = true;
            }
        }
        if let Some(schema) = &self.schema {
            for column in &mut self.columns {
                column.ty = column.ty.clone().in_schema(schema);
            }
        }
        Ok(Table::from_parts(Inner {
            name: QualifiedName::new(self.schema, self.name),
            alias: None,
            reach: None,
            columns: self.columns,
            qualified: Vec::new(),
            select_list: Box::default(),
            constraints,
            indexes,
            primary_key,
            comment: self.comment,
            renamed_from: self.renamed_from,
            soft_delete,
            tenant,
            kind,
        }))
    }

    fn constraints(&mut self) -> Result<Vec<Constraint>, Error> {
        let given = std::mem::take(&mut self.rules);
        let given = given
            .into_iter()
            .map(|(name, rule, timing)| (name, None, rule, timing));
        let beside = column_rules(&self.columns)
            .into_iter()
            .map(|(column, rule, timing)| (None, column, rule, timing));
        let mut names = self.names(Vec::new());
        beside
            .chain(given)
            .map(|(given, beside, rule, timing)| {
                let (kind, mut over, target) = self.named_by(&rule)?;
                over.extend(beside.as_ref().map(Name::as_str));
                let name = names.take(given, kind, &over, target)?;
                Ok(Constraint { name, rule, timing })
            })
            .collect()
    }

    /// What a constraint is named by: its kind, its columns, the table that it refers to.
    fn named_by<'r>(&self, rule: &'r Rule) -> Result<(Kind, Vec<&'r str>, &'r str), Error> {
        match rule {
            Rule::PrimaryKey { columns, include } => {
                self.known(columns, include)?;
                Ok((Kind::PrimaryKey, Vec::new(), ""))
            }
            Rule::Unique {
                columns, include, ..
            } => {
                self.known(columns, include)?;
                Ok((Kind::Unique, texts(columns.iter().chain(include)), ""))
            }
            Rule::Check { .. } => Ok((Kind::Check, Vec::new(), "")),
            Rule::ForeignKey {
                columns,
                references,
            } => {
                self.known(columns, &references.set_columns)?;
                if columns.len() != references.columns.len() {
                    return Err(Error::interface(format!(
                        "a foreign key of table {} to {} has unequal numbers of columns on its sides",
                        self.name, references.table
                    )));
                }
                let target = references.table.name().as_str();
                Ok((Kind::ForeignKey, texts(columns), target))
            }
            Rule::Exclude(exclude) => {
                let parts: Vec<&Part> = exclude.elements.iter().map(|(part, _)| part).collect();
                Ok((Kind::Exclude, self.parts(&parts, &exclude.include)?, ""))
            }
        }
    }

    fn finished_indexes(&mut self, taken: Vec<Name>) -> Result<Vec<Index>, Error> {
        let given = std::mem::take(&mut self.indexes);
        let beside = self
            .columns
            .iter()
            .filter(|column| column.index)
            .map(|column| (None, IndexForm::columns([column.name.clone()])));
        let mut names = self.names(taken);
        beside
            .chain(given)
            .map(|(given, form)| {
                let parts: Vec<&Part> = form.parts.iter().collect();
                let over = self.parts(&parts, &form.include)?;
                let name = names.take(given, Kind::Index, &over, "")?;
                Ok(Index { name, form })
            })
            .collect()
    }

    fn primary_key(&self, constraints: &[Constraint]) -> Result<Vec<usize>, Error> {
        let mut keys = constraints
            .iter()
            .filter_map(|constraint| match &constraint.rule {
                Rule::PrimaryKey { columns, .. } => Some(columns),
                _ => None,
            });
        let key = keys
            .next()
            .into_iter()
            .flatten()
            .filter_map(|part| self.columns.iter().position(|column| column.name == *part))
            .collect();
        if keys.next().is_some() {
            return Err(Error::interface(format!(
                "table {} has two primary keys; name all columns of the key in one",
                self.name
            )));
        }
        Ok(key)
    }

    fn names(&self, taken: Vec<Name>) -> Names {
        Names {
            table: self.name.clone(),
            naming: self.naming.clone(),
            taken,
        }
    }

    fn known(&self, columns: &[Name], further: &[Name]) -> Result<(), Error> {
        let table = &self.name;
        if columns.is_empty() {
            return Err(Error::interface(format!(
                "a constraint or index of table {table} names no column"
            )));
        }
        let is_there = |name: &Name| self.columns.iter().any(|column| column.name == *name);
        match columns.iter().chain(further).find(|name| !is_there(name)) {
            None => Ok(()),
            Some(missing) => Err(Error::interface(format!(
                "a constraint or index of table {table} names the column {:?}, which it does not have",
                missing.as_str()
            ))),
        }
    }

    /// What an index over these parts is named by.
    fn parts<'p>(&self, parts: &[&'p Part], include: &'p [Name]) -> Result<Vec<&'p str>, Error> {
        if parts.is_empty() {
            self.known(&[], &[])?;
        }
        for part in parts {
            if let Key::Column(name) = &part.key {
                self.known(std::slice::from_ref(name), include)?;
            }
        }
        let parts = parts.iter().map(|part| match &part.key {
            Key::Column(name) => name.as_str(),
            Key::Expression(sql) => called_function(sql.as_str()).unwrap_or("expr"),
        });
        Ok(parts.chain(include.iter().map(Name::as_str)).collect())
    }
}

/// The function that an expression is a call of, as PostgreSQL names an index after it.
fn called_function(sql: &str) -> Option<&str> {
    let (function, _) = sql.strip_suffix(')')?.split_once('(')?;
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_');
    (!function.is_empty() && plain(function)).then_some(function)
}

/// The position of the column that says whether a row is deleted.
fn deleted_by(
    table: &str,
    columns: &[Column],
    wanted: Option<&str>,
) -> Result<Option<usize>, Error> {
    let found = marked(table, columns, wanted)?;
    match found.and_then(|index| columns.get(index)) {
        Some(column) if !column.nullable && column.ty.builtin() != Some(Builtin::Bool) => {
            Err(Error::interface(format!(
                "{table}.{} says when a row was deleted, so it must be nullable; or a boolean",
                column.name
            )))
        }
        _ => Ok(found),
    }
}

/// The position of a column that rows are told apart by.
fn marked(table: &str, columns: &[Column], wanted: Option<&str>) -> Result<Option<usize>, Error> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    match columns
        .iter()
        .position(|column| column.name.as_str() == wanted)
    {
        Some(index) => Ok(Some(index)),
        None => Err(Error::interface(format!(
            "table {table} has no column {wanted:?} to tell deleted rows or tenants by"
        ))),
    }
}

fn check_columns(table: &str, columns: &[Column]) -> Result<(), Error> {
    if columns.len() > MAX_COLUMNS {
        return Err(Error::interface(format!(
            "table {table} has {} columns; PostgreSQL allows {MAX_COLUMNS}",
            columns.len()
        )));
    }
    for (index, column) in columns.iter().enumerate() {
        let earlier = columns.get(..index).unwrap_or_default();
        if earlier.iter().any(|other| other.name == column.name) {
            return Err(Error::interface(format!(
                "table {table} has two columns named {:?}",
                column.name.as_str()
            )));
        }
        let sources = [
            ("is an identity", column.identity.is_some()),
            ("has a default", column.default.is_some() || column.serial),
            ("is generated", column.generated.is_some()),
        ];
        let mut sources = sources.iter().filter(|(_, there)| *there);
        if let (Some((first, _)), Some((second, _))) = (sources.next(), sources.next()) {
            return Err(Error::interface(format!(
                "column {table}.{} {first} and {second}; keep one of the two",
                column.name
            )));
        }
    }
    Ok(())
}

/// The constraints that were written beside the columns, the primary key first: column, rule, timing.
fn column_rules(columns: &[Column]) -> Vec<(Option<Name>, Rule, Timing)> {
    let own = |column: &Column| vec![column.name.clone()];
    let key: Vec<Name> = columns
        .iter()
        .filter(|column| column.primary_key)
        .map(|column| column.name.clone())
        .collect();
    let mut rules = Vec::new();
    if !key.is_empty() {
        rules.push((None, Rule::primary_key(key), Timing::Immediate));
    }
    for column in columns {
        if column.unique {
            rules.push((None, Rule::unique(own(column)), Timing::Immediate));
        }
        if let Some(check) = &column.check {
            // A check has no columns of its own to be named by.
            let beside = Some(column.name.clone());
            rules.push((beside, Rule::check(check.clone()), Timing::Immediate));
        }
        if let Some(references) = &column.references {
            let rule = Rule::ForeignKey {
                columns: own(column),
                references: references.clone(),
            };
            rules.push((None, rule, column.timing));
        }
    }
    rules
}

fn texts<'n>(names: impl IntoIterator<Item = &'n Name>) -> Vec<&'n str> {
    names.into_iter().map(Name::as_str).collect()
}

/// The names that a table's constraints and indexes have taken so far.
struct Names {
    table: Name,
    naming: Naming,
    taken: Vec<Name>,
}

impl Names {
    /// The given name, or the first free one of the convention: `t_check`, `t_check1`, ...
    fn take(
        &mut self,
        given: Option<Name>,
        kind: Kind,
        columns: &[&str],
        target: &str,
    ) -> Result<Name, Error> {
        let table = self.table.as_str();
        let name = match given {
            Some(name) if self.taken.contains(&name) => {
                return Err(Error::interface(format!(
                    "table {table} has two constraints or indexes named {:?}",
                    name.as_str()
                )));
            }
            Some(name) => name,
            None => {
                let mut number = 0;
                loop {
                    let name = self.naming.name(kind, table, columns, target, number)?;
                    if !self.taken.contains(&name) {
                        break name;
                    }
                    number += 1;
                }
            }
        };
        self.taken.push(name.clone());
        Ok(name)
    }
}
