//! Names that passed the driver's identifier rules once and are kept beside their quoted form.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use data_bridge_driver::{
    Error,
    ident::{self, Ident},
};

/// One identifier: of a table, column, constraint or alias. Cheap to clone.
///
/// ```
/// use data_bridge_orm::schema::Name;
///
/// let name = Name::new("Order")?;
/// assert_eq!((name.as_str(), name.quoted()), ("Order", "\"Order\""));
/// assert!(Name::new("nul\0byte").is_err());
/// # Ok::<(), data_bridge_driver::Error>(())
/// ```
#[derive(Clone)]
pub struct Name(Arc<Spelling>);

struct Spelling {
    plain: Box<str>,
    quoted: Box<str>,
}

impl Name {
    /// Checks a name and quotes it.
    ///
    /// # Errors
    /// What [`ident`] refuses: the empty name, NUL, more than 63 bytes.
    pub fn new(name: &str) -> Result<Self, Error> {
        Ok(Self::from(&Ident::new(name)?))
    }

    /// A column's name: what [`Name::new`] allows, less the names of PostgreSQL's system columns.
    ///
    /// # Errors
    /// Those of [`Name::new`], and `ctid`, `xmin` and their like, which every table has already.
    pub fn column(name: &str) -> Result<Self, Error> {
        Ok(Self::from(&Ident::column(name)?))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0.plain
    }

    /// The name as SQL needs it.
    pub fn quoted(&self) -> &str {
        &self.0.quoted
    }
}

impl From<&Ident> for Name {
    fn from(ident: &Ident) -> Self {
        let (plain, quoted) = (ident.as_str().into(), ident.to_string().into());
        Self(Arc::new(Spelling { plain, quoted }))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.quoted())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.plain == other.0.plain
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.plain.hash(state);
    }
}

/// A name with or without its schema: `"app"."users"`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct QualifiedName {
    schema: Option<Name>,
    name: Name,
    quoted: Arc<str>,
}

impl QualifiedName {
    /// Joins the parts.
    pub fn new(schema: Option<Name>, name: Name) -> Self {
        let quoted = match &schema {
            Some(schema) => format!("{}.{}", schema.quoted(), name.quoted()).into(),
            None => name.quoted().into(),
        };
        Self {
            schema,
            name,
            quoted,
        }
    }

    /// Reads `name` or `schema.name`; a part that itself holds a dot stands in double quotes.
    ///
    /// # Errors
    /// What [`ident::QualifiedName::parse`] refuses.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self::from(&ident::QualifiedName::parse(text)?))
    }

    /// The schema, where one was given.
    pub fn schema(&self) -> Option<&Name> {
        self.schema.as_ref()
    }

    /// The last part.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Both parts as SQL needs them.
    pub fn quoted(&self) -> &str {
        &self.quoted
    }
}

impl From<&ident::QualifiedName> for QualifiedName {
    fn from(name: &ident::QualifiedName) -> Self {
        Self::new(name.schema().map(Name::from), Name::from(name.name()))
    }
}

impl fmt::Debug for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quoted)
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        write!(f, "{}", self.name)
    }
}
