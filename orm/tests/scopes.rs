//! Tables whose rows are deleted softly or belong to tenants: the conditions stand wherever they are read or written.

use data_bridge_driver::Error;
use data_bridge_orm::{
    query::{
        Conflict, Delete, Derived, Expr, Insert, Join, Link, Param, Scope, Select, SetOperator,
        Statement, Update,
    },
    schema::{Builtin, Column, Reference, Table},
};

fn owned(name: &str) -> Table {
    Table::builder(name)
        .unwrap()
        .column(Column::new("id", Builtin::Int8).unwrap().primary_key())
        .column(Column::new("tenant", Builtin::Text).unwrap())
        .column(
            Column::new("parent_id", Builtin::Int8)
                .unwrap()
                .nullable()
                .references(Reference::parse("nodes.id").unwrap()),
        )
        .column(
            Column::new("deleted_at", Builtin::TimestampTz)
                .unwrap()
                .nullable(),
        )
        .soft_delete("deleted_at")
        .tenant("tenant")
        .build()
        .unwrap()
}

fn flagged() -> Table {
    Table::builder("tags")
        .unwrap()
        .column(Column::new("id", Builtin::Int8).unwrap().primary_key())
        .column(Column::new("gone", Builtin::Bool).unwrap())
        .soft_delete("gone")
        .build()
        .unwrap()
}

fn acme() -> Scope {
    Scope::new().tenant(Param::new("acme"))
}

/// The text without quotes, and how many parameters it has.
fn shown(rendered: Result<Statement<'_, Param>, Error>) -> String {
    rendered.map_or_else(
        |error| format!("error: {error}"),
        |statement| {
            format!(
                "{} [{}]",
                statement.sql.replace('"', ""),
                statement.params.len()
            )
        },
    )
}

fn ids(table: &Table) -> Select {
    Select::of([table.column("id").unwrap().expr()]).source(table)
}

