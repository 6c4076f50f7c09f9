//! Constraints and indexes of a class body, as the Python side hands them over.

use data_bridge_driver::Error;
use data_bridge_orm::schema::{
    Exclude, ExclusionOperator, Fragment, IndexForm, Name, Nulls, OperatorClass, Part,
    QualifiedName, Reference, Rule, TableBuilder,
};
use pyo3::prelude::*;

use super::spec::{action, timing};

/// One constraint or index: the attributes of `data_bridge.postgres.orm`'s `TableArg`. Its kind says which of them count.
#[derive(Debug, FromPyObject)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own in Python"
)]
pub struct TableArg {
    kind: String,
    name: Option<String>,
    columns: Vec<String>,
    include: Vec<String>,
    sql: Option<String>,
    parts: Vec<PartSpec>,
    operators: Vec<String>,
    using: Option<String>,
    #[pyo3(attribute("where"))]
    filter: Option<String>,
    unique: bool,
    nulls_not_distinct: bool,
    no_inherit: bool,
    options: Vec<(String, String)>,
    target: Option<String>,
    target_columns: Vec<String>,
    on_delete: Option<String>,
    on_update: Option<String>,
    set_columns: Vec<String>,
    full: bool,
    timing: String,
}

/// One column or expression of an index: the attributes of `PartSpec`.
#[derive(Debug, FromPyObject)]
struct PartSpec {
    column: Option<String>,
    sql: Option<String>,
    collation: Option<String>,
    opclass: Option<String>,
    opclass_options: Vec<(String, String)>,
    descending: bool,
    nulls: Option<String>,
}

impl TableArg {
    /// Adds it to a table.
    ///
    /// # Errors
    /// What the schema refuses.
    pub fn add_to(&self, table: TableBuilder) -> Result<TableBuilder, Error> {
        let name = self.name.as_deref().map(Name::new).transpose()?;
        if self.kind == "index" {
            return Ok(table.index(name, self.index()?));
        }
        Ok(table.constraint_timed(name, self.rule()?, timing(&self.timing)))
    }

    fn rule(&self) -> Result<Rule, Error> {
        let columns = names(&self.columns)?;
        let include = names(&self.include)?;
        match self.kind.as_str() {
            "primary key" => Ok(Rule::PrimaryKey { columns, include }),
            "unique" => Ok(Rule::Unique {
                columns,
                include,
                nulls_not_distinct: self.nulls_not_distinct,
            }),
            "check" => Ok(Rule::Check {
                condition: Fragment::new(self.sql.as_deref().unwrap_or_default())?,
                no_inherit: self.no_inherit,
            }),
            "foreign key" => Ok(Rule::ForeignKey {
                columns,
                references: self.reference()?,
            }),
            "exclude" => {
                let operators = self
                    .operators
                    .iter()
                    .map(|text| ExclusionOperator::new(text));
                let elements = self.parts.iter().zip(operators);
                Ok(Rule::Exclude(Exclude {
                    method: self.form(Vec::new())?.method,
                    elements: elements
                        .map(|(part, operator)| Ok((part.part()?, operator?)))
                        .collect::<Result<_, Error>>()?,
                    include,
                    filter: self.filter()?,
                }))
            }
            other => Err(Error::interface(format!(
                "{other:?} is no kind of constraint"
            ))),
        }
    }

    fn reference(&self) -> Result<Reference, Error> {
        let target = self.target.as_deref().unwrap_or_default();
        let mut reference = Reference::to_table(target, names(&self.target_columns)?)?;
        reference.on_delete = action(self.on_delete.as_deref())?;
        reference.on_update = action(self.on_update.as_deref())?;
        reference.set_columns = names(&self.set_columns)?;
        reference.full = self.full;
        Ok(reference)
    }

    fn index(&self) -> Result<IndexForm, Error> {
        let parts = self.parts.iter().map(PartSpec::part);
        self.form(parts.collect::<Result<_, _>>()?)
    }

    fn form(&self, parts: Vec<Part>) -> Result<IndexForm, Error> {
        let mut form = IndexForm::over(parts);
        if let Some(method) = &self.using {
            form = form.method(method)?;
        }
        form.include = names(&self.include)?;
        form.unique = self.unique;
        form.nulls_not_distinct = self.nulls_not_distinct;
        form.filter = self.filter()?;
        form.parameters = parameters(&self.options)?;
        Ok(form)
    }

    fn filter(&self) -> Result<Option<Fragment>, Error> {
        self.filter.as_deref().map(Fragment::new).transpose()
    }
}

impl PartSpec {
    fn part(&self) -> Result<Part, Error> {
        let mut part = match (&self.column, &self.sql) {
            (Some(column), _) => Part::column(column)?,
            (None, sql) => Part::expression(sql.as_deref().unwrap_or_default())?,
        };
        part.collation = self
            .collation
            .as_deref()
            .map(QualifiedName::parse)
            .transpose()?;
        if let Some(class) = &self.opclass {
            part.opclass = Some(OperatorClass {
                name: QualifiedName::parse(class)?,
                parameters: parameters(&self.opclass_options)?,
            });
        }
        part.descending = self.descending;
        Ok(match self.nulls.as_deref() {
            Some("first") => part.nulls(Nulls::First),
            Some("last") => part.nulls(Nulls::Last),
            _ => part,
        })
    }
}

fn names(texts: &[String]) -> Result<Vec<Name>, Error> {
    texts.iter().map(|text| Name::new(text)).collect()
}

fn parameters(pairs: &[(String, String)]) -> Result<Vec<(Name, Fragment)>, Error> {
    let each = pairs
        .iter()
        .map(|(name, value)| Ok((Name::new(name)?, Fragment::new(value)?)));
    each.collect()
}
