//! Arrays of any element and up to six dimensions: nested lists out, nested lists or tuples in, with `None` for NULL.
//!
//! Lower bounds are not kept: a list starts where it starts. An array without elements is `[]`, as PostgreSQL holds it.

use bytes::{BufMut, BytesMut};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::reader::Reader;
use super::{Codec, Decoded, Encoded, Fault};

/// `MAXDIM` of PostgreSQL.
const MAX_DIMENSIONS: usize = 6;
/// A lower bound is the smallest part of the header of a dimension, a length word the smallest element.
const WORD: usize = 4;

/// Array of one type, as far as the wire is concerned.
#[derive(Debug)]
pub struct ArrayCodec {
    /// The type number that the header of the array carries.
    pub element_oid: u32,
    /// How the elements are converted.
    pub element: Codec,
}

impl ArrayCodec {
    pub(super) fn decode<'py>(&self, py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
        let mut rest = Reader(wire);
        let dimensions = usize::try_from(rest.word().ok_or_else(malformed)?)
            .ok()
            .filter(|n| *n <= MAX_DIMENSIONS)
            .ok_or_else(malformed)?;
        let _has_null = rest.word().ok_or_else(malformed)?;
        if rest.word().ok_or_else(malformed)?.cast_unsigned() != self.element_oid {
            return Err(Fault::data(
                "the server sent an array of another element type",
            ));
        }
        let mut sizes = [0; MAX_DIMENSIONS];
        let sizes = &mut sizes[..dimensions];
        let mut count = 1_usize;
        for size in sizes.iter_mut() {
            *size = usize::try_from(rest.word().ok_or_else(malformed)?)
                .ok()
                .filter(|size| *size > 0)
                .ok_or_else(malformed)?;
            count = count.checked_mul(*size).ok_or_else(malformed)?;
            let _lower_bound = rest.word().ok_or_else(malformed)?;
        }
        // Before any list is made: the bytes that are there bound the elements, and so the memory.
        let list = if sizes.is_empty() {
            PyList::empty(py).into_any()
        } else if rest.0.len() / WORD < count {
            return Err(malformed());
        } else {
            self.decode_lists(py, sizes, &mut rest)?
        };
        if rest.0.is_empty() {
            Ok(list)
        } else {
            Err(malformed())
        }
    }

    fn decode_lists<'py>(
        &self,
        py: Python<'py>,
        sizes: &[usize],
        rest: &mut Reader<'_>,
    ) -> Decoded<'py> {
        let Some((size, inner)) = sizes.split_first() else {
            return match rest.value().ok_or_else(malformed)? {
                Some(wire) => self.element.decode(py, wire),
                None => Ok(py.None().into_bound(py)),
            };
        };
        let items = (0..*size)
            .map(|_| self.decode_lists(py, inner, rest))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(PyList::new(py, items)?.into_any())
    }

    pub(super) fn encode(&self, value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
        let outer = Sequence::outer(value).ok_or_else(|| Fault::wrong_type("a list", value))?;
        let sizes = self.measure(outer)?;
        let dimensions = if sizes.contains(&0) { &[][..] } else { &sizes };
        let start = out.len();
        put_count(out, dimensions.len())?;
        let flags = out.len();
        out.put_i32(0);
        out.put_u32(self.element_oid);
        for size in dimensions {
            put_count(out, *size)?;
            out.put_i32(1);
        }
        debug_assert_eq!(out.len(), start + 3 * WORD + dimensions.len() * 2 * WORD);
        let outer = Sequence::outer(value).ok_or_else(changed)?;
        let has_null = self.encode_items(outer, &sizes, out)?;
        if let Some(low) = out.get_mut(flags + WORD - 1) {
            *low = u8::from(has_null);
        }
        Ok(())
    }

    /// The sizes of the dimensions, as the first items show them; whether the others agree is seen on encoding.
    fn measure(&self, outer: Sequence<'_, '_>) -> Result<Vec<usize>, Fault> {
        let mut sizes = vec![outer.len()];
        let mut first = outer.item(0);
        while let Some(item) = first
            && let Some(inner) = self.inner(&item)
        {
            if sizes.len() == MAX_DIMENSIONS {
                return Err(Fault::data("PostgreSQL's arrays have at most 6 dimensions"));
            }
            sizes.push(inner.len());
            first = inner.item(0);
        }
        Ok(sizes)
    }

    /// A list inside of the list is a dimension, except where the elements themselves may be lists.
    fn inner<'a, 'py>(&self, item: &'a Bound<'py, PyAny>) -> Option<Sequence<'a, 'py>> {
        if self.element.takes_lists() {
            None
        } else {
            Sequence::inner(item)
        }
    }

    /// True if there was a NULL. Encoding an item may run Python code that changes the list; that is found out, and never trusted.
    fn encode_items(
        &self,
        items: Sequence<'_, '_>,
        sizes: &[usize],
        out: &mut BytesMut,
    ) -> Result<bool, Fault> {
        let Some((size, deeper)) = sizes.split_first() else {
            return Ok(false);
        };
        if items.len() != *size {
            return Err(Fault::data(
                "the nested lists have different lengths, which an array cannot have",
            ));
        }
        let mut has_null = false;
        for at in 0..*size {
            let item = items.item(at).ok_or_else(changed)?;
            if deeper.is_empty() {
                has_null |= item.is_none();
                self.element.encode_with_len(&item, out)?;
            } else {
                let inner = self.inner(&item).ok_or_else(|| {
                    Fault::data(
                        "the nested lists have different depths, which an array cannot have",
                    )
                })?;
                has_null |= self.encode_items(inner, deeper, out)?;
            }
        }
        if items.len() == *size {
            Ok(has_null)
        } else {
            Err(changed())
        }
    }
}

/// A list or tuple, whose items are taken out one by one with a reference of their own.
#[derive(Clone, Copy)]
enum Sequence<'a, 'py> {
    List(&'a Bound<'py, PyList>),
    Tuple(&'a Bound<'py, PyTuple>),
}

impl<'a, 'py> Sequence<'a, 'py> {
    fn outer(value: &'a Bound<'py, PyAny>) -> Option<Self> {
        value
            .cast()
            .map(Self::List)
            .or_else(|_| value.cast().map(Self::Tuple))
            .ok()
    }

    /// Named tuples are values (`Interval`), not dimensions.
    fn inner(value: &'a Bound<'py, PyAny>) -> Option<Self> {
        value
            .cast()
            .map(Self::List)
            .or_else(|_| value.cast_exact().map(Self::Tuple))
            .ok()
    }

    fn len(self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Tuple(tuple) => tuple.len(),
        }
    }

    fn item(self, at: usize) -> Option<Bound<'py, PyAny>> {
        match self {
            Self::List(list) => list.get_item(at).ok(),
            Self::Tuple(tuple) => tuple.get_item(at).ok(),
        }
    }
}

fn put_count(out: &mut BytesMut, count: usize) -> Encoded {
    out.put_i32(
        i32::try_from(count).map_err(|_| Fault::data("the list is too long for an array"))?,
    );
    Ok(())
}

#[cold]
fn malformed() -> Fault {
    Fault::data("the server sent a malformed array")
}

#[cold]
fn changed() -> Fault {
    Fault::data("the list was changed while it was encoded")
}
