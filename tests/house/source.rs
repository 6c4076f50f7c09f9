//! The project's files, as the rules read them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// One file, with its path from the project's root.
#[derive(Clone)]
pub struct Source {
    pub path: String,
    pub text: String,
}

/// One line that a rule may complain about.
pub struct Line<'a> {
    path: &'a str,
    number: usize,
    pub text: &'a str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.number, self.text.trim())
    }
}

impl Source {
    /// The lines of code: without comments, and without the tests at the file's end.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let is_test_file = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        self.raw_lines()
            .take_while(move |line| !is_test_file && line.text.trim() != "#[cfg(test)]")
            .filter(|line| !line.text.trim_start().starts_with("//"))
    }

    pub fn lines_with(&self, words: &[&str]) -> Vec<String> {
        found(self.lines(), words)
    }

    /// As [`Self::lines_with`], in comments and tests too.
    pub fn raw_lines_with(&self, words: &[&str]) -> Vec<String> {
        found(self.raw_lines(), words)
    }

    fn raw_lines(&self) -> impl Iterator<Item = Line<'_>> {
        let numbered = self.text.lines().enumerate();
        numbered.map(|(index, text)| Line {
            path: &self.path,
            number: index + 1,
            text,
        })
    }
}

fn found<'a>(lines: impl Iterator<Item = Line<'a>>, words: &[&str]) -> Vec<String> {
    lines
        .filter(|line| words.iter().any(|word| line.text.contains(word)))
        .map(|line| line.to_string())
        .collect()
}

/// All files of a room with this extension; none where the room does not exist.
pub fn sources(room: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join(room), extension, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|entry| entry.expect("the folder can be listed").path()) {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "__pycache__" {
                collect(&path, extension, found);
            }
        } else if path.extension().is_some_and(|it| it == extension) {
            let text = fs::read_to_string(&path).expect("sources are UTF-8");
            let path = path
                .strip_prefix(root())
                .expect("below the root")
                .to_string_lossy()
                .into_owned();
            found.push(Source { path, text });
        }
    }
}

/// The text of a file that must exist.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the project")
        .to_owned()
}
