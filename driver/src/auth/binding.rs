//! The name of a TLS connection by its server's certificate (RFC 5929, section 4: `tls-server-end-point`).

use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::oid_registry::{
    OID_HASH_SHA1, OID_NIST_HASH_SHA256, OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512,
    OID_PKCS1_MD5WITHRSAENC, OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, Oid,
};
use x509_parser::prelude::FromDer;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

/// The hash of a certificate (DER) by the hash function that it was signed with, or by SHA-256 where that was MD5 or
/// SHA-1. `None` where the RFC defines nothing, as for Ed25519, and for what is no certificate.
pub fn server_end_point(certificate: &[u8]) -> Option<Box<[u8]>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(match hash_of(&parsed.signature_algorithm)? {
        Hash::Sha256 => Sha256::digest(certificate).as_slice().into(),
        Hash::Sha384 => Sha384::digest(certificate).as_slice().into(),
        Hash::Sha512 => Sha512::digest(certificate).as_slice().into(),
    })
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

fn hash_of(algorithm: &AlgorithmIdentifier<'_>) -> Option<Hash> {
    if algorithm.algorithm == OID_PKCS1_RSASSAPSS {
        // The parameters name the hash function; SHA-1 where they do not.
        let parameters = algorithm.parameters.as_ref()?;
        let (_, parameters) = RsaSsaPssParams::from_der(parameters.as_bytes()).ok()?;
        return known(&HASHES, parameters.hash_algorithm_oid());
    }
    known(&SIGNATURES, &algorithm.algorithm)
}

fn known(table: &[(Oid<'static>, Hash)], wanted: &Oid<'_>) -> Option<Hash> {
    let found = table.iter().find(|(oid, _)| oid == wanted);
    found.map(|(_, hash)| *hash)
}

const SIGNATURES: [(Oid<'static>, Hash); 8] = [
    (OID_PKCS1_MD5WITHRSAENC, Hash::Sha256),
    (OID_PKCS1_SHA1WITHRSA, Hash::Sha256),
    (OID_PKCS1_SHA256WITHRSA, Hash::Sha256),
    (OID_PKCS1_SHA384WITHRSA, Hash::Sha384),
    (OID_PKCS1_SHA512WITHRSA, Hash::Sha512),
    (OID_SIG_ECDSA_WITH_SHA256, Hash::Sha256),
    (OID_SIG_ECDSA_WITH_SHA384, Hash::Sha384),
    (OID_SIG_ECDSA_WITH_SHA512, Hash::Sha512),
];

const HASHES: [(Oid<'static>, Hash); 4] = [
    (OID_HASH_SHA1, Hash::Sha256),
    (OID_NIST_HASH_SHA256, Hash::Sha256),
    (OID_NIST_HASH_SHA384, Hash::Sha384),
    (OID_NIST_HASH_SHA512, Hash::Sha512),
];

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    use super::*;

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let length = |algorithm: &'static SignatureAlgorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
            let certificate = certificate.self_signed(&key).unwrap();
            server_end_point(certificate.der()).map(|name| name.len())
        };
        assert_eq!(length(&rcgen::PKCS_ECDSA_P256_SHA256), Some(32));
        assert_eq!(length(&rcgen::PKCS_ECDSA_P384_SHA384), Some(48));
        assert_eq!(length(&rcgen::PKCS_ED25519), None);
        assert_eq!(server_end_point(b"\x30\x82\xff\xff"), None);
        assert_eq!(server_end_point(b""), None);
    }
}
