"""PEM (RFC 7468) as the DER within it, whatever that holds: cryptography gives back only what it can make sense of."""

from __future__ import annotations

import re
from base64 import b64decode

from tlsnotes.errors import TLSNotesError

CERTIFICATE = rb"(?:X509 )?CERTIFICATE"
CRL = rb"X509 CRL"


def is_pem(data: bytes) -> bool:
    """Whether there is a block in `data`; DER has none but by accident."""
    return b"-----BEGIN " in data


def der_blocks(pem: bytes, label: bytes, what: str) -> list[bytes]:
    """Give what the blocks of this label (a pattern) hold, in order; `what` names the whole in an error.

    Raises `TLSNotesError` where there is no such block, or one is cut off or no base64. RFC 7468 section 2.
    """
    blocks = re.findall(rb"-----BEGIN " + label + rb"-----([^-]*)(-----END )?", pem)
    try:
        if not blocks:
            raise ValueError("no block of that label")
        if not all(end for _, end in blocks):
            raise ValueError("a block without its end")
        return [b64decode(re.sub(rb"\s", b"", body), validate=True) for body, _ in blocks]
    except ValueError as error:
        raise TLSNotesError(
            f"the PEM text of {what} cannot be read",
            expected="-----BEGIN and -----END with the label of what it is, and base64 between them",
            found=str(error)[:120],
        ) from error
