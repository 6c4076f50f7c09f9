//! Schema model and SQL rendering, free of I/O.
#![forbid(unsafe_code)]
