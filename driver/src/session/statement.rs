//! Prepared statements and the policy of keeping them, apart from I/O.

use std::any::Any;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::session::event::RequestId;
use crate::wire::backend::Column;

/// A statement that the server has parsed and described.
#[derive(Debug)]
pub struct Statement {
    name: Box<str>,
    sql: Box<str>,
    declared: Box<[u32]>,
    parameters: Box<[u32]>,
    /// `None`: it returns no rows.
    columns: Option<Box<[Column]>>,
    layout: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Statement {
    pub(crate) fn new(
        draft: Draft,
        parameters: Box<[u32]>,
        columns: Option<Box<[Column]>>,
    ) -> Self {
        let Draft {
            name,
            sql,
            declared,
            ..
        } = draft;
        Self {
            name,
            sql,
            declared,
            parameters,
            columns,
            layout: OnceLock::new(),
        }
    }

    /// The name on the server; empty for a statement that is parsed anew with each use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The parameter types that were declared when it was prepared: part of the cache's key.
    pub fn declared(&self) -> &[u32] {
        &self.declared
    }

    /// Type OIDs of the parameters `$1`, `$2`, ...
    pub fn parameters(&self) -> &[u32] {
        &self.parameters
    }

    /// The result columns; empty for a statement that returns no rows, or rows of no columns.
    #[inline]
    pub fn columns(&self) -> &[Column] {
        self.columns.as_deref().unwrap_or_default()
    }

    /// Whether it returns rows, be they without columns as those of a bare `SELECT`.
    #[inline]
    pub fn returns_rows(&self) -> bool {
        self.columns.is_some()
    }

    /// What a front resolves once per statement and uses with each execution (codecs, record layout).
    ///
    /// The first caller's value stays; `None` if a front asks for another type than was stored.
    pub fn layout<T: Any + Send + Sync>(&self, resolve: impl FnOnce() -> T) -> Option<&T> {
        self.layout
            .get_or_init(|| Box::new(resolve()))
            .downcast_ref()
    }

    /// The layout if it has been resolved.
    pub fn resolved_layout<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.layout.get()?.downcast_ref()
    }
}

/// A statement that is being prepared.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: Box<str>,
    sql: Box<str>,
    declared: Box<[u32]>,
    key: u64,
    request: RequestId,
    pub(crate) parameters: Box<[u32]>,
    /// The same statement as it was described before; it stays if nothing has changed, with what fronts keep in it.
    pub(crate) before: Option<Arc<Statement>>,
}

/// What the cache knows of a statement.
#[derive(Debug)]
pub enum Lookup {
    /// Prepared: it can be executed at once.
    Hit(Arc<Statement>),
    /// This request, sent earlier, is preparing it: wait for that one instead of preparing it twice.
    Pending(RequestId),
    /// Unknown.
    Miss,
}

/// The statements of one session: least recently used go first, and are closed on the server.
#[derive(Debug)]
pub(crate) struct Statements {
    /// `None`: the cache is off, and every statement is unnamed.
    cache: Option<LruCache<u64, Arc<Statement>>>,
    pending: Vec<(u64, RequestId)>,
    /// Names to close with the next request.
    closing: Vec<Box<str>>,
    hasher: RandomState,
}

impl Statements {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            cache: NonZeroUsize::new(limit).map(LruCache::new),
            pending: Vec::new(),
            closing: Vec::new(),
            hasher: RandomState::new(),
        }
    }

    pub(crate) fn lookup(&mut self, sql: &str, declared: &[u32]) -> Lookup {
        let Some(cache) = &mut self.cache else {
            return Lookup::Miss;
        };
        let key = self.hasher.hash_one((sql, declared));
        // The hash finds the entry, the text proves it: a collision is a miss, never another query's plan.
        match cache.get(&key) {
            // Comparing two empty slices calls memcmp with pointers to nowhere, which some processors take a hundred
            // nanoseconds for; so the usual case, nothing declared, is told apart first.
            Some(statement)
                if *statement.sql == *sql
                    && statement.declared.len() == declared.len()
                    && (declared.is_empty() || *statement.declared == *declared) =>
            {
                return Lookup::Hit(Arc::clone(statement));
            }
            _ => {}
        }
        match self.pending.iter().find(|(pending, _)| *pending == key) {
            Some((_, request)) => Lookup::Pending(*request),
            None => Lookup::Miss,
        }
    }

    pub(crate) fn draft(&mut self, sql: &str, declared: &[u32], request: RequestId) -> Draft {
        let key = self.hasher.hash_one((sql, declared));
        let name = if self.cache.is_some() {
            self.pending.push((key, request));
            global_name(sql, declared)
        } else {
            "".into()
        };
        Draft {
            name,
            sql: sql.into(),
            declared: declared.into(),
            key,
            request,
            parameters: Box::default(),
            before: None,
        }
    }

    pub(crate) fn prepared(
        &mut self,
        mut draft: Draft,
        columns: Option<Box<[Column]>>,
    ) -> Arc<Statement> {
        self.settle(draft.request);
        let key = draft.key;
        let parameters = std::mem::take(&mut draft.parameters);
        let before = draft.before.take();
        let statement = match before {
            Some(before) if before.parameters == parameters && before.columns == columns => before,
            _ => Arc::new(Statement::new(draft, parameters, columns)),
        };
        if let Some(cache) = &mut self.cache
            && let Some((_, old)) = cache.push(key, Arc::clone(&statement))
            && old.name != statement.name
        {
            self.closing.push(old.name.clone());
        }
        statement
    }

    /// The request that was preparing something is over, whatever came of it.
    pub(crate) fn settle(&mut self, request: RequestId) {
        self.pending.retain(|(_, pending)| *pending != request);
    }

    /// Drops one statement whose plan the server no longer accepts.
    ///
    /// Its successor, which another call may have prepared meanwhile, stays.
    pub(crate) fn forget(&mut self, statement: &Arc<Statement>) {
        let Some(cache) = &mut self.cache else { return };
        let key = self
            .hasher
            .hash_one((&*statement.sql, &*statement.declared));
        if cache
            .peek(&key)
            .is_some_and(|cached| Arc::ptr_eq(cached, statement))
        {
            cache.pop(&key);
            self.closing.push(statement.name.clone());
        }
    }

    /// The server has dropped them all.
    pub(crate) fn forget_all(&mut self) {
        self.closing.clear();
        if let Some(cache) = &mut self.cache {
            cache.clear();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.cache.as_ref().map_or(0, LruCache::len)
    }

    /// The names that the next request must close.
    pub(crate) fn closing(&self) -> &[Box<str>] {
        &self.closing
    }

    /// They are on their way.
    pub(crate) fn closed(&mut self) {
        self.closing.clear();
    }
}

