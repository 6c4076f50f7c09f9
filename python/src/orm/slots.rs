//! Where instances keep their values: in the slots that `CPython` lays out for `__slots__`, read and written in place.
//!
//! A class gets one slot per column. The class attribute of a slot is then replaced by a descriptor of ours, while the
//! storage, its garbage collection and its release stay `CPython`'s. So an instance is one allocation of a header and a
//! pointer per value, and making one from a row costs a store per column.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The slots of one class.
#[derive(Debug)]
pub struct Slots {
    class: Py<PyType>,
    /// Bytes from the start of an instance to each slot. Each was taken from the class's own member descriptors, so it
    /// lies within its instances and holds null or a reference that the instance owns.
    offsets: Box<[isize]>,
    names: Box<[Box<str>]>,
}

impl Slots {
    /// Finds the slots of these names, whose member descriptors must still be in the class, or which are among those of a
    /// base class.
    ///
    /// # Errors
    /// A name that is no slot of the class.
    pub fn new<'a>(
        class: &Bound<'_, PyType>,
        names: impl Iterator<Item = &'a str>,
        base: Option<&Self>,
    ) -> PyResult<Self> {
        let names: Box<[Box<str>]> = names.map(Box::from).collect();
        let attributes = class.getattr(pyo3::intern!(class.py(), "__dict__"))?;
        let inherited = |name: &str| {
            let base = base?;
            // Instances of a class have the slots of its base where those of the base have them.
            let place = base.names.iter().position(|own| **own == *name)?;
            base.offsets.get(place).copied()
        };
        let offsets = names
            .iter()
            .map(|name| match inherited(name) {
                Some(offset) => Ok(offset),
                None => offset(class, &attributes.get_item(&**name)?),
            })
            .collect::<PyResult<_>>()?;
        Ok(Self {
            class: class.clone().unbind(),
            offsets,
            names,
        })
    }

    /// The class.
    pub fn class<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.class.bind(py)
    }

    /// Whether the object has these slots: it is an instance of the class or of a class derived from it.
    #[inline]
    pub fn fit(&self, object: &Bound<'_, PyAny>) -> bool {
        let exact = object.get_type_ptr() == self.class.as_ptr().cast();
        // SAFETY: both are live types.
        exact
            || unsafe {
                ffi::PyType_IsSubtype(object.get_type_ptr(), self.class.as_ptr().cast()) != 0
            }
    }

    /// An instance whose slots are all empty. `__init__` is not called.
    ///
    /// # Errors
    /// Exhausted memory.
    #[inline]
    pub fn allocate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: the class was made by the interpreter for a class statement, so it is ready and allocates generically. The new
        // object is zeroed, which for slots means empty.
        unsafe {
            Bound::from_owned_ptr_or_err(
                py,
                ffi::PyType_GenericAlloc(self.class.as_ptr().cast(), 0),
            )
        }
    }

    /// The value in a slot, `None` where it is empty.
    ///
    /// # Errors
    /// An object of another class.
    #[inline]
    pub fn get<'py>(
        &self,
        object: &Bound<'py, PyAny>,
        index: usize,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let place = self.place(object, index)?;
        // SAFETY: `place` is a slot of a live object; what it holds is null or a live object, as `CPython` keeps it.
        Ok(unsafe { Bound::from_borrowed_ptr_or_opt(object.py(), *place) })
    }

    /// Puts a value into a slot, or empties it.
    ///
    /// # Errors
    /// An object of another class.
    #[inline]
    pub fn set(
        &self,
        object: &Bound<'_, PyAny>,
        index: usize,
        value: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let place = self.place(object, index)?;
        let value = value.map_or(std::ptr::null_mut(), Bound::into_ptr);
        // SAFETY: the slot takes over the reference to the value and gives up its own to the old one, which is released only
        // after the slot is in order, since a finalizer may look at it.
        unsafe {
            let old = std::ptr::replace(place, value);
            ffi::Py_XDECREF(old);
        }
        Ok(())
    }

    /// Takes an instance out of the garbage collector's rounds. Only for one whose values hold no other objects.
    #[inline]
    pub fn untrack(&self, object: &Bound<'_, PyAny>) {
        if self.fit(object) {
            // SAFETY: instances of classes with slots have a collector's header; to untrack twice is allowed.
            unsafe { ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) }
        }
    }

    /// Puts it back, before it may come to hold anything.
    #[inline]
    pub fn track(&self, object: &Bound<'_, PyAny>) {
        // SAFETY: as above, and to track twice, which is not allowed, is ruled out by the question.
        unsafe {
            if self.fit(object) && ffi::PyObject_GC_IsTracked(object.as_ptr()) == 0 {
                ffi::PyObject_GC_Track(object.as_ptr().cast());
            }
        }
    }

    /// Shows the class to the garbage collector.
    ///
    /// # Errors
    /// The collector's own.
    pub fn traverse(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        visit.call(&self.class)
    }

    #[inline]
    fn place(&self, object: &Bound<'_, PyAny>, index: usize) -> PyResult<*mut *mut ffi::PyObject> {
        match self.offsets.get(index) {
            // SAFETY: derived classes keep the layout of their base, so the offset lies within the object.
            Some(offset) if self.fit(object) => {
                Ok(unsafe { object.as_ptr().byte_offset(*offset).cast() })
            }
            _ => Err(self.wrong_class(object)),
        }
    }

    #[cold]
    fn wrong_class(&self, object: &Bound<'_, PyAny>) -> PyErr {
        let py = object.py();
        match (self.class(py).name(), object.get_type().name()) {
            (Ok(wanted), Ok(given)) => {
                PyTypeError::new_err(format!("expected an instance of {wanted}, not {given}"))
            }
            (Err(error), _) | (_, Err(error)) => error,
        }
    }
}

/// The offset that a member descriptor of `__slots__` stands for.
fn offset(class: &Bound<'_, PyType>, descriptor: &Bound<'_, PyAny>) -> PyResult<isize> {
    // SAFETY: the type check makes sure of the layout that the casts rely on, and the owner check that the descriptor is for
    // instances of this class. A member descriptor's `d_member` points into its class, which is alive.
    unsafe {
        if descriptor.get_type_ptr() != &raw mut ffi::PyMemberDescr_Type {
            return Err(PyTypeError::new_err(format!("{descriptor} is not a slot")));
        }
        let descriptor = descriptor.as_ptr().cast::<ffi::PyMemberDescrObject>();
        let member = (*descriptor).d_member;
        let own = (*descriptor).d_common.d_type == class.as_type_ptr();
        if !own || (*member).type_code != ffi::Py_T_OBJECT_EX {
            return Err(PyTypeError::new_err("the slot belongs to another class"));
        }
        Ok((*member).offset)
    }
}
