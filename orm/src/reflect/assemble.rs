//! Rows of the catalogs into tables.

use std::collections::HashMap;

use data_bridge_driver::Error;

use super::Fields;
use crate::schema::{
    Action, Builtin, Column, Exclude, ExclusionOperator, Fragment, Generated, Identity, IndexForm,
    Key, Name, Nulls, OperatorClass, Part, PgType, QualifiedName, Reference, Rule, SequenceOptions,
    Table, TableBuilder, Timing,
};

/// A table's schema and name.
type Of = (String, String);

/// The answers to [`QUERIES`](super::QUERIES), on their way to tables.
#[derive(Debug)]
pub struct Reflection {
    tables: Vec<(Of, Option<String>)>,
    columns: HashMap<Of, Vec<Column>>,
    constraints: HashMap<Of, Vec<Found>>,
    indexes: HashMap<Of, Vec<(Name, IndexForm)>>,
    /// The schema whose names stand alone.
    bare: Option<String>,
}

/// A constraint as its row tells; a key's index may tell more.
#[derive(Debug)]
struct Found {
    name: Name,
    rule: Rule,
    timing: Timing,
    index: Option<String>,
    operators: Vec<String>,
}

impl Reflection {
    /// Of the answers to the four questions. The names of tables and types in the schema `bare` stand alone, as those that
    /// the search path finds; the others have their schema with them.
    ///
    /// # Errors
    /// A row that is not as asked for, or that holds what the schema model does not.
    pub fn new<F: Fields>(answers: [&[F]; 4], bare: Option<&str>) -> Result<Self, Error> {
        let [tables, columns, constraints, indexes] = answers;
        let mut this = Self {
            tables: Vec::new(),
            columns: HashMap::new(),
            constraints: HashMap::new(),
            indexes: HashMap::new(),
            bare: bare.map(str::to_owned),
        };
        for row in tables {
            this.tables.push((of(row)?, row.text(2)?));
        }
        for row in columns {
            let column = this.column(row)?;
            this.columns.entry(of(row)?).or_default().push(column);
        }
        for row in constraints {
            let found = this.constraint(row)?;
            this.constraints.entry(of(row)?).or_default().push(found);
        }
        for row in indexes {
            this.index_part(row)?;
        }
        Ok(this)
    }

    /// The tables, in the order of their names.
    ///
    /// # Errors
    /// What [`TableBuilder::build`] refuses.
    pub fn into_tables(mut self) -> Result<Vec<Table>, Error> {
        let tables = std::mem::take(&mut self.tables);
        tables
            .into_iter()
            .map(|(of, comment)| self.table(&of, comment))
            .collect()
    }

    fn table(&mut self, of: &Of, comment: Option<String>) -> Result<Table, Error> {
        let mut table = Table::builder(&of.1)?;
        if self.bare.as_ref() != Some(&of.0) {
            table = table.schema(&of.0)?;
        }
        if let Some(comment) = comment {
            table = table.comment(comment);
        }
        for column in self.columns.remove(of).unwrap_or_default() {
            table = table.column(column);
        }
        let mut indexes = self.indexes.remove(of).unwrap_or_default();
        for found in self.constraints.remove(of).unwrap_or_default() {
            table = found.add_to(table, &mut indexes)?;
        }
        for (name, form) in indexes {
            table = table.index(Some(name), form);
        }
        table.build()
    }

    fn column(&self, row: &impl Fields) -> Result<Column, Error> {
        let expression = row.text(10)?.map(|sql| Fragment::new(&sql)).transpose()?;
        let mut column = Column::new(&required(row, 2)?, self.column_type(row)?)?;
        column.nullable = !row.flag(7)?;
        column.identity = match row.text(8)?.as_deref() {
            Some("a") => Some(Identity::Always),
            Some("d") => Some(Identity::ByDefault),
            _ => None,
        };
        if column.identity.is_some() {
            column.sequence = sequence(row, column.ty.builtin())?;
        }
        match (row.text(9)?.as_deref(), expression) {
            (Some(kind @ ("s" | "v")), Some(expression)) => {
                let stored = kind == "s";
                column.generated = Some(Generated { expression, stored });
            }
            (_, Some(_)) if row.flag(11)? => column.serial = true,
            (_, expression) => column.default = expression,
        }
        column.collation = row
            .text(12)?
            .map(|name| QualifiedName::parse(&name))
            .transpose()?;
        column.comment = row.text(13)?;
        Ok(column)
    }

