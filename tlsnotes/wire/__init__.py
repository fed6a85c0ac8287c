"""The room that reads: bytes become meaning here. No sockets, no files, no screen.

what it all stands on       fields  reader  presentation  code_points  registry  algorithms  cipher_suites
from bytes to messages      records  keylog  key_schedule  protection  epochs  streams
what messages look like     messages  extensions  sct
what they say, and judged   hellos  transcript  signatures  claims  verification  facts  outcome  handshake
certificates and the like   der  contents  primitives  notation  oids  asn1 (and asn1_names, asn1_keys, ...)

`handshake.dissect` and `asn1.parse_certificate` are the doors.
"""
