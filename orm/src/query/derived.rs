//! Queries that stand in FROM: subqueries and common table expressions.

use std::sync::Arc;

use data_bridge_driver::Error;

use super::{Expr, Function, Param, Select, SetOperator, ValueType, select::free_name};
use crate::schema::{Builtin, Name, PgType};

/// A query that other queries read from, as a subquery or a common table expression. Cheap to clone.
///
/// ```
/// use data_bridge_orm::{query::{Derived, Param, Select}, schema::{Builtin, Column, Table}};
///
/// let posts = Table::builder("posts")?.column(Column::new("author_id", Builtin::Int8)?).build()?;
/// let authors = Derived::cte("authors", Select::<Param>::of([posts.column("author_id")?.expr()]).source(&posts).distinct())?;
/// let id = authors.column("author_id")?;
/// assert_eq!(
///     Select::of([id.clone()]).source(&authors).filter(id.gt(7_i64)).render()?.sql,
///     "WITH \"authors\" (\"author_id\") AS (SELECT DISTINCT \"posts\".\"author_id\" FROM \"posts\") \
///      SELECT \"authors\".\"author_id\" FROM \"authors\" WHERE \"authors\".\"author_id\" > $1"
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Debug)]
pub struct Derived<V = Param> {
    head: Arc<Head>,
    pub(super) body: Body<V>,
}

/// Its name and columns: what tells one from another, also from within itself.
#[derive(Debug)]
pub struct Head {
    name: Name,
    columns: Vec<(Name, ValueType)>,
}

#[derive(Debug)]
pub(super) enum Body<V> {
    Subquery(Arc<Select<V>>),
    /// A subquery that may name what stands before it in FROM.
    Lateral(Arc<Select<V>>),
    Cte(Arc<Select<V>>),
    RecursiveCte(Arc<Select<V>>),
    /// The beginning of a recursive one; within its step, the rows found so far.
    Seed(Arc<Select<V>>),
    /// Rows of the caller's: of each column its type and the array of its values.
    Values(Arc<[(PgType, Expr<V>)]>),
    /// What a function gives, and whether its rows are numbered.
    Call(Expr<V>, bool),
}

impl<V> Derived<V> {
    /// `(SELECT ...) AS name`
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn subquery(name: &str, query: Select<V>) -> Result<Self, Error> {
        let head = Head::of(name, &query)?;
        let body = Body::Subquery(Arc::new(query));
        Ok(Self { head, body })
    }

