//! Real and scripted servers for the tests.
