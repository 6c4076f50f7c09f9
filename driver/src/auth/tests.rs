use postgres_protocol::password;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::error::Kind;

const PASSWORD: &str = "correct horse";
const NONCE: [u8; 18] = *b"\x00eighteen bytes\xff!!";
const SCRAM: &[u8] = b"SCRAM-SHA-256\0\0";

fn credentials() -> Credentials {
    Credentials {
        user: "anna".into(),
        password: Some(Zeroizing::new(PASSWORD.into())),
    }
}

fn authenticator() -> Authenticator {
    Authenticator::new(credentials(), Policy::default(), NONCE)
}

fn with_policy(policy: Policy) -> Authenticator {
    Authenticator::new(credentials(), policy, NONCE)
}

fn message(code: u32, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], data].concat()
}

fn ok() -> Vec<u8> {
    message(code::OK, b"")
}

/// The one message in `Send`, its tag and length checked; gives the body.
fn sent(step: Step) -> Vec<u8> {
    let Step::Send(bytes) = step else {
        panic!("{step:?}")
    };
    assert_eq!(bytes[0], b'p');
    let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap());
    assert_eq!(usize::try_from(length).unwrap(), bytes.len() - 1);
    bytes[5..].to_vec()
}

fn refusal(result: Result<Step, Error>, kind: Kind, says: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    assert!(!error.to_string().contains(PASSWORD), "{error}");
}

/// The server's half of SCRAM, built on another implementation's verifier.
struct ScramServer {
    salt: String,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
    nonce_tail: &'static str,
    client_first_bare: String,
    server_first: String,
}

impl ScramServer {
    fn new(password: &str) -> Self {
        // SCRAM-SHA-256$4096:salt$StoredKey:ServerKey
        let verifier = password::scram_sha_256(password.as_bytes());
        let (_, rest) = verifier.split_once("$4096:").unwrap();
        let (salt, keys) = rest.split_once('$').unwrap();
        let (stored_key, server_key) = keys.split_once(':').unwrap();
        Self {
            salt: salt.into(),
            stored_key: base64(stored_key),
            server_key: base64(server_key),
            nonce_tail: "3rfcNHYJY1ZVvWVs7j",
            client_first_bare: String::new(),
            server_first: String::new(),
        }
    }

    fn first(&mut self, initial: &[u8]) -> Vec<u8> {
        let data = initial.strip_prefix(b"SCRAM-SHA-256\0").unwrap();
        assert_eq!(
            usize::try_from(u32::from_be_bytes(data[..4].try_into().unwrap())).unwrap(),
            data.len() - 4
        );
        let text = str::from_utf8(&data[4..]).unwrap();
        self.client_first_bare = text.strip_prefix("n,,").unwrap().into();
        let nonce = self.client_first_bare.strip_prefix("n=,r=").unwrap();
        assert_eq!(nonce.len(), 24);
        self.server_first = format!("r={nonce}{},s={},i=4096", self.nonce_tail, self.salt);
        message(code::SASL_CONTINUE, self.server_first.as_bytes())
    }

    /// Checks the client's proof; gives the base64 of the server's signature.
    fn check(&self, client_final: &[u8]) -> Option<String> {
        let text = str::from_utf8(client_final).unwrap();
        let (without_proof, proof) = text.split_once(",p=").unwrap();
        assert!(without_proof.starts_with("c=biws,r="));
        let auth_message = format!(
            "{},{},{without_proof}",
            self.client_first_bare, self.server_first
        );
        let mut client_key = base64(proof);
        let signature = hmac(&self.stored_key, &auth_message);
        client_key
            .iter_mut()
            .zip(signature)
            .for_each(|(key, byte)| *key ^= byte);
        (Sha256::digest(&client_key)[..] == self.stored_key)
            .then(|| to_base64(&hmac(&self.server_key, &auth_message)))
    }
}

fn base64(text: &str) -> Vec<u8> {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

fn to_base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    use ::hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(message.as_bytes())
        .finalize()
        .into_bytes()
        .to_vec()
}

