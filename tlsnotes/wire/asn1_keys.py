"""Algorithms, public keys and signatures: what an OBJECT IDENTIFIER says about the bytes beside it.

RFC 3279 (RSA, DSA, DH), RFC 4055 (RSASSA-PSS), RFC 5480 and 5758 (elliptic curves), RFC 8410 (Ed25519, X25519, ...),
RFC 9881 (ML-DSA), RFC 9935 (ML-KEM).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tlsnotes.wire.contents import Schema
from tlsnotes.wire.der import ANY, Tagged, inside, instead
from tlsnotes.wire.fields import Field
from tlsnotes.wire.notation import (
    INTEGER,
    NULL,
    OBJECT_IDENTIFIER,
    Choice,
    DefinedBy,
    bit_string,
    checked,
    default,
    explicit,
    optional,
    range_from,
    sequence,
)
from tlsnotes.wire.oids import DOTTED, name_of
from tlsnotes.wire.presentation import opaque, rest
from tlsnotes.wire.reader import Reader, Type


class _Absent:
    """Parameters that the RFC wants left out."""

    name = "no parameters"
    optional = True
    starts = ANY.starts

    def read(self, reader: Reader, name: str) -> Field:
        """Read what stands there nevertheless."""
        return instead(reader, name, self.name)


def algorithm_identifier(parameters: Mapping[str, Schema], required: Iterable[str] = ()) -> Tagged:
    """AlgorithmIdentifier with the parameters of each algorithm, and with those that must not be missing."""
    must = {DOTTED[name] for name in required}

    def complete(field: Field) -> Iterable[tuple[str, str]]:
        if field.value in must and len(inside(field)) == 1:
            yield f"the parameters of {name_of(field.value)}", "none"

    # RFC 5280, section 4.1.1.2
    #   AlgorithmIdentifier  ::=  SEQUENCE  {
    #        algorithm               OBJECT IDENTIFIER,
    #        parameters              ANY DEFINED BY algorithm OPTIONAL  }
    return sequence(
        "AlgorithmIdentifier",
        complete,
        _valued="algorithm",
        algorithm=OBJECT_IDENTIFIER,
        parameters=optional(DefinedBy("algorithm", parameters)),
    )


POSITIVE = checked(INTEGER, range_from(1))

# ---- RSASSA-PSS (RFC 4055, section 3.1)

HASHES = ("id-sha1", "id-sha224", "id-sha256", "id-sha384", "id-sha512")
HashAlgorithm = algorithm_identifier(dict.fromkeys(HASHES, NULL))


def _mgf1(field: Field) -> Iterable[tuple[str, str]]:
    if field.value != DOTTED["id-mgf1"]:
        yield "id-mgf1, the only one there is", name_of(field.value) or "another"


MaskGenAlgorithm = checked(algorithm_identifier({"id-mgf1": HashAlgorithm}, required=["id-mgf1"]), _mgf1)

#   RSASSA-PSS-params  ::=  SEQUENCE  {
#      hashAlgorithm     [0] HashAlgorithm DEFAULT sha1Identifier,
#      maskGenAlgorithm  [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
#      saltLength        [2] INTEGER DEFAULT 20,
#      trailerField      [3] INTEGER DEFAULT 1  }
RSASSA_PSS_params = sequence(
    "RSASSA-PSS-params",
    hashAlgorithm=default(explicit(0, HashAlgorithm), DOTTED["id-sha1"]),
    maskGenAlgorithm=optional(explicit(1, MaskGenAlgorithm)),
    saltLength=default(explicit(2, INTEGER), 20),
    trailerField=default(explicit(3, INTEGER), 1),
)

# ---- Signatures

RSA_SIGNATURES = (
    *(f"{name}WithRSAEncryption" for name in ("md2", "md4", "md5", "sha1", "sha224", "sha256", "sha384", "sha512")),
    *(f"id-rsassa-pkcs1-v1-5-with-sha3-{bits}" for bits in (224, 256, 384, 512)),
)
ECDSA_SIGNATURES = (
    *(f"ecdsa-with-SHA{bits}" for bits in (1, 224, 256, 384, 512)),
    *(f"id-ecdsa-with-sha3-{bits}" for bits in (224, 256, 384, 512)),
)
DSA_SIGNATURES = tuple(f"id-dsa-with-sha{bits}" for bits in (1, 224, 256, 384, 512))
# The octets of a signature, and of a public key.
EDWARDS = {"id-Ed25519": (64, 32), "id-Ed448": (114, 57)}
ML_DSA = {"id-ml-dsa-44": (2420, 1312), "id-ml-dsa-65": (3309, 1952), "id-ml-dsa-87": (4627, 2592)}

SignatureAlgorithm = algorithm_identifier(
    {
        **dict.fromkeys(RSA_SIGNATURES, NULL),
        "id-RSASSA-PSS": RSASSA_PSS_params,
        **dict.fromkeys((*ECDSA_SIGNATURES, *DSA_SIGNATURES, *EDWARDS, *ML_DSA), _Absent()),
    },
    required=[*RSA_SIGNATURES, "id-RSASSA-PSS"],
)

#   ECDSA-Sig-Value ::= SEQUENCE {            Dss-Sig-Value  ::=  SEQUENCE  {
#     r  INTEGER,                                  r       INTEGER,
#     s  INTEGER }                                 s       INTEGER  }
ECDSA_Sig_Value = sequence("ECDSA-Sig-Value", r=POSITIVE, s=POSITIVE)
Dss_Sig_Value = sequence("Dss-Sig-Value", r=POSITIVE, s=POSITIVE)

_SIGNATURES: dict[str, Type] = {
    **dict.fromkeys(ECDSA_SIGNATURES, ECDSA_Sig_Value),
    **dict.fromkeys(DSA_SIGNATURES, Dss_Sig_Value),
    **{name: opaque(size) for name, (size, _) in (EDWARDS | ML_DSA).items()},
}
# A signature, beside the member `signatureAlgorithm`.
Signature = bit_string(DefinedBy("signatureAlgorithm", _SIGNATURES, rest()))

# ---- Public keys


def _rsa(field: Field) -> Iterable[tuple[str, str]]:
    """RFC 8017 section 3.1: n is a product of odd primes, and e has an inverse."""
    values = [member.value for member in inside(field)]
    if len(values) == 2 and isinstance(n := values[0], int) and isinstance(e := values[1], int) and n > 0 and e > 0:
        if not n % 2:
            yield "an odd modulus", "an even one"
        if not (3 <= e < n and e % 2):
            yield "an odd exponent from 3 to below the modulus", "another"


#   RSAPublicKey ::= SEQUENCE {
#      modulus            INTEGER,    -- n
#      publicExponent     INTEGER  }  -- e
RSAPublicKey = sequence("RSAPublicKey", _rsa, modulus=POSITIVE, publicExponent=POSITIVE)

#   Dss-Parms  ::=  SEQUENCE  {
#       p             INTEGER,
#       q             INTEGER,
#       g             INTEGER  }
Dss_Parms = sequence("Dss-Parms", p=POSITIVE, q=POSITIVE, g=POSITIVE)

#   DomainParameters ::= SEQUENCE {
#      p       INTEGER, -- odd prime, p=jq +1
#      g       INTEGER, -- generator, g
#      q       INTEGER, -- factor of p-1
#      j       INTEGER OPTIONAL, -- subgroup factor
#      validationParms  ValidationParms OPTIONAL }
#   ValidationParms ::= SEQUENCE {
#      seed             BIT STRING,
#      pgenCounter      INTEGER }
ValidationParms = sequence("ValidationParms", seed=bit_string(), pgenCounter=INTEGER)
DomainParameters = sequence(
    "DomainParameters",
    p=POSITIVE,
    g=POSITIVE,
    q=POSITIVE,
    j=optional(POSITIVE),
    validationParms=optional(ValidationParms),
)

#   DHParameter ::= SEQUENCE {                  (PKCS #3)
#     prime INTEGER, -- p
#     base INTEGER, -- g
#     privateValueLength INTEGER OPTIONAL }
DHParameter = sequence("DHParameter", prime=POSITIVE, base=POSITIVE, privateValueLength=optional(POSITIVE))

#   ECParameters ::= CHOICE {
#     namedCurve         OBJECT IDENTIFIER
#     -- implicitCurve   NULL
#     -- specifiedCurve  SpecifiedECDomain }    (neither must be used: RFC 5480, section 2.1.1)
ECParameters = Choice("ECParameters", namedCurve=OBJECT_IDENTIFIER)


class _Point:
    """ECPoint ::= OCTET STRING: 04 and both coordinates, or 02 or 03 and the first (RFC 5480 section 2.2)."""

    optional = False
    name = "ECPoint"
    octets = rest("ECPoint")

    def read(self, reader: Reader, name: str) -> Field:
        """Read it, up to the end. Raises `DecodeError`."""
        form, size = reader.buffer[reader.at : reader.at + 1].hex(), reader.end - reader.at
        if not ((form == "04" and size % 2) or form in ("02", "03")) or size < 2:
            raise reader.error("a point of a curve: 04, x and y, or 02 or 03 and x", f"{size} octets, {form} the first")
        return self.octets.read(reader, name)


# Key agreement has no signatures.
MONTGOMERY = {"id-X25519": 32, "id-X448": 56}
ML_KEM = {"id-alg-ml-kem-512": 800, "id-alg-ml-kem-768": 1184, "id-alg-ml-kem-1024": 1568}
_SIZES = {name: size for name, (_, size) in (EDWARDS | ML_DSA).items()} | MONTGOMERY | ML_KEM

PublicKeyAlgorithm = algorithm_identifier(
    {
        "rsaEncryption": NULL,
        "id-RSASSA-PSS": RSASSA_PSS_params,
        "id-dsa": Dss_Parms,
        "dhpublicnumber": DomainParameters,
        "dhKeyAgreement": DHParameter,
        "id-ecPublicKey": ECParameters,
        "id-ecDH": ECParameters,
        **dict.fromkeys(_SIZES, _Absent()),
    },
    required=["rsaEncryption", "dhpublicnumber", "dhKeyAgreement", "id-ecPublicKey", "id-ecDH"],
)

_PUBLIC_KEYS: dict[str, Type] = {
    "rsaEncryption": RSAPublicKey,
    "id-RSASSA-PSS": RSAPublicKey,
    **dict.fromkeys(("id-dsa", "dhpublicnumber", "dhKeyAgreement"), POSITIVE),
    **dict.fromkeys(("id-ecPublicKey", "id-ecDH"), _Point()),
    **{name: opaque(size) for name, size in _SIZES.items()},
}

# RFC 5280, section 4.1
#   SubjectPublicKeyInfo  ::=  SEQUENCE  {
#        algorithm            AlgorithmIdentifier,
#        subjectPublicKey     BIT STRING  }
SubjectPublicKeyInfo = sequence(
    "SubjectPublicKeyInfo",
    algorithm=PublicKeyAlgorithm,
    subjectPublicKey=bit_string(DefinedBy("algorithm", _PUBLIC_KEYS, rest())),
)
