use std::io::{Read as _, Write as _};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::*;
use crate::error::Kind;
use crate::session::tls_config::{TlsSettings, Verification, client_config, server_name};

const HOST: &str = "db.example.com";

/// An authority that signs what a test wants it to sign.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: Vec<u8>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let der = certificate.der().clone();
        Self {
            issuer: Issuer::new(params, key),
            pem: pem(&der),
            der,
        }
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([HOST.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, HOST);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }
}

fn pem(der: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into_bytes()
}

/// What a server shows and proves.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn server(self, versions: &[&'static SupportedProtocolVersion]) -> ServerConnection {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .unwrap();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        ServerConnection::new(Arc::new(config)).unwrap()
    }
}

fn client(verification: Verification, roots: Option<&[u8]>, host: &str) -> Tls {
    Tls::new(
        client_config(&TlsSettings {
            roots,
            ..TlsSettings::new(verification)
        })
        .unwrap(),
        server_name(host).unwrap(),
    )
    .unwrap()
}

fn out_of(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    bytes
}

fn into(server: &mut ServerConnection, mut bytes: &[u8]) -> Vec<u8> {
    let mut plaintext = Vec::new();
    while !bytes.is_empty() {
        server.read_tls(&mut bytes).unwrap();
        // An alert of the client is an error of the server; the tests look at the client.
        let _ = server.process_new_packets();
        let _ = server.reader().read_to_end(&mut plaintext);
    }
    plaintext
}

/// Carries bytes to and fro until nobody has anything to say. `cut` splits what the server says into the
/// pieces that the client gets. Gives what each side has read.
fn talk(
    tls: &mut Tls,
    server: &mut ServerConnection,
    say: &[u8],
    cut: impl Fn(&[u8]) -> Vec<Vec<u8>>,
) -> Result<(BytesMut, Vec<u8>), Error> {
    let (mut say, mut at_client, mut at_server) =
        (BytesMut::from(say), BytesMut::new(), Vec::new());
    loop {
        let mut sent = BytesMut::new();
        tls.send(&mut say, &mut sent)?;
        at_server.extend(into(server, &sent));
        let answer = out_of(server);
        if sent.is_empty() && answer.is_empty() {
            return Ok((at_client, at_server));
        }
        for piece in cut(&answer) {
            tls.receive(&piece, &mut at_client)?;
        }
    }
}

fn whole(bytes: &[u8]) -> Vec<Vec<u8>> {
    vec![bytes.to_vec()]
}

/// How a handshake ends between a client that trusts `roots` and this server.
fn handshake(
    verification: Verification,
    roots: Option<&[u8]>,
    host: &str,
    identity: Identity,
) -> Result<(), Error> {
    let mut tls = client(verification, roots, host);
    let mut server = identity.server(rustls::ALL_VERSIONS);
    talk(&mut tls, &mut server, b"", whole).map(|_| assert!(!tls.is_handshaking()))
}

#[test]
fn handshake_and_data_however_the_bytes_are_cut() {
    let authority = Authority::new("root");
    for version in rustls::ALL_VERSIONS {
        // Each cut is a handshake of its own; the ends and a sample between them, then byte by byte.
        for at in (0..40).chain((40..1_400).step_by(23)) {
            let mut server = authority.sign(|_| {}).server(&[version]);
            let mut tls = client(Verification::Full, Some(&authority.pem), HOST);
            server.writer().write_all(b"hello client").unwrap();
            let cut = |bytes: &[u8]| {
                let (head, tail) = bytes.split_at(at.min(bytes.len()));
                vec![head.to_vec(), tail.to_vec()]
            };
            let (at_client, at_server) = talk(&mut tls, &mut server, b"hello server", cut).unwrap();
            assert_eq!(
                (&at_client[..], &at_server[..]),
                (&b"hello client"[..], &b"hello server"[..])
            );
        }
        let mut server = authority.sign(|_| {}).server(&[version]);
        let mut tls = client(Verification::Full, Some(&authority.pem), HOST);
        server.writer().write_all(b"hello client").unwrap();
        let (at_client, at_server) = talk(&mut tls, &mut server, b"hello server", |bytes| {
            bytes.iter().map(|byte| vec![*byte]).collect()
        })
        .unwrap();
        assert_eq!(
            (&at_client[..], &at_server[..]),
            (&b"hello client"[..], &b"hello server"[..])
        );
    }
}

