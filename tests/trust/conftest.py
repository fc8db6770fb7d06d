from __future__ import annotations

import pytest

from leukolens.engine.spec import Calibration, Conformal, FieldNetworkSpec, Novelty
from leukolens.finding import CLASSES


@pytest.fixture
def spec() -> FieldNetworkSpec:
    return FieldNetworkSpec(
        sha256="0" * 64,
        architecture="made up",
        labels=CLASSES,
        negative_labels=("Benign",),
        calibration=Calibration(temperature=2.0, n=100),
        conformal=Conformal(alpha=0.05, threshold=0.8, n=100),
        novelty=Novelty(quantiles=tuple(float(i) for i in range(101)), limit=99.0),
    )