    /// `LATERAL (SELECT ...) AS name`: it may name columns of what stands before it in FROM.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn lateral(name: &str, query: Select<V>) -> Result<Self, Error> {
        let head = Head::of(name, &query)?;
        let body = Body::Lateral(Arc::new(query));
        Ok(Self { head, body })
    }

    /// `WITH name AS (SELECT ...)`, in front of the query that reads it.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn cte(name: &str, query: Select<V>) -> Result<Self, Error> {
        let head = Head::of(name, &query)?;
        let body = Body::Cte(Arc::new(query));
        Ok(Self { head, body })
    }

    /// `WITH RECURSIVE name AS (first UNION ALL step)`, where `step` makes further rows of those found so far; with
    /// `distinct` a `UNION`, which ends where nothing new is found.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses, and those of `step`.
    pub fn recursive<E: From<Error>>(
        name: &str,
        first: Select<V>,
        distinct: bool,
        step: impl FnOnce(Self) -> Result<Select<V>, E>,
    ) -> Result<Self, E> {
        let seed = Self::seed(name, first)?;
        let step = step(seed.clone())?;
        Ok(seed.step(distinct, step)?)
    }

    /// The first rows of a recursive query, to be read from by the [`step`](Self::step) that makes it whole.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn seed(name: &str, first: Select<V>) -> Result<Self, Error> {
        let head = Head::of(name, &first)?;
        let body = Body::Seed(Arc::new(first));
        Ok(Self { head, body })
    }

    /// The whole recursive query: the first rows, and what `step` makes of those found so far, again and again; see
    /// [`recursive`](Self::recursive).
    ///
    /// # Errors
    /// This is no [`seed`](Self::seed).
    pub fn step(&self, distinct: bool, step: Select<V>) -> Result<Self, Error> {
        let Body::Seed(first) = &self.body else {
            return Err(Error::interface(format!(
                "{} is not the beginning of a recursive query, or has its step already",
                self.name()
            )));
        };
        let operator = if distinct {
            SetOperator::Union
        } else {
            SetOperator::UnionAll
        };
        let whole = Select::clone(first).combine(operator, step);
        Ok(Self {
            head: Arc::clone(&self.head),
            body: Body::RecursiveCte(Arc::new(whole)),
        })
    }

    /// Rows of the caller's as a table: for each column its name, its type, and an array of its values. However many rows there
    /// are, it is one statement.
    ///
    /// ```
    /// use data_bridge_orm::{query::{Derived, Param, Select}, schema::Builtin};
    ///
    /// let ids = Param::new(vec![1_i64, 2]);
    /// let names = Param::new(vec!["a", "b"]);
    /// let given = Derived::values("given", [("id", Builtin::Int8.into(), ids), ("name", Builtin::Text.into(), names)])?;
    /// assert_eq!(
    ///     Select::of([given.column("name")?]).source(&given).render()?.sql,
    ///     "SELECT \"given\".\"name\" FROM unnest($1::bigint[], $2::text[]) AS \"given\" (\"id\", \"name\")"
    /// );
    /// # Ok::<(), data_bridge_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses, no column, or one of arrays: an array of arrays is one array to PostgreSQL.
    pub fn values<'n>(
        name: &str,
        columns: impl IntoIterator<Item = (&'n str, PgType, V)>,
    ) -> Result<Self, Error> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (column, ty, array) in columns {
            if ty.is_array() {
                return Err(Error::interface(format!(
                    "values cannot have a column of arrays: {column} is {ty}; send JSON, or a row at a time"
                )));
            }
            let known = ValueType::from(&ty);
            names.push((Name::new(column)?, known));
            values.push((ty, Expr::param(array, known.array())));
        }
        if values.is_empty() {
            return Err(Error::interface("values need a column"));
        }
        let name = Name::new(name)?;
        let columns = names;
        Ok(Self {
            head: Arc::new(Head { name, columns }),
            body: Body::Values(values.into()),
        })
    }

    /// The rows that a function gives, under these names of its columns, which may be of other types than is known here. It may
    /// name columns of what stands before it in FROM. With `ordinality` it has one column more, the number of each row from 1.
    ///
    /// # Errors
    /// A name that [`Name::new`] refuses.
    pub fn call(
        name: &str,
        function: Function<V>,
        columns: &[&str],
        ordinality: Option<&str>,
    ) -> Result<Self, Error> {
        let function = Expr::from(function);
        let ty = match columns {
            [_] => function.value_type(),
            _ => ValueType::UNKNOWN,
        };
        let numbered = ordinality.map(|name| (name, ValueType::of(Builtin::Int8)));
        let columns = columns.iter().map(|name| (*name, ty)).chain(numbered);
        let columns = columns
            .map(|(name, ty)| Ok((Name::new(name)?, ty)))
            .collect::<Result<_, Error>>()?;
        let name = Name::new(name)?;
        Ok(Self {
            head: Arc::new(Head { name, columns }),
            body: Body::Call(function, ordinality.is_some()),
        })
    }

    /// Whether it may name columns of what stands before it in FROM, so that a join of it mostly needs no condition.
    pub fn is_lateral(&self) -> bool {
        matches!(self.body, Body::Lateral(_) | Body::Call(..))
    }

    /// Whether it is read by its name, after `WITH`.
    pub(super) fn is_cte(&self) -> bool {
        matches!(
            self.body,
            Body::Cte(_) | Body::RecursiveCte(_) | Body::Seed(_)
        )
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.head.name
    }

    /// The names of its columns.
    pub fn column_names(&self) -> impl Iterator<Item = &Name> {
        self.head.columns.iter().map(|(name, _)| name)
    }

    /// Its column of this name.
    ///
    /// # Errors
    /// No such column; the message lists those that there are.
    pub fn column(&self, name: &str) -> Result<Expr<V>, Error> {
        let (index, ty) = self.head().find(name)?;
        Ok(Expr::field(self, index, ty))
    }

    pub(super) fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// The query that `WITH` defines it by, where it does, and whether that is recursive.
    pub(super) fn definition(&self) -> Option<(&Arc<Select<V>>, bool)> {
        match &self.body {
            Body::Cte(query) => Some((query, false)),
            Body::RecursiveCte(query) => Some((query, true)),
            Body::Subquery(_)
            | Body::Lateral(_)
            | Body::Seed(_)
            | Body::Values(_)
            | Body::Call(..) => None,
        }
    }

    pub(super) fn depth(&self) -> usize {
        match &self.body {
            Body::Subquery(query)
            | Body::Lateral(query)
            | Body::Cte(query)
            | Body::Seed(query)
            | Body::RecursiveCte(query) => query.depth(),
            Body::Values(_) => 0,
            Body::Call(function, _) => function.depth(),
        }
    }
}

impl<V> Clone for Derived<V> {
    fn clone(&self) -> Self {
        Self {
            head: Arc::clone(&self.head),
            body: match &self.body {
                Body::Subquery(query) => Body::Subquery(Arc::clone(query)),
                Body::Lateral(query) => Body::Lateral(Arc::clone(query)),
                Body::Cte(query) => Body::Cte(Arc::clone(query)),
                Body::RecursiveCte(query) => Body::RecursiveCte(Arc::clone(query)),
                Body::Seed(query) => Body::Seed(Arc::clone(query)),
                Body::Values(columns) => Body::Values(Arc::clone(columns)),
                Body::Call(function, ordinality) => Body::Call(function.clone(), *ordinality),
            },
        }
    }
}

impl Head {
    /// The columns are those of the query's result; one without a name is called by its number, one whose name is taken by
    /// the next free one.
    fn of<V>(name: &str, query: &Select<V>) -> Result<Arc<Self>, Error> {
        let mut columns: Vec<(Name, ValueType)> = Vec::new();
        for (wanted, ty) in query.columns() {
            let wanted = match wanted {
                Some(name) => name.as_str().to_owned(),
                None => format!("column{}", columns.len() + 1),
            };
            let free = free_name(&wanted, |name| {
                columns.iter().any(|(taken, _)| taken.as_str() == name)
            });
            columns.extend(free.map(|name| (name, ty)));
        }
        let name = Name::new(name)?;
        Ok(Arc::new(Self { name, columns }))
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn column_name(&self, index: usize) -> Option<&Name> {
        self.columns.get(index).map(|(name, _)| name)
    }

    /// All columns, in order.
    pub(super) fn columns(&self) -> &[(Name, ValueType)] {
        &self.columns
    }

    pub(super) fn find(&self, name: &str) -> Result<(usize, ValueType), Error> {
        let mut columns = self.columns.iter().enumerate();
        match columns.find(|(_, (own, _))| own.as_str() == name) {
            Some((index, (_, ty))) => Ok((index, *ty)),
            None => Err(Error::interface(format!(
                "{} has no column {name:?}; it has {}",
                self.name,
                self.columns
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }
}
