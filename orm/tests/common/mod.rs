//! A small schema with a circle, a self-reference and awkward names.

use data_bridge_orm::schema::{Action, Builtin, Column, Identity, PgType, Reference, Table};

pub fn users() -> Table {
    Table::builder("users")
        .unwrap()
        .column(
            Column::new("id", Builtin::Int8)
                .unwrap()
                .primary_key()
                .identity(Identity::Always),
        )
        .column(
            Column::new("email", Builtin::Text)
                .unwrap()
                .unique()
                .check("email ~ '@'")
                .unwrap(),
        )
        .column(
            Column::new("name", PgType::parse("varchar(40)").unwrap())
                .unwrap()
                .nullable(),
        )
        .column(
            Column::new("created_at", Builtin::TimestampTz)
                .unwrap()
                .default("now()")
                .unwrap(),
        )
        .build()
        .unwrap()
}

pub fn posts() -> Table {
    let author = Reference::parse("users.id")
        .unwrap()
        .on_delete(Action::Cascade)
        .on_update(Action::Restrict);
    Table::builder("posts")
        .unwrap()
        .comment("What people write: it's \\ text")
        .column(
            Column::new("id", Builtin::Int8)
                .unwrap()
                .primary_key()
                .identity(Identity::ByDefault),
        )
        .column(
            Column::new("author_id", Builtin::Int8)
                .unwrap()
                .nullable()
                .references(author)
                .comment("who wrote it"),
        )
        .column(
            Column::new("title", Builtin::Text)
                .unwrap()
                .index()
                .collation("C")
                .unwrap(),
        )
        .column(
            Column::new("tags", PgType::from(Builtin::Text).array())
                .unwrap()
                .default("'{}'")
                .unwrap(),
        )
        .build()
        .unwrap()
}
