"""A throw-away certificate authority and a server certificate for localhost, for the TLS of the test servers."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Issued:
    """What one authority signed; all PEM."""

    authority: str
    server: Pair
    #: For the role `cert_user`.
    client: Pair
    #: The client's key, opened by :data:`KEY_PASSWORD`.
    encrypted_key: str
    #: Nothing is revoked.
    empty_list: str
    #: The server's certificate is.
    revoking_list: str


KEY_PASSWORD = "key-secret"


def issue() -> Issued:
    """A new authority, and what the servers and the tests need of it, valid for two days."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    authority_key, server_key, client_key = keys
    authority_name = _name("data-bridge test authority")
    authority = (
        _builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names = [x509.DNSName("localhost"), *(x509.IPAddress(address) for address in addresses)]
    # SHA-384, so that channel binding has to look which hash the certificate was signed with.
    server = (
        _leaf("localhost", authority_name, server_key, ExtendedKeyUsageOID.SERVER_AUTH)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA384())
    )
    client = _leaf("cert_user", authority_name, client_key, ExtendedKeyUsageOID.CLIENT_AUTH)
    return Issued(
        authority=_pem(authority),
        server=Pair(_pem(server), _key(server_key)),
        client=Pair(_pem(client.sign(authority_key, hashes.SHA256())), _key(client_key)),
        encrypted_key=_key(client_key, KEY_PASSWORD),
        empty_list=_pem(_list(authority_name).sign(authority_key, hashes.SHA256())),
        revoking_list=_pem(_list(authority_name, server).sign(authority_key, hashes.SHA256())),
    )


def _leaf(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, purpose: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    return (
        _builder(_name(name), issuer, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )


def _list(issuer: x509.Name, *revoked: x509.Certificate) -> x509.CertificateRevocationListBuilder:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(now - dt.timedelta(hours=1))
        .next_update(now + dt.timedelta(days=2))
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now - dt.timedelta(hours=1)).build())
    return builder


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(signed: x509.Certificate | x509.CertificateRevocationList) -> str:
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _key(key: ec.EllipticCurvePrivateKey, password: str | None = None) -> str:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        protection = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection).decode()
