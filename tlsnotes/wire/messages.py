"""The messages of TLS 1.3 and TLS 1.2: schemas only, each below the RFC's own definition.

    struct {                                            RFC 9846 section 4
        HandshakeType msg_type;
        uint24 length;
        select (Handshake.msg_type) { ... };            called `body`, as in RFC 5246 section 7.4
    } Handshake;

What a message looks like may depend on what only the connection knows: "negotiated_version" ("chosen_version" where no
guess will do), "hello_retry_request" (whether a ServerHello is one), "certificate_type" (RFC 7250) and, in TLS 1.2,
"key_exchange" (by the cipher suite). Extensions are in extensions.py.
"""

from __future__ import annotations

from tlsnotes.wire import asn1, asn1_keys, registry
from tlsnotes.wire.extensions import (
    CertificateCompressionAlgorithm,
    CertificateStatus,
    DistinguishedName,
    NamedGroup,
    ProtocolVersion,
    SignatureScheme,
    extensions_of,
)
from tlsnotes.wire.presentation import (
    Bounded,
    Enum,
    Fixed,
    Foreign,
    Optional,
    Select,
    Struct,
    Vector,
    opaque,
    rest,
    uint8,
    uint24,
    uint32,
)
from tlsnotes.wire.reader import Type
from tlsnotes.wire.registry import HandshakeType

TLS_1_2, TLS_1_3 = registry.ProtocolVersion.TLS_1_2, registry.ProtocolVersion.TLS_1_3

CipherSuite = Enum(registry.CipherSuite)
CompressionMethod = Enum(registry.CompressionMethod)

# ---- Both versions

# RFC 9846 section 4.2.2:  opaque Random[32];
# RFC 5246 section 7.4.1.2: struct { uint32 gmt_unix_time; opaque random_bytes[28]; } Random;
# As long as nobody has chosen TLS 1.3, it is both.
Random = Select(
    "chosen_version",
    {TLS_1_3: opaque(32)},
    opaque(32, gmt_unix_time=uint32, random_bytes=opaque(28)),
)

# RFC 9846 section 4.2.2; RFC 5246 section 7.4.1.2 calls the same fields client_version, session_id, compression_methods
#   struct {
#       ProtocolVersion legacy_version = 0x0303;    /* TLS v1.2 */
#       Random random;
#       opaque legacy_session_id<0..32>;
#       CipherSuite cipher_suites<2..2^16-2>;
#       opaque legacy_compression_methods<1..2^8-1>;
#       Extension extensions<8..2^16-1>;
#   } ClientHello;
ClientHello = Struct(
    "ClientHello",
    legacy_version=ProtocolVersion,
    random=Random,
    legacy_session_id=Vector(opaque, 0, 32),
    cipher_suites=Vector(CipherSuite, 2, 2**16 - 2),
    legacy_compression_methods=Vector(CompressionMethod, 1, 2**8 - 1),
    extensions=Optional(extensions_of("ClientHello")),
)

# RFC 9846 section 4.2.3; RFC 5246 section 7.4.1.3: server_version, session_id, compression_method
#   struct {
#       ProtocolVersion legacy_version = 0x0303;    /* TLS v1.2 */
#       Random random;
#       opaque legacy_session_id_echo<0..32>;
#       CipherSuite cipher_suite;
#       uint8 legacy_compression_method = 0;
#       Extension extensions<6..2^16-1>;
#   } ServerHello;
# RFC 9846 section 4.2.4: a HelloRetryRequest is a ServerHello with a random of its own and other extensions.
ServerHello, HelloRetryRequest = (
    Struct(
        name,
        legacy_version=ProtocolVersion,
        random=Random,
        legacy_session_id_echo=Vector(opaque, 0, 32),
        cipher_suite=CipherSuite,
        legacy_compression_method=CompressionMethod,
        extensions=Optional(extensions_of(name)),
    )
    for name in ("ServerHello", "HelloRetryRequest")
)

# RFC 9846 section 4.5.2; RFC 5246 section 4.7 calls the same a DigitallySigned
#   struct {
#       SignatureScheme algorithm;
#       opaque signature<0..2^16-1>;
#   } CertificateVerify;
CertificateVerify = Struct("CertificateVerify", algorithm=SignatureScheme, signature=Vector(opaque, 0, 2**16 - 1))

