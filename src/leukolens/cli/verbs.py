"""The table of verbs. Reading it imports none of them, so that help costs nothing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final, NamedTuple


class Verb(NamedTuple):
    """One verb of the command line.

    Parameters
    ----------
    module
        Where its ``app`` (a ``typer.Typer``) lives.
    help
        One line for the overview.
    extra
        The extra that it needs beside the core, if any.
    """

    module: str
    help: str
    extra: str | None = None


_TABLE: Final = {
    "screen": Verb("leukolens.cli.screen", "Look for lymphoblasts in pictures of stained smears."),
    "preprocess": Verb("leukolens.cli.preprocess", "Show what preparing and its steps do to pictures."),
    "doctor": Verb("leukolens.cli.doctor", "Check the installation, the model and the engines."),
    "schema": Verb("leukolens.cli.schema", "Print the JSON schema of findings and cases."),
    "data": Verb("leukolens.cli.data", "Check, fetch and split data sets."),
    "audit": Verb("leukolens.cli.audit", "Find copies, wrong labels and shortcuts in a data set.", "audit"),
    "models": Verb("leukolens.cli.models", "List the networks that recipes can name.", "train"),
    "train": Verb("leukolens.cli.train", "Train a network on labelled pictures.", "train"),
    "tune": Verb("leukolens.cli.tune", "Search the best values of a recipe's fields.", "train"),
    "export": Verb("leukolens.cli.export", "Turn a training run into a model bundle.", "train"),
    "evaluate": Verb("leukolens.cli.evaluate", "Measure a model bundle on labelled pictures.", "train"),
    "card": Verb("leukolens.cli.card", "Write the model card of a bundle, or the datasheet of a data set."),
    "benchmark": Verb("leukolens.cli.benchmark", "Retrain under honest and leaky splits, side by side.", "train"),
    "verify-site": Verb("leukolens.cli.verify_site", "Verify leukolens on a laboratory's own cases, blind.", "site"),
    "stress": Verb("leukolens.cli.stress", "Test what a model's answers rest on, with changed pictures.", "train"),
    "external": Verb("leukolens.cli.external", "Measure a model bundle in other laboratories.", "train"),
    "compare": Verb("leukolens.cli.compare", "Compare training runs in one table.", "train"),
}


def known_verbs() -> dict[str, Verb]:
    """Return the verbs whose modules this installation holds, in the order of the help.

    Returns
    -------
    dict
        Name of the verb to its row of the table.
    """
    return {name: verb for name, verb in _TABLE.items() if find_spec(verb.module) is not None}
