"""The extensions of hellos, certificates, requests and tickets: what is in `extension_data`, and in which message.

    struct {                                            RFC 9846 section 4.3
        ExtensionType extension_type;
        opaque extension_data<0..2^16-1>;
    } Extension;

One extension may look different in each message that carries it (RFC 9846 section 4.3 has the table). An extension that
is not here stays as bytes under its name or number.
"""

from __future__ import annotations

from tlsnotes.wire import asn1_names, der, registry, sct
from tlsnotes.wire.presentation import (
    Bounded,
    Distinct,
    Enum,
    Foreign,
    Select,
    Struct,
    Vector,
    opaque,
    rest,
    uint8,
    uint16,
    uint32,
)
from tlsnotes.wire.reader import Type
from tlsnotes.wire.registry import ExtensionType

NamedGroup = Enum(registry.NamedGroup)
ProtocolVersion = Enum(registry.ProtocolVersion)
SignatureScheme = sct.SignatureScheme
Empty = Struct("Empty")

# RFC 6066 section 3
#   struct {
#       NameType name_type;
#       select (name_type) { case host_name: HostName; } name;
#   } ServerName;
#   opaque HostName<1..2^16-1>;
#   struct { ServerName server_name_list<1..2^16-1> } ServerNameList;
HostName = Vector(opaque, 1, 2**16 - 1)
ServerName = Struct("ServerName", name_type=Enum(registry.NameType), host_name=HostName)
ServerNameList = Struct("ServerNameList", server_name_list=Vector(ServerName, 1, 2**16 - 1))

# RFC 6066 section 4
#   enum { 2^9(1), 2^10(2), 2^11(3), 2^12(4), (255) } MaxFragmentLength;
MaxFragmentLength = Struct("MaxFragmentLength", max_fragment_length=Enum(registry.MaxFragmentLength))

# RFC 6066 section 8
#   struct {
#       CertificateStatusType status_type;
#       select (status_type) { case ocsp: OCSPStatusRequest; } request;
#   } CertificateStatusRequest;
#   struct {
#       ResponderID responder_id_list<0..2^16-1>;
#       Extensions  request_extensions;
#   } OCSPStatusRequest;
#   opaque ResponderID<1..2^16-1>;
#   opaque Extensions<0..2^16-1>;
OCSPStatusRequest = Struct(
    "OCSPStatusRequest",
    responder_id_list=Vector(Vector(opaque, 1, 2**16 - 1), 0, 2**16 - 1),
    request_extensions=Vector(opaque, 0, 2**16 - 1),
)
CertificateStatusRequest = Struct(
    "CertificateStatusRequest",
    status_type=Enum(registry.CertificateStatusType),
    request=Select("status_type", {registry.CertificateStatusType.ocsp: OCSPStatusRequest}, rest()),
)
# RFC 6961 section 2.2, obsolete, and still asked for by some
#   struct {
#       CertificateStatusType status_type;
#       uint16 request_length;
#       select (status_type) { case ocsp: OCSPStatusRequest; case ocsp_multi: OCSPStatusRequest; } request;
#   } CertificateStatusRequestItemV2;
#   struct { CertificateStatusRequestItemV2 certificate_status_req_list<1..2^16-1>; } CertificateStatusRequestListV2;
CertificateStatusRequestItemV2 = Struct(
    "CertificateStatusRequestItemV2",
    status_type=Enum(registry.CertificateStatusType),
    request_length=uint16,
    request=Bounded(
        "request_length",
        Select("status_type", dict.fromkeys(registry.CertificateStatusType, OCSPStatusRequest), rest()),
    ),
)
CertificateStatusRequestListV2 = Struct(
    "CertificateStatusRequestListV2",
    certificate_status_req_list=Vector(CertificateStatusRequestItemV2, 1, 2**16 - 1),
)
# RFC 6066 section 8
#   struct {
#       CertificateStatusType status_type;
#       select (status_type) { case ocsp: OCSPResponse; } response;
#   } CertificateStatus;
#   opaque OCSPResponse<1..2^24-1>;
CertificateStatus = Struct(
    "CertificateStatus",
    status_type=Enum(registry.CertificateStatusType),
    response=Select(
        "status_type",
        {registry.CertificateStatusType.ocsp: Vector(opaque, 1, 2**24 - 1, holding=Foreign(der.ANY))},
        rest(),
    ),
)

