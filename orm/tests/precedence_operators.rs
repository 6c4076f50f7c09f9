//! The same of operators between values: what is read back by PostgreSQL's rules (manual, section 4.1.6) is what was meant.

use data_bridge_orm::query::{Expr, Operator, Param, Select, ValueType};
use data_bridge_orm::schema::Builtin;
use proptest::prelude::*;

/// Everything is a number here; what is true is 1. Only how operands are grouped matters.
#[derive(Clone, Debug)]
enum Tree {
    Number(i64),
    Not(Box<Tree>),
    Negative(Box<Tree>),
    Between(Box<[Tree; 3]>),
    Binary(Operator, Box<[Tree; 2]>),
}

const OPERATORS: [Operator; 9] = [
    Operator::Or,
    Operator::And,
    Operator::IsDistinct,
    Operator::Eq,
    Operator::Lt,
    Operator::Concat,
    Operator::Add,
    Operator::Sub,
    Operator::Mul,
];

fn apply(operator: &str, left: i64, right: i64) -> i64 {
    match operator {
        "OR" => i64::from(left != 0 || right != 0),
        "AND" => i64::from(left != 0 && right != 0),
        "IS DISTINCT FROM" => i64::from(left != right),
        "=" => i64::from(left == right),
        "<" => i64::from(left < right),
        // Any operation that is neither commutative nor associative.
        "||" => left.wrapping_mul(10).wrapping_sub(right),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        other => panic!("{other}"),
    }
}

impl Tree {
    fn strategy() -> impl Strategy<Value = Self> {
        (0..4_i64).prop_map(Self::Number).prop_recursive(6, 40, 3, |inner| {
            let two = (inner.clone(), inner.clone()).prop_map(|(a, b)| Box::new([a, b]));
            let three = (inner.clone(), inner.clone(), inner.clone());
            prop_oneof![
                1 => inner.clone().prop_map(|tree| Self::Not(Box::new(tree))),
                1 => inner.prop_map(|tree| Self::Negative(Box::new(tree))),
                1 => three.prop_map(|(a, b, c)| Self::Between(Box::new([a, b, c]))),
                6 => (prop::sample::select(&OPERATORS[..]), two).prop_map(|(operator, sides)| Self::Binary(operator, sides)),
            ]
        })
    }

    fn expr(&self, numbers: &mut Vec<i64>) -> Expr<Param> {
        match self {
            Self::Number(number) => {
                numbers.push(*number);
                Expr::param(Param::new(*number), ValueType::of(Builtin::Int8))
            }
            Self::Not(tree) => !tree.expr(numbers),
            Self::Negative(tree) => tree.expr(numbers).negative(),
            Self::Between(parts) => {
                let [a, b, c] = &**parts;
                a.expr(numbers).between(b.expr(numbers), c.expr(numbers))
            }
            Self::Binary(operator, sides) => {
                let [left, right] = &**sides;
                left.expr(numbers).compare(*operator, right.expr(numbers))
            }
        }
    }

    fn value(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Not(tree) => i64::from(tree.value() == 0),
            Self::Negative(tree) => tree.value().wrapping_neg(),
            Self::Between(parts) => {
                let [a, b, c] = parts.each_ref().map(Self::value);
                i64::from(b <= a && a <= c)
            }
            Self::Binary(operator, sides) => {
                let [left, right] = sides.each_ref().map(Self::value);
                apply(operator.sql().trim(), left, right)
            }
        }
    }
}

/// A sign is a word of its own, `neg`.
fn words(sql: &str) -> Vec<String> {
    assert!(!sql.contains("--"), "a comment in {sql}");
    let mut spaced = String::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' | ')' => spaced.extend([' ', c, ' ']),
            '-' if chars.peek() != Some(&' ') => spaced.push_str(" neg "),
            _ => spaced.push(c),
        }
    }
    let spaced = spaced.replace("IS DISTINCT FROM", "IS_DISTINCT_FROM");
    spaced
        .split_whitespace()
        .map(|word| word.replace('_', " "))
        .collect()
}

struct Reader<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<String>>,
    numbers: &'a [i64],
}

/// Loosest first: the operators of a level, and whether they group from the left; those that do not stand alone.
const LEVELS: [(&[&str], bool); 8] = [
    (&["OR"], true),
    (&["AND"], true),
    (&["NOT"], true),
    (&["IS DISTINCT FROM"], false),
    (&["=", "<"], false),
    (&["BETWEEN"], false),
    (&["||"], true),
    (&["+", "-"], true),
];

impl Reader<'_> {
    fn takes(&mut self, words: &[&str]) -> Option<String> {
        self.words.next_if(|next| words.contains(&next.as_str()))
    }

    fn level(&mut self, level: usize) -> i64 {
        let Some((operators, chains)) = LEVELS.get(level) else {
            return self.product();
        };
        if *operators == ["NOT"] && self.takes(operators).is_some() {
            return i64::from(self.level(level) == 0);
        }
        let mut value = self.level(level + 1);
        while let Some(operator) = self.takes(operators) {
            let right = self.level(level + 1);
            value = if operator == "BETWEEN" {
                assert!(self.takes(&["AND"]).is_some(), "BETWEEN without AND");
                let high = self.level(level + 1);
                i64::from(right <= value && value <= high)
            } else {
                apply(&operator, value, right)
            };
            assert!(
                *chains
                    || self
                        .words
                        .peek()
                        .is_none_or(|next| !operators.contains(&next.as_str())),
                "{operator} does not chain"
            );
        }
        value
    }

    fn product(&mut self) -> i64 {
        let mut value = self.sign();
        while let Some(operator) = self.takes(&["*"]) {
            value = apply(&operator, value, self.sign());
        }
        value
    }

    fn sign(&mut self) -> i64 {
        if self.takes(&["neg"]).is_some() {
            return self.sign().wrapping_neg();
        }
        if self.takes(&["("]).is_some() {
            let value = self.level(0);
            assert!(self.takes(&[")"]).is_some(), "unclosed");
            return value;
        }
        let word = self.words.next().unwrap();
        let place: usize = word
            .strip_prefix('$')
            .and_then(|place| place.parse().ok())
            .unwrap();
        self.numbers[place - 1]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_text_means_the_tree(tree in Tree::strategy()) {
        let mut numbers = Vec::new();
        let query = Select::of([tree.expr(&mut numbers)]);
        let statement = query.render().unwrap();
        let list = statement.sql.strip_prefix("SELECT ").unwrap();
        let mut reader = Reader { words: words(list).into_iter().peekable(), numbers: &numbers };
        let value = reader.level(0);
        prop_assert!(reader.words.next().is_none(), "left over in {}", list);
        prop_assert_eq!(value, tree.value(), "{}", list);
    }
}
