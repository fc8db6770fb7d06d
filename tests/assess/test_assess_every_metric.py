"""Every figure that an evaluation tells against another implementation, in one table: a new figure needs a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from assess_evaluations import everything

from leukolens.assess.evaluation import Evaluation
from leukolens.assess.group_bootstrap import weighted_figures
from leukolens.assess.scores import answer_orders, leukaemia_scores

metrics = pytest.importorskip("sklearn.metrics", reason="needs leukolens[train]")


@dataclass(frozen=True, eq=False)
class Told:
    """What the other implementations get: plain arrays and lists."""

    true: np.ndarray
    called: np.ndarray
    shares: np.ndarray
    after: np.ndarray
    patients: list[str | None]
    novelty: np.ndarray
    threshold: float

    @property
    def present(self):
        return sorted(set(self.true.tolist()))

    @property
    def sick(self):
        return (self.true != 0).astype(int)

    @property
    def p_all(self):
        return self.shares[:, 1:].sum(axis=1)

    @property
    def flagged(self):
        return (self.p_all >= self.threshold).astype(int)


def told(evaluation: Evaluation) -> Told:
    own = evaluation.predictions
    return Told(
        own.labels,
        np.array([max(range(len(row)), key=row.__getitem__) for row in own.probabilities.tolist()]),
        own.probabilities,
        evaluation.stressed[0].predictions.predicted,
        [item.patient for item in evaluation.items],
        evaluation.novelty,
        evaluation.settings.threshold,
    )


def specificity(true, called, index):
    negatives = [said for truth, said in zip(true, called, strict=True) if truth != index]
    return sum(said != index for said in negatives) / len(negatives)


def one_class(name):
    def value(t, index):
        true, called, scores = t.true == index, t.called == index, t.shares[:, index]
        return {
            "recall": lambda: metrics.recall_score(true, called),
            "precision": lambda: metrics.precision_score(true, called) if called.any() else None,
            "specificity": lambda: specificity(t.true, t.called, index),
            "f1": lambda: metrics.f1_score(true, called),
            "auc": lambda: metrics.roc_auc_score(true, scores),
            "average_precision": lambda: metrics.average_precision_score(true, scores),
        }[name]()

    return value


def macro(name):
    return lambda t: np.mean([one_class(name)(t, index) or 0.0 for index in t.present])


def brier(t):
    total = 0.0
    for truth, row in zip(t.true, t.shares, strict=True):
        total += sum((share - (index == truth)) ** 2 for index, share in enumerate(row))
    return total / len(t.true)


def calibration_error(t, bin_of):
    bins = {}
    order = sorted(range(len(t.true)), key=lambda i: t.shares[i].max())
    for place, i in enumerate(order):
        bins.setdefault(bin_of(place, t.shares[i].max()), []).append((t.shares[i].max(), t.true[i] == t.called[i]))
    return sum(abs(sum(sure for sure, _ in own) - sum(right for _, right in own)) for own in bins.values()) / len(order)


def wide_bin(_, sure):
    edges = [k / 15 for k in range(16)]
    return next(k for k in range(15) if edges[k] < sure <= edges[k + 1] + 1e-15)


def at_prevalence(share, kind):
    """By natural frequencies: a million images, of which so many are of leukaemia."""

    def value(t):
        sick, well = 1_000_000 * share, 1_000_000 * (1 - share)
        found = sick * metrics.recall_score(t.sick, t.flagged)
        cleared = well * metrics.recall_score(t.sick, t.flagged, pos_label=0)
        pair = (found, well - cleared) if kind == "ppv" else (cleared, sick - found)
        return pair[0] / sum(pair)

    return value


@cache
def shuffled_risks(t, order):
    """Images that are equally sure come in any order: the mean over many of them."""
    rng = np.random.default_rng(0)
    sureness = t.shares.max(axis=1) if order == "confidence" else -t.novelty
    shuffles = 1 if order == "confidence" else 400
    wrong = (t.true != t.called).tolist()
    total = np.zeros(len(wrong))
    for _ in range(shuffles):
        keys = rng.random(len(wrong))
        ranked = sorted(range(len(wrong)), key=lambda i: (-sureness[i], keys[i]))
        errors = 0
        for answered, i in enumerate(ranked, 1):
            errors += wrong[i]
            total[answered - 1] += errors / answered
    return total / shuffles


def selective(order, name):
    def value(t):
        risks = shuffled_risks(t, order)
        if name.startswith("risk_at_"):
            return risks[int(np.ceil(len(risks) * int(name[8:]) / 100 - 1e-9)) - 1]
        if name == "aurc":
            return risks.mean()
        errors, n = int(np.sum(t.true != t.called)), len(t.true)
        best = sum(max(0, answered - (n - errors)) / answered for answered in range(1, n + 1)) / n
        return risks.mean() - best

    return value


def over_patients(name):
    def value(t):
        own = {}
        for who, p, sick in zip(t.patients, t.p_all, t.sick, strict=True):
            own.setdefault(who, ([], sick))[0].append(p)
        mean = np.array([sum(shares) / len(shares) for shares, _ in own.values()])
        sick = np.array([truth for _, truth in own.values()])
        called = mean >= t.threshold
        return {
            "accuracy": lambda: metrics.accuracy_score(sick, called),
            "sensitivity": lambda: metrics.recall_score(sick, called),
            "specificity": lambda: metrics.recall_score(sick, called, pos_label=0),
            "auc": lambda: metrics.roc_auc_score(sick, mean),
        }[name]()

    return value


OTHERS = {
    "accuracy": lambda t: metrics.accuracy_score(t.true, t.called),
    "balanced_accuracy": lambda t: metrics.balanced_accuracy_score(t.true, t.called),
    **{name: macro(name) for name in ("auc", "average_precision", "precision", "recall", "specificity", "f1")},
    "log_loss": lambda t: metrics.log_loss(t.true, t.shares, labels=range(t.shares.shape[1])),
    "brier": brier,
    "confidence_gap": lambda t: np.mean([max(row) for row in t.shares]) - metrics.accuracy_score(t.true, t.called),
    "ece": lambda t: calibration_error(t, wide_bin),
    "ece_adaptive": lambda t: calibration_error(t, lambda place, _: int(place * 15 / len(t.true) + 1e-9)),
    "leukaemia.auc": lambda t: metrics.roc_auc_score(t.sick, t.p_all),
    "leukaemia.average_precision": lambda t: metrics.average_precision_score(t.sick, t.p_all),
    "leukaemia.sensitivity": lambda t: metrics.recall_score(t.sick, t.flagged),
    "leukaemia.specificity": lambda t: metrics.recall_score(t.sick, t.flagged, pos_label=0),
    "leukaemia.ppv": lambda t: metrics.precision_score(t.sick, t.flagged),
    "leukaemia.npv": lambda t: metrics.precision_score(t.sick, t.flagged, pos_label=0) if not t.flagged.all() else None,
    **{
        f"leukaemia.{kind}_at_{words}": at_prevalence(share, kind)
        for kind in ("ppv", "npv")
        for share, words in ((0.05, "5%"), (0.3, "30%"))
    },
    **{
        f"selective.{order}.{name}": selective(order, name)
        for order in ("confidence", "novelty")
        for name in ("aurc", "excess_aurc", "risk_at_80", "risk_at_90", "risk_at_95")
    },
    **{f"patient.{name}": over_patients(name) for name in ("accuracy", "sensitivity", "specificity", "auc")},
    "loss.grey.accuracy": lambda t: metrics.accuracy_score(t.true, t.called) - metrics.accuracy_score(t.true, t.after),
    "loss.grey.balanced_accuracy": lambda t: (
        metrics.balanced_accuracy_score(t.true, t.called) - metrics.balanced_accuracy_score(t.true, t.after)
    ),
}
OF_A_CLASS = {
    name: one_class(name) for name in ("recall", "precision", "specificity", "f1", "auc", "average_precision")
}


@pytest.fixture(
    scope="module",
    params=[(60, 4, 0.5, 1, 6), (240, 4, 1.5, 2, 8), (240, 2, 1.0, 3, 6), (150, 6, 3.0, 4, 0), (97, 3, 1.0, 5, 0)],
    ids=lambda case: "n{}-c{}-s{}-g{}".format(*case[:3], case[4]),
)
def evaluation(request):
    return everything(*request.param)


def test_every_figure_as_another_implementation(evaluation):
    given = told(evaluation)
    classes = evaluation.predictions.classes
    for name, figure in evaluation.figures().items():
        kind, _, label = name.partition(".")
        # A KeyError: the figure has no row in the table yet.
        theirs = OF_A_CLASS[kind](given, classes.index(label)) if label in classes else OTHERS[name](given)
        slack = 0.01 if name.startswith("selective.novelty") else 1e-9
        assert figure.value == (None if theirs is None else pytest.approx(theirs, abs=slack)), name


def test_the_table_has_no_row_without_a_figure():
    evaluation = everything(240, 4, 1.5, 2, 8)
    names = set(evaluation.figures())
    assert set(OTHERS) <= names
    assert {name.partition(".")[0] for name in names - set(OTHERS)} == set(OF_A_CLASS)


def test_the_bootstrap_tells_the_same_figures(evaluation):
    """Images that all count once: its own way of counting gives every figure over images."""
    own = evaluation.predictions
    weighted = weighted_figures(
        own,
        np.ones((2, len(own))),
        leukaemia_scores(own, ("Benign",)),
        threshold=evaluation.settings.threshold,
        prevalences=evaluation.settings.prevalences,
        sureness=answer_orders(own, evaluation.novelty),
    )
    figures = evaluation.scores.flat()
    assert set(weighted) == set(figures)
    for name, figure in figures.items():
        if figure.value is not None:
            assert weighted[name] == pytest.approx([figure.value] * 2, abs=1e-9), name
        else:
            assert np.isnan(weighted[name]).all(), name


@pytest.mark.slow
def test_calibration_error_as_torchmetrics(evaluation):
    torch = pytest.importorskip("torch", reason="needs leukolens[train]")
    theirs = pytest.importorskip("torchmetrics.functional.classification", reason="needs leukolens[train]")
    own = evaluation.predictions
    found = theirs.multiclass_calibration_error(
        torch.tensor(own.probabilities), torch.tensor(own.labels), num_classes=len(own.classes), n_bins=15, norm="l1"
    )
    assert evaluation.scores.overall["ece"].value == pytest.approx(float(found), abs=2e-6)
