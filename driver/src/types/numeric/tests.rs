use bytes::BytesMut;
use proptest::prelude::*;

use super::*;

fn wire(ndigits: u16, weight: i16, sign: u16, dscale: u16, digits: &[u16]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [ndigits, weight.cast_unsigned(), sign, dscale]
        .iter()
        .chain(digits)
    {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out
}

fn text(wire: &[u8]) -> String {
    let mut out = Vec::new();
    decode(wire).unwrap().write_text(&mut out);
    String::from_utf8(out).unwrap()
}

fn scientific(wire: &[u8]) -> String {
    let mut out = Vec::new();
    decode(wire).unwrap().write_scientific(&mut out);
    String::from_utf8(out).unwrap()
}

fn from_text(text: &str) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_text(text.as_bytes(), &mut out).unwrap();
    out.to_vec()
}

/// Text and its binary form as `numeric_send` lays it out.
fn golden() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("0", wire(0, 0, POSITIVE, 0, &[])),
        ("0.00", wire(0, 0, POSITIVE, 2, &[])),
        ("1", wire(1, 0, POSITIVE, 0, &[1])),
        ("-1.10", wire(2, 0, NEGATIVE, 2, &[1, 1000])),
        ("12345.678", wire(3, 1, POSITIVE, 3, &[1, 2345, 6780])),
        ("10000", wire(1, 1, POSITIVE, 0, &[1])),
        ("100000000.0", wire(1, 2, POSITIVE, 1, &[1])),
        ("0.0001", wire(1, -1, POSITIVE, 4, &[1])),
        ("0.00001", wire(1, -2, POSITIVE, 5, &[1000])),
        ("0.000000000000", wire(0, 0, POSITIVE, 12, &[])),
        ("NaN", wire(0, 0, NAN, 0, &[])),
        ("Infinity", wire(0, 0, POSITIVE_INFINITY, 0, &[])),
        ("-Infinity", wire(0, 0, NEGATIVE_INFINITY, 0, &[])),
    ]
}

#[test]
fn golden_bytes_both_ways() {
    for (expected, bytes) in golden() {
        assert_eq!(text(&bytes), expected);
        assert_eq!(from_text(expected), bytes, "{expected}");
    }
}

#[test]
fn infinities_carry_the_scale_that_a_server_may_put_there() {
    // The header word of a stored infinity reads as a scale of 32 too, and `numeric_send` sends it along.
    assert_eq!(text(&wire(0, 0, POSITIVE_INFINITY, 0x20, &[])), "Infinity");
}

#[test]
fn a_negative_zero_is_the_one_zero() {
    assert_eq!(text(&wire(0, 0, NEGATIVE, 2, &[])), "0.00");
    assert_eq!(text(&wire(1, 0, NEGATIVE, 0, &[0])), "0");
}

#[test]
fn tuple_form_keeps_the_scale() {
    for (negative, digits, exponent, expected) in [
        (false, &[1, 1, 0][..], -2, "1.10"),
        (true, &[1, 2, 3], 0, "-123"),
        (false, &[1], 5, "100000"),
        (false, &[0, 0, 7], -1, "0.7"),
        (false, &[0], -3, "0.000"),
        (true, &[0], 0, "0"),
        (false, &[], 0, "0"),
        (false, &[5], -4, "0.0005"),
        (false, &[5], -5, "0.00005"),
        (false, &[9, 9, 9, 9, 9], -4, "9.9999"),
    ] {
        let mut out = BytesMut::new();
        encode(negative, digits, exponent, &mut out).unwrap();
        assert_eq!(text(&out), expected);
    }
}

#[test]
fn the_ends_of_the_range() {
    assert_eq!(scientific(&from_text("1E+131071")), "1000E+131068");
    assert_eq!(text(&from_text("1E+131071")).len(), MAX_INTEGER_DIGITS);
    let smallest = text(&from_text("1E-16383"));
    assert_eq!(smallest.len(), 2 + usize::from(MAX_SCALE));
    assert!(smallest.ends_with("01"));
    for out_of_range in [
        "1E+131072",
        "10E+131071",
        "1E-16384",
        "0E-16384",
        "1E+99999999999999999999",
        "1E-99999999999999999999",
    ] {
        let mut out = BytesMut::new();
        let error = encode_text(out_of_range.as_bytes(), &mut out).unwrap_err();
        assert!(error.to_string().contains("out of range"), "{error}");
        assert!(out.is_empty());
    }
    // Leading zeros take no room, and a zero has no size.
    assert_eq!(text(&from_text(&format!("{}1", "0".repeat(200_000)))), "1");
    assert_eq!(text(&from_text("0E+200000")), "0");
    let widest = format!(
        "-{}.{}",
        "9".repeat(MAX_INTEGER_DIGITS),
        "9".repeat(usize::from(MAX_SCALE))
    );
    assert_eq!(text(&from_text(&widest)), widest);
}