#[test]
fn megabytes_go_through_both_ways() {
    let authority = Authority::new("root");
    let mut tls = client(Verification::Full, Some(&authority.pem), HOST);
    let mut server = authority.sign(|_| {}).server(rustls::ALL_VERSIONS);
    let data: Vec<u8> = (0..3_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let (_, at_server) = talk(&mut tls, &mut server, &data, whole).unwrap();
    assert!(at_server == data);

    let mut at_client = BytesMut::new();
    for part in data.chunks(50_000) {
        server.writer().write_all(part).unwrap();
        for piece in out_of(&mut server).chunks(7_001) {
            tls.receive(piece, &mut at_client).unwrap();
        }
    }
    assert!(at_client == data);
}

#[test]
fn plaintext_waits_for_the_handshake() {
    let mut tls = client(Verification::Optional, None, HOST);
    let (mut plaintext, mut ciphertext) = (BytesMut::from(&b"secret"[..]), BytesMut::new());
    tls.send(&mut plaintext, &mut ciphertext).unwrap();
    assert_eq!(plaintext, b"secret"[..]);
    assert_eq!(ciphertext[0], 22, "a handshake record and nothing else");
    assert!(tls.is_handshaking() && !tls.wants_write());
}

#[test]
fn what_each_mode_accepts() {
    use Verification::{Authority as Ca, Full, Optional};
    let (trusted, other) = (Authority::new("root"), Authority::new("other root"));
    let roots = Some(trusted.pem.as_slice());
    let good = || trusted.sign(|_| {});
    let foreign = || other.sign(|_| {});

    for (verification, roots, host, identity, accepted) in [
        (Optional, None, HOST, good(), true),
        (Optional, None, "elsewhere", foreign(), true),
        (Optional, roots, "elsewhere", good(), true),
        (Optional, roots, HOST, foreign(), false),
        (Ca, roots, "elsewhere", good(), true),
        (Ca, roots, HOST, foreign(), false),
        (Full, roots, HOST, good(), true),
        (Full, roots, "elsewhere", good(), false),
        (Full, roots, HOST, foreign(), false),
    ] {
        let result = handshake(verification, roots, host, identity);
        assert_eq!(
            result.is_ok(),
            accepted,
            "{verification:?} {host} {result:?}"
        );
    }
}

#[test]
fn ip_addresses_are_names_too() {
    let authority = Authority::new("root");
    let identity = || {
        authority.sign(|params| *params = CertificateParams::new(["192.0.2.1".to_owned()]).unwrap())
    };
    handshake(
        Verification::Full,
        Some(&authority.pem),
        "192.0.2.1",
        identity(),
    )
    .unwrap();
    let error = handshake(
        Verification::Full,
        Some(&authority.pem),
        "192.0.2.2",
        identity(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("192.0.2.2"), "{error}");
}

#[test]
fn a_refused_certificate_says_why_and_what_to_do() {
    let authority = Authority::new("root");
    let unknown = Authority::new("unknown");
    let ca_as_leaf = || {
        let mut params = CertificateParams::new([HOST.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params
            .signed_by(&key, &authority.issuer)
            .unwrap()
            .der()
            .clone();
        Identity {
            chain: vec![der],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    };
    let below_an_intermediate = || {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "intermediate");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params
            .signed_by(&key, &authority.issuer)
            .unwrap()
            .der()
            .clone();
        let intermediate = Authority {
            issuer: Issuer::new(params, key),
            pem: pem(&der),
            der,
        };
        (intermediate.sign(|_| {}), intermediate)
    };
    let (mut complete, intermediate) = below_an_intermediate();
    complete.chain.push(intermediate.der);
    handshake(Verification::Full, Some(&authority.pem), HOST, complete).unwrap();

    for (identity, says) in [
        (
            authority.sign(|params| params.not_after = date_time_ymd(2020, 2, 29)),
            "expired on 2020-02-29; renew",
        ),
        (
            authority.sign(|params| params.not_before = date_time_ymd(3000, 1, 1)),
            "only from 3000-01-01; check the clock",
        ),
        (
            unknown.sign(|_| {}),
            "give the authority's certificate as sslrootcert",
        ),
        (below_an_intermediate().0, "intermediate certificates"),
        (
            authority.sign(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
            "lacks serverAuth",
        ),
        (
            authority.sign(|params| {
                *params = CertificateParams::new(["a.example".into(), "b.example".into()]).unwrap();
            }),
            "is for a.example, b.example and not for db.example.com; connect by",
        ),
        (
            authority.sign(|params| params.subject_alt_names.clear()),
            "it has no subject alternative name",
        ),
        (ca_as_leaf(), "certificate is that of an authority"),
    ] {
        let error =
            handshake(Verification::Full, Some(&authority.pem), HOST, identity).unwrap_err();
        assert_eq!(error.kind(), Kind::Tls, "{error}");
        assert!(
            error.to_string().contains(says),
            "{error}\nshould say: {says}"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn the_alert_that_says_why_still_goes_out() {
    let mut tls = client(Verification::Full, Some(&Authority::new("root").pem), HOST);
    let mut server = Authority::new("unknown")
        .sign(|_| {})
        .server(rustls::ALL_VERSIONS);
    talk(&mut tls, &mut server, b"", whole).unwrap_err();
    assert!(tls.wants_write());
    let (mut nothing, mut alert) = (BytesMut::new(), BytesMut::new());
    tls.send(&mut nothing, &mut alert).unwrap();
    assert!(!alert.is_empty());
}

#[test]
fn an_end_in_order_differs_from_a_cut() {
    let authority = Authority::new("root");
    let mut tls = client(Verification::Full, Some(&authority.pem), HOST);
    let mut server = authority.sign(|_| {}).server(rustls::ALL_VERSIONS);
    talk(&mut tls, &mut server, b"", whole).unwrap();
    assert!(!tls.closed_by_server());

    server.writer().write_all(b"last words").unwrap();
    server.send_close_notify();
    let mut bytes = out_of(&mut server);
    bytes.extend_from_slice(b"whatever comes after does not count");
    let mut at_client = BytesMut::new();
    tls.receive(&bytes, &mut at_client).unwrap();
    assert_eq!(at_client, b"last words"[..]);
    assert!(tls.closed_by_server());

    let mut goodbye = BytesMut::new();
    tls.close(&mut goodbye).unwrap();
    assert!(!goodbye.is_empty());
}

#[test]
fn a_changed_record_is_an_error_with_an_unknown_outcome() {
    let authority = Authority::new("root");
    let mut tls = client(Verification::Full, Some(&authority.pem), HOST);
    let mut server = authority.sign(|_| {}).server(rustls::ALL_VERSIONS);
    talk(&mut tls, &mut server, b"", whole).unwrap();

    server.writer().write_all(b"true").unwrap();
    let mut bytes = out_of(&mut server);
    *bytes.last_mut().unwrap() ^= 1;
    let mut at_client = BytesMut::new();
    let error = tls.receive(&bytes, &mut at_client).unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (Kind::Tls, Outcome::Unknown)
    );
    assert!(error.to_string().contains("cannot be decrypted"), "{error}");
    assert!(at_client.is_empty());
}

#[test]
fn what_is_not_tls_is_called_so() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"E\0\0\0\x20SFATAL\0",
    ] {
        let mut tls = client(Verification::Optional, None, HOST);
        let error = tls.receive(bytes, &mut BytesMut::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::Tls);
        assert!(error.to_string().contains("not TLS"), "{error}");
    }
}

#[test]
fn a_server_that_wants_a_client_certificate() {
    let authority = Authority::new("root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        provider.clone(),
    )
    .build()
    .unwrap();
    let identity = authority.sign(|_| {});
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    let mut tls = client(Verification::Full, Some(&authority.pem), HOST);
    let error = talk(&mut tls, &mut server, b"", whole).unwrap_err();
    assert!(error.to_string().contains("sslcert"), "{error}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let mut tls = client(Verification::Optional, None, HOST);
        let mut plaintext = BytesMut::new();
        let _ = tls.receive(&bytes, &mut plaintext);
        proptest::prop_assert!(plaintext.is_empty());
    }
}
