"""How far a network's word goes: calibration, prediction sets, novelty, and the decision to report or to review."""

from leukolens.trust.decision import NO_WHITE_CELLS, Verdict, decide
from leukolens.trust.field import FieldJudgement, judge_field

__all__ = ["NO_WHITE_CELLS", "FieldJudgement", "Verdict", "decide", "judge_field"]
