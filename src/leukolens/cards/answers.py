"""The answers of people: a YAML or JSON file, checked, and an empty one to fill in.

said_by: Dr A. Example
date: 2026-11-23
answers:
  funding: The hospital's own means.
  contact: {answer: lab@example.org, said_by: B. Example}
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leukolens.cards.facts import Source, Statement
from leukolens.cards.forms import load_topics
from leukolens.finding import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leukolens.cards.forms import Topic

_LONGEST: Final = 20_000
_NOBODY: Final = "a person who gave no name"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Strict):
    """One answer; `question` is what the template asks and says nothing."""

    answer: str = Field(default="", max_length=_LONGEST)
    said_by: str = ""
    date: datetime.date | None = None
    question: str = ""


class Answers(_Strict):
    """The content of an answers file: who says it all, when, and the answers by topic. An empty answer is none."""

    said_by: str = ""
    date: datetime.date | None = None
    answers: dict[str, str | Answer | None] = Field(default_factory=dict)


def read_answers(path: Path) -> dict[str, Statement]:
    """Read a file of answers.

    Parameters
    ----------
    path
        YAML, or JSON if it ends in ``.json``.

    Returns
    -------
    dict
        By topic, each with the person as its source.

    Raises
    ------
    UsageError
        It cannot be read, has a key or topic that is not known (the message names the nearest), or YAML cannot be read
        here.
    """
    content = _load(path)
    try:
        given = Answers.model_validate(content)
    except ValidationError as error:
        raise _described(path, error) from error
    known = load_topics()
    for topic in given.answers:
        if topic not in known:
            raise UsageError(f"{path.name} answers {topic!r}, which nobody asks", todo=nearest(topic, known))
    found = {}
    for topic, value in given.answers.items():
        one = Answer(answer=value or "") if value is None or isinstance(value, str) else value
        if text := one.answer.strip():
            day = one.date or given.date
            place = f"({path.name}{f', {day}' if day else ''})"
            found[topic] = Statement(text, (Source("person", one.said_by or given.said_by or _NOBODY, place),))
    return found


def answers_template(topics: Mapping[str, Topic], *, as_json: bool) -> str:
    """Return an empty file of answers that asks these topics.

    Parameters
    ----------
    topics
        By key, see `leukolens.cards.forms.topics_of`.
    as_json
        JSON, in which the questions are fields, instead of YAML, in which they are comments.
    """
    if as_json:
        asked = {key: {"question": topic.question, "answer": ""} for key, topic in topics.items()}
        return json.dumps({"said_by": "", "date": None, "answers": asked}, indent=2, ensure_ascii=False) + "\n"
    lines = ['said_by: ""  # name and role', "date:  # such as 2026-11-23", "answers:"]
    for key, topic in topics.items():
        lines += [f"  # {topic.question}", f'  {key}: ""']
    return "\n".join(lines) + "\n"


def _load(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The answers {str(path)!r} cannot be read", found=str(error)[:200]) from error
    if path.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The answers {str(path)!r} are no JSON", found=str(error)[:200]) from error
    return _load_yaml(path, text)


def _load_yaml(path: Path, text: str) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        import yaml
    except ImportError as error:
        raise UsageError(
            f"The answers {path.name} are YAML, which needs PyYAML",
            todo="pip install pyyaml, or write them as .json",
        ) from error
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"The answers {str(path)!r} are no YAML", found=str(error).replace("\n", " ")[:200]) from error
    _refuse_twice(path, text)
    return content


def _refuse_twice(path: Path, text: str) -> None:
    """Refuse an answer that stands twice; YAML itself would take the last."""
    keys = [line.partition(":")[0].strip() for line in text.splitlines() if line[:1] in " \t" and ":" in line]
    twice = next((key for key in load_topics() if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(f"{path.name} answers {twice!r} twice", todo="leave one of them")


def _described(path: Path, error: ValidationError) -> UsageError:
    errors = error.errors(include_url=False)  # of a text or an Answer: what is wrong with the Answer says more
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    place = [str(part) for part in first["loc"] if part not in ("str", "Answer")]
    if first["type"] == "extra_forbidden":
        model = Answers if len(place) == 1 else Answer
        return UsageError(
            f"{path.name} has an unknown key {'.'.join(place)!r}", todo=nearest(place[-1], model.model_fields)
        )
    return UsageError(
        f"{path.name} cannot be used at {'.'.join(place) or 'its beginning'!r}",
        expected="said_by, date and answers, each answer a text",
        found=str(first["msg"]),
    )
