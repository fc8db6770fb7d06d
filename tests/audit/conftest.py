"""What the tests of the audit share: a rendered data set with planted trouble, and its audit."""

from __future__ import annotations

import pytest
from audit_parts import PARTS
from audit_sets import MANIFEST, Planted, plant

from leukolens.audit.findings import AuditResult
from leukolens.audit.result import describe_audit
from leukolens.audit.run import Audit, Settings, audit
from leukolens.data import open_catalogue


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("audit") / "planted")


@pytest.fixture(scope="session")
def audited(planted: Planted) -> Audit:
    pytest.importorskip("sklearn", reason="needs leukolens[audit]")
    return audit(open_catalogue(planted.root), Settings(jobs=1), parts=PARTS)


@pytest.fixture(scope="session")
def result(audited: Audit) -> AuditResult:
    return describe_audit(audited, "planted", MANIFEST)
