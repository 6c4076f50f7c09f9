//! A schema with everything that a table can have, as text here and run on every server by the smoke tests.

use data_bridge_orm::schema::{
    Action, Builtin, Column, EnumType, Exclude, ExclusionOperator, Fragment, Identity, IndexForm,
    Name, Nulls, OperatorClass, Part, PgType, QualifiedName, Reference, Rule, SequenceOptions,
    Table, Timing, naming::Naming,
};

fn column(name: &str) -> Column {
    Column::new(name, Builtin::Int4).unwrap()
}

/// The referring table comes first, so that the order has to be found.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn tables() -> Vec<Table> {
    let name = |text: &str| Name::new(text).unwrap();
    let sql = |text: &str| Fragment::new(text).unwrap();
    let mood = EnumType::new(
        QualifiedName::parse("mood").unwrap(),
        ["sad", "it's \\ fine"],
    );
    let rooms = Table::builder("rooms")
        .unwrap()
        .schema("hotel")
        .unwrap()
        .column(column("house"))
        .column(column("number"))
        .column(
            Column::new("mood", PgType::from(mood.unwrap()))
                .unwrap()
                .default("'sad'")
                .unwrap(),
        )
        .column(column("beds"))
        .column(column("guests").generated("beds * 2").unwrap())
        .constraint(None, Rule::primary_key(vec![name("house"), name("number")]))
        .build()
        .unwrap();
    let mut serial = column("id").primary_key().identity(Identity::ByDefault);
    serial.sequence = SequenceOptions {
        start: Some(100),
        increment: Some(10),
        cycle: true,
        ..SequenceOptions::default()
    };
    let mut to_room = Reference::to(rooms.name().clone(), vec![name("house"), name("number")]);
    to_room.full = true;
    let equal = || ExclusionOperator::new("=").unwrap();
    let mut tagged = IndexForm::over([Part::column("tags")
        .unwrap()
        .opclass("jsonb_path_ops")
        .unwrap()])
    .method("gin")
    .unwrap();
    tagged.parameters = vec![(name("fastupdate"), sql("off"))];
    let mut covering = IndexForm::over([
        Part::column("beds")
            .unwrap()
            .descending()
            .nulls(Nulls::Last),
        Part::expression("lower(guest)").unwrap(),
    ])
    .unique()
    .filter("guest IS NOT NULL")
    .unwrap();
    covering.include = vec![name("house")];
    let mut prefixes = Part::column("guest").unwrap();
    prefixes.collation = Some(QualifiedName::parse("C").unwrap());
    prefixes.opclass = Some(OperatorClass {
        name: QualifiedName::parse("text_pattern_ops").unwrap(),
        parameters: Vec::new(),
    });
    let stays = Table::builder("stays")
        .unwrap()
        .schema("hotel")
        .unwrap()
        .naming(Naming::new([("ck", "ck_{table}"), ("ix", "ix_{table}_{columns}")]).unwrap())
        .column(serial)
        .column(column("house").nullable())
        .column(column("number").nullable())
        .column(column("beds").check("beds > 0").unwrap())
        .column(Column::new("guest", Builtin::Text).unwrap().nullable())
        .column(Column::new("tags", Builtin::Jsonb).unwrap().nullable())
        .column(Column::new("during", Builtin::TsRange).unwrap().nullable())
        .column(
            column("after_id")
                .nullable()
                .references(
                    Reference::parse("hotel.stays.id")
                        .unwrap()
                        .on_delete(Action::SetNull),
                )
                .timing(Timing::Deferred),
        )
        .constraint_timed(
            None,
            Rule::ForeignKey {
                columns: vec![name("house"), name("number")],
                references: to_room,
            },
            Timing::Deferrable,
        )
        .constraint_timed(None, Rule::unique(vec![name("guest")]), Timing::Deferred)
        .constraint(
            None,
            Rule::Unique {
                columns: vec![name("house")],
                include: vec![name("beds")],
                nulls_not_distinct: false,
            },
        )
        .constraint(
            None,
            Rule::Check {
                condition: sql("beds < 9"),
                no_inherit: true,
            },
        )
        .constraint(
            None,
            Rule::Exclude(Exclude {
                method: Some(name("gist")),
                elements: vec![
                    (
                        Part::expression("int4range(house, number)").unwrap(),
                        ExclusionOperator::new("&&").unwrap(),
                    ),
                    (
                        Part::column("during").unwrap(),
                        ExclusionOperator::new("OPERATOR(pg_catalog.-|-)").unwrap(),
                    ),
                ],
                include: Vec::new(),
                filter: Some(sql("beds > 1")),
            }),
        )
        .constraint(
            None,
            Rule::Exclude(Exclude {
                method: None,
                elements: vec![(Part::column("guest").unwrap(), equal())],
                include: Vec::new(),
                filter: None,
            }),
        )
        .index(None, tagged)
        .index(None, covering)
        .index(None, IndexForm::over([prefixes]))
        .build()
        .unwrap();
    vec![stays, rooms]
}
