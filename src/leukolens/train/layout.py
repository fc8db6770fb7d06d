"""Names of the files in a run's folder. Reading them imports nothing else."""

from __future__ import annotations

from typing import Final

RUN_FILE: Final = "training.json"
LAST: Final = "last.ckpt"
SUMMARY_FILE: Final = "summary.json"
CURVES_FILE: Final = "curves.csv"
TEST_FILE: Final = "predictions-test.csv"
FOLD: Final = "fold-"
"""What the folders of the folds are called, before their number."""
