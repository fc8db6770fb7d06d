"""``plan.yaml`` as people meet it: with what each value means beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from leukolens.assess.site.plan import CRITERIA

if TYPE_CHECKING:
    from leukolens.assess.site.plan import Criterion, Plan

_TEXT = """\
# The plan of a site verification of leukolens. For research use only, not a diagnosis.
# Change it as you need; 'leukolens verify-site status DIR' then says what it can show.
# It is sealed when the cases are added: afterwards a changed plan is refused.
schema: "1"
laboratory: {laboratory}
prepared_by: {prepared_by}
prepared: {prepared}
# What leukolens is to be used for here, on which specimens, stain and microscope.
use: {use}
leukolens: {leukolens}
bundle:
  name: {bundle_name}
  version: {bundle_version}
  sha256: {bundle_sha256}

# p_all from which a case is called leukaemia.
threshold: {threshold}
# A case that leukolens gives to a person for review counts as "its answer", or as "no answer".
review_counts_as: {review}
# Coverage of all intervals, which are two-sided.
level: {level}

# Number of cases of each truth. CAP asks for 60 at least for one use.
cases:
  leukaemia: {leukaemia}
  no_leukaemia: {no_leukaemia}
# What you believe, only to tell how likely this plan can show what it asks for.
expected:
  sensitivity: {expected_sensitivity}
  specificity: {expected_specificity}

# judged_by: interval asks that the whole interval is good enough, judged_by: figure only the figure itself.
# Cases without an answer count against sensitivity and specificity. Leave out what you do not ask for:
{known}
criteria:
{criteria}

readers:
  # In their order, from the one farthest from leukaemia; leukaemia_from is the first that counts as leukaemia.
  answers: {answers}
  leukaemia_from: {leukaemia_from}
  # Days between two readings of one reader at least; CAP asks for 14.
  washout_days: {washout}
notes: {notes}
"""


def plan_text(plan: Plan) -> str:
    """Return a plan as YAML with comments.

    Parameters
    ----------
    plan
        What it says; `leukolens.assess.site.plan.read_plan` reads the same from the text.
    """
    return _TEXT.format(
        laboratory=_quote(plan.laboratory),
        prepared_by=_quote(plan.prepared_by),
        prepared=_quote(plan.prepared),
        use=_quote(plan.use),
        leukolens=_quote(plan.leukolens),
        bundle_name=_quote(plan.bundle.name),
        bundle_version=_quote(plan.bundle.version),
        bundle_sha256=_quote(plan.bundle.sha256),
        threshold=plan.threshold,
        review=_quote(plan.review_counts_as),
        level=plan.level,
        leukaemia=plan.cases.leukaemia,
        no_leukaemia=plan.cases.no_leukaemia,
        expected_sensitivity=plan.expected.sensitivity,
        expected_specificity=plan.expected.specificity,
        known="\n".join(f"#   {name}: {kind.words}" for name, kind in CRITERIA.items()),
        criteria="\n".join(f"  {name}: {_criterion(one)}" for name, one in plan.criteria.items()),
        answers=json.dumps(list(plan.readers.answers), ensure_ascii=False),
        leukaemia_from=_quote(plan.readers.leukaemia_from),
        washout=plan.readers.washout_days,
        notes=_quote(plan.notes),
    )


def _quote(text: str) -> str:
    # A JSON string is a YAML string, whatever is in it.
    return json.dumps(text, ensure_ascii=False)


def _criterion(one: Criterion) -> str:
    side = "at_least" if one.at_least is not None else "at_most"
    return f"{{{side}: {one.bound}, judged_by: {one.judged_by}}}"
