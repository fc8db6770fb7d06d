"""The words every room speaks: findings and cases, the classes and kinds of cells, the tree of errors."""

from leukolens.finding.errors import (
    BundleError,
    CheckFailedError,
    DataError,
    ImageError,
    ImageTooLargeError,
    LeukolensError,
    OutputError,
    UsageError,
    nearest,
)
from leukolens.finding.schema import (
    SCHEMA_VERSION,
    BlastShare,
    Case,
    CellFinding,
    FieldFinding,
    Finding,
    KindShare,
    ModelRef,
    Quality,
    json_schema,
)
from leukolens.finding.terms import CELL_KINDS, CLASS_NOTE, CLASSES, RESEARCH_USE

__all__ = [
    "CELL_KINDS",
    "CLASSES",
    "CLASS_NOTE",
    "RESEARCH_USE",
    "SCHEMA_VERSION",
    "BlastShare",
    "BundleError",
    "Case",
    "CellFinding",
    "CheckFailedError",
    "DataError",
    "FieldFinding",
    "Finding",
    "ImageError",
    "ImageTooLargeError",
    "KindShare",
    "LeukolensError",
    "ModelRef",
    "OutputError",
    "Quality",
    "UsageError",
    "json_schema",
    "nearest",
]