# RFC 9846 section 4.5.3 and, with 12 bytes in place of Hash.length, RFC 5246 section 7.4.9
#   struct {
#       opaque verify_data[Hash.length];
#   } Finished;
Finished = Struct("Finished", verify_data=rest("opaque[Hash.length]"))

# ---- TLS 1.3

# RFC 9846 section 4.4.1
#   struct {
#       Extension extensions<0..2^16-1>;
#   } EncryptedExtensions;
EncryptedExtensions = Struct("EncryptedExtensions", extensions=extensions_of("EncryptedExtensions"))

# RFC 9846 section 4.4.2
#   struct {
#       opaque certificate_request_context<0..2^8-1>;
#       Extension extensions<0..2^16-1>;
#   } CertificateRequest;
CertificateRequest = Struct(
    "CertificateRequest",
    certificate_request_context=Vector(opaque, 0, 2**8 - 1),
    extensions=extensions_of("CertificateRequest"),
)

# RFC 9846 section 4.5.1
#   struct {
#       select (certificate_type) {
#           case RawPublicKey: opaque ASN1_subjectPublicKeyInfo<1..2^24-1>;
#           case X509: opaque cert_data<1..2^24-1>;
#       };
#       Extension extensions<0..2^16-1>;
#   } CertificateEntry;
#   struct {
#       opaque certificate_request_context<0..2^8-1>;
#       CertificateEntry certificate_list<0..2^24-1>;
#   } Certificate;
_certificate = Select(
    "certificate_type",
    {registry.CertificateType.RawPublicKey: Foreign(asn1_keys.SubjectPublicKeyInfo)},
    Foreign(asn1.Certificate),
)
CertificateEntry = Struct(
    "CertificateEntry",
    cert_data=Vector(opaque, 1, 2**24 - 1, holding=_certificate),
    extensions=extensions_of("CertificateEntry"),
)
Certificate = Struct(
    "Certificate",
    certificate_request_context=Vector(opaque, 0, 2**8 - 1),
    certificate_list=Vector(CertificateEntry, 0, 2**24 - 1),
)

# RFC 8879 section 4
#   struct {
#        CertificateCompressionAlgorithm algorithm;
#        uint24 uncompressed_length;
#        opaque compressed_certificate_message<1..2^24-1>;
#   } CompressedCertificate;
CompressedCertificate = Struct(
    "CompressedCertificate",
    algorithm=CertificateCompressionAlgorithm,
    uncompressed_length=uint24,
    compressed_certificate_message=Vector(opaque, 1, 2**24 - 1),
)

# RFC 9846 section 4.7.1
#   struct {
#       uint32 ticket_lifetime;
#       uint32 ticket_age_add;
#       opaque ticket_nonce<0..255>;
#       opaque ticket<1..2^16-1>;
#       Extension extensions<0..2^16-1>;
#   } NewSessionTicket;
NewSessionTicket = Struct(
    "NewSessionTicket",
    ticket_lifetime=uint32,
    ticket_age_add=uint32,
    ticket_nonce=Vector(opaque, 0, 255),
    ticket=Vector(opaque, 1, 2**16 - 1),
    extensions=extensions_of("NewSessionTicket"),
)

# RFC 9846 section 4.7.3
#   enum { update_not_requested(0), update_requested(1), (255) } KeyUpdateRequest;
#   struct {
#       KeyUpdateRequest request_update;
#   } KeyUpdate;
KeyUpdate = Struct("KeyUpdate", request_update=Enum(registry.KeyUpdateRequest))

# ---- TLS 1.2