/// Runs SCRAM up to the server's final word; gives the right signature.
fn up_to_final(auth: &mut Authenticator, server: &mut ScramServer) -> Option<String> {
    let initial = sent(auth.handle(&message(code::SASL, SCRAM)).unwrap());
    let server_first = server.first(&initial);
    server.check(&sent(auth.handle(&server_first).unwrap()))
}

#[test]
fn trust_needs_no_password() {
    let credentials = Credentials {
        user: "anna".into(),
        password: None,
    };
    let mut auth = Authenticator::new(credentials, Policy::default(), NONCE);
    assert!(matches!(auth.handle(&ok()), Ok(Step::Done)));
}

#[test]
fn scram_convinces_another_implementation_and_is_convinced() {
    for password in [
        PASSWORD,
        "pässwörd",
        "\u{2168} I\u{ad}X",
        "x".repeat(200).as_str(),
    ] {
        let mut server = ScramServer::new(password);
        let credentials = Credentials {
            user: "anna".into(),
            password: Some(Zeroizing::new(password.into())),
        };
        let mut auth = Authenticator::new(credentials, Policy::default(), NONCE);
        let signature = up_to_final(&mut auth, &mut server).expect("the proof is right");
        let last = message(code::SASL_FINAL, format!("v={signature}").as_bytes());
        assert!(matches!(auth.handle(&last), Ok(Step::Wait)));
        assert!(matches!(auth.handle(&ok()), Ok(Step::Done)));
    }
}

#[test]
fn scram_with_another_password_gives_another_proof() {
    let mut server = ScramServer::new("another password");
    assert_eq!(up_to_final(&mut authenticator(), &mut server), None);
}

#[test]
fn scram_takes_the_plain_mechanism_over_tls() {
    let policy = Policy {
        tls: true,
        ..Policy::default()
    };
    let offer = message(code::SASL, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    assert!(matches!(
        with_policy(policy).handle(&offer),
        Ok(Step::Send(_))
    ));
}

#[test]
fn a_wrong_server_signature_is_refused_and_stays_refused() {
    let mut auth = authenticator();
    up_to_final(&mut auth, &mut ScramServer::new(PASSWORD)).unwrap();
    let wrong = message(
        code::SASL_FINAL,
        format!("v={}", to_base64(&[0; 32])).as_bytes(),
    );
    refusal(auth.handle(&wrong), Kind::Auth, "signature is wrong");
    refusal(auth.handle(&ok()), Kind::Auth, "the login has failed");
}

#[test]
fn hostile_server_final() {
    for (data, kind, says) in [
        ("v=", Kind::Auth, "signature is wrong"),
        ("v=!!!", Kind::Protocol, "malformed"),
        ("", Kind::Protocol, "malformed"),
        ("r=x", Kind::Protocol, "malformed"),
        (
            "e=invalid-proof",
            Kind::Auth,
            "refused the login: invalid-proof",
        ),
        ("e=\u{1b}[2Jgone", Kind::Auth, "refused the login: ?[2Jgone"),
    ] {
        let mut auth = authenticator();
        up_to_final(&mut auth, &mut ScramServer::new(PASSWORD)).unwrap();
        refusal(
            auth.handle(&message(code::SASL_FINAL, data.as_bytes())),
            kind,
            says,
        );
    }
}

#[test]
fn ok_without_the_final_word_is_not_believed() {
    let mut auth = authenticator();
    up_to_final(&mut auth, &mut ScramServer::new(PASSWORD)).unwrap();
    refusal(auth.handle(&ok()), Kind::Auth, "without proving");

    let mut auth = authenticator();
    auth.handle(&message(code::SASL, SCRAM)).unwrap();
    refusal(auth.handle(&ok()), Kind::Auth, "without proving");
}

#[test]
fn hostile_server_first() {
    let ours = to_base64(&NONCE);
    for (data, kind, says) in [
        (
            "r=notours,s=QSXCR+Q6sek8bf92,i=4096".into(),
            Kind::Auth,
            "does not extend",
        ),
        (
            format!("r={ours},s=QSXCR+Q6sek8bf92,i=4096"),
            Kind::Auth,
            "does not extend",
        ),
        (
            format!("r={ours}\u{7f},s=QSXCR+Q6sek8bf92,i=4096"),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("r={ours}x,s=,i=4096"),
            Kind::Auth,
            "empty SCRAM salt",
        ),
        (
            format!("r={ours}x,s=QSX,i=4096"),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i=0"),
            Kind::Auth,
            "0 SCRAM iterations",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i=100001"),
            Kind::Auth,
            "more than 100000",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i=2147483647"),
            Kind::Auth,
            "max_scram_iterations",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i=99999999999999999999"),
            Kind::Auth,
            "more than 100000",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i=-1"),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i=+1"),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92,i="),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("r={ours}x,s=QSXCR+Q6sek8bf92"),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("s=QSXCR+Q6sek8bf92,r={ours}x,i=4096"),
            Kind::Protocol,
            "malformed",
        ),
        (
            format!("m=x,r={ours}x,s=QSXCR+Q6sek8bf92,i=4096"),
            Kind::Auth,
            "extension",
        ),
        (String::new(), Kind::Protocol, "malformed"),
    ] {
        let mut auth = authenticator();
        auth.handle(&message(code::SASL, SCRAM)).unwrap();
        refusal(
            auth.handle(&message(code::SASL_CONTINUE, data.as_bytes())),
            kind,
            says,
        );
    }
}

