"""A command that is refused leaves no folder behind that was not there before, and the one that was there as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_calls import Call

COMMANDS = {
    "audit": (["audit", "DATA"], "none of the"),
    "card": (["card", "DATA"], "none of the images"),
    "evaluate": (["evaluate", "no-such-bundle", "DATA"], "no-such-bundle"),
    "external": (["external", "no-such-bundle", "DATA"], "no-such-bundle"),
    "stress": (["stress", "no-such-bundle", "DATA"], "no-such-bundle"),
    "screen": (["screen", "DATA", "--bundle", "no-such-bundle"], "no-such-bundle"),
}


@pytest.fixture
def unreadable(tmp_path: Path) -> Path:
    """Two class folders of files that are no pictures."""
    root = tmp_path / "data"
    for name in ("Benign/0.png", "Pre/0.png", "Pre/1.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"no picture")
    return root


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("verb", COMMANDS)
def test_a_refusal_leaves_no_folder_behind(
    call: Call, unreadable: Path, tmp_path: Path, verb: str, there: bool
) -> None:
    if verb in ("audit", "evaluate", "external", "stress"):
        pytest.importorskip("sklearn", reason="needs leukolens[train]")
    words, told = COMMANDS[verb]
    out = tmp_path / "below" / "out"
    if there:
        out.mkdir(parents=True)
    answer = call(*[unreadable if word == "DATA" else word for word in words], "--out", out)
    assert answer.code == 2
    assert told in answer.err.lower()
    assert sorted(path.name for path in tmp_path.rglob("*") if not path.is_relative_to(unreadable)) == (
        ["below", "out"] if there else []
    )