    fn column_type(&self, row: &impl Fields) -> Result<PgType, Error> {
        let written = required(row, 6)?;
        let Some(schema) = row.text(3)? else {
            return PgType::parse(&written);
        };
        // The name comes from the catalog and may hold anything; only what is in the parentheses comes from the text.
        let name = self.named(&schema, &required(row, 4)?)?;
        let behind = written.rsplit('"').next().unwrap_or_default();
        let modifiers = behind
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'));
        let modifiers = modifiers.map_or("", |(inside, _)| inside);
        let mut ty = PgType::from(name).with_modifiers(modifiers)?;
        let labels = row.texts(20)?;
        if !labels.is_empty() {
            ty = ty.with_labels(labels)?;
        }
        Ok(if row.flag(5)? { ty.array() } else { ty })
    }

    fn constraint(&self, row: &impl Fields) -> Result<Found, Error> {
        let columns = names(row, 6)?;
        let rule = match required(row, 3)?.as_str() {
            "p" => Rule::primary_key(columns),
            "u" => Rule::unique(columns),
            "c" => Rule::Check {
                condition: Fragment::new(&required(row, 7)?)?,
                no_inherit: row.flag(8)?,
            },
            "f" => {
                let table = self.named(&required(row, 9)?, &required(row, 10)?)?;
                let mut references = Reference::to(table, names(row, 11)?);
                references.on_delete = action(&required(row, 12)?);
                references.on_update = action(&required(row, 13)?);
                references.full = row.text(14)?.as_deref() == Some("f");
                references.set_columns = names(row, 15)?;
                Rule::ForeignKey {
                    columns,
                    references,
                }
            }
            _ => Rule::Exclude(Exclude {
                method: None,
                elements: Vec::new(),
                include: Vec::new(),
                filter: None,
            }),
        };
        let timing = match (row.flag(4)?, row.flag(5)?) {
            (_, true) => Timing::Deferred,
            (true, false) => Timing::Deferrable,
            (false, false) => Timing::Immediate,
        };
        Ok(Found {
            name: Name::new(&required(row, 2)?)?,
            rule,
            timing,
            index: row.text(17)?,
            operators: row.texts(16)?,
        })
    }

    /// One part of an index; the first of an index begins it.
    fn index_part(&mut self, row: &impl Fields) -> Result<(), Error> {
        let name = Name::new(&required(row, 2)?)?;
        let indexes = self.indexes.entry(of(row)?).or_default();
        if indexes.last().is_none_or(|(last, _)| *last != name) {
            let mut form = IndexForm::over([]).method(&required(row, 3)?)?;
            form.unique = row.flag(4)?;
            form.nulls_not_distinct = row.flag(5)?;
            form.filter = row.text(6)?.map(|sql| Fragment::new(&sql)).transpose()?;
            form.parameters = parameters(&row.texts(7)?)?;
            indexes.push((name, form));
        }
        let Some((_, form)) = indexes.last_mut() else {
            return Ok(());
        };
        if row.flag(8)? {
            form.parts.push(part(row)?);
        } else {
            form.include.push(Name::new(&required(row, 9)?)?);
        }
        Ok(())
    }

    fn named(&self, schema: &str, name: &str) -> Result<QualifiedName, Error> {
        let is_bare = self.bare.as_deref() == Some(schema);
        let schema = if is_bare {
            None
        } else {
            Some(Name::new(schema)?)
        };
        Ok(QualifiedName::new(schema, Name::new(name)?))
    }
}

