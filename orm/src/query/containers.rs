//! What can be said of arrays, JSON and full-text documents besides operators.

use data_bridge_driver::Error;

use super::{Expr, Function, IntoOperand, IntoParam, Operator, ValueType, expr::Node, text::Piece};
use crate::schema::{Builtin, PgType, QualifiedName};

/// ```
/// use data_bridge_orm::{query::{Expr, Param, Select}, schema::{Builtin, Column, PgType, Table}};
///
/// let posts = Table::builder("posts")?
///     .column(Column::new("tags", PgType::from(Builtin::Text).array())?)
///     .column(Column::new("data", Builtin::Jsonb)?)
///     .build()?;
/// let (tags, data) = (posts.column("tags")?.expr::<Param>(), posts.column("data")?.expr::<Param>());
/// let condition = tags.any_element().eq("rust") & data.key("stars").as_integer().gt(3_i64);
/// let query = Select::of([tags.element(1_i64)]).source(&posts).filter(condition);
/// assert_eq!(
///     query.render()?.sql,
///     "SELECT \"posts\".\"tags\"[$1] FROM \"posts\" \
///      WHERE $2 = ANY(\"posts\".\"tags\") AND CAST(\"posts\".\"data\" ->> $3 AS bigint) > $4"
/// );
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
impl<V> Expr<V> {
    /// The element of an array at a place, the first being 1; NULL where there is none.
    #[must_use]
    pub fn element(&self, place: impl IntoOperand<V>) -> Self {
        let place = place.into_operand(ValueType::of(Builtin::Int8));
        let ty = match self.0.node {
            // Of an array of arrays each subscript is one more step, and only the last one has an element.
            Node::Subscript(..) => self.value_type(),
            _ => self.value_type().element(),
        };
        Self::new(Node::Subscript(self.clone(), place), ty)
    }

    /// The elements of an array from one place to another, both included; `None` is as far as it goes.
    #[must_use]
    pub fn elements(&self, from: Option<Self>, to: Option<Self>) -> Self {
        Self::new(Node::Slice(self.clone(), from, to), self.value_type())
    }

    /// Any element of an array, or any row of a [`scalar`](Self::scalar) query: what is compared with it is compared with
    /// each, and it is enough that one holds.
    #[must_use]
    pub fn any_element(&self) -> Self {
        Self::new(Node::Each(self.clone(), false), self.each_type())
    }

    /// Every element of an array, or every row of a [`scalar`](Self::scalar) query.
    #[must_use]
    pub fn all_elements(&self) -> Self {
        Self::new(Node::Each(self.clone(), true), self.each_type())
    }

    fn each_type(&self) -> ValueType {
        match self.0.node {
            Node::Scalar(_) => self.value_type(),
            _ => self.value_type().element(),
        }
    }

    /// Whether this is one element of many: see [`any_element`](Self::any_element).
    pub fn is_each(&self) -> bool {
        matches!(self.0.node, Node::Each(..))
    }

    /// Whether it can have a subscript as arrays have: it is an array, or an element of one, which may be an array too.
    pub fn has_elements(&self) -> bool {
        self.value_type().is_array() || matches!(self.0.node, Node::Subscript(..))
    }

    /// The JSON at a place of a list, the first being 0; a negative one counts from its end.
    #[must_use]
    pub fn at(&self, place: impl IntoOperand<V>) -> Self {
        let place = place.into_operand(ValueType::of(Builtin::Int4));
        self.compare(Operator::Get, place)
    }

    /// JSON as text: `->>` where it was taken by a key or path, else the text of the whole. A JSON null is NULL.
    #[must_use]
    pub fn as_text(&self) -> Self {
        let text = |operator, left: &Self, right: &Self| {
            let sides = Node::Binary(operator, left.clone(), right.clone());
            Self::new(sides, ValueType::of(Builtin::Text))
        };
        match &self.0.node {
            Node::Binary(Operator::Get, left, key) => text(Operator::GetText, left, key),
            Node::Binary(Operator::GetPath, left, path) => text(Operator::GetPathText, left, path),
            _ => {
                let nowhere = Self::new(Node::Word("'{}'"), ValueType::UNKNOWN);
                text(Operator::GetPathText, self, &nowhere)
            }
        }
    }

    /// JSON as a whole number.
    #[must_use]
    pub fn as_integer(&self) -> Self {
        self.as_text().cast(Builtin::Int8.into())
    }

    /// JSON as a floating-point number.
    #[must_use]
    pub fn as_float(&self) -> Self {
        self.as_text().cast(Builtin::Float8.into())
    }

    /// JSON as an exact number.
    #[must_use]
    pub fn as_numeric(&self) -> Self {
        self.as_text().cast(Builtin::Numeric.into())
    }

    /// JSON as a truth value.
    #[must_use]
    pub fn as_boolean(&self) -> Self {
        self.as_text().cast(Builtin::Bool.into())
    }

    /// Whether a path of the SQL/JSON language finds something: `$.tags[*] ? (@ == "x")`.
    #[must_use]
    pub fn path_exists(&self, path: impl IntoParam<V>) -> Self {
        self.compare(Operator::PathExists, Self::json_path(path))
    }

    /// Whether what a path of the SQL/JSON language computes is true: `$.stars > 3`.
    #[must_use]
    pub fn path_match(&self, path: impl IntoParam<V>) -> Self {
        self.compare(Operator::Match, Self::json_path(path))
    }

    fn json_path(path: impl IntoParam<V>) -> Self {
        let text = Self::param(path.into_param(), ValueType::of(Builtin::Text));
        text.cast(PgType::from(Builtin::JsonPath))
    }

    /// Whether a text, or a document of [`tsvector`](Builtin::TsVector), matches what a person typed into a search field:
    /// words, `"phrases"`, `or`, `-without`. The configuration is that of the server's default, or named: `english`.
    ///
    /// # Errors
    /// A name of a configuration that is none.
    pub fn matches(
        &self,
        query: impl IntoParam<V>,
        configuration: Option<&str>,
    ) -> Result<Self, Error> {
        let with = |value: Self| -> Result<Vec<Self>, Error> {
            let named = configuration.map(Self::configuration).transpose()?;
            Ok(named.into_iter().chain([value]).collect())
        };
        let is_document = self.value_type().builtin() == Some(Builtin::TsVector);
        let document = if is_document {
            self.clone()
        } else {
            Function::new("to_tsvector", with(self.clone())?)?.into()
        };
        let query = Self::param(query.into_param(), ValueType::of(Builtin::Text));
        let query = Self::from(Function::new("websearch_to_tsquery", with(query)?)?);
        Ok(document.compare(Operator::Match, query))
    }

    /// The name of a text-search configuration, as a constant, so that an index over `to_tsvector('english', ...)` is seen.
    fn configuration(name: &str) -> Result<Self, Error> {
        let name = QualifiedName::parse(name)?;
        let literal = format!("'{}'", name.quoted().replace('\'', "''"));
        Ok(Self::new(
            Node::Text(vec![Piece::Sql(literal)]),
            ValueType::UNKNOWN,
        ))
    }
}
