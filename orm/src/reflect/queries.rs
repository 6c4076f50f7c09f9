//! The questions to the catalogs. Each takes the names of the schemas as `text[]` and answers for all of their tables at once,
//! so the number of tables does not matter. Texts of expressions leave out the schemas in `search_path`.

/// Which relations are meant: tables, also partitioned ones, but neither their partitions nor an extension's tables.
macro_rules! over_tables {
    ($select:literal, $from:literal, $where:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
            $from,
            " WHERE n.nspname = ANY ($1::text[]) AND c.relkind IN ('r', 'p') AND NOT c.relispartition",
            " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass",
            " AND e.objid = c.oid AND e.deptype = 'e')",
            $where,
            " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"",
            $order
        )
    };
}

/// Schema, table, comment.
pub const TABLES: &str = over_tables!(
    "n.nspname::text, c.relname::text, pg_catalog.obj_description(c.oid, 'pg_class')",
    "",
    "",
    ""
);

/// Schema, table, column, type's schema (none for one of PostgreSQL's own), type's name, whether it is an array, type as DDL
/// has it, whether NULL is refused, identity, generated, default, whether that is of a sequence of its own, collation, comment,
/// options of the sequence behind an identity (start, increment, least, greatest, cache, cycle), labels of an enum type.
pub const COLUMNS: &str = over_tables!(
    "n.nspname::text, c.relname::text, a.attname::text, nullif(tn.nspname, 'pg_catalog')::text, t.typname::text, \
     a.atttypid <> t.oid, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text, \
     a.attgenerated::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid), owned.oid IS NOT NULL, \
     CASE WHEN a.attcollation <> own.typcollation THEN concat(quote_ident(nullif(cn.nspname, 'pg_catalog')) || '.', \
     quote_ident(co.collname)) END, pg_catalog.col_description(c.oid, a.attnum), s.seqstart, s.seqincrement, s.seqmin, \
     s.seqmax, s.seqcache, coalesce(s.seqcycle, false), \
     ARRAY(SELECT l.enumlabel::text FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder)",
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped\
     \x20JOIN pg_catalog.pg_type own ON own.oid = a.atttypid\
     \x20JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN own.typcategory = 'A' AND own.typtype <> 'd' THEN own.typelem ELSE own.oid END\
     \x20JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace\
     \x20LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum\
     \x20LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation\
     \x20LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\
     \x20LEFT JOIN LATERAL (SELECT q.objid AS oid FROM pg_catalog.pg_depend q\
     \x20WHERE q.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND q.refobjid = c.oid AND q.refobjsubid = a.attnum\
     \x20AND q.deptype = 'a' AND d.oid IS NOT NULL AND EXISTS (SELECT FROM pg_catalog.pg_depend u WHERE u.refobjid = q.objid\
     \x20AND u.objid = d.oid)\
     \x20AND EXISTS (SELECT FROM pg_catalog.pg_sequence z WHERE z.seqrelid = q.objid) LIMIT 1) owned ON true\
     \x20LEFT JOIN LATERAL (SELECT z.* FROM pg_catalog.pg_depend q JOIN pg_catalog.pg_sequence z ON z.seqrelid = q.objid\
     \x20WHERE q.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND q.refobjid = c.oid AND q.refobjsubid = a.attnum\
     \x20AND q.deptype = 'i' LIMIT 1) s ON a.attidentity <> ''",
    "",
    ", a.attnum"
);

