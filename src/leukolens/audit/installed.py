"""The parts that an audit runs: what their own modules offer, as `leukolens.audit.parts` wants it."""

from __future__ import annotations

from leukolens.audit.captures import FIELDS, SESSIONS
from leukolens.audit.parts import Parts
from leukolens.audit.shortcuts import begin_probes


def installed_parts() -> Parts:
    """Return the parts that an audit runs unless told otherwise."""
    return Parts(FIELDS, SESSIONS, begin_probes)
