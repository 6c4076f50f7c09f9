//! `numeric`: base-10000 digits on the wire, decimal digits everywhere else.
//!
//! The binary form (`numeric_send` and `numeric_recv` in PostgreSQL's `numeric.c`) is four 16-bit words and
//! then the digits:
//!
//! ```text
//! ndigits | weight | sign | dscale | digit 0 | digit 1 | ...
//! ```
//!
//! Digit `i` counts for `digit * 10000^(weight - i)`. `dscale` is the number of decimal digits to show after
//! the point; it is what tells `1.10` from `1.1`, and both directions here keep it.
//!
//! Nothing is rounded and nothing is clamped: a value outside of PostgreSQL's range is an error before a byte
//! is written.

mod encode;

use crate::error::Error;

pub use encode::{encode, encode_scaled, encode_special, encode_text};

/// Decimal digits that PostgreSQL keeps before the decimal point (manual, section 8.1.2).
pub const MAX_INTEGER_DIGITS: usize = 131_072;
/// Decimal digits that PostgreSQL keeps after the decimal point (manual, section 8.1.2).
pub const MAX_SCALE: u16 = 16_383;

/// Decimal digits in one digit of the wire.
const GROUP: i64 = 4;
const HEADER_LEN: usize = 8;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// The sign word of a `numeric`, which also carries its three special values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Zero or more.
    Positive,
    /// Less than zero.
    Negative,
    /// Not a number; PostgreSQL sorts it above everything and holds it equal to itself.
    NaN,
    /// Above every finite number. PostgreSQL 14 and newer.
    PositiveInfinity,
    /// Below every finite number. PostgreSQL 14 and newer.
    NegativeInfinity,
}

impl Sign {
    fn from_wire(word: u16) -> Option<Self> {
        match word {
            POSITIVE => Some(Self::Positive),
            NEGATIVE => Some(Self::Negative),
            NAN => Some(Self::NaN),
            POSITIVE_INFINITY => Some(Self::PositiveInfinity),
            NEGATIVE_INFINITY => Some(Self::NegativeInfinity),
            _ => None,
        }
    }

    fn to_wire(self) -> u16 {
        match self {
            Self::Positive => POSITIVE,
            Self::Negative => NEGATIVE,
            Self::NaN => NAN,
            Self::PositiveInfinity => POSITIVE_INFINITY,
            Self::NegativeInfinity => NEGATIVE_INFINITY,
        }
    }
}

/// A checked `numeric`, its digits still where they arrived.
#[derive(Clone, Copy, Debug)]
pub struct Numeric<'a> {
    sign: Sign,
    weight: i16,
    dscale: u16,
    /// Big-endian 16-bit words, each below 10,000.
    digits: &'a [u8],
}

/// Checks the binary form of a `numeric` and returns a view of it.
///
/// Takes no memory, whatever the header claims.
///
/// # Errors
/// A data error when the length does not fit the count of digits, a digit is 10,000 or more, sign or scale
/// are impossible, or the scale would hide digits that are not zero.
pub fn decode(wire: &[u8]) -> Result<Numeric<'_>, Error> {
    let (header, digits) = wire
        .split_first_chunk::<HEADER_LEN>()
        .ok_or_else(|| malformed("it is shorter than its header"))?;
    let [n0, n1, w0, w1, s0, s1, d0, d1] = *header;
    let count = usize::from(u16::from_be_bytes([n0, n1]));
    if digits.len() != count * 2 {
        return Err(malformed("its length does not fit its count of digits"));
    }
    let sign = Sign::from_wire(u16::from_be_bytes([s0, s1]))
        .ok_or_else(|| malformed("its sign is none of the five"))?;
    let dscale = u16::from_be_bytes([d0, d1]);
    if dscale > MAX_SCALE && matches!(sign, Sign::Positive | Sign::Negative) {
        return Err(malformed("its scale is above 16383"));
    }
    // PostgreSQL has one zero; it reads a negative one as that, see `make_result`.
    let sign = match sign {
        Sign::Negative if digits.iter().all(|byte| *byte == 0) => Sign::Positive,
        sign => sign,
    };
    let numeric = Numeric {
        sign,
        weight: i16::from_be_bytes([w0, w1]),
        dscale,
        digits,
    };
    if numeric.groups().any(|digit| digit > 9_999) {
        return Err(malformed("one of its digits is above 9999"));
    }
    if numeric.is_finite() && numeric.hides_digits() {
        return Err(malformed("it has digits beyond its scale"));
    }
    Ok(numeric)
}

impl<'a> Numeric<'a> {
    /// The sign, or which special value this is.
    pub fn sign(&self) -> Sign {
        self.sign
    }

    /// Whether this is a number rather than NaN or an infinity.
    pub fn is_finite(&self) -> bool {
        matches!(self.sign, Sign::Positive | Sign::Negative)
    }

    /// The power of 10,000 that the first digit counts for.
    pub fn weight(&self) -> i16 {
        self.weight
    }

    /// Decimal digits to show after the point.
    pub fn scale(&self) -> u16 {
        self.dscale
    }

