//! Decimal digits to the wire.

use bytes::{BufMut, BytesMut};

use super::{GROUP, HEADER_LEN, MAX_INTEGER_DIGITS, MAX_SCALE, Sign};
use crate::error::Error;

/// Appends the binary form of `±digits * 10^exponent`, without a length word.
///
/// This is the form of Python's `Decimal.as_tuple()`: `digits` holds the decimal digits 0 to 9, most
/// significant first, as numbers rather than as characters. A negative exponent becomes the scale, so
/// trailing zeros are kept: 110 and -2 is `1.10`.
///
/// # Errors
/// A data error when a byte is not a digit, or the number needs more than 131,072 digits before or 16,383
/// after the point. Then nothing was written.
pub fn encode(
    negative: bool,
    digits: &[u8],
    exponent: i32,
    out: &mut BytesMut,
) -> Result<(), Error> {
    if digits.iter().any(|digit| *digit > 9) {
        return Err(Error::data("a digit of a numeric must be 0 to 9"));
    }
    encode_digits(negative, digits, &[], i64::from(exponent), out)
}

/// Appends the binary form of `±coefficient / 10^scale`, with that scale and without a length word: the way
/// back of [`Numeric::to_scaled_i64`](super::Numeric::to_scaled_i64).
///
/// # Errors
/// A data error for a scale above 16,383. Then nothing was written.
pub fn encode_scaled(
    negative: bool,
    coefficient: u64,
    scale: u16,
    out: &mut BytesMut,
) -> Result<(), Error> {
    if scale > MAX_SCALE {
        return Err(too_fine());
    }
    // Filled up so that the last group ends where a group of the wire ends.
    let fraction_groups = scale.div_ceil(4);
    let fill = [1, 10, 100, 1_000]
        .into_iter()
        .nth(usize::from(fraction_groups * 4 - scale));
    let Some(mut rest) = fill.and_then(|fill| coefficient.checked_mul(fill)) else {
        // Twenty digits are too many for the short way.
        let digits = coefficient.to_string();
        return encode_digits(negative, digits.as_bytes(), &[], -i64::from(scale), out);
    };
    if rest == 0 {
        put_header(out, 0, 0, Sign::Positive, scale);
        return Ok(());
    }
    let mut weight = -i32::from(fraction_groups) - 1;
    while rest.is_multiple_of(10_000) {
        rest /= 10_000;
        weight += 1;
    }
    // Of 64 bits: five groups at most, the last one first.
    let mut groups = [0_u16; 5];
    let mut ndigits = 0;
    for group in groups.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        *group = u16::try_from(rest % 10_000).unwrap_or(0);
        rest /= 10_000;
        ndigits += 1;
    }
    let sign = if negative {
        Sign::Negative
    } else {
        Sign::Positive
    };
    let weight = i16::try_from(weight + i32::from(ndigits)).map_err(|_| too_large())?;
    // Laid out aside, so that the buffer is asked for room once.
    let header = [ndigits, weight.cast_unsigned(), sign.to_wire(), scale];
    let digits = groups.iter().skip(groups.len() - usize::from(ndigits));
    let mut wire = [0; HEADER_LEN + 2 * 5];
    let (words, _) = wire.as_chunks_mut::<2>();
    for (place, word) in words.iter_mut().zip(header.iter().chain(digits)) {
        *place = word.to_be_bytes();
    }
    let len = HEADER_LEN + 2 * usize::from(ndigits);
    out.extend_from_slice(wire.get(..len).unwrap_or_default());
    Ok(())
}

/// Appends the binary form of NaN or an infinity, without a length word; a finite sign gives zero.
pub fn encode_special(sign: Sign, out: &mut BytesMut) {
    put_header(out, 0, 0, sign, 0);
}