# RFC 9846 section 4.3.7 (RFC 7919, RFC 8422)
#   struct { NamedGroup named_group_list<2..2^16-1>; } NamedGroupList;
NamedGroupList = Struct("NamedGroupList", named_group_list=Vector(NamedGroup, 2, 2**16 - 1))

# RFC 8422 section 5.1.2
#   struct { ECPointFormat ec_point_format_list<1..2^8-1> } ECPointFormatList;
ECPointFormatList = Struct("ECPointFormatList", ec_point_format_list=Vector(Enum(registry.ECPointFormat), 1, 2**8 - 1))

# RFC 9846 section 4.3.3
#   struct { SignatureScheme supported_signature_algorithms<2..2^16-2>; } SignatureSchemeList;
SignatureSchemeList = Struct(
    "SignatureSchemeList", supported_signature_algorithms=Vector(SignatureScheme, 2, 2**16 - 2)
)

# RFC 6520 section 2
#   struct { HeartbeatMode mode; } HeartbeatExtension;
HeartbeatExtension = Struct("HeartbeatExtension", mode=uint8)

# RFC 7301 section 3.1
#   opaque ProtocolName<1..2^8-1>;
#   struct { ProtocolName protocol_name_list<2..2^16-1> } ProtocolNameList;
ProtocolName = Vector(opaque, 1, 2**8 - 1)
ProtocolNameList = Struct("ProtocolNameList", protocol_name_list=Vector(ProtocolName, 2, 2**16 - 1))

# RFC 7250 section 3
#   struct {
#       select (ClientOrServerExtension) {
#           case client: CertificateType client_certificate_types<1..2^8-1>;
#           case server: CertificateType client_certificate_type;
#       }
#   } ClientCertTypeExtension;                          (and the same for the server's)
CertificateTypes = Struct("CertTypeExtension", certificate_types=Vector(Enum(registry.CertificateType), 1, 2**8 - 1))
CertificateType = Struct("CertTypeExtension", certificate_type=Enum(registry.CertificateType))

# RFC 7685 section 3: "The client MUST fill the padding extension completely with zero bytes."
Padding = Struct("Padding", padding=rest())

# RFC 8879 section 3
#   struct { CertificateCompressionAlgorithm algorithms<2..2^8-2>; } CertificateCompressionAlgorithms;
CertificateCompressionAlgorithm = Enum(registry.CertificateCompressionAlgorithm)
CertificateCompressionAlgorithms = Struct(
    "CertificateCompressionAlgorithms", algorithms=Vector(CertificateCompressionAlgorithm, 2, 2**8 - 2)
)

# RFC 8449 section 4
#   uint16 RecordSizeLimit;
RecordSizeLimit = Struct("RecordSizeLimit", record_size_limit=uint16)

# RFC 5077 section 3.2
SessionTicket = Struct("SessionTicket", ticket=rest())

# RFC 9149 section 3
#   struct { uint8 new_session_count; uint8 resumption_count; } ClientTicketRequest;
#   struct { uint8 expected_count; } ServerTicketRequestHint;
ClientTicketRequest = Struct("ClientTicketRequest", new_session_count=uint8, resumption_count=uint8)
ServerTicketRequestHint = Struct("ServerTicketRequestHint", expected_count=uint8)

# RFC 9846 section 4.3.11
#   struct { opaque identity<1..2^16-1>; uint32 obfuscated_ticket_age; } PskIdentity;
#   opaque PskBinderEntry<32..255>;
#   struct {
#       PskIdentity identities<7..2^16-1>;
#       PskBinderEntry binders<33..2^16-1>;
#   } OfferedPsks;
#   struct {
#       select (Handshake.msg_type) {
#           case client_hello: OfferedPsks;
#           case server_hello: uint16 selected_identity;
#       };
#   } PreSharedKeyExtension;
PskIdentity = Struct("PskIdentity", identity=Vector(opaque, 1, 2**16 - 1), obfuscated_ticket_age=uint32)
PskBinderEntry = Vector(opaque, 32, 2**8 - 1)
OfferedPsks = Struct(
    "OfferedPsks",
    identities=Vector(PskIdentity, 7, 2**16 - 1),
    binders=Vector(PskBinderEntry, 33, 2**16 - 1),
)
SelectedPsk = Struct("PreSharedKeyExtension", selected_identity=uint16)

