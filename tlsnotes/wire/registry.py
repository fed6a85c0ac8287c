"""The registries of TLS: numbers and the names that IANA and the RFCs give them.

- A name is spelled as the RFC spells it. Where that is no Python identifier, a comment says what is written instead.
  The suffix `_RESERVED`, by which later RFCs retire a name, is left off: TLS 1.2 still sends these.
- Those of the protocol stand here. Those of cryptography stand in `algorithms` and `cipher_suites`, and can be imported
  from here too.

https://www.iana.org/assignments/tls-parameters and .../tls-extensiontype-values, as of September 2026
"""

from __future__ import annotations

from tlsnotes.wire.algorithms import (
    ECCurveType,
    ECPointFormat,
    HashAlgorithm,
    HpkeAead,
    HpkeKdf,
    HpkeKem,
    NamedGroup,
    SignatureAlgorithm,
    SignatureScheme,
)
from tlsnotes.wire.cipher_suites import CipherSuite
from tlsnotes.wire.code_points import Registry

__all__ = [
    "AlertDescription",
    "AlertLevel",
    "CertificateCompressionAlgorithm",
    "CertificateStatusType",
    "CertificateType",
    "CipherSuite",
    "ClientCertificateType",
    "CompressionMethod",
    "ContentType",
    "ECCurveType",
    "ECHClientHelloType",
    "ECPointFormat",
    "ExtensionType",
    "HandshakeType",
    "HashAlgorithm",
    "HpkeAead",
    "HpkeKdf",
    "HpkeKem",
    "KeyUpdateRequest",
    "MaxFragmentLength",
    "NameType",
    "NamedGroup",
    "ProtocolVersion",
    "PskKeyExchangeMode",
    "Registry",
    "SignatureAlgorithm",
    "SignatureScheme",
]

# ---- Records and alerts


class ContentType(Registry, size=1):
    """What a record carries (RFC 9846 section 5.1; heartbeat: RFC 6520).

    Without 25 to 27, which only DTLS sends: over TCP they are no TLS.
    """

    change_cipher_spec = 20
    alert = 21
    handshake = 22
    application_data = 23
    heartbeat = 24


class ProtocolVersion(Registry, size=2, grease=True):
    """The versions of the protocol (RFC 9846 section 4.3.1, RFC 6101 for SSL 3.0). Printed, one reads `TLS 1.3`."""

    SSL_3_0 = 0x0300
    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304

    def __str__(self) -> str:
        return self._name_.replace("_", " ", 1).replace("_", ".")


class AlertLevel(Registry, size=1):
    """How bad it is (RFC 9846 section 6)."""

    warning = 1
    fatal = 2


class AlertDescription(Registry, size=1):
    """Why one side warns or gives up (RFC 9846 section 6; TLS Alerts of IANA, with RFCs before and beside it)."""

    close_notify = 0
    unexpected_message = 10
    bad_record_mac = 20
    decryption_failed = 21
    record_overflow = 22
    decompression_failure = 30
    handshake_failure = 40
    no_certificate = 41
    bad_certificate = 42
    unsupported_certificate = 43
    certificate_revoked = 44
    certificate_expired = 45
    certificate_unknown = 46
    illegal_parameter = 47
    unknown_ca = 48
    access_denied = 49
    decode_error = 50
    decrypt_error = 51
    too_many_cids_requested = 52
    export_restriction = 60
    protocol_version = 70
    insufficient_security = 71
    internal_error = 80
    inappropriate_fallback = 86
    user_canceled = 90
    no_renegotiation = 100
    missing_extension = 109
    unsupported_extension = 110
    certificate_unobtainable = 111
    unrecognized_name = 112
    bad_certificate_status_response = 113
    bad_certificate_hash_value = 114
    unknown_psk_identity = 115
    certificate_required = 116
    general_error = 117
    no_application_protocol = 120
    ech_required = 121


# ---- Handshake messages


class HandshakeType(Registry, size=1):
    """What a handshake message is (RFC 9846 section 4; RFC 5246 section 7.4 for TLS 1.2's own)."""

    hello_request = 0
    client_hello = 1
    server_hello = 2
    hello_verify_request = 3
    new_session_ticket = 4
    end_of_early_data = 5
    hello_retry_request = 6  # in drafts of TLS 1.3; the RFC's is a server_hello with a random of its own
    encrypted_extensions = 8
    request_connection_id = 9
    new_connection_id = 10
    certificate = 11
    server_key_exchange = 12
    certificate_request = 13
    server_hello_done = 14
    certificate_verify = 15
    client_key_exchange = 16
    client_certificate_request = 17
    finished = 20
    certificate_url = 21
    certificate_status = 22
    supplemental_data = 23
    key_update = 24
    compressed_certificate = 25
    ekt_key = 26
    message_hash = 254


class CompressionMethod(Registry, size=1):
    """How records are compressed before they are encrypted: since CRIME, not at all (RFC 3749, RFC 3943 for LZS)."""

    null = 0
    DEFLATE = 1
    LZS = 64


