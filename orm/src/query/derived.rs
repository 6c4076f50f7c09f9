//! Queries that stand in FROM: subqueries and common table expressions.

use std::sync::Arc;

use data_bridge_driver::Error;

use super::{Expr, Param, Select, SetOperator, ValueType, select::free_name};
use crate::schema::Name;

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
    /// Within a recursive one: the rows found so far.
    Itself,
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
        let head = Head::of(name, &first)?;
        let step = step(Self {
            head: Arc::clone(&head),
            body: Body::Itself,
        })?;
        let operator = if distinct {
            SetOperator::Union
        } else {
            SetOperator::UnionAll
        };
        let body = Body::RecursiveCte(Arc::new(first.combine(operator, step)));
        Ok(Self { head, body })
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
            Body::Subquery(_) | Body::Lateral(_) | Body::Itself => None,
        }
    }

    pub(super) fn depth(&self) -> usize {
        match &self.body {
            Body::Subquery(query)
            | Body::Lateral(query)
            | Body::Cte(query)
            | Body::RecursiveCte(query) => query.depth(),
            Body::Itself => 0,
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
                Body::Itself => Body::Itself,
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