# RFC 9846 section 4.3.10
#   struct {
#       select (Handshake.msg_type) {
#           case new_session_ticket: uint32 max_early_data_size;
#           case client_hello: Empty;
#           case encrypted_extensions: Empty;
#       };
#   } EarlyDataIndication;
EarlyDataIndication = Struct("EarlyDataIndication", max_early_data_size=uint32)

# RFC 9846 section 4.3.1
#   struct {
#       select (Handshake.msg_type) {
#           case client_hello: ProtocolVersion versions<2..254>;
#           case server_hello: /* and HelloRetryRequest */ ProtocolVersion selected_version;
#       };
#   } SupportedVersions;
SupportedVersions = Struct("SupportedVersions", versions=Vector(ProtocolVersion, 2, 254))
SelectedVersion = Struct("SupportedVersions", selected_version=ProtocolVersion)

# RFC 9846 section 4.3.2
#   struct { opaque cookie<1..2^16-1>; } Cookie;
Cookie = Struct("Cookie", cookie=Vector(opaque, 1, 2**16 - 1))

# RFC 9846 section 4.3.9
#   struct { PskKeyExchangeMode ke_modes<1..255>; } PskKeyExchangeModes;
PskKeyExchangeModes = Struct("PskKeyExchangeModes", ke_modes=Vector(Enum(registry.PskKeyExchangeMode), 1, 255))

# RFC 9846 section 4.3.4
#   opaque DistinguishedName<1..2^16-1>;
#   struct { DistinguishedName authorities<3..2^16-1>; } CertificateAuthoritiesExtension;
DistinguishedName = Vector(opaque, 1, 2**16 - 1, holding=Foreign(asn1_names.Name))
CertificateAuthorities = Struct("CertificateAuthoritiesExtension", authorities=Vector(DistinguishedName, 3, 2**16 - 1))

# RFC 9846 section 4.3.5
#   struct {
#       opaque certificate_extension_oid<1..2^8-1>;
#       opaque certificate_extension_values<0..2^16-1>;
#   } OIDFilter;
#   struct { OIDFilter filters<0..2^16-1>; } OIDFilterExtension;
OIDFilter = Struct(
    "OIDFilter",
    certificate_extension_oid=Vector(opaque, 1, 2**8 - 1, holding=Foreign(der.ANY)),
    certificate_extension_values=Vector(opaque, 0, 2**16 - 1),
)
OIDFilterExtension = Struct("OIDFilterExtension", filters=Vector(OIDFilter, 0, 2**16 - 1))

# RFC 9846 section 4.3.8
#   struct { NamedGroup group; opaque key_exchange<1..2^16-1>; } KeyShareEntry;
#   struct { KeyShareEntry client_shares<0..2^16-1>; } KeyShareClientHello;
#   struct { NamedGroup selected_group; } KeyShareHelloRetryRequest;
#   struct { KeyShareEntry server_share; } KeyShareServerHello;
KeyShareEntry = Struct("KeyShareEntry", group=NamedGroup, key_exchange=Vector(opaque, 1, 2**16 - 1))
KeyShareClientHello = Struct("KeyShareClientHello", client_shares=Vector(KeyShareEntry, 0, 2**16 - 1))
KeyShareHelloRetryRequest = Struct("KeyShareHelloRetryRequest", selected_group=NamedGroup)
KeyShareServerHello = Struct("KeyShareServerHello", server_share=KeyShareEntry)

# RFC 5746 section 3.2
#   struct { opaque renegotiated_connection<0..255>; } RenegotiationInfo;
RenegotiationInfo = Struct("RenegotiationInfo", renegotiated_connection=Vector(opaque, 0, 255))