# RFC 5246 section 7.4.2
#   opaque ASN.1Cert<1..2^24-1>;
#   struct {
#       ASN.1Cert certificate_list<0..2^24-1>;
#   } Certificate;
# RFC 7250 section 3: a raw public key stands there alone, not in a list
ASN1Cert = Vector(opaque, 1, 2**24 - 1, holding=Foreign(asn1.Certificate))
ASN1SubjectPublicKeyInfo = Vector(opaque, 1, 2**24 - 1, holding=Foreign(asn1_keys.SubjectPublicKeyInfo))
Certificate12 = Select(
    "certificate_type",
    {registry.CertificateType.RawPublicKey: Struct("Certificate", raw_public_key=ASN1SubjectPublicKeyInfo)},
    Struct("Certificate", certificate_list=Vector(ASN1Cert, 0, 2**24 - 1)),
)

# RFC 8422 section 5.4
#   struct {
#       ECCurveType curve_type;
#       select (curve_type) { case named_curve: NamedCurve namedcurve; };
#   } ECParameters;
#   struct { opaque point <1..2^8-1>; } ECPoint;
#   struct { ECParameters curve_params; ECPoint public; } ServerECDHParams;
ECParameters = Struct(
    "ECParameters",
    curve_type=Enum(registry.ECCurveType),
    namedcurve=Select("curve_type", {registry.ECCurveType.named_curve: NamedGroup}, rest()),
)
ECPoint = Struct("ECPoint", point=Vector(opaque, 1, 2**8 - 1))
ServerECDHParams = Struct("ServerECDHParams", curve_params=ECParameters, public=ECPoint)

# RFC 5246 section 7.4.3
#   struct {
#       opaque dh_p<1..2^16-1>;
#       opaque dh_g<1..2^16-1>;
#       opaque dh_Ys<1..2^16-1>;
#   } ServerDHParams;
ServerDHParams = Struct(
    "ServerDHParams",
    dh_p=Vector(opaque, 1, 2**16 - 1),
    dh_g=Vector(opaque, 1, 2**16 - 1),
    dh_Ys=Vector(opaque, 1, 2**16 - 1),
)

# RFC 5246 section 7.4.3, RFC 8422 section 5.4; RFC 4279 and RFC 5489 put a hint in front, and sign nothing
#   struct {
#       select (KeyExchangeAlgorithm) {
#           case dhe_rsa: ServerDHParams params; digitally-signed struct { ... } signed_params;
#           case ec_diffie_hellman: ServerECDHParams params; Signature signed_params;
#       };
#   } ServerKeyExchange;
# RFC 5246 section 4.7
#   struct {
#      SignatureAndHashAlgorithm algorithm;
#      opaque signature<0..2^16-1>;
#   } DigitallySigned;
DigitallySigned = Struct("DigitallySigned", algorithm=SignatureScheme, signature=Vector(opaque, 0, 2**16 - 1))
_hint = Vector(opaque, 0, 2**16 - 1)
_ske = "ServerKeyExchange"
ServerKeyExchange = Select(
    "key_exchange",
    {
        "ECDHE": Struct(_ske, params=ServerECDHParams, signed_params=DigitallySigned),
        "DHE": Struct(_ske, params=ServerDHParams, signed_params=DigitallySigned),
        "ECDH_anon": Struct(_ske, params=ServerECDHParams),
        "DH_anon": Struct(_ske, params=ServerDHParams),
        "PSK": Struct(_ske, psk_identity_hint=_hint),
        "RSA_PSK": Struct(_ske, psk_identity_hint=_hint),
        "ECDHE_PSK": Struct(_ske, psk_identity_hint=_hint, params=ServerECDHParams),
        "DHE_PSK": Struct(_ske, psk_identity_hint=_hint, params=ServerDHParams),
    },
    rest(),
)

# RFC 5246 section 7.4.4
#   struct {
#       ClientCertificateType certificate_types<1..2^8-1>;
#       SignatureAndHashAlgorithm supported_signature_algorithms<2^16-1>;
#       DistinguishedName certificate_authorities<0..2^16-1>;
#   } CertificateRequest;
CertificateRequest12 = Struct(
    "CertificateRequest",
    certificate_types=Vector(Enum(registry.ClientCertificateType), 1, 2**8 - 1),
    supported_signature_algorithms=Vector(SignatureScheme, 2, 2**16 - 2),
    certificate_authorities=Vector(DistinguishedName, 0, 2**16 - 1),
)

