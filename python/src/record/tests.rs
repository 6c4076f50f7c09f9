//! Records as users see them, and what they must not do to memory.

use pyo3::prelude::*;

use crate::testing::{describe, eval, with_python};

#[test]
fn behaves_as_a_row() {
    with_python(|py| {
        for expression in [
            "R[0] == 1 and R[-1] == [3] and R['b'] == 'x' and R.b == 'x'",
            "R[1:] == ('x', [3]) and R[::-1] == ([3], 'x', 1)",
            "len(R) == 3 and list(R) == [1, 'x', [3]] and tuple(R) == (1, 'x', [3])",
            "dict(R) == {'a': 1, 'b': 'x', 'c': [3]}",
            "[*R.keys()] == ['a', 'b', 'c'] and R.values() == (1, 'x', [3]) and R.items()[1] == ('b', 'x')",
            "R.get('b') == 'x' and R.get('z') is None and R.get('z', 5) == 5",
            "'a' in R and 'z' not in R and 1 not in R",
            "R == (1, 'x', [3]) and (1, 'x', [3]) == R and R != (1,) and R == Record('abc', (1, 'x', [3]))",
            "R < (2,) and Record('a', (1,)) < Record('a', (2,)) and R != [1, 'x', [3]]",
            "hash(Record('ab', (1, 2))) == hash((1, 2))",
            "repr(R) == \"<Record a=1 b='x' c=[3]>\"",
            "pickle.loads(pickle.dumps(R)) == R and pickle.loads(pickle.dumps(R)).keys() == R.keys()",
            "copy.deepcopy(R)['c'] is not R['c'] and copy.deepcopy(R) == R",
            "(lambda a, b, c: (a, b, c))(*R) == R and '%s %s %s' % tuple(R) == '1 x [3]'",
            "Record(('keys', '__len__'), (1, 2))['keys'] == 1 and callable(Record(('keys',), (1,)).keys)",
            "Record((), ()) == () and repr(Record((), ())) == '<Record>'",
            "type(R).__module__ == 'data_bridge.postgres' and type(R).__name__ == 'Record'",
        ] {
            let expression = expression
                .replace('R', "\u{1}")
                .replace("\u{1}ecord", "Record");
            let expression = expression.replace('\u{1}', "Record(('a', 'b', 'c'), (1, 'x', [3]))");
            assert!(
                eval(py, &format!("bool({expression})"))
                    .extract::<bool>()
                    .unwrap(),
                "{expression}"
            );
        }
    });
}

#[test]
fn refuses_with_a_reason() {
    with_python(|py| {
        for (expression, error) in [
            ("R['z']", "KeyError: 'z'"),
            ("R[2]", "IndexError: record index out of range"),
            ("R[-3]", "IndexError: record index out of range"),
            (
                "R[1.5]",
                "TypeError: records are indexed by position, slice, or column name",
            ),
            ("R.z", "AttributeError: the record has no column \"z\""),
            (
                "hash(Record('a', ([],)))",
                "TypeError: unhashable type: 'list'",
            ),
            (
                "setattr(R, 'a', 5)",
                "AttributeError: records cannot be changed; make a dict of it: dict(record)",
            ),
            (
                "Record(('a',), (1, 2))",
                "ValueError: 2 values for 1 columns",
            ),
            ("Record((5,), (1,))", "TypeError: column names must be str"),
            (
                "Record()",
                "TypeError: Record() takes the column names and the values",
            ),
            (
                "R.get()",
                "TypeError: get() takes a column name and a default",
            ),
        ] {
            let expression = expression
                .replace("R[", "Record('ab', (1, 2))[")
                .replace("R.", "Record('ab', (1, 2)).");
            let expression = expression.replace("(R,", "(Record('ab', (1, 2)),");
            let code = format!("[*(lambda: (yield {expression}))()]");
            let raised = std::panic::catch_unwind(|| eval(py, &code));
            let message = *raised.unwrap_err().downcast::<String>().unwrap();
            assert!(message.ends_with(error), "{expression}: {message}");
        }
    });
}

#[test]
fn two_columns_of_one_name_are_never_mixed_up() {
    with_python(|py| {
        let record = eval(py, "Record(('id', 'id', 'b'), (1, 2, 3))");
        assert_eq!(record.get_item(1).unwrap().extract::<i32>().unwrap(), 2);
        assert_eq!(record.getattr("b").unwrap().extract::<i32>().unwrap(), 3);
        for result in [
            record.get_item("id"),
            record.getattr("id"),
            record.call_method1("get", ("id",)),
        ] {
            let text = describe(py, &result.unwrap_err());
            assert!(text.contains("several columns are named"), "{text}");
        }
    });
}

#[test]
fn gives_back_every_reference() {
    with_python(|py| {
        let marker = eval(py, "object()");
        let before = references(&marker);
        let make = eval(
            py,
            "lambda x: [Record('ab', (x, [x])) for _ in range(1000)]",
        );
        let rows = make.call1((&marker,)).unwrap();
        assert_eq!(references(&marker), before + 2000);
        for row in rows.try_iter().unwrap() {
            let row = row.unwrap();
            drop((
                row.get_item(0),
                row.get_item("a"),
                row.getattr("a"),
                row.repr(),
                row.hash(),
                row.len(),
            ));
            drop((
                row.call_method0("keys"),
                row.call_method0("values"),
                row.call_method0("items"),
            ));
            drop((
                row.eq(&row),
                row.contains("a"),
                row.get_item("z"),
                row.call_method1("get", ("z", &marker)),
            ));
        }
        drop(rows);
        assert_eq!(references(&marker), before);
    });
}

#[test]
fn cycles_are_collected() {
    with_python(|py| {
        let collected = eval(
            py,
            "(lambda box, alive: (box.append(Record('ab', (box, alive))), alive)[1])([], type('Alive', (), {})())",
        );
        let alive = references(&collected);
        py.import("gc").unwrap().call_method0("collect").unwrap();
        assert!(
            references(&collected) < alive,
            "the record of the cycle still holds its value"
        );
    });
}

#[test]
fn a_long_chain_of_records_is_freed_without_exhausting_the_stack() {
    with_python(|py| {
        for wrap in [
            "lambda inner: Record('a', (inner,))",
            "lambda inner: Record('a', ([inner],))",
        ] {
            let wrap = eval(py, wrap);
            let marker = eval(py, "object()");
            let before = references(&marker);
            let mut chain = marker.clone();
            for _ in 0..200_000 {
                chain = wrap.call1((chain,)).unwrap();
            }
            drop(chain);
            assert_eq!(references(&marker), before);
        }
    });
}

#[test]
fn a_record_that_holds_itself_can_be_shown() {
    with_python(|py| {
        let shown = eval(
            py,
            "(lambda box: (box.append(Record('a', (box,))), repr(box))[1])([])",
        );
        assert_eq!(shown.to_string(), "[<Record a=[...]>]");
    });
}

fn references(object: &Bound<'_, PyAny>) -> isize {
    // SAFETY: the object is alive and the interpreter attached.
    unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) }
}