    /// The base-10000 digits, most significant first.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + 'a {
        let (words, _) = self.digits.as_chunks::<2>();
        words.iter().map(|word| u16::from_be_bytes(*word))
    }

    /// The value as `mantissa / 10^scale`, where the mantissa fits 64 bits; `None` where it does not, or is
    /// not finite.
    ///
    /// This is the short way for the numbers that most tables hold: money, rates, measures.
    pub fn to_scaled_i64(&self) -> Option<(i64, u16)> {
        let count = i64::try_from(self.groups().len()).ok()?;
        if !self.is_finite() || count > 5 {
            return None;
        }
        let mut mantissa = 0_i64;
        for group in self.groups() {
            mantissa = mantissa
                .checked_mul(10_000)?
                .checked_add(i64::from(group))?;
        }
        if mantissa != 0 {
            // The last group ends `places` decimal digits after the point; the scale says where the number
            // itself ends.
            let places = (count - 1 - i64::from(self.weight)) * GROUP;
            let shift = i64::from(self.dscale) - places;
            let power = 10_i64.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
            mantissa = if shift >= 0 {
                mantissa.checked_mul(power)?
            } else {
                mantissa / power
            };
        }
        Some((
            if self.sign == Sign::Negative {
                -mantissa
            } else {
                mantissa
            },
            self.dscale,
        ))
    }

    /// Appends the number as PostgreSQL prints it: `-12.3400`, `NaN`, `Infinity`, `-Infinity`.
    ///
    /// A few bytes on the wire may stand for 131,072 digits before the point and 16,383 after it, so up to
    /// 147,457 bytes are written. Where memory must not follow the wire so far, see
    /// [`write_scientific`](Self::write_scientific).
    pub fn write_text(&self, out: &mut Vec<u8>) {
        if !self.write_sign_or_special(out) {
            return;
        }
        let weight = i64::from(self.weight);
        let mut groups = self.groups();
        if weight < 0 {
            out.push(b'0');
        } else {
            let start = out.len();
            for _ in 0..=weight {
                push_group(out, groups.next().unwrap_or(0));
            }
            strip_leading_zeros(out, start);
        }
        if self.dscale == 0 {
            return;
        }
        out.push(b'.');
        let end = out.len() + usize::from(self.dscale);
        for _ in weight..-1 {
            if out.len() >= end {
                break;
            }
            push_group(out, 0);
        }
        while out.len() < end {
            push_group(out, groups.next().unwrap_or(0));
        }
        out.truncate(end);
    }

    /// Appends the number as digits and an exponent, `12345E-2`, which decimal types of most languages read
    /// with the scale kept: the exponent is the negative scale, except for integers that end in whole groups
    /// of zeros on the wire (`1E+131068`).
    ///
    /// Memory is four bytes per digit of the wire and one per digit of the scale.
    pub fn write_scientific(&self, out: &mut Vec<u8>) {
        if !self.write_sign_or_special(out) {
            return;
        }
        let start = out.len();
        for group in self.groups() {
            push_group(out, group);
        }
        if out.iter().skip(start).all(|digit| *digit == b'0') {
            out.truncate(start);
            out.push(b'0');
            push_exponent(out, -i64::from(self.dscale));
            return;
        }
        let places =
            (i64::try_from(self.groups().len()).unwrap_or(0) - 1 - i64::from(self.weight)) * GROUP;
        let shift = i64::from(self.dscale) - places;
        let mut exponent = -i64::from(self.dscale);
        if let Ok(surplus) = usize::try_from(-shift) {
            // `decode` saw to it that what is beyond the scale are zeros.
            out.truncate(out.len().saturating_sub(surplus).max(start));
        } else if self.dscale == 0 {
            exponent = shift;
        } else if let Ok(missing) = usize::try_from(shift) {
            out.resize(out.len() + missing, b'0');
        }
        strip_leading_zeros(out, start);
        push_exponent(out, exponent);
    }

    /// Writes what needs no digits. True when the digits are still to come.
    fn write_sign_or_special(&self, out: &mut Vec<u8>) -> bool {
        let text: &[u8] = match self.sign {
            Sign::Positive => b"",
            Sign::Negative => b"-",
            Sign::NaN => b"NaN",
            Sign::PositiveInfinity => b"Infinity",
            Sign::NegativeInfinity => b"-Infinity",
        };
        out.extend_from_slice(text);
        self.is_finite()
    }

    /// Whether a digit that is not zero stands beyond the scale. A server never sends that; showing such a
    /// number by its scale would change its value.
    fn hides_digits(&self) -> bool {
        let Ok(count) = i64::try_from(self.groups().len()) else {
            return true;
        };
        let mut surplus = (count - 1 - i64::from(self.weight)) * GROUP - i64::from(self.dscale);
        for group in self.groups().rev() {
            let hidden = match surplus {
                ..=0 => return false,
                1 => group % 10,
                2 => group % 100,
                3 => group % 1_000,
                _ => group,
            };
            if hidden != 0 {
                return true;
            }
            surplus -= GROUP;
        }
        false
    }
}

fn push_group(out: &mut Vec<u8>, group: u16) {
    let digit = |divisor: u16| b'0' + u8::try_from(group / divisor % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(1_000), digit(100), digit(10), digit(1)]);
}

/// Removes the zeros from `start` on, but not the last digit.
fn strip_leading_zeros(out: &mut Vec<u8>, start: usize) {
    let zeros = out
        .iter()
        .skip(start)
        .take_while(|digit| **digit == b'0')
        .count();
    let keep_one = out.len().saturating_sub(start + 1);
    out.drain(start..start + zeros.min(keep_one));
}

fn push_exponent(out: &mut Vec<u8>, exponent: i64) {
    if exponent != 0 {
        out.extend_from_slice(format!("E{exponent:+}").as_bytes());
    }
}

fn malformed(why: &str) -> Error {
    Error::decode(format!("the server sent a malformed numeric: {why}"))
}

#[cfg(test)]
mod tests;
