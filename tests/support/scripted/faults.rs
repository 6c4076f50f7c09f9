//! The table of faults: what the server does, what the client calls, and what the caller must see.
//!
//! Every front runs the whole table, the Python ones through the `scripted-server` binary. A fault
//! that is worth a test is one line here.

use std::time::Duration;

use data_bridge_driver::error::Kind;

use super::auth::{Auth, PASSWORD, ScramFault};
use super::message::{self, Column, INT4};
use super::mutation::{Action, Op, on, on_startup};
use super::script::{Pattern, Script, Step};

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Unique, in snake case.
    pub name: &'static str,
    /// What the first connection meets; later ones are honest.
    pub script: Script,
    /// What the client does.
    pub call: Call,
    /// What the caller sees.
    pub outcome: Outcome,
    /// What becomes of the connection.
    pub after: After,
}

/// What the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Connects in plaintext, with a limit of [`LIMIT`].
    Connect,
    /// Connects with TLS required, with a limit of [`LIMIT`].
    ConnectTls,
    /// Fetches all rows of this statement, with a limit of [`LIMIT`].
    Fetch(&'static str),
    /// Fetches the first statement, and then the second with its fault.
    FetchTwice(&'static str, &'static str),
    /// Fetches this statement, is idle for a moment, and fetches it again: a call for pools.
    Idle(&'static str),
    /// Begins a transaction, fetches this in it and commits.
    Transaction(&'static str),
    /// Copies a few rows of one `text` column in.
    CopyIn,
}

/// What the caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An error of one of these kinds.
    Fails(&'static [Kind]),
    /// A server's error with this SQLSTATE, as the error itself or as its source.
    Sqlstate(&'static str),
    /// As if there were no fault.
    Works,
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It is closed, and the next query of the same pool runs on a fresh one.
    Closed,
    /// The next query runs on it.
    Usable,
}

/// The time limit that clients of the table set for connecting and for each call.
pub const LIMIT: Duration = Duration::from_millis(500);
/// How much later than its limit a call may end.
pub const GRACE: Duration = Duration::from_millis(500);

const PROTOCOL: Outcome = Outcome::Fails(&[Kind::Protocol]);
const LOST: Outcome = Outcome::Fails(&[Kind::ConnectionLost]);
const AUTH: Outcome = Outcome::Fails(&[Kind::Auth]);
const TLS: Outcome = Outcome::Fails(&[Kind::Tls, Kind::Protocol]);
const DATA: Outcome = Outcome::Fails(&[Kind::Data]);

const ONE: Call = Call::Fetch("SELECT 42");
const TEXT: Call = Call::Fetch("SELECT 'abc'");
const THREE: Call = Call::Fetch("SELECT generate_series(1, 3)");

/// The table.
pub fn faults() -> Vec<Fault> {
    [
        startup(),
        authentication(),
        frames(),
        rows(),
        order(),
        ends(),
        statements(),
        writes(),
    ]
    .concat()
}

/// The line with this name.
pub fn fault(name: &str) -> Option<Fault> {
    faults().into_iter().find(|fault| fault.name == name)
}

fn connect(name: &'static str, script: Script, outcome: Outcome) -> Fault {
    Fault {
        name,
        script,
        call: Call::Connect,
        outcome,
        after: After::Closed,
    }
}

fn connect_tls(name: &'static str, script: Script, outcome: Outcome) -> Fault {
    Fault {
        name,
        script,
        call: Call::ConnectTls,
        outcome,
        after: After::Closed,
    }
}

/// A fault that ends the connection.
fn fatal(name: &'static str, call: Call, script: Script, outcome: Outcome) -> Fault {
    Fault {
        name,
        script,
        call,
        outcome,
        after: After::Closed,
    }
}

/// A fault that the connection survives.
fn mild(name: &'static str, call: Call, script: Script, outcome: Outcome) -> Fault {
    Fault {
        name,
        script,
        call,
        outcome,
        after: After::Usable,
    }
}

/// Reads the startup packet and answers with these bytes, then says no more.
fn greet(bytes: &[u8]) -> Script {
    Script::steps([
        Step::Expect(Pattern::Startup),
        Step::Send(bytes.into()),
        Step::Stall,
    ])
}

#[rustfmt::skip] // a table
fn startup() -> Vec<Fault> {
    let timeout = Outcome::Fails(&[Kind::ConnectTimeout]);
    let gone = Outcome::Fails(&[Kind::ConnectionLost, Kind::Connect]);
    let lie = |tag, op| Script::lie(on_startup(tag).then(op));
    let refuse = |code| {
        let error = message::error("FATAL", code, "refused");
        Script::steps([Step::Expect(Pattern::Startup), Step::Send(error), Step::Close])
    };
    let tls =
        |reply: &[u8]| Script::steps([Step::Expect(Pattern::SslRequest), Step::Send(reply.into()), Step::Stall]);
    // The handshake itself is not read: the server goes on without it.
    let agreed = |bytes: &[u8]| {
        Script::steps([
            Step::Expect(Pattern::SslRequest),
            Step::Send(b"S".into()),
            Step::Sleep(Duration::from_millis(50)),
            Step::Send(bytes.into()),
            Step::Close,
        ])
    };
    vec![
        connect("startup_silence", greet(&[]), timeout),
        connect("startup_hangs_after_auth", lie(b'K', Op::Cut(0, Action::Stall)), timeout),
        connect("startup_hangs_in_a_frame", lie(b'S', Op::Cut(7, Action::Stall)), timeout),
        connect("startup_http", greet(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"), PROTOCOL),
        connect("startup_smtp", greet(b"220 mail ESMTP\r\n"), PROTOCOL),
        connect("startup_length_minus_1", lie(b'R', Op::Claim(-1)), PROTOCOL),
        connect("startup_length_0", lie(b'R', Op::Claim(0)), PROTOCOL),
        connect("startup_length_3", lie(b'R', Op::Claim(3)), PROTOCOL),
        connect("startup_length_2_gib", lie(b'R', Op::Claim(i32::MAX)), PROTOCOL),
        connect("startup_length_1_mib", lie(b'S', Op::Claim(1 << 20)), PROTOCOL),
        connect("startup_eof", Script::steps([Step::Expect(Pattern::Startup), Step::Close]), gone),
        connect("startup_eof_in_a_frame", lie(b'S', Op::Cut(7, Action::Close)), gone),
        connect("startup_reset", Script::steps([Step::Expect(Pattern::Startup), Step::Rst]), gone),
        connect("startup_status_unknown", lie(b'Z', Op::Patch(0, b"X".to_vec())), PROTOCOL),
        connect("startup_status_empty", lie(b'Z', Op::Shorten(1)), PROTOCOL),
        connect("startup_key_short", lie(b'K', Op::Shorten(2)), PROTOCOL),
        connect("startup_parameter_unterminated", lie(b'S', Op::Shorten(1)), PROTOCOL),
        connect("startup_row", lie(b'K', Op::Before(message::data_row(&[None]))), PROTOCOL),
        connect(
            "startup_latin1",
            Script::lie(
                on_startup(b'S')
                    .containing("client_encoding")
                    .then(Op::Replace(message::parameter_status("client_encoding", "LATIN1"))),
            ),
            PROTOCOL,
        ),
        connect("startup_starting_up", refuse("57P03"), Outcome::Sqlstate("57P03")),
        connect("startup_too_many", refuse("53300"), Outcome::Sqlstate("53300")),
        connect("startup_no_database", refuse("3D000"), Outcome::Sqlstate("3D000")),
        connect("startup_trickle", Script::steps([Step::Trickle(1)]), Outcome::Works),
        connect_tls("tls_silence", tls(b""), timeout),
        connect_tls("tls_refused", tls(b"N"), TLS),
        connect_tls("tls_neither", tls(b"X"), TLS),
        connect_tls("tls_error", tls(&message::error("FATAL", "XX000", "no")), TLS),
        connect_tls("tls_stuffed", tls(b"SR\0\0\0\x08\0\0\0\0"), TLS),
        connect_tls("tls_garbage", agreed(b"\x16\x03\x03\x00\x08garbage!"), TLS),
        connect_tls("tls_no_records", agreed(b"HTTP/1.1 400 Bad Request\r\n\r\n"), TLS),
        connect_tls("tls_plaintext", agreed(&[message::auth_ok(), message::ready(b'I')].concat()), TLS),
        connect_tls("tls_eof", agreed(b""), gone),
    ]
}

#[rustfmt::skip] // a table
fn authentication() -> Vec<Fault> {
    let scram = |fault| Script::auth(Auth::Scram { password: PASSWORD.into(), fault });
    let login = |name, fault| connect(name, scram(fault), AUTH);
    let malformed = |name, fault| connect(name, scram(fault), PROTOCOL);
    let refused = |auth| Script::auth(auth);
    let wrong = || "another".to_owned();
    vec![
        connect("scram_right", scram(ScramFault::None), Outcome::Works),
        connect("md5_right", Script::auth(Auth::Md5 { password: PASSWORD.into() }), Outcome::Works),
        login("scram_wrong_signature", ScramFault::WrongSignature),
        login("scram_final_omitted", ScramFault::FinalOmitted),
        login("scram_foreign_nonce", ScramFault::ForeignNonce),
        login("scram_nonce_not_extended", ScramFault::NonceNotExtended),
        login("scram_iterations_2_31", ScramFault::Iterations("2147483647")),
        login("scram_iterations_20_million", ScramFault::Iterations("20000000")),
        login("scram_iterations_0", ScramFault::Iterations("0")),
        malformed("scram_iterations_negative", ScramFault::Iterations("-1")),
        malformed("scram_iterations_text", ScramFault::Iterations("many")),
        login("scram_empty_salt", ScramFault::EmptySalt),
        login("scram_only_plus", ScramFault::OnlyPlus),
        login("scram_unknown_mechanism", ScramFault::UnknownMechanism),
        login("scram_error_in_final", ScramFault::ErrorInFinal),
        malformed("scram_garbage", ScramFault::Garbage),
        connect("cleartext_without_tls", refused(Auth::Cleartext { password: PASSWORD.into() }), AUTH),
        connect(
            "scram_wrong_password",
            Script::auth(Auth::Scram { password: wrong(), fault: ScramFault::None }),
            Outcome::Sqlstate("28P01"),
        ),
        connect("md5_wrong_password", Script::auth(Auth::Md5 { password: wrong() }), Outcome::Sqlstate("28P01")),
        connect("auth_kerberos", greet(&message::auth(2, &[])), AUTH),
        connect("auth_unknown", greet(&message::auth(99, &[])), Outcome::Fails(&[Kind::Auth, Kind::Protocol])),
    ]
}

/// Lies about where a message ends.
#[rustfmt::skip] // a table
fn frames() -> Vec<Fault> {
    let lie = |tag, op| Script::lie(on(tag).then(op));
    let hang = Outcome::Fails(&[Kind::Timeout]);
    vec![
        fatal("length_minus_1", ONE, lie(b'D', Op::Claim(-1)), PROTOCOL),
        fatal("length_0", ONE, lie(b'D', Op::Claim(0)), PROTOCOL),
        fatal("length_3", ONE, lie(b'C', Op::Claim(3)), PROTOCOL),
        fatal("length_2_gib", ONE, lie(b'D', Op::Claim(i32::MAX)), PROTOCOL),
        // Below the server's own limit, so that only the clock can tell.
        fatal("length_512_mib", ONE, lie(b'D', Op::Claim(512 << 20)), hang),
        fatal("eof_in_a_frame", ONE, lie(b'D', Op::Cut(8, Action::Close)), LOST),
        fatal("unknown_tag", ONE, lie(b'C', Op::Retag(b'?')), PROTOCOL),
        fatal("status_unknown", ONE, lie(b'Z', Op::Patch(0, b"Q".to_vec())), PROTOCOL),
        fatal("status_empty", ONE, lie(b'Z', Op::Shorten(1)), PROTOCOL),
        fatal("status_long", ONE, lie(b'Z', Op::Lengthen(b"I".to_vec())), PROTOCOL),
        fatal("tag_unterminated", ONE, lie(b'C', Op::Shorten(1)), PROTOCOL),
        fatal("parse_complete_with_a_body", ONE, lie(b'1', Op::Lengthen(vec![0])), PROTOCOL),
        mild("trickle", THREE, Script::steps([Step::Trickle(1)]), Outcome::Works),
    ]
}

/// Lies inside rows and their descriptions.
#[rustfmt::skip] // a table
fn rows() -> Vec<Fault> {
    let lie = |tag, op| Script::lie(on(tag).then(op));
    let described = |column| lie(b'T', Op::Replace(message::row_description(&[column])));
    let lying = |format, oid| Column { name: b"n".into(), oid, len: 4, format };
    let int4 = |bytes: &[u8]| lie(b'D', Op::Replace(message::data_row(&[Some(bytes)])));
    vec![
        fatal("row_counts_more", ONE, lie(b'D', Op::Patch(0, vec![0, 2])), PROTOCOL),
        fatal("row_counts_none", ONE, lie(b'D', Op::Replace(message::data_row(&[]))), PROTOCOL),
        fatal("row_counts_65535", ONE, lie(b'D', Op::Patch(0, vec![255, 255])), PROTOCOL),
        fatal("row_value_too_long", ONE, lie(b'D', Op::Patch(2, vec![0, 0, 1, 0])), PROTOCOL),
        fatal("row_value_2_gib", ONE, lie(b'D', Op::Patch(2, vec![127, 255, 255, 255])), PROTOCOL),
        fatal("row_value_minus_2", ONE, lie(b'D', Op::Patch(2, vec![255, 255, 255, 254])), PROTOCOL),
        fatal("row_trailing_byte", ONE, lie(b'D', Op::Lengthen(vec![0])), PROTOCOL),
        fatal(
            "row_of_no_columns_without_a_result",
            Call::Fetch("UPDATE t SET n = 1"),
            lie(b'C', Op::Before(message::data_row(&[]))),
            PROTOCOL,
        ),
        fatal("row_empty_body", ONE, lie(b'D', Op::Replace(message::frame(b'D', &[]))), PROTOCOL),
        fatal("description_counts_more", ONE, lie(b'T', Op::Patch(0, vec![0, 9])), PROTOCOL),
        fatal("description_cut", ONE, lie(b'T', Op::Shorten(3)), PROTOCOL),
        fatal("description_format_7", ONE, described(lying(7, INT4)), PROTOCOL),
        fatal("description_minus_1_columns", ONE, lie(b'T', Op::Patch(0, vec![255, 255])), PROTOCOL),
        mild("int4_of_3_bytes", ONE, int4(&[0, 0, 7]), DATA),
        mild("int4_of_8_bytes", ONE, int4(&[0, 0, 0, 0, 0, 0, 0, 7]), DATA),
        mild("int4_of_0_bytes", ONE, int4(&[]), DATA),
        mild("text_not_utf8", TEXT, lie(b'D', Op::Replace(message::data_row(&[Some(b"a\xff")]))), DATA),
        mild(
            "column_name_not_utf8",
            ONE,
            described(Column { name: b"a\xff".into(), ..Column::int4("", 0) }),
            Outcome::Works,
        ),
    ]
}

/// Messages that come too often, not at all, or at the wrong time.
#[rustfmt::skip] // a table
fn order() -> Vec<Fault> {
    let lie = |tag, op| Script::lie(on(tag).then(op));
    let row = || message::data_row(&[Some(&[0, 0, 0, 9])]);
    let status = |body: &[u8]| message::frame(b'S', body);
    vec![
        fatal("command_complete_missing", ONE, lie(b'C', Op::Drop), PROTOCOL),
        fatal("command_complete_twice", ONE, lie(b'C', Op::Duplicate), PROTOCOL),
        fatal("bind_complete_missing", ONE, lie(b'2', Op::Drop), PROTOCOL),
        fatal("parse_complete_twice", ONE, lie(b'1', Op::Duplicate), PROTOCOL),
        fatal("description_missing", ONE, lie(b'T', Op::Drop), PROTOCOL),
        fatal("description_twice", ONE, lie(b'T', Op::Duplicate), PROTOCOL),
        fatal("row_before_bind_complete", ONE, lie(b'2', Op::Swap), PROTOCOL),
        fatal("row_after_command_complete", ONE, lie(b'C', Op::After(row())), PROTOCOL),
        fatal("auth_in_session", ONE, lie(b'C', Op::Before(message::auth_ok())), PROTOCOL),
        fatal("key_in_session", ONE, lie(b'C', Op::Before(message::backend_key(1, &[0; 4]))), PROTOCOL),
        fatal("copy_in_to_select", ONE, lie(b'D', Op::Replace(message::copy_in_response(0, 1))), PROTOCOL),
        fatal("copy_out_to_select", ONE, lie(b'D', Op::Replace(message::copy_out_response(0, 1))), PROTOCOL),
        fatal("copy_data_to_select", ONE, lie(b'D', Op::Replace(message::copy_data(b"x"))), PROTOCOL),
        fatal("notification_cut", ONE, lie(b'C', Op::Before(message::frame(b'A', b"\0\0\0\x01ch"))), PROTOCOL),
        fatal("parameter_status_cut", ONE, lie(b'C', Op::Before(status(b"TimeZone\0UTC"))), PROTOCOL),
        fatal("parameter_status_empty", ONE, lie(b'C', Op::Before(status(b""))), PROTOCOL),
        fatal(
            "client_encoding_changes",
            ONE,
            lie(b'C', Op::Before(message::parameter_status("client_encoding", "LATIN1"))),
            PROTOCOL,
        ),
        mild(
            "notices_20000",
            ONE,
            lie(b'D', Op::Before(message::notice("NOTICE", "00000", "again").repeat(20_000))),
            Outcome::Works,
        ),
        mild(
            "notification_between_rows",
            THREE,
            lie(b'D', Op::After(message::notification(1, "jobs", "42"))),
            Outcome::Works,
        ),
        mild(
            "parameter_status_between_rows",
            THREE,
            lie(b'D', Op::After(message::parameter_status("TimeZone", "Asia/Tokyo"))),
            Outcome::Works,
        ),
    ]
}

/// Errors, and connections that end.
#[rustfmt::skip] // a table
fn ends() -> Vec<Fault> {
    let lie = |tag, op| Script::lie(on(tag).then(op));
    let last_words = |error: Vec<u8>| {
        let steps = [Step::ServeUntil(Pattern::Tag(b'S')), Step::Send(error), Step::Close];
        Script::steps(steps)
    };
    let during = |step| Script::steps([Step::ServeUntil(Pattern::Executes("SELECT")), step]);
    // Sent in place of the row, and the row's statement still ends as it should.
    let failing = |body: &[u8]| {
        let error = message::frame(b'E', body);
        Script::steps([Step::Before(Pattern::Executes("SELECT")), Step::FailNext(error)])
    };
    let hang = Outcome::Fails(&[Kind::Timeout]);
    // Not after the answer to a Parse, which some clients wait for.
    let after_a_query = |op| {
        Script::steps([Step::Before(Pattern::Executes("SELECT")), Step::Mutate(on(b'Z').then(op))])
    };
    let row = message::data_row(&[Some(&[0, 0, 0, 9])]);
    let bad_error = Outcome::Fails(&[Kind::Server, Kind::Protocol]);
    vec![
        fatal("eof", ONE, during(Step::Close), LOST),
        fatal("reset", ONE, during(Step::Rst), LOST),
        fatal("black_hole", ONE, during(Step::Stall), hang),
        // This one ends when it is cancelled, and the connection lives on.
        mild("slow_statement", Call::Fetch("SELECT pg_sleep(60)"), Script::honest(), hang),
        fatal("hang_in_a_result", THREE, lie(b'D', Op::Then(Action::Stall)), hang),
        fatal("hang_before_ready", ONE, lie(b'C', Op::Then(Action::Stall)), hang),
        fatal(
            "terminated",
            ONE,
            last_words(message::error("FATAL", "57P01", "terminating connection")),
            Outcome::Sqlstate("57P01"),
        ),
        fatal(
            "another_backend_crashed",
            ONE,
            last_words(message::notice("WARNING", "57P02", "terminating connection")),
            Outcome::Sqlstate("57P02"),
        ),
        mild("division_by_zero", Call::Fetch("SELECT 1/0"), Script::honest(), Outcome::Sqlstate("22012")),
        mild("error_not_utf8", ONE, failing(b"SERROR\0VERROR\0C22000\0Ma\xffb\0\0"), Outcome::Sqlstate("22000")),
        fatal(
            "terminated_while_idle",
            Call::Idle("SELECT 42"),
            after_a_query(Op::LastWords(message::error("FATAL", "57P01", "terminating connection"))),
            Outcome::Works,
        ),
        fatal("lost_while_idle", Call::Idle("SELECT 42"), after_a_query(Op::Then(Action::Rst)), Outcome::Works),
        // What nobody asked for is never the next query's answer.
        fatal("ready_twice", Call::Idle("SELECT 42"), after_a_query(Op::Duplicate), Outcome::Works),
        fatal("row_after_ready", Call::Idle("SELECT 42"), after_a_query(Op::After(row)), Outcome::Works),
        fatal("error_without_code", ONE, failing(b"SERROR\0VERROR\0Mwhat\0\0"), bad_error),
        fatal("error_empty", ONE, failing(b""), bad_error),
        fatal("error_without_fields", ONE, failing(b"\0"), bad_error),
        fatal("error_unterminated", ONE, failing(b"SERROR\0C22000\0Mwhat"), bad_error),
        fatal(
            "error_twice",
            Call::Fetch("SELECT 1/0"),
            lie(b'E', Op::Duplicate),
            Outcome::Fails(&[Kind::Protocol, Kind::Server]),
        ),
    ]
}

/// Statements that the server no longer knows, or plans that no longer fit.
#[rustfmt::skip] // a table
fn statements() -> Vec<Fault> {
    let stale = || {
        let fields = [
            (b'S', "ERROR"),
            (b'V', "ERROR"),
            (b'C', "0A000"),
            (b'M', "cached plan must not change result type"),
            (b'R', "RevalidateCachedQuery"),
        ];
        message::fields(b'E', &fields)
    };
    let again = |steps: Vec<Step>| {
        // The first Bind is served, the second meets the fault.
        let bind = || Step::Before(Pattern::Binds("SELECT 42"));
        Script::steps([vec![bind(), bind()], steps].concat())
    };
    let twice = Call::FetchTwice("SELECT 42", "SELECT 42");
    vec![
        mild("plan_is_stale", twice, again(vec![Step::FailNext(stale())]), Outcome::Works),
        mild("statement_is_gone", twice, again(vec![Step::ForgetStatements]), Outcome::Works),
        mild("discard_all", Call::FetchTwice("DISCARD ALL", "SELECT 42"), Script::honest(), Outcome::Works),
        mild("deallocate_all", Call::FetchTwice("DEALLOCATE ALL", "SELECT 42"), Script::honest(), Outcome::Works),
    ]
}

/// Transactions and COPY.
#[rustfmt::skip] // a table
fn writes() -> Vec<Fault> {
    let commit = |op| Script::lie(on(b'C').containing("COMMIT").then(op));
    let until = |sql, step| Script::steps([Step::ServeUntil(Pattern::Executes(sql)), step]);
    let transaction = Call::Transaction("SELECT 42");
    let unknown = Outcome::Fails(&[Kind::CommitOutcomeUnknown]);
    let copying = |step| Script::steps([Step::ServeUntil(Pattern::Tag(b'd')), step]);
    vec![
        mild("transaction", transaction, Script::honest(), Outcome::Works),
        fatal("commit_swallowed", transaction, until("COMMIT", Step::Close), unknown),
        fatal("commit_reset", transaction, until("COMMIT", Step::Rst), unknown),
        fatal("commit_hangs", transaction, until("COMMIT", Step::Stall), unknown),
        mild(
            "commit_rolls_back",
            transaction,
            commit(Op::Replace(message::command_complete("ROLLBACK"))),
            Outcome::Fails(&[Kind::TransactionRolledBack]),
        ),
        fatal("eof_in_a_transaction", transaction, until("SELECT", Step::Close), LOST),
        mild("copy_in", Call::CopyIn, Script::honest(), Outcome::Works),
        fatal("copy_eof", Call::CopyIn, copying(Step::Close), LOST),
        fatal("copy_reset", Call::CopyIn, copying(Step::Rst), LOST),
        fatal(
            "copy_terminated",
            Call::CopyIn,
            Script::steps([
                Step::ServeUntil(Pattern::Tag(b'd')),
                Step::Send(message::error("FATAL", "57P01", "terminating connection")),
                Step::Rst,
            ]),
            Outcome::Sqlstate("57P01"),
        ),
        mild(
            "copy_refused_at_the_end",
            Call::CopyIn,
            Script::steps([
                Step::Before(Pattern::Tag(b'c')),
                Step::FailNext(message::error("ERROR", "23505", "duplicate key")),
            ]),
            Outcome::Sqlstate("23505"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = faults().iter().map(|fault| fault.name).collect();
        let lines = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), lines);
        assert!(fault("black_hole").is_some());
    }
}
