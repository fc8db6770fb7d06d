"""The steps of ``leukolens card``: what it is about, the facts, the forms, the files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leukolens.cards.answers import answers_template, read_answers
from leukolens.cards.audit_facts import add_audit_facts
from leukolens.cards.bundle_facts import add_bundle_facts
from leukolens.cards.data_facts import add_data_facts
from leukolens.cards.evaluation_facts import add_result_facts
from leukolens.cards.evidence import check_evaluation, check_same_bundle, read_result
from leukolens.cards.facts import FactBook
from leukolens.cards.fill import fill, open_topics
from leukolens.cards.forms import DATASHEET, MODEL_CARD, choose_checklists, load_form, load_topics
from leukolens.cards.known import known_answers, known_of_training
from leukolens.cards.model_card import subject_of
from leukolens.cards.output import Cards, claim_card_folder, markdown_of, write_cards
from leukolens.cards.run_facts import add_run_facts
from leukolens.cli.console import error_console
from leukolens.cli.progress import counting
from leukolens.data import open_catalogue
from leukolens.data.check import check_data, write_check
from leukolens.engine.bundle import find_bundle, shipped_bundles
from leukolens.engine.spec import SPEC_FILE
from leukolens.finding import DataError, OutputError, UsageError, nearest
from leukolens.finding.output import put_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leukolens.cards.facts import Statement
    from leukolens.data import Catalogue

_ENDINGS: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    subject: str
    out: Path | None
    evaluations: tuple[Path, ...]
    audit: Path | None
    run: Path | None
    checklist: str | None
    answers: Path | None
    template: Path | None
    labels: Path | None
    label_column: str
    path_column: str
    patient_column: str | None
    negative: tuple[str, ...]
    overwrite: bool
    laboratory_column: str | None = None
    layout: str | None = None


def run_card(request: Request) -> None:
    """Fill the forms, and write or print them.

    Raises
    ------
    UsageError
        The subject is neither a bundle nor a data set, an option does not belong to it, or the answers cannot be used.
    DataError
        A result is of another bundle or of other data, or cannot be read.
    OutputError
        The output cannot be written, or is there already.
    """
    is_bundle = _is_bundle(request.subject)
    checklists = choose_checklists(request.checklist)
    _check_options(request, is_bundle=is_bundle)
    keys = (MODEL_CARD, *checklists) if is_bundle else (DATASHEET,)
    answers = {} if request.answers is None else read_answers(request.answers)
    _check_places(request, keys)
    cards = (_bundle_cards if is_bundle else _data_cards)(request, keys, answers)
    _deliver(request, cards)


def _is_bundle(subject: str) -> bool:
    if subject in shipped_bundles():
        return True
    path = Path(subject)
    if not path.exists():
        raise UsageError(
            f"There is neither a bundle nor a data set {subject!r}",
            expected="the name of a shipped model, a bundle's folder, a data set's folder or table",
            todo=nearest(subject, shipped_bundles()) if shipped_bundles() else "check the path",
        )
    return (path / SPEC_FILE).is_file()


def _check_options(request: Request, *, is_bundle: bool) -> None:
    for_bundles = {"--evaluation": request.evaluations, "--run": request.run, "--checklist": request.checklist}
    for_data = {
        "--labels": request.labels,
        "--patient-column": request.patient_column,
        "--laboratory-column": request.laboratory_column,
        "--layout": request.layout,
        "--negative": request.negative,
    }
    foreign = for_data if is_bundle else for_bundles
    given = [name for name, value in foreign.items() if value]
    if given:
        what, kind = ("data sets", "a bundle") if is_bundle else ("bundles", "a data set")
        raise UsageError(f"{given[0]} is for {what}, and {request.subject!r} is {kind}", todo=f"leave {given[0]} out")


def _check_places(request: Request, keys: tuple[str, ...]) -> None:
    if request.template is not None:
        if request.template.suffix.lower() not in _ENDINGS:
            raise UsageError("--answers-template", expected=f"a name that ends in {', '.join(_ENDINGS)}")
        if request.template.exists() and not request.overwrite:
            raise OutputError(
                f"{str(request.template)!r} exists", todo="choose another name, or replace it with --overwrite"
            )
    elif request.out is not None:
        claim_card_folder(request.out, keys, overwrite=request.overwrite)


def _bundle_cards(request: Request, keys: tuple[str, ...], answers: Mapping[str, Statement]) -> Cards:
    bundle, book = find_bundle(request.subject), FactBook()
    provenance = bundle.spec.provenance
    add_bundle_facts(book, bundle.spec, (bundle.path / SPEC_FILE).read_bytes())
    if request.run is not None:
        add_run_facts(book, request.run, provenance)
    for folder in request.evaluations:
        result = read_result(folder)
        check_evaluation(result)
        check_same_bundle(result, bundle.sha256)
        add_result_facts(book, result, provenance.data_sha256)
    if request.audit is not None:
        add_audit_facts(book, request.audit, provenance.data_sha256 or None)
    return _filled(subject_of(bundle.spec), keys, book, {**known_of_training(provenance), **answers})


def _data_cards(request: Request, keys: tuple[str, ...], answers: Mapping[str, Statement]) -> Cards:
    place = Path(request.subject)
    catalogue = _open(request, place)
    with counting("Reading", len(catalogue)) as advance:
        check, entries = check_data(catalogue, progress=advance)
    if check.unreadable and len(check.unreadable) == check.images:
        raise DataError(
            "None of the images can be read, so there is nothing to describe",
            found=check.unreadable[0].reason,
            todo="see 'leukolens data check'",
        )
    if request.out is not None and request.template is None:  # the datasheet names it as its source
        write_check(check, entries, request.out)
    book = FactBook()
    add_data_facts(book, check)
    if request.audit is not None:
        add_audit_facts(book, request.audit, check.catalogue_sha256)
    return _filled(place.resolve().name, keys, book, {**known_answers(catalogue.layout), **answers})


def _open(request: Request, place: Path) -> Catalogue:
    try:
        return open_catalogue(
            place,
            labels=request.labels,
            label_column=request.label_column,
            path_column=request.path_column,
            patient_column=request.patient_column,
            laboratory_column=request.laboratory_column,
            layout=request.layout,
            negative=request.negative or None,
        )
    except DataError as error:
        raise DataError(
            f"{str(place)!r} is no bundle ({SPEC_FILE} is not in it), and as a data set it cannot be read: "
            f"{error.message}",
            expected=error.expected,
            found=error.found,
            todo=error.todo,
        ) from error


def _filled(subject: str, keys: tuple[str, ...], book: FactBook, answers: Mapping[str, Statement]) -> Cards:
    return Cards(subject, tuple(fill(load_form(key), book, answers) for key in keys), book)


def _deliver(request: Request, cards: Cards) -> None:
    console = error_console()
    if request.template is not None:
        asked = {topic: load_topics()[topic] for topic in open_topics(cards.forms)}
        text = answers_template(asked, as_json=request.template.suffix.lower() == ".json")
        put_file(request.template, text.encode(), todo="choose another place")
        console.print(f"wrote {len(asked)} questions to {request.template}", markup=False, soft_wrap=True)
        return
    if request.out is None:
        sys.stdout.write("\n".join(markdown_of(filled, cards) for filled in cards.forms))
    else:
        files = write_cards(request.out, cards)
        console.print(f"In {request.out}: {', '.join(files)}", markup=False, soft_wrap=True)
    for filled in cards.forms:
        counts = filled.counts()
        console.print(
            f"{filled.form.title}: {counts['filled']} of {len(filled.items)} items filled, {counts['partly']} in part, "
            f"{counts['open']} open",
            markup=False,
            soft_wrap=True,
        )
