//! What is known of the built-in types without asking a server.

use super::{Format, oid};

/// A built-in type that is no array.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its OID, one of the constants of [`oid`].
    pub oid: u32,
    /// Its name in `pg_catalog`.
    pub name: &'static str,
    /// The OID of its array type; 0 where it has none.
    pub array: u32,
    /// The format in which its values, and those of its arrays, are asked for.
    pub format: Format,
}

impl BuiltIn {
    /// The built-in type of this OID; `None` for arrays and for types that are not built in.
    pub fn get(oid: u32) -> Option<&'static Self> {
        let at = oid::BUILT_IN
            .binary_search_by_key(&oid, |built_in| built_in.oid)
            .ok()?;
        oid::BUILT_IN.get(at)
    }
}

/// The type of the elements of a built-in array type.
pub fn element_of(array: u32) -> Option<u32> {
    let at = oid::ARRAYS
        .binary_search_by_key(&array, |(array, _)| *array)
        .ok()?;
    oid::ARRAYS.get(at).map(|(_, element)| *element)
}

/// The format of a built-in type or an array of one; `None` for every other OID.
pub fn format_of(oid: u32) -> Option<Format> {
    BuiltIn::get(element_of(oid).unwrap_or(oid)).map(|built_in| built_in.format)
}

#[cfg(test)]
mod tests {
    use postgres_types::{Kind, Type};

    use super::*;

    #[test]
    fn agrees_with_another_list() {
        for built_in in oid::BUILT_IN {
            let other = Type::from_oid(built_in.oid).unwrap();
            assert_eq!(other.name(), built_in.name);
            // The other list takes `record[]` for a pseudo-type, as the catalog does.
            if built_in.array != 0 && built_in.oid != oid::RECORD {
                let array = Type::from_oid(built_in.array).unwrap();
                assert_eq!(*array.kind(), Kind::Array(other));
                assert_eq!(element_of(built_in.array), Some(built_in.oid));
                assert_eq!(format_of(built_in.array), Some(built_in.format));
            }
        }
        assert!(oid::BUILT_IN.is_sorted_by_key(|built_in| built_in.oid));
        assert!(oid::ARRAYS.is_sorted());
    }

    #[test]
    fn formats() {
        for oid in [
            oid::INT4,
            oid::INT4_ARRAY,
            oid::NUMERIC,
            oid::JSONB_ARRAY,
            oid::TIMETZ,
            oid::CHAR,
            oid::INET_ARRAY,
            oid::INT4RANGE,
            oid::VOID,
        ] {
            assert_eq!(format_of(oid), Some(Format::Binary), "{oid}");
        }
        for oid in [oid::XML, oid::MONEY, oid::ACLITEM, oid::RECORD] {
            assert_eq!(format_of(oid), Some(Format::Text), "{oid}");
        }
        for oid in [0, 15, 16_384, u32::MAX] {
            assert_eq!(format_of(oid), None, "{oid}");
        }
    }
}
