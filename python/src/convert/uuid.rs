//! `uuid`: `uuid.UUID` out; that or its text in.

use bytes::BytesMut;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyInt, PyString, PyType};

use super::{Decoded, Encoded, Fault, fixed, text};

pub(super) fn decode<'py>(py: Python<'py>, wire: &[u8]) -> Decoded<'py> {
    let number = u128::from_be_bytes(fixed(wire)?)
        .into_pyobject(py)
        .map_err(PyErr::from)?;
    Ok(Uuid::get(py)?.make(number)?)
}

pub(super) fn encode(value: &Bound<'_, PyAny>, out: &mut BytesMut) -> Encoded {
    let uuid = Uuid::get(value.py())?;
    let number = if value.is_instance(uuid.class.bind(value.py()))? {
        let number = value.getattr(pyo3::intern!(value.py(), "int"))?;
        number
            .extract()
            .map_err(|_| Fault::data("the UUID's int is not of 128 bits"))?
    } else if let Ok(string) = value.cast::<PyString>() {
        parse(text::utf8(string)?).ok_or_else(|| {
            Fault::data("the str is not the text of a UUID (32 hexadecimal digits)")
        })?
    } else {
        return Err(Fault::wrong_type("a UUID", value));
    };
    out.extend_from_slice(&u128::to_be_bytes(number));
    Ok(())
}

/// Reads the forms that PostgreSQL reads (manual, section 8.12): hyphens after any group of four digits, braces around all of it.
fn parse(text: &[u8]) -> Option<u128> {
    let text = match text {
        [b'{', inner @ .., b'}'] => inner,
        text => text,
    };
    let mut number = 0;
    let mut digits = 0;
    let mut after_hyphen = true;
    for byte in text {
        if *byte == b'-' {
            if after_hyphen || digits % 4 != 0 {
                return None;
            }
            after_hyphen = true;
        } else {
            let digit = char::from(*byte).to_digit(16)?;
            number = number << 4 | u128::from(digit);
            digits += 1;
            after_hyphen = false;
        }
        if digits > 32 {
            return None;
        }
    }
    (digits == 32 && !after_hyphen).then_some(number)
}

/// What is needed to make `uuid.UUID` objects without their `__init__`: 58 ns instead of 1,350.
struct Uuid {
    class: Py<PyType>,
    /// `uuid.SafeUUID.unknown`, as for every UUID that is not freshly made.
    unknown: Py<PyAny>,
    /// Where the slots `int` and `is_safe` lie in an object, when the class has exactly these.
    slots: Option<(usize, usize)>,
}

impl Uuid {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static UUID: PyOnceLock<Uuid> = PyOnceLock::new();
        UUID.get_or_try_init(py, || Self::new(py))
    }

    fn new(py: Python<'_>) -> PyResult<Self> {
        let module = py.import("uuid")?;
        let class = module.getattr("UUID")?.cast_into::<PyType>()?;
        let slots = slot(&class, "int").zip(slot(&class, "is_safe"));
        let this = Self {
            unknown: module.getattr("SafeUUID")?.getattr("unknown")?.unbind(),
            slots,
            class: class.unbind(),
        };
        // Trust the slots only if an object made through them is what the constructor makes.
        let sample = 0x1234_5678_u128.into_pyobject(py)?;
        let made = this.make(sample.clone())?;
        let right = made.eq(this.construct(sample)?)? && made.getattr("is_safe")?.is(&this.unknown);
        Ok(Self {
            slots: slots.filter(|_| right),
            ..this
        })
    }

    fn make<'py>(&self, number: Bound<'py, PyInt>) -> PyResult<Bound<'py, PyAny>> {
        let py = number.py();
        let Some((int, is_safe)) = self.slots else {
            return self.construct(number);
        };
        // SAFETY: `slot` found both offsets in the class itself as those of object slots, so a fresh object has, inside of its
        // memory, an aligned null pointer there, and takes over the reference that is stored. The object cannot be part of a
        // reference cycle: an int and an enum member are all it holds; so the collector need not visit it.
        unsafe {
            let object = ffi::PyType_GenericAlloc(self.class.as_ptr().cast(), 0);
            let made = Bound::from_owned_ptr_or_err(py, object)?;
            object
                .byte_add(int)
                .cast::<*mut ffi::PyObject>()
                .write(number.into_ptr());
            object
                .byte_add(is_safe)
                .cast::<*mut ffi::PyObject>()
                .write(self.unknown.clone_ref(py).into_ptr());
            ffi::PyObject_GC_UnTrack(object.cast());
            Ok(made)
        }
    }

    fn construct<'py>(&self, number: Bound<'py, PyInt>) -> PyResult<Bound<'py, PyAny>> {
        let py = number.py();
        let options = pyo3::types::PyDict::new(py);
        options.set_item("int", number)?;
        self.class.bind(py).call((), Some(&options))
    }
}

/// The offset of a `__slots__` member, if that is what the attribute is.
fn slot(class: &Bound<'_, PyType>, name: &str) -> Option<usize> {
    let descriptor = class.getattr(name).ok()?;
    // SAFETY: the exact type says that this is a member descriptor, whose `d_member` is valid for as long as the descriptor is.
    unsafe {
        if ffi::Py_TYPE(descriptor.as_ptr()) != &raw mut ffi::PyMemberDescr_Type {
            return None;
        }
        let descriptor = descriptor.as_ptr().cast::<ffi::PyMemberDescrObject>();
        let owner = (*descriptor).d_common.d_type;
        let member = &*(*descriptor).d_member;
        let is_slot = owner == class.as_ptr().cast() && member.type_code == ffi::Py_T_OBJECT_EX;
        usize::try_from(member.offset).ok().filter(|_| is_slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_postgresql_reads() {
        let number = Some(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11);
        for text in [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
        ] {
            assert_eq!(parse(text.as_bytes()), number, "{text}");
        }
        assert_eq!(parse(&[b'0'; 32]), Some(0));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "{}",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
            "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11",
            "-a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-",
            "a0e-ebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
