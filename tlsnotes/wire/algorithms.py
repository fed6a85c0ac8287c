"""The registries of cryptography: groups, signatures, HPKE. The cipher suites have a module of their own.

https://www.iana.org/assignments/tls-parameters and .../hpke, as of September 2026
"""

# ruff: noqa: N815  # the names are the RFCs' own, mixedCase or not
from __future__ import annotations

from tlsnotes.wire.code_points import Registry

# ---- Key exchange


class NamedGroup(Registry, size=2, grease=True):
    """In which group, or with which KEM, keys are exchanged (RFC 9846 section 4.3.7; TLS Supported Groups of IANA)."""

    sect163k1 = 1
    sect163r1 = 2
    sect163r2 = 3
    sect193r1 = 4
    sect193r2 = 5
    sect233k1 = 6
    sect233r1 = 7
    sect239k1 = 8
    sect283k1 = 9
    sect283r1 = 10
    sect409k1 = 11
    sect409r1 = 12
    sect571k1 = 13
    sect571r1 = 14
    secp160k1 = 15
    secp160r1 = 16
    secp160r2 = 17
    secp192k1 = 18
    secp192r1 = 19
    secp224k1 = 20
    secp224r1 = 21
    secp256k1 = 22
    secp256r1 = 23
    secp384r1 = 24
    secp521r1 = 25
    brainpoolP256r1 = 26
    brainpoolP384r1 = 27
    brainpoolP512r1 = 28
    x25519 = 29
    x448 = 30
    brainpoolP256r1tls13 = 31
    brainpoolP384r1tls13 = 32
    brainpoolP512r1tls13 = 33
    GC256A = 34
    GC256B = 35
    GC256C = 36
    GC256D = 37
    GC512A = 38
    GC512B = 39
    GC512C = 40
    curveSM2 = 41
    ffdhe2048 = 0x0100
    ffdhe3072 = 0x0101
    ffdhe4096 = 0x0102
    ffdhe6144 = 0x0103
    ffdhe8192 = 0x0104
    MLKEM512 = 0x0200
    MLKEM768 = 0x0201
    MLKEM1024 = 0x0202
    SecP256r1MLKEM512 = 0x11E9
    MLKEM512X25519 = 0x11EA
    SecP256r1MLKEM768 = 0x11EB
    X25519MLKEM768 = 0x11EC
    SecP384r1MLKEM1024 = 0x11ED
    curveSM2MLKEM768 = 0x11EE
    X25519Kyber768Draft00 = 0x6399
    SecP256r1Kyber768Draft00 = 0x639A
    arbitrary_explicit_prime_curves = 0xFF01
    arbitrary_explicit_char2_curves = 0xFF02


class ECPointFormat(Registry, size=1):
    """How a point on a curve is written (RFC 8422 section 5.1.2, which leaves only the first)."""

    uncompressed = 0
    ansiX962_compressed_prime = 1
    ansiX962_compressed_char2 = 2


class ECCurveType(Registry, size=1):
    """How TLS 1.2's ServerKeyExchange gives its curve (RFC 8422 section 5.4, which leaves only the last)."""

    explicit_prime = 1
    explicit_char2 = 2
    named_curve = 3


# ---- Signatures