#[test]
fn text_that_is_no_number() {
    for bad in [
        "", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "1 ", " 1", "0x1", "1_000", "sNaN", "--1",
        "1e5.0", "½", "infinit", "NaN1",
    ] {
        let mut out = BytesMut::new();
        assert!(encode_text(bad.as_bytes(), &mut out).is_err(), "{bad:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn the_short_way_at_its_ends() {
    for (coefficient, scale, text) in [
        (0, 0, "0"),
        (0, MAX_SCALE, "0E-16383"),
        (1, MAX_SCALE, "1E-16383"),
        (u64::MAX, 0, "18446744073709551615"),
        (u64::MAX, 1, "1844674407370955161.5"),
        (10_000_000_000_000_000_000, 4, "1000000000000000.0000"),
    ] {
        let mut out = BytesMut::new();
        encode_scaled(false, coefficient, scale, &mut out).unwrap();
        assert_eq!(out, from_text(text)[..], "{text}");
    }
    let mut out = BytesMut::new();
    assert!(encode_scaled(false, 1, MAX_SCALE + 1, &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn hostile_wire_is_a_data_error() {
    for (why, bytes) in [
        ("empty", vec![]),
        ("short header", vec![0; 7]),
        (
            "more digits claimed than sent",
            wire(1, 0, POSITIVE, 0, &[]),
        ),
        ("65535 digits claimed", wire(u16::MAX, 0, POSITIVE, 0, &[1])),
        ("fewer claimed than sent", wire(0, 0, POSITIVE, 0, &[1])),
        (
            "half a digit",
            [wire(1, 0, POSITIVE, 0, &[1]), vec![0]].concat(),
        ),
        ("digit of 10000", wire(1, 0, POSITIVE, 0, &[10_000])),
        ("digit of 65535", wire(1, 0, POSITIVE, 0, &[u16::MAX])),
        ("sign", wire(0, 0, 0x8000, 0, &[])),
        ("scale", wire(0, 0, POSITIVE, 16_384, &[])),
        ("digits beyond the scale", wire(1, -1, POSITIVE, 3, &[1])),
        (
            "a digit far beyond the scale",
            wire(1, i16::MIN, POSITIVE, 16_383, &[1]),
        ),
    ] {
        assert!(decode(&bytes).is_err(), "{why}");
    }
}

#[test]
fn a_claimed_weight_takes_bounded_memory() {
    let bytes = wire(1, i16::MAX, POSITIVE, MAX_SCALE, &[9_999]);
    assert_eq!(
        text(&bytes).len(),
        MAX_INTEGER_DIGITS + 1 + usize::from(MAX_SCALE)
    );
    assert_eq!(
        scientific(&wire(1, i16::MAX, POSITIVE, 0, &[9_999])),
        "9999E+131068"
    );
    assert_eq!(scientific(&wire(0, i16::MAX, POSITIVE, 5, &[])), "0E-5");
    assert_eq!(text(&wire(0, i16::MIN, POSITIVE, 5, &[])), "0.00000");
}

#[test]
fn the_short_way_agrees_with_the_text() {
    for (text, expected) in [
        ("0", Some((0, 0))),
        ("0.00", Some((0, 2))),
        ("-1.10", Some((-110, 2))),
        ("12345.678", Some((12_345_678, 3))),
        ("100000000.0", Some((1_000_000_000, 1))),
        ("9223372036854775807", Some((i64::MAX, 0))),
        ("9223372036854775808", None),
        ("0.00001", Some((1, 5))),
        ("1E+131071", None),
        ("NaN", None),
        ("Infinity", None),
    ] {
        let bytes = from_text(text);
        assert_eq!(decode(&bytes).unwrap().to_scaled_i64(), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(numeric) = decode(&bytes) {
            let mut out = Vec::new();
            numeric.write_text(&mut out);
            numeric.write_scientific(&mut out);
            numeric.to_scaled_i64();
        }
    }

    #[test]
    fn plausible_wire_survives_both_texts(
        negative: bool, weight in -12_i16..12, dscale in 0_u16..60, digits in proptest::collection::vec(0_u16..10_000, 0..8),
    ) {
        let sign = if negative { NEGATIVE } else { POSITIVE };
        let bytes = wire(u16::try_from(digits.len()).unwrap(), weight, sign, dscale, &digits);
        if let Ok(numeric) = decode(&bytes) {
            let canonical = from_text(&text(&bytes));
            // Python's Decimal keeps an exponent above zero; the value is what must be the same.
            let again = from_text(&scientific(&bytes));
            prop_assert_eq!(&canonical, &again);
            if let Some((mantissa, scale)) = numeric.to_scaled_i64() {
                prop_assert_eq!(&canonical, &from_text(&format!("{mantissa}E-{scale}")));
            }
        }
    }

    #[test]
    fn text_round_trip(text_in in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?") {
        let back = text(&from_text(&text_in));
        // PostgreSQL has no negative zero.
        let is_zero = text_in.bytes().all(|byte| !matches!(byte, b'1'..=b'9'));
        prop_assert_eq!(back, if is_zero { text_in.replace('-', "") } else { text_in });
    }

    #[test]
    fn tuple_and_text_agree(negative: bool, digits in proptest::collection::vec(0_u8..10, 1..60), exponent in -80_i32..80) {
        let mut by_tuple = BytesMut::new();
        encode(negative, &digits, exponent, &mut by_tuple).unwrap();
        let text: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        prop_assert_eq!(&by_tuple[..], &from_text(&format!("{}{text}e{exponent}", if negative { "-" } else { "" }))[..]);
    }

    #[test]
    fn the_short_way_and_text_agree(negative: bool, coefficient: u64, scale in 0_u16..40) {
        for coefficient in [coefficient, coefficient % 100_000, coefficient / 10_000 * 10_000, coefficient >> 40] {
            let mut out = BytesMut::new();
            encode_scaled(negative, coefficient, scale, &mut out).unwrap();
            let sign = if negative { "-" } else { "" };
            prop_assert_eq!(&out[..], &from_text(&format!("{sign}{coefficient}E-{scale}"))[..]);
        }
    }
}
