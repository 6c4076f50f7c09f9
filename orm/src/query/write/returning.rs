//! RETURNING: what a write answers with.

use data_bridge_driver::Error;

use crate::{
    query::{Expr, render::Renderer, source::Source},
    schema::Table,
};

/// What a write answers with.
#[derive(Debug)]
pub(super) enum Returning<V> {
    /// The number of rows.
    Nothing,
    /// All columns of the table written.
    Row,
    Items(Vec<Item<V>>),
}

#[derive(Debug)]
pub(super) enum Item<V> {
    Expr(Expr<V>),
    Table(Table),
}

impl<V> Returning<V> {
    pub fn add(&mut self, item: Item<V>) {
        match self {
            Self::Items(items) => items.push(item),
            Self::Nothing | Self::Row => *self = Self::Items(vec![item]),
        }
    }

    /// `sources` are what the statement reads, the table that it writes first.
    pub fn render<'a>(
        &'a self,
        out: &mut Renderer<'a, V>,
        sources: &'a [Source<V>],
        table: &Table,
    ) -> Result<(), Error> {
        match self {
            Self::Nothing => {}
            Self::Row => {
                out.push(" RETURNING ");
                out.push(table.select_list());
            }
            Self::Items(items) => {
                out.push(" RETURNING ");
                for (index, item) in items.iter().enumerate() {
                    out.comma(index);
                    match item {
                        Item::Expr(expr) => out.selected_expr(expr)?,
                        Item::Table(table) => out.all_of(sources, table)?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl<V> Clone for Returning<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Row => Self::Row,
            Self::Items(items) => Self::Items(items.clone()),
        }
    }
}

impl<V> Clone for Item<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Expr(expr) => Self::Expr(expr.clone()),
            Self::Table(table) => Self::Table(table.clone()),
        }
    }
}