# RFC 9849 section 5
#   enum { outer(0), inner(1) } ECHClientHelloType;
#   struct {
#      ECHClientHelloType type;
#      select (ECHClientHello.type) {
#          case outer:
#              HpkeSymmetricCipherSuite cipher_suite;
#              uint8 config_id;
#              opaque enc<0..2^16-1>;
#              opaque payload<1..2^16-1>;
#          case inner:
#              Empty;
#      };
#   } ECHClientHello;
#   struct { HpkeKdfId kdf_id; HpkeAeadId aead_id; } HpkeSymmetricCipherSuite;
HpkeSymmetricCipherSuite = Struct(
    "HpkeSymmetricCipherSuite", kdf_id=Enum(registry.HpkeKdf), aead_id=Enum(registry.HpkeAead)
)
ECHClientHelloOuter = Struct(
    "ECHClientHelloOuter",
    cipher_suite=HpkeSymmetricCipherSuite,
    config_id=uint8,
    enc=Vector(opaque, 0, 2**16 - 1),
    payload=Vector(opaque, 1, 2**16 - 1),
)
ECHClientHello = Struct(
    "ECHClientHello",
    type=Enum(registry.ECHClientHelloType),
    outer=Select(
        "type",
        {registry.ECHClientHelloType.outer: ECHClientHelloOuter, registry.ECHClientHelloType.inner: Empty},
        rest(),
    ),
)
# RFC 9849 section 4
#   struct {
#       uint8 config_id;
#       HpkeKemId kem_id;
#       HpkePublicKey public_key;                       opaque HpkePublicKey<1..2^16-1>;
#       HpkeSymmetricCipherSuite cipher_suites<4..2^16-4>;
#   } HpkeKeyConfig;
#   struct {
#       HpkeKeyConfig key_config;
#       uint8 maximum_name_length;
#       opaque public_name<1..255>;
#       ECHConfigExtension extensions<0..2^16-1>;
#   } ECHConfigContents;
#   struct {
#       uint16 version;
#       uint16 length;
#       select (ECHConfig.version) { case 0xfe0d: ECHConfigContents contents; }
#   } ECHConfig;
#   ECHConfig ECHConfigList<4..2^16-1>;
HpkeKeyConfig = Struct(
    "HpkeKeyConfig",
    config_id=uint8,
    kem_id=Enum(registry.HpkeKem),
    public_key=Vector(opaque, 1, 2**16 - 1),
    cipher_suites=Vector(HpkeSymmetricCipherSuite, 4, 2**16 - 4),
)
ECHConfigContents = Struct(
    "ECHConfigContents",
    key_config=HpkeKeyConfig,
    maximum_name_length=uint8,
    public_name=Vector(opaque, 1, 255),
    extensions=Vector(opaque, 0, 2**16 - 1),
)
ECHConfig = Struct(
    "ECHConfig",
    version=uint16,
    length=uint16,
    contents=Bounded("length", Select("version", {0xFE0D: ECHConfigContents}, rest())),
)
ECHEncryptedExtensions = Struct("ECHEncryptedExtensions", retry_configs=Vector(ECHConfig, 4, 2**16 - 1))
#   struct { opaque confirmation[8]; } ECHHelloRetryRequest;
ECHHelloRetryRequest = Struct("ECHHelloRetryRequest", confirmation=opaque(8))
# RFC 9849 section 5.1
#   ExtensionType OuterExtensions<2..254>;
OuterExtensions = Struct("ECHOuterExtensions", outer_extensions=Vector(Enum(ExtensionType), 2, 254))

# draft-vvv-tls-alps, as Chromium sends it: names of protocols, as in ALPN; the answer holds one protocol's settings.
ApplicationSettings = Struct("ApplicationSettings", supported_protocols=Vector(ProtocolName, 2, 2**16 - 1))

_CH, _SH, _HRR, _EE = "ClientHello", "ServerHello", "HelloRetryRequest", "EncryptedExtensions"
_CR, _CT, _NST = "CertificateRequest", "CertificateEntry", "NewSessionTicket"
_HELLOS = (_CH, _SH, _EE)  # asked for in the first, and answered in the third (RFC 9846) or the second (TLS 1.2)