#[test]
fn wherever_rows_are_read() {
    let (nodes, tags) = (owned("nodes"), flagged());
    let id = |table: &Table| table.column("id").unwrap();
    let alias = nodes.alias("parent").unwrap();
    let parent = nodes.column("parent_id").unwrap();
    let either = id(&nodes).eq(1_i64) | id(&nodes).eq(2_i64);
    let joined = |join| {
        let on = id(&alias).eq(&parent) | id(&alias).eq(7_i64);
        ids(&nodes).join(join, &alias, on).filter(either.clone())
    };
    let link = Link::new("parent", parent.clone(), id(&nodes)).unwrap();
    let derived = Derived::subquery("d", ids(&nodes)).unwrap();
    let cte = Derived::cte("c", ids(&nodes)).unwrap();
    let of = |derived: &Derived<Param>| Select::of([derived.column("id").unwrap()]).source(derived);
    let shown: Vec<_> = [
        ids(&nodes),
        ids(&nodes).filter(either.clone()),
        ids(&tags),
        ids(&nodes).source(&tags),
        ids(&nodes).count(),
        ids(&nodes).exists(),
        ids(&nodes).distinct().count(),
        joined(Join::Inner),
        joined(Join::Left),
        joined(Join::Right),
        joined(Join::Full),
        Select::from(&nodes).link(&link),
        ids(&tags).filter(Expr::exists(ids(&nodes).filter(parent.eq(&id(&tags))))),
        ids(&tags).filter(id(&tags).expr().eq(Expr::scalar(ids(&nodes)))),
        of(&derived),
        of(&cte),
        ids(&nodes).combine(SetOperator::Union, ids(&alias)),
    ]
    .iter()
    .map(|query| shown(query.render_in(&acme())))
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    SELECT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1 [1]
    SELECT nodes.id FROM nodes WHERE (nodes.id = $1 OR nodes.id = $2) AND nodes.deleted_at IS NULL AND nodes.tenant = $3 [3]
    SELECT tags.id FROM tags WHERE tags.gone IS NOT TRUE [0]
    SELECT nodes.id FROM nodes CROSS JOIN tags WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1 AND tags.gone IS NOT TRUE [1]
    SELECT count(*) FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1 [1]
    SELECT EXISTS (SELECT FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1) [1]
    SELECT count(*) FROM (SELECT DISTINCT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1) AS counted [1]
    SELECT nodes.id FROM nodes JOIN nodes AS parent ON (parent.id = nodes.parent_id OR parent.id = $1) AND parent.deleted_at IS NULL AND parent.tenant = $2 WHERE (nodes.id = $3 OR nodes.id = $4) AND nodes.deleted_at IS NULL AND nodes.tenant = $2 [4]
    SELECT nodes.id FROM nodes LEFT JOIN nodes AS parent ON (parent.id = nodes.parent_id OR parent.id = $1) AND parent.deleted_at IS NULL AND parent.tenant = $2 WHERE (nodes.id = $3 OR nodes.id = $4) AND nodes.deleted_at IS NULL AND nodes.tenant = $2 [4]
    SELECT nodes.id FROM (SELECT * FROM nodes WHERE deleted_at IS NULL AND tenant = $1) AS nodes RIGHT JOIN (SELECT * FROM nodes WHERE deleted_at IS NULL AND tenant = $1) AS parent ON parent.id = nodes.parent_id OR parent.id = $2 WHERE nodes.id = $3 OR nodes.id = $4 [4]
    SELECT nodes.id FROM (SELECT * FROM nodes WHERE deleted_at IS NULL AND tenant = $1) AS nodes FULL JOIN (SELECT * FROM nodes WHERE deleted_at IS NULL AND tenant = $1) AS parent ON parent.id = nodes.parent_id OR parent.id = $2 WHERE nodes.id = $3 OR nodes.id = $4 [4]
    SELECT nodes.id, nodes.tenant, nodes.parent_id, nodes.deleted_at, parent.id AS parent.id, parent.tenant AS parent.tenant, parent.parent_id AS parent.parent_id, parent.deleted_at AS parent.deleted_at FROM nodes LEFT JOIN nodes AS parent ON parent.id = nodes.parent_id AND parent.deleted_at IS NULL AND parent.tenant = $1 WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1 [1]
    SELECT tags.id FROM tags WHERE EXISTS (SELECT FROM nodes WHERE nodes.parent_id = tags.id AND nodes.deleted_at IS NULL AND nodes.tenant = $1) AND tags.gone IS NOT TRUE [1]
    SELECT tags.id FROM tags WHERE tags.id = (SELECT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1) AND tags.gone IS NOT TRUE [1]
    SELECT d.id FROM (SELECT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1) AS d (id) [1]
    WITH c (id) AS (SELECT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1) SELECT c.id FROM c [1]
    SELECT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1 UNION SELECT parent.id FROM nodes AS parent WHERE parent.deleted_at IS NULL AND parent.tenant = $1 [1]
    ");
}