/// Schema, table, constraint, its kind, whether it can be deferred, whether it is, columns, condition, whether it is not
/// inherited, schema, table and columns referred to, on delete, on update, match, columns that deletion sets, operators of an
/// exclusion, name of its index.
pub const CONSTRAINTS: &str = over_tables!(
    "n.nspname::text, c.relname::text, k.conname::text, k.contype::text, k.condeferrable, k.condeferred, \
     ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY o (num, at) JOIN pg_catalog.pg_attribute a \
     ON a.attrelid = c.oid AND a.attnum = o.num ORDER BY o.at), pg_catalog.pg_get_expr(k.conbin, k.conrelid), \
     k.connoinherit, fn.nspname::text, fc.relname::text, \
     ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY o (num, at) JOIN pg_catalog.pg_attribute a \
     ON a.attrelid = fc.oid AND a.attnum = o.num ORDER BY o.at), k.confdeltype::text, k.confupdtype::text, \
     k.confmatchtype::text, ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid \
     AND a.attnum::text IN (SELECT value FROM pg_catalog.jsonb_array_elements_text(coalesce(nullif(\
     pg_catalog.to_jsonb(k) -> 'confdelsetcols', 'null'), '[]')))), \
     ARRAY(SELECT CASE WHEN pn.nspname = 'pg_catalog' THEN p.oprname::text ELSE \
     'OPERATOR(' || quote_ident(pn.nspname) || '.' || p.oprname || ')' END FROM unnest(k.conexclop) WITH ORDINALITY o (op, at) \
     JOIN pg_catalog.pg_operator p ON p.oid = o.op JOIN pg_catalog.pg_namespace pn ON pn.oid = p.oprnamespace ORDER BY o.at), \
     ic.relname::text",
    " JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x', 'c', 'f')\
     \x20LEFT JOIN pg_catalog.pg_class fc ON fc.oid = k.confrelid\
     \x20LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace\
     \x20LEFT JOIN pg_catalog.pg_class ic ON ic.oid = k.conindid AND k.contype IN ('p', 'u', 'x')",
    "",
    ", k.contype <> 'p', k.conname COLLATE \"C\""
);

/// For each part of each index: schema, table, index, method, whether unique, whether NULLs are duplicates, the rows that it is
/// limited to, storage parameters, whether it is searched by this part, its column or else its expression, collation, operator
/// class with its parameters, the bits of its order.
pub const INDEXES: &str = over_tables!(
    "n.nspname::text, c.relname::text, ic.relname::text, am.amname::text, i.indisunique, \
     coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), \
     pg_catalog.pg_get_expr(i.indpred, i.indrelid), coalesce(ic.reloptions, '{}'), ia.attnum <= i.indnkeyatts, \
     ta.attname::text, CASE WHEN ta.attname IS NULL THEN pg_catalog.pg_get_indexdef(ic.oid, ia.attnum, false) END, \
     CASE WHEN ia.attcollation <> coalesce(ta.attcollation, ty.typcollation) THEN \
     concat(quote_ident(nullif(cn.nspname, 'pg_catalog')) || '.', quote_ident(co.collname)) END, \
     CASE WHEN NOT oc.opcdefault THEN concat(CASE WHEN NOT pg_catalog.pg_opclass_is_visible(oc.oid) THEN \
     quote_ident(ocn.nspname) || '.' END, quote_ident(oc.opcname)) END, coalesce(ia.attoptions, '{}'), \
     coalesce(i.indoption[ia.attnum - 1], 0)::bigint",
    " JOIN pg_catalog.pg_index i ON i.indrelid = c.oid\
     \x20JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid\
     \x20JOIN pg_catalog.pg_am am ON am.oid = ic.relam\
     \x20JOIN pg_catalog.pg_attribute ia ON ia.attrelid = ic.oid\
     \x20JOIN pg_catalog.pg_type ty ON ty.oid = ia.atttypid\
     \x20LEFT JOIN pg_catalog.pg_attribute ta ON ta.attrelid = c.oid AND ta.attnum = i.indkey[ia.attnum - 1]\
     \x20AND ta.attnum <> 0\
     \x20LEFT JOIN pg_catalog.pg_collation co ON co.oid = ia.attcollation\
     \x20LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\
     \x20LEFT JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[ia.attnum - 1] AND ia.attnum <= i.indnkeyatts\
     \x20LEFT JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace",
    "",
    ", ic.relname COLLATE \"C\", ia.attnum"
);
