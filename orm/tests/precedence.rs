//! Whatever the brackets that rendering leaves out, the text means what the tree means.

use std::collections::BTreeSet;

use data_bridge_orm::query::{Expr, Param, Select};
use data_bridge_orm::schema::{Builtin, Column, ColumnRef, Table};
use proptest::prelude::*;

/// A condition over atoms that are told apart by a number.
#[derive(Clone, Debug)]
enum Tree {
    Atom(i64),
    Not(Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

impl Tree {
    fn strategy() -> impl Strategy<Value = Self> {
        let atom = (0..6_i64).prop_map(Self::Atom);
        atom.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|tree| Self::Not(Box::new(tree))),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Self::All),
                prop::collection::vec(inner, 0..4).prop_map(Self::Any),
            ]
        })
    }

    /// Chains are built by operators, the rest by functions, so that both ways are met.
    fn condition(&self, column: &ColumnRef) -> Expr<Param> {
        match self {
            Self::Atom(0) => column.is_null(),
            Self::Atom(number) => column.eq(*number),
            Self::Not(tree) => !tree.condition(column),
            Self::All(trees) if trees.len() == 2 => {
                trees[0].condition(column) & trees[1].condition(column)
            }
            Self::Any(trees) if trees.len() == 2 => {
                trees[0].condition(column) | trees[1].condition(column)
            }
            Self::All(trees) => Expr::all(trees.iter().map(|tree| tree.condition(column))),
            Self::Any(trees) => Expr::any(trees.iter().map(|tree| tree.condition(column))),
        }
    }

    fn is_true(&self, atoms: &BTreeSet<i64>) -> bool {
        match self {
            Self::Atom(number) => atoms.contains(number),
            Self::Not(tree) => !tree.is_true(atoms),
            Self::All(trees) => trees.iter().all(|tree| tree.is_true(atoms)),
            Self::Any(trees) => trees.iter().any(|tree| tree.is_true(atoms)),
        }
    }

    /// The numbers of the atoms that become parameters, in the order of the text.
    fn numbers(&self, out: &mut Vec<i64>) {
        match self {
            Self::Atom(0) => {}
            Self::Atom(number) => out.push(*number),
            Self::Not(tree) => tree.numbers(out),
            Self::All(trees) | Self::Any(trees) => trees.iter().for_each(|tree| tree.numbers(out)),
        }
    }
}

/// Reads a condition as PostgreSQL does: `NOT` binds tighter than `AND`, `AND` than `OR`.
struct Reader<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
    /// What `$1`, `$2`, ... stand for.
    numbers: &'a [i64],
    atoms: &'a BTreeSet<i64>,
}

impl Reader<'_> {
    fn takes(&mut self, word: &str) -> bool {
        self.words.next_if(|next| *next == word).is_some()
    }

    fn any(&mut self) -> bool {
        let mut value = self.all();
        while self.takes("OR") {
            value |= self.all();
        }
        value
    }

    fn all(&mut self) -> bool {
        let mut value = self.not();
        while self.takes("AND") {
            value &= self.not();
        }
        value
    }

    fn not(&mut self) -> bool {
        if self.takes("NOT") {
            !self.not()
        } else {
            self.atom()
        }
    }

    fn atom(&mut self) -> bool {
        if self.takes("(") {
            let value = self.any();
            assert!(self.takes(")"), "unclosed");
            return value;
        }
        match self.words.next() {
            Some("TRUE") => true,
            Some("FALSE") => false,
            Some("\"users\".\"id\"") if self.takes("IS") => {
                assert!(self.takes("NULL"), "IS NULL");
                self.atoms.contains(&0)
            }
            Some("\"users\".\"id\"") => {
                assert!(self.takes("="), "=");
                let place: usize = self
                    .words
                    .next()
                    .and_then(|word| word.strip_prefix('$')?.parse().ok())
                    .unwrap();
                self.atoms.contains(&self.numbers[place - 1])
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn the_text_means_the_tree(tree in Tree::strategy(), atoms in prop::collection::btree_set(0..6_i64, 0..6)) {
        let id = Column::new("id", Builtin::Int8).unwrap();
        let users = Table::builder("users").unwrap().column(id).build().unwrap();
        let query = Select::from(&users).filter(tree.condition(&users.column("id").unwrap()));
        let statement = query.render().unwrap();
        let (_, filter) = statement.sql.split_once(" WHERE ").unwrap();
        let spaced = filter.replace('(', "( ").replace(')', " )");
        let mut numbers = Vec::new();
        tree.numbers(&mut numbers);
        prop_assert_eq!(numbers.len(), statement.params.len());
        let words = spaced.split_whitespace().collect::<Vec<_>>().into_iter().peekable();
        let mut reader = Reader { words, numbers: &numbers, atoms: &atoms };
        let value = reader.any();
        prop_assert!(reader.words.next().is_none(), "left over in {}", filter);
        prop_assert_eq!(value, tree.is_true(&atoms), "{}", filter);
    }
}