#[test]
fn ways_out() {
    let (nodes, tags) = (owned("nodes"), flagged());
    let id = nodes.column("id").unwrap();
    let within = ids(&tags).filter(Expr::exists(ids(&nodes))).unscoped();
    let both = ids(&nodes).combine(SetOperator::Union, ids(&nodes));
    let lines = [
        shown(ids(&nodes).render()),
        shown(ids(&nodes).with_deleted().render_in(&acme())),
        shown(ids(&nodes).unscoped().render()),
        shown(ids(&nodes).unscoped().count().render()),
        shown(ids(&nodes).exists().unscoped().render()),
        shown(ids(&nodes).render_in(&acme().with_deleted())),
        shown(ids(&nodes).render_in(&acme().unscoped())),
        // What stands in a condition speaks for itself.
        shown(within.render_in(&acme())),
        shown(both.unscoped().render()),
        shown(
            ids(&nodes)
                .unscoped()
                .combine(SetOperator::Union, ids(&nodes))
                .render_in(&acme()),
        ),
        shown(
            Update::table(&nodes)
                .set(id.clone(), 1_i64)
                .every_row()
                .unscoped()
                .render(),
        ),
        shown(Delete::from(&nodes).every_row().hard().render_in(&acme())),
        shown(Delete::from(&nodes).every_row().hard().unscoped().render()),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    error: the rows of nodes belong to tenants, and none is set: run this within tenant(...), or say that it is for all of them with unscoped()
    SELECT nodes.id FROM nodes WHERE nodes.tenant = $1 [1]
    SELECT nodes.id FROM nodes [0]
    SELECT count(*) FROM nodes [0]
    SELECT EXISTS (SELECT FROM nodes) [0]
    SELECT nodes.id FROM nodes WHERE nodes.tenant = $1 [1]
    SELECT nodes.id FROM nodes [0]
    SELECT tags.id FROM tags WHERE EXISTS (SELECT FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1) [1]
    SELECT nodes.id FROM nodes UNION SELECT nodes.id FROM nodes [0]
    SELECT nodes.id FROM nodes UNION SELECT nodes.id FROM nodes WHERE nodes.deleted_at IS NULL AND nodes.tenant = $1 [1]
    UPDATE nodes SET id = $1 [1]
    DELETE FROM nodes WHERE nodes.tenant = $1 [1]
    DELETE FROM nodes [0]
    ");
}

#[test]
fn wherever_rows_are_written() {
    let (nodes, tags) = (owned("nodes"), flagged());
    let id = nodes.column("id").unwrap();
    let tenant = nodes.column("tenant").unwrap();
    let either = id.eq(1_i64) | id.eq(2_i64);
    let upsert = Insert::into(&nodes)
        .set(id.clone(), 1_i64)
        .set(tenant.clone(), "acme");
    let conflict = || Conflict::columns(vec![id.clone()]);
    let lines = [
        shown(
            Update::table(&nodes)
                .set(id.clone(), 3_i64)
                .filter(either.clone())
                .render_in(&acme()),
        ),
        shown(
            Update::table(&nodes)
                .set(id.clone(), 3_i64)
                .every_row()
                .render_in(&acme()),
        ),
        shown(
            Update::table(&nodes)
                .set(tenant.clone(), "x")
                .every_row()
                .render_in(&acme()),
        ),
        shown(
            Update::table(&nodes)
                .set(id.clone(), 3_i64)
                .every_row()
                .render(),
        ),
        shown(
            Delete::from(&nodes)
                .filter(either.clone())
                .returning()
                .render_in(&acme()),
        ),
        shown(Delete::from(&tags).every_row().render()),
        shown(upsert.clone().on_conflict(conflict()).render_in(&acme())),
        shown(
            upsert
                .clone()
                .on_conflict(conflict().update(id.clone()))
                .returning()
                .render_in(&acme()),
        ),
        shown(
            upsert
                .on_conflict(conflict().set(tenant, "x"))
                .render_in(&acme()),
        ),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    UPDATE nodes SET id = $1 WHERE (nodes.id = $2 OR nodes.id = $3) AND nodes.deleted_at IS NULL AND nodes.tenant = $4 [4]
    UPDATE nodes SET id = $1 WHERE nodes.deleted_at IS NULL AND nodes.tenant = $2 [2]
    error: nodes.tenant says whose row it is and is not updated; to hand rows to another tenant say that the statement is unscoped
    error: the rows of nodes belong to tenants, and none is set: run this within tenant(...), or say that it is for all of them with unscoped()
    UPDATE nodes SET deleted_at = now() WHERE (nodes.id = $1 OR nodes.id = $2) AND nodes.deleted_at IS NULL AND nodes.tenant = $3 RETURNING nodes.id, nodes.tenant, nodes.parent_id, nodes.deleted_at [3]
    UPDATE tags SET gone = true WHERE tags.gone IS NOT TRUE [0]
    INSERT INTO nodes (id, tenant) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING [2]
    INSERT INTO nodes (id, tenant) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id WHERE nodes.deleted_at IS NULL AND nodes.tenant = $3 RETURNING nodes.id, nodes.tenant, nodes.parent_id, nodes.deleted_at [3]
    error: nodes.tenant says whose row it is and is not updated; to hand rows to another tenant say that the statement is unscoped
    ");
}

#[test]
fn a_schema_for_tables_that_name_none() {
    let tags = flagged();
    let placed = Table::builder("tags")
        .unwrap()
        .schema("own")
        .unwrap()
        .column(Column::new("id", Builtin::Int8).unwrap().primary_key())
        .build()
        .unwrap();
    let scope = Scope::new().schema("Acme").unwrap();
    let id = tags.column("id").unwrap();
    let lines = [
        ids(&tags).render_in(&scope).map(|s| s.sql),
        ids(&placed).render_in(&scope).map(|s| s.sql),
        Update::<Param>::table(&tags)
            .set(id.clone(), 1_i64)
            .every_row()
            .render_in(&scope)
            .map(|s| s.sql),
        Delete::<Param>::from(&tags)
            .every_row()
            .hard()
            .render_in(&scope)
            .map(|s| s.sql),
        Insert::<Param>::into(&tags)
            .set(id, 1_i64)
            .render_in(&scope)
            .map(|s| s.sql),
    ]
    .map(|sql| sql.unwrap_or_else(|error| error.to_string()));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    SELECT "tags"."id" FROM "Acme"."tags" WHERE "tags"."gone" IS NOT TRUE
    SELECT "tags"."id" FROM "own"."tags"
    UPDATE "Acme"."tags" SET "id" = $1 WHERE "tags"."gone" IS NOT TRUE
    DELETE FROM "Acme"."tags"
    INSERT INTO "Acme"."tags" ("id") VALUES ($1)
    "#);
    assert!(Scope::<Param>::new().schema("").is_err());
}

#[test]
fn columns_that_cannot_tell() {
    let table = |soft: Option<&str>, tenant: Option<&str>| {
        let mut table = Table::builder("t")
            .unwrap()
            .column(Column::new("id", Builtin::Int8).unwrap());
        if let Some(column) = soft {
            table = table.soft_delete(column);
        }
        if let Some(column) = tenant {
            table = table.tenant(column);
        }
        table
            .build()
            .map_or_else(|error| error.to_string(), |_| "fine".to_owned())
    };
    let lines = [
        table(Some("x"), None),
        table(None, Some("x")),
        table(Some("id"), None),
        table(None, Some("id")),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    table t has no column "x" to tell deleted rows or tenants by
    table t has no column "x" to tell deleted rows or tenants by
    t.id says when a row was deleted, so it must be nullable; or a boolean
    fine
    "#);
}

#[test]
fn bulk_upserts_ask_the_same_of_rows_that_are_there() {
    let nodes = owned("nodes");
    let engineers = Table::builder("staff")
        .unwrap()
        .column(Column::new("id", Builtin::Int8).unwrap().primary_key())
        .column(Column::new("kind", Builtin::Text).unwrap())
        .kind("kind", "engineer")
        .build()
        .unwrap();
    let asked = |table: &Table, scope: &Scope| {
        let condition = table.conflict_condition(scope);
        condition.map_or_else(|error| error.to_string(), |sql| sql.replace('"', ""))
    };
    assert_eq!(
        asked(&nodes, &acme()),
        "nodes.deleted_at IS NULL AND nodes.tenant = EXCLUDED.tenant"
    );
    assert!(asked(&nodes, &Scope::new()).contains("none is set"));
    assert_eq!(asked(&nodes, &Scope::new().unscoped()), "");
    for scope in [Scope::new(), Scope::new().unscoped()] {
        assert_eq!(asked(&engineers, &scope), "staff.kind = 'engineer'");
    }
}
