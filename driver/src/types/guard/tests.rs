use std::collections::HashMap;
use std::time::SystemTime;

use bytes::BytesMut;
use postgres_types::ToSql;
use proptest::prelude::*;

use super::*;
use crate::error;

fn words(words: &[i32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn hstore_type() -> Type {
    Type::new("hstore".into(), 16_500, Kind::Simple, "public".into())
}

fn domain(base: Type) -> Type {
    Type::new("d".into(), 16_501, Kind::Domain(base), "public".into())
}

fn refused<'a, T: FromSql<'a>>(ty: &Type, bytes: &'a [u8]) {
    let error = checked_from_sql::<T>(ty, bytes).err().unwrap();
    assert_eq!(error.kind(), error::Kind::Data, "{error}");
}

#[test]
fn arrays_that_claim_what_they_do_not_hold() {
    let int4 = oid::INT4.cast_signed();
    for (why, bytes) in [
        (
            "2^30 elements in 20 bytes",
            words(&[1, 0, int4, 1 << 30, 1]),
        ),
        ("2^31 - 1 dimensions", words(&[i32::MAX, 0, int4])),
        ("-1 dimensions", words(&[-1, 0, int4])),
        (
            "7 dimensions",
            words(&[7, 0, int4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 0]),
        ),
        (
            "a product beyond 64 bits",
            words(&[
                6,
                0,
                int4,
                i32::MAX,
                1,
                i32::MAX,
                1,
                i32::MAX,
                1,
                i32::MAX,
                1,
                i32::MAX,
                1,
                i32::MAX,
                1,
            ]),
        ),
        ("-1 elements", words(&[1, 0, int4, -1, 1])),
        ("flags", words(&[1, 2, int4, 1, 1, 4, 5])),
        (
            "elements of another type",
            words(&[1, 0, oid::INT8.cast_signed(), 1, 1, 4, 5]),
        ),
        (
            "an element of 3 bytes",
            [words(&[1, 0, int4, 1, 1, 3]), vec![0; 3]].concat(),
        ),
        ("an element of 8 bytes", words(&[1, 0, int4, 1, 1, 8, 0, 0])),
        (
            "an element longer than the rest",
            words(&[1, 0, int4, 1, 1, 400, 0]),
        ),
        ("an element of -2 bytes", words(&[1, 1, int4, 1, 1, -2])),
        ("one element missing", words(&[1, 0, int4, 2, 1, 4, 5])),
        ("bytes after the last", words(&[1, 0, int4, 1, 1, 4, 5, 6])),
        ("bytes after none", words(&[0, 0, int4, 1])),
        ("half a header", words(&[1, 0])),
        ("nothing", vec![]),
    ] {
        let error = checked_from_sql::<Vec<Option<i32>>>(&Type::INT4_ARRAY, &bytes).expect_err(why);
        assert_eq!(error.kind(), error::Kind::Data);
        assert!(check(&domain(Type::INT4_ARRAY), &bytes).is_err(), "{why}");
    }
}

#[test]
fn arrays_that_are_fine() {
    let int4 = oid::INT4.cast_signed();
    let read =
        |bytes: &[u8]| checked_from_sql::<Vec<Option<i32>>>(&Type::INT4_ARRAY, bytes).unwrap();
    assert_eq!(read(&words(&[0, 0, int4])), []);
    assert_eq!(
        read(&words(&[1, 1, int4, 3, -7, 4, 5, -1, 4, 6])),
        [Some(5), None, Some(6)]
    );
    // Two dimensions are not for a Vec, but they are no reason to call the value malformed.
    assert!(
        check(
            &Type::INT4_ARRAY,
            &words(&[2, 0, int4, 1, 1, 2, 1, 4, 5, 4, 6])
        )
        .is_ok()
    );
    // PostgreSQL writes no dimensions for an empty array; one of length 0 does no harm.
    assert_eq!(read(&words(&[1, 0, int4, 0, 1])), []);
}

#[test]
fn what_arrays_hold_is_checked_too() {
    let element = Type::PATH;
    let path = [&[1][..], &words(&[-1])].concat();
    let array = [
        words(&[1, 0, element.oid().cast_signed(), 1, 1, 5]),
        path.clone(),
    ]
    .concat();
    assert!(check(&Type::PATH, &path).is_err());
    assert!(check(&Type::PATH_ARRAY, &array).is_err());
    assert!(check(&domain(Type::PATH_ARRAY), &array).is_err());
}

#[test]
fn paths_and_polygons() {
    let point = [0; 16];
    let path =
        |count: i32, points: usize| [&[0][..], &words(&[count]), &point.repeat(points)].concat();
    assert!(check(&Type::PATH, &path(2, 2)).is_ok());
    for bytes in [
        path(-1, 0),
        path(i32::MIN, 1),
        path(i32::MAX, 1),
        path(1 << 28, 0),
        path(1, 2),
        vec![0],
        vec![],
    ] {
        assert!(check(&Type::PATH, &bytes).is_err(), "{bytes:?}");
        assert!(
            check(&Type::POLYGON, bytes.get(1..).unwrap_or_default()).is_err(),
            "{bytes:?}"
        );
    }
    assert!(check(&Type::POLYGON, &path(2, 2)[1..]).is_ok());
    assert!(check(&Type::PATH, &[&[2][..], &words(&[0])].concat()).is_err());
}

#[test]
fn hstores() {
    let ty = hstore_type();
    let fine = [
        words(&[2, 1]),
        b"a".to_vec(),
        words(&[-1, 1]),
        b"b".to_vec(),
        words(&[2]),
        b"cd".to_vec(),
    ]
    .concat();
    let map = checked_from_sql::<HashMap<String, Option<String>>>(&ty, &fine).unwrap();
    assert_eq!(
        map,
        HashMap::from([("a".into(), None), ("b".into(), Some("cd".into()))])
    );
    for bytes in [
        vec![],
        words(&[1]),
        words(&[i32::MAX]),
        words(&[-1]),
        words(&[1, -1, -1]),
        words(&[1, 0, -2]),
        words(&[1, 4, 0]),
        words(&[0, 0]),
        fine[..fine.len() - 1].to_vec(),
    ] {
        refused::<HashMap<String, Option<String>>>(&ty, &bytes);
    }
}

#[test]
fn scalars_of_another_length() {
    refused::<bool>(&Type::BOOL, &[]);
    refused::<bool>(&Type::BOOL, &[1, 1]);
    refused::<i32>(&Type::INT4, &[0; 3]);
    refused::<i32>(&Type::INT4, &[0; 8]);
    refused::<i64>(&Type::INT8, &[0; 4]);
    refused::<f64>(&Type::FLOAT8, &[0; 7]);
    refused::<SystemTime>(&Type::TIMESTAMPTZ, &[0; 9]);
    for (ty, length) in [
        (Type::UUID, 15),
        (Type::INTERVAL, 12),
        (Type::TIMETZ, 8),
        (Type::DATE, 8),
        (Type::VOID, 1),
    ] {
        assert!(check(&ty, &vec![0; length]).is_err(), "{ty}");
    }
    assert!(check(&Type::NUMERIC, &[0; 9]).is_err());
    assert!(check(&Type::VARBIT, &words(&[9, 0])).is_err());
    assert!(check(&Type::VARBIT, &[&words(&[9])[..], &[0xff, 0x80]].concat()).is_ok());
}

#[test]
fn a_wrong_target_and_a_null_say_what_to_do() {
    let error = checked_from_sql::<i64>(&Type::INT4, &[0; 4]).unwrap_err();
    assert_eq!(error.kind(), error::Kind::Interface);
    assert_eq!(
        error.to_string(),
        "a value of type int4 cannot be read as i64; cast it in the SQL or read it as another type"
    );
    // Without the question this would panic inside of `Vec::from_sql`.
    assert!(checked_from_sql::<Vec<i32>>(&Type::INT4, &[0; 4]).is_err());

    let error = checked_from_sql_nullable::<i32>(&Type::INT4, None).unwrap_err();
    assert!(error.to_string().contains("Option<i32>"), "{error}");
    assert_eq!(
        checked_from_sql_nullable::<Option<i32>>(&Type::INT4, None).unwrap(),
        None
    );
}

/// The types whose readers have something to trust.
fn types() -> impl Strategy<Value = Type> {
    prop::sample::select(vec![
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::PATH,
        Type::PATH_ARRAY,
        Type::VARBIT,
        Type::NUMERIC_ARRAY,
        hstore_type(),
        domain(Type::BOOL_ARRAY),
    ])
}

proptest! {
    #[test]
    fn any_bytes_never_panic(ty in types(), bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = check(&ty, &bytes);
        let _ = checked_from_sql::<Vec<Option<i32>>>(&ty, &bytes);
        let _ = checked_from_sql::<HashMap<String, Option<String>>>(&ty, &bytes);
    }

    #[test]
    fn what_is_written_passes(values: Vec<Option<String>>, numbers: Vec<i64>, flags: Vec<bool>) {
        fn through<T: ToSql>(ty: &Type, value: &T) -> BytesMut {
            let mut out = BytesMut::new();
            value.to_sql(ty, &mut out).unwrap();
            check(ty, &out).unwrap();
            out
        }
        let bytes = through(&Type::TEXT_ARRAY, &values);
        prop_assert_eq!(checked_from_sql::<Vec<Option<String>>>(&Type::TEXT_ARRAY, &bytes).unwrap(), values);
        let bytes = through(&Type::INT8_ARRAY, &numbers);
        prop_assert_eq!(checked_from_sql::<Vec<i64>>(&Type::INT8_ARRAY, &bytes).unwrap(), numbers);
        through(&Type::BOOL_ARRAY, &flags);
    }
}
