"""How far a network's word goes: calibration, prediction sets, novelty, and the decision to report or to review."""

from leukolens.trust.decision import Verdict, decide
from leukolens.trust.field import FieldJudgement, judge_field

__all__ = ["FieldJudgement", "Verdict", "decide", "judge_field"]