/// A name that only this text and these types have: behind a pooler, two clients that meet on one server connection
/// then collide on the same statement or not at all.
fn global_name(sql: &str, declared: &[u32]) -> Box<str> {
    let mut digest = Sha256::new();
    digest.update(sql.as_bytes());
    for oid in declared {
        digest.update([0]);
        digest.update(oid.to_be_bytes());
    }
    let mut name = String::with_capacity(35);
    name.push_str("db_");
    for byte in digest.finalize().iter().take(16) {
        let _ = write!(name, "{byte:02x}");
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(
        statements: &mut Statements,
        sql: &str,
        declared: &[u32],
        request: u64,
    ) -> Arc<Statement> {
        let draft = statements.draft(sql, declared, RequestId(request));
        statements.prepared(draft, None)
    }

    #[test]
    fn the_key_is_the_text_and_the_declared_types() {
        let mut statements = Statements::new(10);
        let first = prepare(&mut statements, "SELECT $1", &[], 0);
        let second = prepare(&mut statements, "SELECT $1", &[23], 1);
        assert_ne!(first.name(), second.name());
        assert!(
            matches!(statements.lookup("SELECT $1", &[23]), Lookup::Hit(hit) if Arc::ptr_eq(&hit, &second))
        );
        assert!(matches!(
            statements.lookup("SELECT $1", &[25]),
            Lookup::Miss
        ));
    }

    #[test]
    fn one_statement_is_prepared_once_at_a_time() {
        let mut statements = Statements::new(10);
        let draft = statements.draft("SELECT 1", &[], RequestId(7));
        assert!(matches!(
            statements.lookup("SELECT 1", &[]),
            Lookup::Pending(RequestId(7))
        ));
        drop(draft);
        statements.settle(RequestId(7));
        assert!(matches!(statements.lookup("SELECT 1", &[]), Lookup::Miss));
    }

    #[test]
    fn the_least_recently_used_is_closed() {
        let mut statements = Statements::new(2);
        prepare(&mut statements, "a", &[], 0);
        let b = prepare(&mut statements, "b", &[], 1);
        assert!(matches!(statements.lookup("a", &[]), Lookup::Hit(_)));
        prepare(&mut statements, "c", &[], 2);
        assert_eq!(statements.closing(), [Box::from(b.name())]);
        assert!(matches!(statements.lookup("b", &[]), Lookup::Miss));
        assert_eq!(statements.len(), 2);
    }

    #[test]
    fn without_a_cache_statements_are_unnamed() {
        let mut statements = Statements::new(0);
        assert_eq!(prepare(&mut statements, "SELECT 1", &[], 0).name(), "");
        assert!(matches!(statements.lookup("SELECT 1", &[]), Lookup::Miss));
    }

    #[test]
    fn what_is_described_anew_stays_unless_it_has_changed() {
        let mut statements = Statements::new(1);
        let first = prepare(&mut statements, "a", &[], 0);
        let mut again = |request, columns| {
            statements.forget(&first);
            statements.closed();
            let mut draft = statements.draft("a", &[], RequestId(request));
            draft.before = Some(Arc::clone(&first));
            let statement = statements.prepared(draft, columns);
            assert!(
                matches!(statements.lookup("a", &[]), Lookup::Hit(hit) if Arc::ptr_eq(&hit, &statement))
            );
            statement
        };
        assert!(Arc::ptr_eq(&again(1, None), &first));
        assert!(!Arc::ptr_eq(&again(2, Some(Box::default())), &first));
    }

    #[test]
    fn a_layout_is_resolved_once() {
        let statement = prepare(&mut Statements::new(1), "SELECT 1", &[], 0);
        assert_eq!(statement.layout(|| 1_u8), Some(&1));
        assert_eq!(statement.layout(|| 2_u8), Some(&1));
        assert_eq!(statement.layout(|| "another front"), None);
    }
}
