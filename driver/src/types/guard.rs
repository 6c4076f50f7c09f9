//! Bytes are checked here before any `FromSql` sees them.
//!
//! `postgres-types` and the crates that build on it trust the counts and lengths in a value: an array of 20
//! bytes that claims 2^30 elements makes `Vec::from_sql` reserve them all and abort the process, a path of -1
//! points panics. After [`check`] every count is one that its bytes hold.
//!
//! The binary forms are those of PostgreSQL's send functions, `array_send`, `path_send`, `hstore_send` and so
//! on.

use std::any::type_name;

use postgres_types::{FromSql, Kind, Type};

use super::{numeric, oid};
use crate::error::Error;

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: i32 = 6;

/// Reads a value that came from the server in binary form.
///
/// # Errors
/// Of kind `Interface` when `T` cannot be read from a column of this type, of kind `Data` when the bytes are
/// no such value, or `T` cannot hold it.
pub fn checked_from_sql<'a, T: FromSql<'a>>(ty: &Type, bytes: &'a [u8]) -> Result<T, Error> {
    accept::<T>(ty)?;
    check(ty, bytes)?;
    T::from_sql(ty, bytes).map_err(|error| {
        Error::decode(format!(
            "a value of type {ty} cannot be read as {}",
            type_name::<T>()
        ))
        .with_source(error)
    })
}

/// Reads a value that may be NULL, which only an `Option` takes.
///
/// # Errors
/// As [`checked_from_sql`], and of kind `Interface` for a NULL that `T` does not take.
pub fn checked_from_sql_nullable<'a, T: FromSql<'a>>(
    ty: &Type,
    bytes: Option<&'a [u8]>,
) -> Result<T, Error> {
    let Some(bytes) = bytes else {
        accept::<T>(ty)?;
        return T::from_sql_null(ty).map_err(|error| {
            let name = type_name::<T>();
            Error::interface(format!(
                "the value is NULL, which {name} cannot hold; read it as Option<{name}>"
            ))
            .with_source(error)
        });
    };
    checked_from_sql(ty, bytes)
}

fn accept<'a, T: FromSql<'a>>(ty: &Type) -> Result<(), Error> {
    if T::accepts(ty) {
        return Ok(());
    }
    Err(Error::interface(format!(
        "a value of type {ty} cannot be read as {}; cast it in the SQL or read it as another type",
        type_name::<T>()
    )))
}

/// Checks the counts and lengths of a value in binary form: arrays and what they hold, domains, paths,
/// polygons, hstore, bit strings, numerics and every type of fixed size. Other types pass; their readers have
/// no counts to trust.
///
/// # Errors
/// Of kind `Data`, naming the type.
pub fn check(ty: &Type, bytes: &[u8]) -> Result<(), Error> {
    match ty.kind() {
        Kind::Array(element) => array(element, bytes).ok_or_else(|| malformed(ty))?,
        Kind::Domain(base) => check(base, bytes),
        _ => scalar(ty, bytes),
    }
}

/// `None` when the array itself is malformed, else how its elements fare.
fn array(element: &Type, bytes: &[u8]) -> Option<Result<(), Error>> {
    let mut rest = bytes;
    let dimensions = int4(&mut rest)?;
    let has_nulls = int4(&mut rest)?;
    let element_oid = int4(&mut rest)?.cast_unsigned();
    if !(0..=MAX_DIMENSIONS).contains(&dimensions)
        || !matches!(has_nulls, 0 | 1)
        || element_oid != element.oid()
    {
        return None;
    }
    let mut count = usize::from(dimensions > 0);
    for _ in 0..dimensions {
        let length = usize::try_from(int4(&mut rest)?).ok()?;
        int4(&mut rest)?; // The lower bound may be anything.
        count = count.checked_mul(length)?;
    }
    // Each element has a length word of its own.
    if count > rest.len() / 4 {
        return None;
    }
    for _ in 0..count {
        match int4(&mut rest)? {
            -1 => {}
            length => {
                let value = take(&mut rest, usize::try_from(length).ok()?)?;
                if let Err(error) = check(element, value) {
                    return Some(Err(error));
                }
            }
        }
    }
    rest.is_empty().then_some(Ok(()))
}

fn scalar(ty: &Type, bytes: &[u8]) -> Result<(), Error> {
    let fine = match ty.oid() {
        oid::BOOL | oid::CHAR => bytes.len() == 1,
        oid::INT2 => bytes.len() == 2,
        oid::INT4
        | oid::FLOAT4
        | oid::OID
        | oid::DATE
        | oid::XID
        | oid::CID
        | oid::REGPROC
        | oid::REGPROCEDURE
        | oid::REGOPER
        | oid::REGOPERATOR
        | oid::REGCLASS
        | oid::REGTYPE
        | oid::REGCONFIG
        | oid::REGDICTIONARY
        | oid::REGNAMESPACE
        | oid::REGROLE
        | oid::REGCOLLATION => bytes.len() == 4,
        oid::TID | oid::MACADDR => bytes.len() == 6,
        oid::INT8
        | oid::FLOAT8
        | oid::TIME
        | oid::TIMESTAMP
        | oid::TIMESTAMPTZ
        | oid::MONEY
        | oid::MACADDR8
        | oid::PG_LSN
        | oid::XID8 => bytes.len() == 8,
        oid::TIMETZ => bytes.len() == 12,
        oid::UUID | oid::INTERVAL | oid::POINT => bytes.len() == 16,
        oid::LINE | oid::CIRCLE => bytes.len() == 24,
        oid::BOX | oid::LSEG => bytes.len() == 32,
        oid::VOID => bytes.is_empty(),
        oid::NUMERIC => return numeric::decode(bytes).map(|_| ()),
        oid::PATH => path(bytes).is_some(),
        oid::POLYGON => points(bytes).is_some(),
        oid::BIT | oid::VARBIT => bits(bytes).is_some(),
        _ if ty.name() == "hstore" => hstore(bytes).is_some(),
        _ => true,
    };
    if fine { Ok(()) } else { Err(malformed(ty)) }
}

/// Open or closed, then points.
fn path(bytes: &[u8]) -> Option<()> {
    let (closed, rest) = bytes.split_first()?;
    if *closed > 1 {
        return None;
    }
    points(rest)
}

/// A count, then two `float8` for each point.
fn points(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes;
    let count = usize::try_from(int4(&mut rest)?).ok()?;
    (count.checked_mul(16)? == rest.len()).then_some(())
}

/// A count of bits, then the bytes that they fill.
fn bits(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes;
    let count = usize::try_from(int4(&mut rest)?).ok()?;
    (count.div_ceil(8) == rest.len()).then_some(())
}

/// A count, then key and value for each pair, where the value may be NULL.
fn hstore(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes;
    let count = usize::try_from(int4(&mut rest)?).ok()?;
    // Each pair has two length words.
    if count > rest.len() / 8 {
        return None;
    }
    for _ in 0..count {
        let key = usize::try_from(int4(&mut rest)?).ok()?;
        take(&mut rest, key)?;
        match int4(&mut rest)? {
            -1 => {}
            value => {
                take(&mut rest, usize::try_from(value).ok()?)?;
            }
        }
    }
    rest.is_empty().then_some(())
}

fn int4(rest: &mut &[u8]) -> Option<i32> {
    let (word, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(i32::from_be_bytes(*word))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (value, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(value)
}

fn malformed(ty: &Type) -> Error {
    Error::decode(format!("the server sent a malformed value of type {ty}"))
}

#[cfg(test)]
mod tests;
