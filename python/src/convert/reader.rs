//! Reads words and values from the front of bytes that nobody has checked.

const WORD: usize = 4;

/// What is left of the bytes. `None` everywhere means that they are malformed.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn word(&mut self) -> Option<i32> {
        self.fixed::<WORD>().map(i32::from_be_bytes)
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// A count of things that take at least `size` bytes each: never more than the bytes that are there can be.
    pub(super) fn count(&mut self, size: usize) -> Option<usize> {
        let count = usize::try_from(self.word()?).ok()?;
        (count <= self.0.len() / size).then_some(count)
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        self.value()?
    }

    /// The same, `None` within for a length of -1, which is NULL.
    #[expect(clippy::option_option, reason = "malformed, NULL, or a value")]
    pub(super) fn value(&mut self) -> Option<Option<&'a [u8]>> {
        let len = self.word()?;
        if len == -1 {
            return Some(None);
        }
        let (value, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(Some(value))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