# RFC 5246 section 7.4.7, RFC 8422 section 5.7
#   struct {
#       select (KeyExchangeAlgorithm) {
#           case rsa: EncryptedPreMasterSecret;                     /* in opaque<0..2^16-1> */
#           case dhe_rsa: ClientDiffieHellmanPublic;                opaque dh_Yc<1..2^16-1>;
#           case ec_diffie_hellman: ClientECDiffieHellmanPublic;    ECPoint ecdh_Yc;
#       } exchange_keys;
#   } ClientKeyExchange;
_cke = "ClientKeyExchange"
_identity = Vector(opaque, 0, 2**16 - 1)
_dh_public = Vector(opaque, 1, 2**16 - 1)
_pre_master_secret = Vector(opaque, 0, 2**16 - 1)
ClientKeyExchange = Select(
    "key_exchange",
    {
        **dict.fromkeys(("ECDHE", "ECDH", "ECDH_anon"), Struct(_cke, ecdh_Yc=ECPoint)),
        **dict.fromkeys(("DHE", "DH", "DH_anon"), Struct(_cke, dh_Yc=_dh_public)),
        "RSA": Struct(_cke, encrypted_pre_master_secret=_pre_master_secret),
        "PSK": Struct(_cke, psk_identity=_identity),
        "RSA_PSK": Struct(_cke, psk_identity=_identity, encrypted_pre_master_secret=_pre_master_secret),
        "ECDHE_PSK": Struct(_cke, psk_identity=_identity, ecdh_Yc=ECPoint),
        "DHE_PSK": Struct(_cke, psk_identity=_identity, dh_Yc=_dh_public),
    },
    rest(),
)

# RFC 5077 section 3.3
#   struct {
#       uint32 ticket_lifetime_hint;
#       opaque ticket<0..2^16-1>;
#   } NewSessionTicket;
NewSessionTicket12 = Struct("NewSessionTicket", ticket_lifetime_hint=uint32, ticket=Vector(opaque, 0, 2**16 - 1))

# ---- Handshake, and what is beside it in records


def _by_version(tls13: Type, tls12: Type) -> Type:
    return Select("negotiated_version", {TLS_1_3: tls13, TLS_1_2: tls12}, rest())


BODIES: dict[object, Type] = {
    HandshakeType.hello_request: Struct("HelloRequest"),
    HandshakeType.client_hello: ClientHello,
    HandshakeType.server_hello: Select("hello_retry_request", {True: HelloRetryRequest}, ServerHello),
    HandshakeType.new_session_ticket: _by_version(NewSessionTicket, NewSessionTicket12),
    HandshakeType.end_of_early_data: Struct("EndOfEarlyData"),
    HandshakeType.encrypted_extensions: EncryptedExtensions,
    HandshakeType.certificate: _by_version(Certificate, Certificate12),
    HandshakeType.server_key_exchange: _by_version(rest(), ServerKeyExchange),
    HandshakeType.certificate_request: _by_version(CertificateRequest, CertificateRequest12),
    HandshakeType.server_hello_done: Struct("ServerHelloDone"),
    HandshakeType.certificate_verify: _by_version(CertificateVerify, CertificateVerify),
    HandshakeType.client_key_exchange: _by_version(rest(), ClientKeyExchange),
    HandshakeType.finished: Finished,
    HandshakeType.certificate_status: CertificateStatus,  # RFC 6066 section 8
    HandshakeType.key_update: KeyUpdate,
    HandshakeType.compressed_certificate: CompressedCertificate,
}

Handshake = Struct(
    "Handshake",
    msg_type=Enum(HandshakeType),
    length=uint24,
    body=Bounded("length", Select("msg_type", BODIES, rest())),
)

# RFC 9846 section 6
#   struct { AlertLevel level; AlertDescription description; } Alert;
Alert = Struct("Alert", level=Enum(registry.AlertLevel), description=Enum(registry.AlertDescription))

# RFC 5246 section 7.1 (RFC 9846 section 5: a single byte with the value 0x01)
#   struct { enum { change_cipher_spec(1), (255) } type; } ChangeCipherSpec;
ChangeCipherSpec = Struct("ChangeCipherSpec", type=Fixed(uint8, 1))

ApplicationData = rest("application_data")
