//! `inet` and `cidr` as objects of Python's `ipaddress`; `macaddr` and `macaddr8` as `str` (manual, section 8.9).
//!
//! The binary form of an address (`network_send`): its family, the bits of its prefix, whether it is a `cidr`, the count of its bytes,
//! the bytes.

use bytes::{BufMut, BytesMut};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString, PyType};

use super::{Decoded, Encoded, Fault, fixed, text};

/// `PGSQL_AF_INET` and `PGSQL_AF_INET6`.
const V4: u8 = 2;
const V6: u8 = 3;

/// An `IPv4Address` or `IPv6Address`, where there is a shorter prefix an `IPv4Interface` or `IPv6Interface`.
pub(super) fn decode_inet<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let (family, bits, address) = split(wire).ok_or_else(malformed)?;
    let classes = Classes::get(py)?;
    let packed = PyBytes::new(py, address);
    let version = classes.of_family(family);
    if usize::from(bits) == address.len() * 8 {
        Ok(version.address.bind(py).call1((packed,))?)
    } else {
        Ok(version.interface.bind(py).call1(((packed, bits),))?)
    }
}

/// An `IPv4Network` or `IPv6Network`.
pub(super) fn decode_cidr<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let (family, bits, address) = split(wire).ok_or_else(malformed)?;
    let network = &Classes::get(py)?.of_family(family).network;
    Ok(network
        .bind(py)
        .call1(((PyBytes::new(py, address), bits),))?)
}

pub(super) fn encode_inet(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    encode(value, false, out)
}

pub(super) fn encode_cidr(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    encode(value, true, out)
}

fn encode(value: &Bound<'_, PyAny>, is_cidr: bool, out: &mut BytesMut) -> Encoded {
    let py = value.py();
    let classes = Classes::get(py)?;
    if value.is_instance_of::<PyString>() {
        let read = if is_cidr {
            &classes.read_network
        } else {
            &classes.read_interface
        };
        let read = read.bind(py).call1((value,)).map_err(|_| {
            Fault::data(if is_cidr {
                "the str is not the text of a network such as 10.0.0.0/8, whose bits outside of the prefix are zero"
            } else {
                "the str is not the text of an address such as 10.0.0.1 or 10.0.0.1/24"
            })
        })?;
        return encode(&read, is_cidr, out);
    }
    let is = |kind: fn(&Version) -> &Py<PyType>| -> PyResult<bool> {
        Ok(value.is_instance(kind(&classes.v4).bind(py))?
            || value.is_instance(kind(&classes.v6).bind(py))?)
    };
    // An interface is an address to `ipaddress`, and comes first.
    let (address, bits) = if is(|version| &version.interface)? {
        let network = value.getattr(intern!(py, "network"))?;
        let bits: u8 = network.getattr(intern!(py, "prefixlen"))?.extract()?;
        let address = value.getattr(intern!(py, "ip"))?;
        if is_cidr && !address.eq(network.getattr(intern!(py, "network_address"))?)? {
            return Err(Fault::data(
                "a cidr has no bits outside of its prefix; give the interface's network",
            ));
        }
        (address, Some(bits))
    } else if is(|version| &version.network)? {
        let bits: u8 = value.getattr(intern!(py, "prefixlen"))?.extract()?;
        (value.getattr(intern!(py, "network_address"))?, Some(bits))
    } else if is(|version| &version.address)? {
        (value.clone(), None)
    } else {
        return Err(Fault::wrong_type(
            "an address or network of ipaddress, or its text",
            value,
        ));
    };
    if let Some(scope) = address.getattr_opt(intern!(py, "scope_id"))?
        && !scope.is_none()
    {
        return Err(Fault::data("PostgreSQL's addresses have no scope (%eth0)"));
    }
    let packed = address.getattr(intern!(py, "packed"))?;
    let packed = packed.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
    let (family, full) = if packed.len() == 4 {
        (V4, 32)
    } else {
        (V6, 128)
    };
    out.put_u8(family);
    out.put_u8(bits.unwrap_or(full));
    out.put_u8(u8::from(is_cidr));
    out.put_u8(full / 8);
    out.extend_from_slice(packed);
    Ok(())
}

fn split(wire: &[u8]) -> Option<(u8, u8, &[u8])> {
    let ([family, bits, _is_cidr, len], address) = wire.split_first_chunk::<4>()?;
    let wanted = match *family {
        V4 => 4,
        V6 => 16,
        _ => return None,
    };
    (*len == wanted && address.len() == usize::from(wanted) && *bits <= wanted * 8)
        .then_some((*family, *bits, address))
}

/// What `ipaddress` has for one version of the protocol.
struct Version {
    address: Py<PyType>,
    interface: Py<PyType>,
    network: Py<PyType>,
}

struct Classes {
    v4: Version,
    v6: Version,
    read_interface: Py<PyAny>,
    read_network: Py<PyAny>,
}

impl Classes {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
        CLASSES.get_or_try_init(py, || {
            let module = py.import("ipaddress")?;
            let class = |name: String| -> PyResult<Py<PyType>> {
                Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
            };
            let version = |number: u8| -> PyResult<Version> {
                Ok(Version {
                    address: class(format!("IPv{number}Address"))?,
                    interface: class(format!("IPv{number}Interface"))?,
                    network: class(format!("IPv{number}Network"))?,
                })
            };
            Ok(Self {
                v4: version(4)?,
                v6: version(6)?,
                read_interface: module.getattr("ip_interface")?.unbind(),
                read_network: module.getattr("ip_network")?.unbind(),
            })
        })
    }

    fn of_family(&self, family: u8) -> &Version {
        if family == V4 { &self.v4 } else { &self.v6 }
    }
}

/// `08:00:2b:01:02:03`, of 6 bytes or of 8.
pub(super) fn decode_mac<'py, const N: usize>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let text = fixed::<N>(wire)?
        .map(|byte| format!("{byte:02x}"))
        .join(":");
    Ok(PyString::new(py, &text).into_any())
}

/// Takes any of the groupings that PostgreSQL takes: by `:`, `-`, `.` or nothing.
pub(super) fn encode_mac<const N: usize>(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let string = value
        .cast::<PyString>()
        .map_err(|_| Fault::wrong_type("a str", value))?;
    let mut bytes = [0_u8; N];
    let mut digits = 0;
    for byte in text::utf8(string)? {
        if matches!(byte, b':' | b'-' | b'.') {
            continue;
        }
        let digit = char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok());
        match (digit, bytes.get_mut(digits / 2)) {
            (Some(digit), Some(place)) => *place = *place << 4 | digit,
            _ => return Err(no_mac()),
        }
        digits += 1;
    }
    if digits != N * 2 {
        return Err(no_mac());
    }
    out.extend_from_slice(&bytes);
    Ok(())
}

#[cold]
fn no_mac() -> Fault {
    Fault::data(
        "the str is not the text of a MAC address of this length, such as 08:00:2b:01:02:03",
    )
}

#[cold]
fn malformed() -> Fault {
    Fault::data("the server sent a malformed network address")
}