#[test]
fn the_iteration_cap_is_a_setting() {
    let policy = Policy {
        max_scram_iterations: 10,
        ..Policy::default()
    };
    let mut auth = with_policy(policy);
    auth.handle(&message(code::SASL, SCRAM)).unwrap();
    let first = format!("r={}x,s=QSXCR+Q6sek8bf92,i=11", to_base64(&NONCE));
    refusal(
        auth.handle(&message(code::SASL_CONTINUE, first.as_bytes())),
        Kind::Auth,
        "more than 10 ",
    );
}

#[test]
fn mechanisms_that_do_not_fit() {
    for (offer, tls, kind, says) in [
        (
            &b"SCRAM-SHA-256-PLUS\0\0"[..],
            false,
            Kind::Auth,
            "without TLS",
        ),
        (
            b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0",
            false,
            Kind::Auth,
            "without TLS",
        ),
        (
            b"SCRAM-SHA-256-PLUS\0\0",
            true,
            Kind::Auth,
            "only SCRAM-SHA-256-PLUS",
        ),
        (
            b"OAUTHBEARER\0SCRAM-SHA-512\0\0",
            true,
            Kind::Auth,
            "only OAUTHBEARER, SCRAM-SHA-512",
        ),
        (b"\x1b[31m\0\0", true, Kind::Auth, "only ?[31m"),
        (b"SCRAM-SHA-256\0", true, Kind::Protocol, "malformed"),
        (b"\0", true, Kind::Protocol, "malformed"),
        (b"", true, Kind::Protocol, "malformed"),
    ] {
        let mut auth = with_policy(Policy {
            tls,
            ..Policy::default()
        });
        refusal(auth.handle(&message(code::SASL, offer)), kind, says);
    }
}

#[test]
fn methods_that_are_not_supported_are_named() {
    for (code, says) in [
        (code::KERBEROS_V5, "Kerberos V5"),
        (code::SCM_CREDENTIAL, "SCM"),
        (code::GSS, "GSSAPI"),
        (code::GSS_CONTINUE, "GSSAPI"),
        (code::SSPI, "SSPI"),
        (code::SASL_CONTINUE, "out of turn"),
        (code::SASL_FINAL, "out of turn"),
    ] {
        refusal(
            authenticator().handle(&message(code, b"data")),
            Kind::Auth,
            says,
        );
    }
    refusal(
        authenticator().handle(&message(99, b"")),
        Kind::Protocol,
        "unknown authentication request 99",
    );
}

#[test]
fn a_missing_password_names_the_user_and_the_cure() {
    for password in [None, Some(Zeroizing::new(Vec::new()))] {
        for request in [
            message(code::SASL, SCRAM),
            message(code::MD5_PASSWORD, b"salt"),
        ] {
            let credentials = Credentials {
                user: "anna".into(),
                password: password.clone(),
            };
            let mut auth = Authenticator::new(credentials, Policy::default(), NONCE);
            let error = auth.handle(&request).unwrap_err();
            assert_eq!(error.kind(), Kind::Auth);
            for word in ["\"anna\"", "PGPASSWORD", "~/.pgpass"] {
                assert!(error.to_string().contains(word), "{error}");
            }
        }
    }
}