class SignatureScheme(Registry, size=2, grease=True):
    """How a signature is made (RFC 9846 section 4.3.3; TLS SignatureScheme of IANA).

    In TLS 1.2 the two octets are a HashAlgorithm and a SignatureAlgorithm, and mean the same where both have a name.
    """

    rsa_pkcs1_sha1 = 0x0201
    ecdsa_sha1 = 0x0203
    rsa_pkcs1_sha256 = 0x0401
    ecdsa_secp256r1_sha256 = 0x0403
    rsa_pkcs1_sha256_legacy = 0x0420
    rsa_pkcs1_sha384 = 0x0501
    ecdsa_secp384r1_sha384 = 0x0503
    rsa_pkcs1_sha384_legacy = 0x0520
    rsa_pkcs1_sha512 = 0x0601
    ecdsa_secp521r1_sha512 = 0x0603
    rsa_pkcs1_sha512_legacy = 0x0620
    eccsi_sha256 = 0x0704
    iso_ibs1 = 0x0705
    iso_ibs2 = 0x0706
    iso_chinese_ibs = 0x0707
    sm2sig_sm3 = 0x0708
    gostr34102012_256a = 0x0709
    gostr34102012_256b = 0x070A
    gostr34102012_256c = 0x070B
    gostr34102012_256d = 0x070C
    gostr34102012_512a = 0x070D
    gostr34102012_512b = 0x070E
    gostr34102012_512c = 0x070F
    rsa_pss_rsae_sha256 = 0x0804
    rsa_pss_rsae_sha384 = 0x0805
    rsa_pss_rsae_sha512 = 0x0806
    ed25519 = 0x0807
    ed448 = 0x0808
    rsa_pss_pss_sha256 = 0x0809
    rsa_pss_pss_sha384 = 0x080A
    rsa_pss_pss_sha512 = 0x080B
    ecdsa_brainpoolP256r1tls13_sha256 = 0x081A
    ecdsa_brainpoolP384r1tls13_sha384 = 0x081B
    ecdsa_brainpoolP512r1tls13_sha512 = 0x081C
    mldsa44 = 0x0904
    mldsa65 = 0x0905
    mldsa87 = 0x0906
    slhdsa_sha2_128s = 0x0911
    slhdsa_sha2_128f = 0x0912
    slhdsa_sha2_192s = 0x0913
    slhdsa_sha2_192f = 0x0914
    slhdsa_sha2_256s = 0x0915
    slhdsa_sha2_256f = 0x0916
    slhdsa_shake_128s = 0x0917
    slhdsa_shake_128f = 0x0918
    slhdsa_shake_192s = 0x0919
    slhdsa_shake_192f = 0x091A
    slhdsa_shake_256s = 0x091B
    slhdsa_shake_256f = 0x091C


class HashAlgorithm(Registry, size=1):
    """The first octet of TLS 1.2's SignatureAndHashAlgorithm (RFC 5246 section 7.4.1.4.1; Intrinsic: RFC 8422)."""

    none = 0
    md5 = 1
    sha1 = 2
    sha224 = 3
    sha256 = 4
    sha384 = 5
    sha512 = 6
    Intrinsic = 8


class SignatureAlgorithm(Registry, size=1):
    """The second octet of TLS 1.2's SignatureAndHashAlgorithm (RFC 5246 section 7.4.1.4.1, RFC 8422, RFC 9189)."""

    anonymous = 0
    rsa = 1
    dsa = 2
    ecdsa = 3
    ed25519 = 7
    ed448 = 8
    gostr34102012_256 = 64
    gostr34102012_512 = 65


# ---- HPKE, which encrypted_client_hello stands on. IANA writes DHKEM(P-256, HKDF-SHA256) for DHKEM_P256_HKDF_SHA256,
# and elsewhere a hyphen for the underscore: ML-KEM-512.


class HpkeKem(Registry, size=2):
    """With which KEM the inner ClientHello is encrypted (RFC 9180 section 7.1; HPKE KEM Identifiers of IANA)."""

    DHKEM_P256_HKDF_SHA256 = 0x0010
    DHKEM_P384_HKDF_SHA384 = 0x0011
    DHKEM_P521_HKDF_SHA512 = 0x0012
    DHKEM_CP256_HKDF_SHA256 = 0x0013
    DHKEM_CP384_HKDF_SHA384 = 0x0014
    DHKEM_CP521_HKDF_SHA512 = 0x0015
    DHKEM_secp256k1_HKDF_SHA256 = 0x0016
    DHKEM_X25519_HKDF_SHA256 = 0x0020
    DHKEM_X448_HKDF_SHA512 = 0x0021
    DHKEM_X25519_Elligator_HKDF_SHA256 = 0x0022
    X25519Kyber768Draft00 = 0x0030
    ML_KEM_512 = 0x0040
    ML_KEM_768 = 0x0041
    ML_KEM_1024 = 0x0042
    MLKEM768_P256 = 0x0050
    MLKEM1024_P384 = 0x0051
    X_Wing = 0x647A


class HpkeKdf(Registry, size=2):
    """With which KDF the keys for it are derived (RFC 9180 section 7.2; HPKE KDF Identifiers of IANA)."""

    HKDF_SHA256 = 0x0001
    HKDF_SHA384 = 0x0002
    HKDF_SHA512 = 0x0003
    SHAKE128 = 0x0010
    SHAKE256 = 0x0011
    TurboSHAKE128 = 0x0012
    TurboSHAKE256 = 0x0013


class HpkeAead(Registry, size=2):
    """With which AEAD it is sealed (RFC 9180 section 7.3; HPKE AEAD Identifiers of IANA)."""

    AES_128_GCM = 0x0001
    AES_256_GCM = 0x0002
    ChaCha20Poly1305 = 0x0003
    Export_only = 0xFFFF
