"""Fields and sessions as parts of an audit."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from leukolens.audit.field_features import FieldFeatures, describe_field
from leukolens.audit.fields import FieldPair, find_fields, group_fields
from leukolens.audit.links import Link
from leukolens.audit.parts import FieldPart, FieldsFound, Material, SessionPart, SessionsFound
from leukolens.audit.registration import LEAST_CORRELATION, LEAST_INLIERS, LEAST_OVERLAP
from leukolens.audit.session_features import SessionFeatures, describe_session
from leukolens.audit.sessions import Listing, find_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukolens.audit.picture import Picture


def _field_features(picture: Picture) -> FieldFeatures:
    return describe_field(picture.rgb, picture.marks)


def _fields(material: Material, features: Sequence[FieldFeatures]) -> FieldsFound:
    suspected = [(link.first, link.second) for link in material.near]
    with material.counting("Registering", len(features)) as advance:
        # How many pairs there are is known only on the way: the bar shows their share, in pictures.
        def progress(done: int, of: int) -> None:
            if advance is not None:
                advance(len(features) * done // of)

        pairs = find_fields(features, suspected=suspected, seed=material.seed, threads=material.jobs, progress=progress)
    return FieldsFound(
        [Link(pair.first, pair.second, "same field", pair.registration.correlation, _note(pair)) for pair in pairs],
        group_fields(len(features), pairs),
        {
            "least_inliers": LEAST_INLIERS,
            "least_overlap": LEAST_OVERLAP,
            "least_correlation": LEAST_CORRELATION,
            "pairs": len(pairs),
            "mirrored": sum(pair.registration.mirror for pair in pairs),
        },
    )


def _note(pair: FieldPair) -> str:
    found = pair.registration
    mirrored = ", mirrored" if found.mirror else ""
    return f"{100 * found.overlap:.0f} % overlap, correlation {found.correlation:.2f}{mirrored}"


def _session_features(picture: Picture) -> SessionFeatures:
    return describe_session(picture.rgb, picture.marks)


def _sessions(material: Material, features: Sequence[SessionFeatures]) -> SessionsFound:
    labels = [item.label for item in material.items]
    groups, listings = find_sessions(features, labels, material.fields, seed=material.seed)
    notes = [_told(listing) for listing in listings]
    return SessionsFound(groups, notes, {"classes": [_plain(listing) for listing in listings]})


def _told(listing: Listing) -> str:
    order = (
        f"its files interleave {listing.streams} sequences, told apart by their look"
        if listing.streams > 1
        else "its files are one sequence"
    )
    checked = (
        f"; its cuts leave {100 * listing.together:.1f} % of {listing.pairs} pairs of near captures of a field together"
        if listing.pairs
        else "; nothing shows whether the cuts are right, since no field was captured twice nearby"
    )
    sessions = f"{listing.sessions} session{'s' if listing.sessions != 1 else ''}"
    return f"{listing.label}: {sessions}; {order}{checked}."


def _plain(listing: Listing) -> dict[str, object]:
    return asdict(listing) | {"together": listing.together if listing.pairs else None}


FIELDS = FieldPart(_field_features, _fields)
SESSIONS = SessionPart(_session_features, _sessions)