#[test]
fn cleartext_goes_out_only_where_that_was_agreed_to() {
    let request = message(code::CLEARTEXT_PASSWORD, b"");
    refusal(
        authenticator().handle(&request),
        Kind::Auth,
        "it was not sent",
    );
    for policy in [
        Policy {
            tls: true,
            ..Policy::default()
        },
        Policy {
            allow_cleartext: true,
            ..Policy::default()
        },
    ] {
        let mut auth = with_policy(policy);
        assert_eq!(
            sent(auth.handle(&request).unwrap()),
            [PASSWORD.as_bytes(), b"\0"].concat()
        );
        assert!(matches!(auth.handle(&ok()), Ok(Step::Done)));
    }
    let credentials = Credentials {
        user: "anna".into(),
        password: Some(Zeroizing::new(b"a\0b".to_vec())),
    };
    let policy = Policy {
        tls: true,
        ..Policy::default()
    };
    refusal(
        Authenticator::new(credentials, policy, NONCE).handle(&request),
        Kind::Auth,
        "zero byte",
    );
}

#[test]
fn md5_known_answer() {
    let credentials = Credentials {
        user: "md5_user".into(),
        password: Some(Zeroizing::new(b"password".to_vec())),
    };
    let mut auth = Authenticator::new(credentials, Policy::default(), NONCE);
    let body = sent(
        auth.handle(&message(code::MD5_PASSWORD, &[0x2a, 0x3d, 0x8f, 0xe0]))
            .unwrap(),
    );
    assert_eq!(body, b"md562af4dd09bbb41884907a838a3233294\0");
    assert!(matches!(auth.handle(&ok()), Ok(Step::Done)));
}

#[test]
fn malformed_bodies() {
    for body in [
        vec![],
        vec![0, 0, 0],
        message(code::OK, b"x"),
        message(code::MD5_PASSWORD, b"sal"),
        message(code::MD5_PASSWORD, b"salty"),
        message(code::CLEARTEXT_PASSWORD, b"x"),
        message(code::SASL, b"\xff"),
    ] {
        refusal(authenticator().handle(&body), Kind::Protocol, "");
    }
}

#[test]
fn nothing_is_taken_after_the_end_and_no_second_challenge() {
    let mut auth = authenticator();
    auth.handle(&ok()).unwrap();
    refusal(
        auth.handle(&ok()),
        Kind::Auth,
        "after the login was complete",
    );

    let mut auth = authenticator();
    auth.handle(&message(code::MD5_PASSWORD, b"salt")).unwrap();
    // Having the md5 response, a server in the middle would now like the password itself.
    refusal(
        auth.handle(&message(code::CLEARTEXT_PASSWORD, b"")),
        Kind::Auth,
        "out of turn",
    );
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!(
        "{:?} {:?} {:?}",
        credentials(),
        authenticator(),
        Step::Send(PASSWORD.into())
    );
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(
        !shown.contains(&format!("{:?}", PASSWORD.as_bytes())),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn any_bytes_never_panic_and_never_log_in(
        code in 0_u32..16, tail in proptest::collection::vec(any::<u8>(), 0..80), with_nonce: bool,
    ) {
        let policy = Policy { max_scram_iterations: 100, ..Policy::default() };
        let mut auth = with_policy(policy);
        auth.handle(&message(code::SASL, SCRAM)).unwrap();
        let prefix = if with_nonce { format!("r={}", to_base64(&NONCE)) } else { String::new() };
        let _ = auth.handle(&message(code, &[prefix.as_bytes(), &tail].concat()));
        let _ = auth.handle(&message(code::SASL_FINAL, &tail));
        prop_assert!(auth.handle(&ok()).is_err());
        let _ = authenticator().handle(&message(code, &tail));
        let _ = authenticator().handle(&tail);
    }
}