class ClientCertificateType(Registry, size=1):
    """What TLS 1.2's CertificateRequest asks for (RFC 5246 section 7.4.4, RFC 8422 section 5.5, RFC 9189)."""

    rsa_sign = 1
    dss_sign = 2
    rsa_fixed_dh = 3
    dss_fixed_dh = 4
    rsa_ephemeral_dh = 5
    dss_ephemeral_dh = 6
    fortezza_dms = 20
    ecdsa_sign = 64
    rsa_fixed_ecdh = 65
    ecdsa_fixed_ecdh = 66
    gost_sign256 = 67
    gost_sign512 = 68


class KeyUpdateRequest(Registry, size=1):
    """Whether the other side shall change its keys too (RFC 9846 section 4.7.3)."""

    update_not_requested = 0
    update_requested = 1


# ---- Extensions


class ExtensionType(Registry, size=2, grease=True):
    """What an extension is (RFC 9846 section 4.3; TLS ExtensionType Values of IANA, and unregistered ones)."""

    server_name = 0
    max_fragment_length = 1
    client_certificate_url = 2
    trusted_ca_keys = 3
    truncated_hmac = 4
    status_request = 5
    user_mapping = 6
    client_authz = 7
    server_authz = 8
    cert_type = 9
    supported_groups = 10  # elliptic_curves before RFC 7919
    ec_point_formats = 11
    srp = 12
    signature_algorithms = 13
    use_srtp = 14
    heartbeat = 15
    application_layer_protocol_negotiation = 16
    status_request_v2 = 17
    signed_certificate_timestamp = 18
    client_certificate_type = 19
    server_certificate_type = 20
    padding = 21
    encrypt_then_mac = 22
    extended_master_secret = 23  # RFC 7627's name; RFC 9846 and IANA now say extended_main_secret
    token_binding = 24
    cached_info = 25
    tls_lts = 26
    compress_certificate = 27
    record_size_limit = 28
    pwd_protect = 29
    pwd_clear = 30
    password_salt = 31
    ticket_pinning = 32
    tls_cert_with_extern_psk = 33
    delegated_credential = 34
    session_ticket = 35
    TLMSP = 36
    TLMSP_proxying = 37
    TLMSP_delegate = 38
    supported_ekt_ciphers = 39
    pre_shared_key = 41
    early_data = 42
    supported_versions = 43
    cookie = 44
    psk_key_exchange_modes = 45
    certificate_authorities = 47
    oid_filters = 48
    post_handshake_auth = 49
    signature_algorithms_cert = 50
    key_share = 51
    transparency_info = 52
    connection_id_deprecated = 53  # IANA: connection_id (deprecated)
    connection_id = 54
    external_id_hash = 55
    external_session_id = 56
    quic_transport_parameters = 57
    ticket_request = 58
    dnssec_chain = 59
    sequence_number_encryption_algorithms = 60
    rrc = 61
    tls_flags = 62
    ech_outer_extensions = 0xFD00
    encrypted_client_hello = 0xFE0D
    renegotiation_info = 0xFF01

    # Unregistered, and sent by Chromium, now or once.
    next_protocol_negotiation = 13172
    application_settings_old = 17513  # application_settings too, as Chromium sent it before
    application_settings = 17613
    channel_id = 30032


class NameType(Registry, size=1):
    """What kind of name server_name carries (RFC 6066 section 3)."""

    host_name = 0


class MaxFragmentLength(Registry, size=1):
    """The most octets a record shall carry (RFC 6066 section 4). The RFC writes 2^9 for `octets_512`, and so on."""

    octets_512 = 1
    octets_1024 = 2
    octets_2048 = 3
    octets_4096 = 4


class CertificateStatusType(Registry, size=1):
    """What kind of answer about revocation is stapled (RFC 6066 section 8; ocsp_multi: RFC 6961)."""

    ocsp = 1
    ocsp_multi = 2


class CertificateType(Registry, size=1):
    """What a certificate message carries (RFC 7250 section 3, RFC 6091 for OpenPGP, RFC 8902 for IEEE 1609.2)."""

    X509 = 0
    OpenPGP = 1
    RawPublicKey = 2  # as RFC 7250 spells it; IANA: Raw Public Key
    IEEE_1609Dot2 = 3  # IANA: 1609Dot2


class CertificateCompressionAlgorithm(Registry, size=2):
    """How compressed_certificate is compressed (RFC 8879 section 7.3)."""

    zlib = 1
    brotli = 2
    zstd = 3


class PskKeyExchangeMode(Registry, size=1, grease=True):
    """How a pre-shared key may be used: alone, or with a key exchange (RFC 9846 section 4.3.9)."""

    psk_ke = 0
    psk_dhe_ke = 1


class ECHClientHelloType(Registry, size=1):
    """Which of the two ClientHellos the extension stands in (RFC 9849 section 5)."""

    outer = 0
    inner = 1
