"""Small tables for the objects a cell may end with: a credential, an authority, an outcome, a check."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from tlsnotes.checks import Check
from tlsnotes.live.outcome import Outcome
from tlsnotes.pki.authority import Authority
from tlsnotes.pki.credential import Credential, is_self_signed
from tlsnotes.pki.keys import key_kind
from tlsnotes.pki.names import certificate_names, common_name
from tlsnotes.show.tables import Cell, Table, checks_table

MAX_NAMES = 6
_UNSEEN = " · with its private key, which is not shown"
_OUTCOMES = {True: ("✓ accepted", "holds"), False: ("✗ refused", "fails"), None: ("– not tried", "quiet")}


def certificates_table(certificates: tuple[x509.Certificate, ...], caption: str) -> Table:
    """List certificates, the end-entity's first: whose, which key, by whom, and how long; never a private key."""
    rows: list[list[Cell]] = []
    for number, certificate in enumerate(certificates):
        names = certificate_names(certificate) or (common_name(certificate.subject),)
        more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
        issuer = "itself" if is_self_signed(certificate) else common_name(certificate.issuer)
        rows.append(
            [
                (str(number), "number"),
                (", ".join(names[:MAX_NAMES]) + more, ""),
                (key_kind(certificate.public_key()), "short"),
                (issuer, ""),
                (f"{_day(certificate.not_valid_before_utc)} to {_day(certificate.not_valid_after_utc)}", "short"),
            ]
        )
    return Table(caption, [("#", "number"), ("names", ""), ("key", ""), ("signed by", ""), ("valid", "")], rows)


def outcome_table(outcome: Outcome) -> Table:
    """What became of one client's try."""
    head = [("", ""), ("client", ""), ("stage", ""), ("code", ""), ("its words", "")]
    row = [_OUTCOMES[outcome.ok], (outcome.client, "short"), (outcome.stage, "short"), (str(outcome.code), ""),
           (outcome.message, "")]  # fmt: skip
    return Table("", head, [row])


def facts_html(shown: object) -> str | None:
    """The HTML of a Credential, an Authority, an Outcome or a Check; None for anything else."""
    match shown:
        case Credential():
            chain = (shown.certificate, *shown.chain)
            return certificates_table(chain, f"credential{_UNSEEN}")._repr_html_()
        case Authority():
            return certificates_table((shown.certificate,), f"authority{_UNSEEN}")._repr_html_()
        case Outcome():
            return outcome_table(shown)._repr_html_()
        case Check():
            return checks_table([shown])._repr_html_()
    return None


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"