CONTENTS: dict[ExtensionType, dict[str, Type]] = {
    ExtensionType.server_name: {_CH: ServerNameList, _SH: Empty, _EE: Empty},
    ExtensionType.max_fragment_length: dict.fromkeys(_HELLOS, MaxFragmentLength),
    ExtensionType.status_request: {
        _CH: CertificateStatusRequest, _SH: Empty, _CR: CertificateStatusRequest, _CT: CertificateStatus,
    },
    ExtensionType.status_request_v2: {_CH: CertificateStatusRequestListV2, _SH: Empty},
    ExtensionType.supported_groups: dict.fromkeys(_HELLOS, NamedGroupList),
    ExtensionType.ec_point_formats: dict.fromkeys(_HELLOS, ECPointFormatList),
    ExtensionType.signature_algorithms: {_CH: SignatureSchemeList, _CR: SignatureSchemeList},
    ExtensionType.signature_algorithms_cert: {_CH: SignatureSchemeList, _CR: SignatureSchemeList},
    ExtensionType.heartbeat: dict.fromkeys(_HELLOS, HeartbeatExtension),
    ExtensionType.application_layer_protocol_negotiation: dict.fromkeys(_HELLOS, ProtocolNameList),
    ExtensionType.signed_certificate_timestamp: {
        _CH: Empty, _CR: Empty, _SH: sct.SignedCertificateTimestampList, _CT: sct.SignedCertificateTimestampList,
    },
    ExtensionType.client_certificate_type: {_CH: CertificateTypes, _SH: CertificateType, _EE: CertificateType},
    ExtensionType.server_certificate_type: {_CH: CertificateTypes, _SH: CertificateType, _EE: CertificateType},
    ExtensionType.padding: {_CH: Padding},
    ExtensionType.encrypt_then_mac: {_CH: Empty, _SH: Empty},
    ExtensionType.extended_master_secret: {_CH: Empty, _SH: Empty},
    ExtensionType.compress_certificate: {_CH: CertificateCompressionAlgorithms, _CR: CertificateCompressionAlgorithms},
    ExtensionType.record_size_limit: dict.fromkeys(_HELLOS, RecordSizeLimit),
    ExtensionType.delegated_credential: {_CH: SignatureSchemeList, _CR: SignatureSchemeList},
    ExtensionType.session_ticket: {_CH: SessionTicket, _SH: Empty},
    ExtensionType.ticket_request: {_CH: ClientTicketRequest, _EE: ServerTicketRequestHint},
    ExtensionType.pre_shared_key: {_CH: OfferedPsks, _SH: SelectedPsk},
    ExtensionType.early_data: {_CH: Empty, _EE: Empty, _NST: EarlyDataIndication},
    ExtensionType.supported_versions: {_CH: SupportedVersions, _SH: SelectedVersion, _HRR: SelectedVersion},
    ExtensionType.cookie: {_CH: Cookie, _HRR: Cookie},
    ExtensionType.psk_key_exchange_modes: {_CH: PskKeyExchangeModes},
    ExtensionType.certificate_authorities: {_CH: CertificateAuthorities, _CR: CertificateAuthorities},
    ExtensionType.oid_filters: {_CR: OIDFilterExtension},
    ExtensionType.post_handshake_auth: {_CH: Empty},
    ExtensionType.key_share: {_CH: KeyShareClientHello, _SH: KeyShareServerHello, _HRR: KeyShareHelloRetryRequest},
    ExtensionType.renegotiation_info: {_CH: RenegotiationInfo, _SH: RenegotiationInfo},
    ExtensionType.encrypted_client_hello: {
        _CH: ECHClientHello, _EE: ECHEncryptedExtensions, _HRR: ECHHelloRetryRequest,
    },
    ExtensionType.ech_outer_extensions: {_CH: OuterExtensions},
    ExtensionType.application_settings: {_CH: ApplicationSettings},
    ExtensionType.application_settings_old: {_CH: ApplicationSettings},
}  # fmt: skip


def extensions_of(message: str) -> Type:
    """Make `Extension extensions<0..2^16-1>` as `message` (a struct's name) carries it."""
    cases: dict[object, Type] = {number: forms[message] for number, forms in CONTENTS.items() if message in forms}
    extension = Struct(
        "Extension",
        _named_by="extension_type",
        extension_type=Enum(ExtensionType),
        extension_data=Vector(opaque, 0, 2**16 - 1, holding=Select("extension_type", cases, rest())),
    )
    return Distinct(Vector(extension, 0, 2**16 - 1))