impl Found {
    /// Adds it to its table. The index of a key or an exclusion goes into it.
    fn add_to(
        mut self,
        table: TableBuilder,
        indexes: &mut Vec<(Name, IndexForm)>,
    ) -> Result<TableBuilder, Error> {
        let index = self.index.as_deref();
        let place = indexes
            .iter()
            .position(|(name, _)| Some(name.as_str()) == index);
        if let Some((_, form)) = place.map(|place| indexes.remove(place)) {
            match &mut self.rule {
                Rule::PrimaryKey { include, .. } => *include = form.include,
                Rule::Unique {
                    include,
                    nulls_not_distinct,
                    ..
                } => {
                    *include = form.include;
                    *nulls_not_distinct = form.nulls_not_distinct;
                }
                Rule::Exclude(exclude) => {
                    let operators = self
                        .operators
                        .iter()
                        .map(|text| ExclusionOperator::new(text));
                    let elements = form.parts.into_iter().zip(operators);
                    exclude.elements = elements
                        .map(|(part, operator)| Ok((part, operator?)))
                        .collect::<Result<_, Error>>()?;
                    exclude.method = form.method;
                    exclude.include = form.include;
                    exclude.filter = form.filter;
                }
                Rule::Check { .. } | Rule::ForeignKey { .. } => {}
            }
        }
        Ok(table.constraint_timed(Some(self.name), self.rule, self.timing))
    }
}

fn part(row: &impl Fields) -> Result<Part, Error> {
    let mut part = match row.text(9)? {
        Some(column) => Part::column(&column)?,
        None => Part::expression(&required(row, 10)?)?,
    };
    // An expression comes with the brackets that DDL gives it.
    if let Key::Expression(sql) = &part.key
        && let Some(inside) = sql
            .as_str()
            .strip_prefix('(')
            .and_then(|s| s.strip_suffix(')'))
        && let Ok(inside) = Fragment::new(inside)
    {
        part.key = Key::Expression(inside);
    }
    part.collation = row
        .text(11)?
        .map(|name| QualifiedName::parse(&name))
        .transpose()?;
    if let Some(class) = row.text(12)? {
        part.opclass = Some(OperatorClass {
            name: QualifiedName::parse(&class)?,
            parameters: parameters(&row.texts(13)?)?,
        });
    }
    let bits = row.number(14)?.unwrap_or_default();
    part.descending = bits & 1 != 0;
    Ok(part.nulls(if bits & 2 == 0 {
        Nulls::Last
    } else {
        Nulls::First
    }))
}

/// The options in which a sequence differs from one that nothing was said of.
fn sequence(row: &impl Fields, ty: Option<Builtin>) -> Result<SequenceOptions, Error> {
    let greatest = match ty {
        Some(Builtin::Int2) => i64::from(i16::MAX),
        Some(Builtin::Int4) => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let increment = row.number(15)?.unwrap_or(1);
    let (usual_min, usual_max) = if increment < 0 {
        (-greatest - 1, -1)
    } else {
        (1, greatest)
    };
    let (min, max) = (row.number(16)?, row.number(17)?);
    let usual_start = if increment < 0 { max } else { min };
    let unusual = |value: Option<i64>, usual: i64| value.filter(|value| *value != usual);
    Ok(SequenceOptions {
        start: row.number(14)?.filter(|start| Some(*start) != usual_start),
        increment: unusual(Some(increment), 1),
        min: unusual(min, usual_min),
        max: unusual(max, usual_max),
        cache: unusual(row.number(18)?, 1),
        cycle: row.flag(19)?,
    })
}

/// The action of a letter in `pg_constraint`.
fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// `fillfactor=70` as a pair.
fn parameters(texts: &[String]) -> Result<Vec<(Name, Fragment)>, Error> {
    let pairs = texts.iter().filter_map(|text| text.split_once('='));
    pairs
        .map(|(name, value)| Ok((Name::new(name)?, Fragment::new(value)?)))
        .collect()
}

fn names(row: &impl Fields, index: usize) -> Result<Vec<Name>, Error> {
    row.texts(index)?
        .iter()
        .map(|name| Name::new(name))
        .collect()
}

fn of(row: &impl Fields) -> Result<Of, Error> {
    Ok((required(row, 0)?, required(row, 1)?))
}

fn required(row: &impl Fields, index: usize) -> Result<String, Error> {
    row.text(index)?
        .ok_or_else(|| Error::interface(format!("a row of the catalogs has NULL in place {index}")))
}