/// Appends the binary form of a decimal number in text, without a length word.
///
/// Reads what PostgreSQL and `str(Decimal)` print: `-1.10`, `1E+5`, `.5`, `NaN`, `Infinity`, `-Infinity`, in
/// any case. As everywhere the scale is kept: `1.10` has two digits after the point, `1.1E-3` has four,
/// `1E+5` has none.
///
/// # Errors
/// A data error for anything else (spaces and signalling NaN too), and where [`encode`] gives one. Then
/// nothing was written.
pub fn encode_text(text: &[u8], out: &mut BytesMut) -> Result<(), Error> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    if !rest
        .first()
        .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        let sign = if rest.eq_ignore_ascii_case(b"nan") {
            Sign::NaN
        } else if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            if negative {
                Sign::NegativeInfinity
            } else {
                Sign::PositiveInfinity
            }
        } else {
            return Err(not_a_number());
        };
        encode_special(sign, out);
        return Ok(());
    }
    let (mantissa, exponent) = match rest
        .iter()
        .position(|byte| byte.eq_ignore_ascii_case(&b'e'))
    {
        Some(at) => {
            let (mantissa, exponent) = rest.split_at_checked(at).ok_or_else(not_a_number)?;
            (
                mantissa,
                parse_exponent(exponent.get(1..).unwrap_or_default())?,
            )
        }
        None => (rest, 0),
    };
    let (integer, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => {
            let (integer, fraction) = mantissa.split_at_checked(at).ok_or_else(not_a_number)?;
            (integer, fraction.get(1..).unwrap_or_default())
        }
        None => (mantissa, &[][..]),
    };
    let is_digits = integer.iter().chain(fraction).all(u8::is_ascii_digit);
    if !is_digits || (integer.is_empty() && fraction.is_empty()) {
        return Err(not_a_number());
    }
    let places = i64::try_from(fraction.len()).map_err(|_| too_large())?;
    encode_digits(negative, integer, fraction, exponent - places, out)
}

/// Reads `[+-]digits` as an exponent; one that is far beyond any range is cut, since it fails the range check
/// all the same.
fn parse_exponent(text: &[u8]) -> Result<i64, Error> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(not_a_number());
    }
    let far = i64::from(i32::MAX);
    let exponent = digits.iter().fold(0, |sum: i64, digit| {
        (sum * 10 + i64::from(digit & 0x0f)).min(far)
    });
    Ok(if negative { -exponent } else { exponent })
}

/// Encodes `head` followed by `tail`. The digits are numbers or ASCII characters, which the low four bits do
/// not tell apart.
fn encode_digits(
    negative: bool,
    head: &[u8],
    tail: &[u8],
    exponent: i64,
    out: &mut BytesMut,
) -> Result<(), Error> {
    let dscale = u16::try_from((-exponent).max(0))
        .ok()
        .filter(|scale| *scale <= MAX_SCALE)
        .ok_or_else(too_fine)?;

    let digits = || head.iter().chain(tail).map(|digit| i64::from(digit & 0x0f));
    let leading = digits().take_while(|digit| *digit == 0).count();
    let total = head.len() + tail.len();
    if leading == total {
        put_header(out, 0, 0, Sign::Positive, dscale);
        return Ok(());
    }
    let trailing = digits().rev().take_while(|digit| *digit == 0).count();

    // Powers of ten of the first and of the last digit that is not zero.
    let power = |from_right: usize| {
        i64::try_from(from_right)
            .map(|power| power.saturating_add(exponent))
            .map_err(|_| too_large())
    };
    let first = power(total - leading - 1)?;
    let last = power(trailing)?;
    if usize::try_from(first).is_ok_and(|first| first >= MAX_INTEGER_DIGITS) {
        return Err(too_large());
    }
    let (first_group, last_group) = (first.div_euclid(GROUP), last.div_euclid(GROUP));
    let weight = i16::try_from(first_group).map_err(|_| too_large())?;
    let ndigits = u16::try_from(first_group - last_group + 1).map_err(|_| too_large())?;

    let sign = if negative {
        Sign::Negative
    } else {
        Sign::Positive
    };
    put_header(out, ndigits, weight, sign, dscale);
    let (mut group, mut power) = (0, first);
    for digit in digits().take(total - trailing).skip(leading) {
        group = group * 10 + digit;
        if power.rem_euclid(GROUP) == 0 {
            put_group(out, group);
            group = 0;
        }
        power -= 1;
    }
    let missing = last.rem_euclid(GROUP);
    if missing != 0 {
        let scale = [1, 10, 100, 1_000];
        put_group(
            out,
            usize::try_from(missing)
                .ok()
                .and_then(|at| scale.get(at))
                .map_or(0, |scale| group * scale),
        );
    }
    Ok(())
}

fn put_header(out: &mut BytesMut, ndigits: u16, weight: i16, sign: Sign, dscale: u16) {
    out.reserve(HEADER_LEN + usize::from(ndigits) * 2);
    out.put_u16(ndigits);
    out.put_i16(weight);
    out.put_u16(sign.to_wire());
    out.put_u16(dscale);
}

/// `group` is below 10,000 by construction.
fn put_group(out: &mut BytesMut, group: i64) {
    out.put_u16(u16::try_from(group).unwrap_or(0));
}

fn not_a_number() -> Error {
    Error::data("not a decimal number; a numeric is written like -12.50, 1E+5, NaN or Infinity")
}

fn too_large() -> Error {
    Error::data("number out of range: a numeric has at most 131072 digits before the decimal point")
}

fn too_fine() -> Error {
    Error::data(
        "number out of range: a numeric has at most 16383 digits after the decimal point; round it first",
    )
}
