"""The parts of an external report: figures by hand, what a provenance proves, manifests of sites."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from assess_pictures import paint

from leukolens.assess.areas import auc_estimate
from leukolens.assess.external import _notes
from leukolens.assess.external_figures import Image, figures_of
from leukolens.assess.external_files import lead, row_counts, row_name
from leukolens.assess.external_judge import Judged, combine
from leukolens.assess.external_seen import Evaluated, judge_laboratory
from leukolens.assess.external_sites import SiteEntry, open_site, read_sites
from leukolens.assess.rescaling import Rescaling, describe_scale, parse_scale
from leukolens.assess.seen import images_sha256
from leukolens.data import Item, make_split
from leukolens.data.catalogue import Site
from leukolens.engine.spec import FieldNetworkSpec, Provenance
from leukolens.finding import CLASSES, DataError, FieldFinding, Finding, UsageError
from leukolens.smear.prepare import Preparation
from leukolens.smear.reading import SmearImage
from leukolens.smear.scale import PixelScale
from leukolens.statistics.intervals import proportion

TERMS = "Taleqani Hospital ALL data set (doi 10.34740/KAGGLE/DSV/2175623)"
IMAGENET = {"package": "some-weights", "version": "1"}
SPEC = FieldNetworkSpec(sha256="0" * 64, architecture="tiny", labels=CLASSES, negative_labels=("Benign",))


def image(truth: str, p_all: float | None, group: int, *, label: str = "x", given: str | None = None, **more) -> Image:
    probabilities = None if p_all is None else np.array([1 - p_all, p_all])
    answer = Judged(probabilities, given, 0.5, "no smear" if p_all is None else "")
    item = Item(f"{group}.png", label, None, 1)
    return Image("site", "laboratory", item, truth, group, False, answer, p_all, more.get("comparable", False))


# figures --------------------------------------------------------------------------------------------------------------


def test_figures_by_hand() -> None:
    images = [
        image("ALL", 0.9, 0),
        image("ALL", 0.5, 1, given="Pre-B"),  # exactly at the threshold counts
        image("ALL", 0.4, 2),
        image("none", 0.6, 3),
        image("none", 0.1, 4),
        image("other leukaemia", 0.7, 5),
        image("none", None, 6),
    ]
    figures = figures_of(images)
    assert figures["sensitivity"].value == pytest.approx(2 / 3)
    assert figures["specificity"].value == pytest.approx(1 / 2)
    assert figures["specificity"].n == 2  # what was refused is in no other figure
    assert figures["auc"].value == pytest.approx(4 / 6)
    assert figures["other_called"].value == 1.0
    assert figures["without_label"].value == pytest.approx(5 / 7)  # one has a label, one was refused
    assert figures["refused"].value == pytest.approx(1 / 7)
    assert "subtype" not in figures


def test_other_leukaemias_are_neither_leukaemia_nor_none() -> None:
    figures = figures_of([image("other leukaemia", 0.9, 0), image("other leukaemia", 0.1, 1)])
    assert set(figures) == {"other_called", "without_label", "no_white_cells", "refused"}
    assert figures["other_called"].value == 0.5


@pytest.mark.parametrize(("truth", "absent"), [("none", {"sensitivity", "auc"}), ("ALL", {"specificity", "auc"})])
def test_one_class_gives_its_own_figure_alone(truth: str, absent: set[str]) -> None:
    assert not absent & set(figures_of([image(truth, 0.2, 0), image(truth, 0.8, 1)]))


def test_subtype_only_where_labels_are_comparable() -> None:
    images = [
        image("ALL", 0.9, 0, label="Pre-B", given="Pre-B", comparable=True),
        image("ALL", 0.9, 1, label="Pro-B", given=None, comparable=True),  # no label is no right one
        image("ALL", 0.9, 2, label="ALL", given="Pro-B", comparable=False),
        image("none", 0.1, 3, label="Benign", given="Benign", comparable=True),
    ]
    subtype = figures_of(images)["subtype"]
    assert (subtype.value, subtype.n) == (0.5, 2)


def test_intervals_are_over_groups() -> None:
    rng = np.random.default_rng(3)
    p = np.repeat(rng.uniform(size=20), 10)
    images = [image("ALL" if i < 100 else "none", float(p[i]), i // 10) for i in range(200)]
    figures = figures_of(images)
    groups = np.arange(200) // 10
    assert figures["sensitivity"] == proportion(p[:100] >= 0.5, groups[:100])
    assert figures["sensitivity"].groups == 10
    assert figures["auc"] == auc_estimate(np.arange(200) < 100, p, groups)
    alone = figures_of([image("ALL", float(p[i]), i) for i in range(100)])["sensitivity"]
    grouped = figures["sensitivity"]
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


# windows --------------------------------------------------------------------------------------------------------------


def finding(p: float, *, label: str | None = "Pre-B", status: str = "ok", **more) -> Finding:
    probabilities = dict(zip(CLASSES, (1 - p, 0.0, p, 0.0), strict=True))
    field = FieldFinding(probabilities=probabilities) if status == "ok" else None
    reason = None if field else "blurred"
    more.setdefault("conclusion", "lymphoblasts" if field else None)
    return Finding(source="x", sha256=None, status=status, label=label, novelty=0.5, field=field, reason=reason, **more)


def test_windows_are_averaged() -> None:
    found = combine([finding(0.9), finding(0.5, label=None)], CLASSES, PixelScale((0.1, 0.1), "said"))
    assert found.probabilities is not None
    assert found.probabilities.tolist() == pytest.approx([0.3, 0.0, 0.7, 0.0])
    assert (found.label, found.windows, found.refused) == ("Pre-B", 2, "")
    assert combine([finding(0.9, label=None), finding(0.5, label=None)], CLASSES, found.scale).label is None


def test_a_refused_window_is_left_out_and_a_picture_of_such_is_refused() -> None:
    scale = PixelScale(None, "not known")
    some = combine([finding(0.9), finding(0, status="refused")], CLASSES, scale)
    assert some.probabilities is not None
    assert some.probabilities[2] == pytest.approx(0.9)
    none = combine([finding(0, status="refused")], CLASSES, scale)
    assert (none.probabilities, none.refused) == (None, "blurred")


def test_windows_without_white_cells_say_nothing_unless_all_are() -> None:
    scale = PixelScale(None, "not known")
    bare = finding(0.1, label=None, conclusion="no white cells")
    some = combine([finding(0.9), bare, bare], CLASSES, scale)
    assert some.probabilities is not None
    assert (some.bare, some.label, round(some.probabilities[2], 6)) == (False, "Pre-B", 0.9)
    assert combine([bare, bare], CLASSES, scale).bare


# seen -----------------------------------------------------------------------------------------------------------------


def judged(site: Evaluated, split=None, **provenance: object) -> str:
    values: dict[str, object] = {"terms": TERMS, "start": IMAGENET, "data_sha256": "d" * 64, **provenance}
    return judge_laboratory(Provenance.model_validate(values), site, split).status


ELSEWHERE = Evaluated(["1" * 64], "e" * 64, ("class folders", "St. Elsewhere"))


def test_never_seen_needs_a_bundle_that_says_what_it_learned_from() -> None:
    assert judged(ELSEWHERE) == "never seen"
    assert judged(ELSEWHERE, terms="") == "cannot be told"
    assert judged(ELSEWHERE, terms="the images of our hospital") == "cannot be told"


def test_never_seen_needs_a_site_that_is_named_or_compared_image_by_image(catalogue) -> None:
    nameless = Evaluated(["1" * 64], "e" * 64, ("one class",), named=False)
    assert judged(nameless) == "cannot be told"  # it could be a part of the training data under another name
    split = make_split(catalogue, method="random-image", folds=3, seed=1)
    assert judged(nameless, split, split_sha256=split.sha256) == "never seen"


@pytest.mark.parametrize(
    "site",
    [
        Evaluated(["1" * 64], "d" * 64, ("class folders",)),  # the same data set by its hash
        Evaluated(["1" * 64], "e" * 64, ("taleqani",)),  # by the name of its layout
        Evaluated(["1" * 64], "e" * 64, ("csv", "Taleqani Hospital, Tehran")),
    ],
)
def test_seen_by_hash_or_name(site: Evaluated) -> None:
    assert judged(site) == "seen in training"


def test_seen_by_the_images_themselves() -> None:
    hashes = ["1" * 64, "2" * 64]
    site = Evaluated(hashes, "e" * 64, ("class folders",))
    assert judged(site, training_images_sha256=images_sha256(hashes)) == "seen in training"


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ({"data_sha256": "d" * 64, "start": IMAGENET}, "never seen"),  # the same data as the bundle's own
        ({"data_sha256": "a" * 64, "start": IMAGENET}, "cannot be told"),
        ({"recipe": "unknown"}, "cannot be told"),
        ({"data_sha256": "e" * 64}, "seen in training"),
        ({"data_sha256": "d" * 64, "start": {"data_sha256": "e" * 64}}, "seen in training"),
    ],
)
def test_starts_count_as_well(start: dict[str, object], status: str) -> None:
    assert judged(ELSEWHERE, start=start) == status


def test_a_run_without_a_word_of_its_start_weights() -> None:
    recipe = {"network": {"name": "x", "weights": "some-run"}}
    assert judged(ELSEWHERE, start=None, recipe=recipe) == "cannot be told"


def test_the_split_lists_each_image(catalogue) -> None:
    split = make_split(catalogue, method="random-image", folds=3, seed=1)
    own = Evaluated([catalogue.items[0].sha256, "9" * 64], "e" * 64, ("class folders",))
    assert judged(own, split, split_sha256=split.sha256) == "seen in training"
    assert judged(own, split, split_sha256="b" * 64) == "never seen"  # not its split: proves nothing
    assert judged(ELSEWHERE, split, split_sha256=split.sha256) == "never seen"


# sites ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for label in ("blast", "normal", "apml"):
        for number in range(6):
            paint(tmp_path / "lab" / label / f"{number}.png", 100, number)
    return tmp_path


def test_yaml_manifest(folders: Path) -> None:
    pytest.importorskip("yaml", reason="needs leukolens[train]")
    file = folders / "sites.yaml"
    file.write_text(
        "sites:\n- {name: lab, data: lab, negative: normal, other_leukaemia: [apml], um_per_px: 0.1, limit: 2,\n"
        "   laboratory: St. Elsewhere, content: cell}\n"
    )
    (entry,) = read_sites(file)
    assert (entry.data, entry.negative, entry.um_per_px) == (folders / "lab", ("normal",), "0.1")
    site = open_site(entry, CLASSES, ("Benign",))
    assert [site.truth(item) for item in site.catalogue.items[::6]] == ["other leukaemia", "ALL", "none"]
    assert len(site.chosen) == 6
    # Evenly spaced: from the middles of two halves of six.
    assert [site.catalogue.items[index].path for index in site.chosen[:2]] == ["apml/1.png", "apml/4.png"]
    first = site.catalogue.items[0]
    assert (site.laboratory(first), site.published(first).content) == ("St. Elsewhere", "cell")


def test_csv_manifest_says_the_same(folders: Path) -> None:
    file = folders / "sites.csv"
    file.write_text("name,data,negative,other_leukaemia,limit\nlab,lab,normal,apml|blast,3\n")
    (entry,) = read_sites(file)
    assert (entry.negative, entry.other_leukaemia, entry.limit) == (("normal",), ("apml", "blast"), 3)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.yaml", "sites: [", "no YAML"),
        ("s.yaml", "- a\n", "lists no sites"),
        ("s.yaml", "things: []\n", "found things"),
        ("s.yaml", "sites: []\n", "lists no site"),
        ("s.yaml", "sites:\n- {name: a}\n", "Site 1 of s.yaml is not right: data"),
        ("s.yaml", "sites:\n- {name: a, data: lab, layot: cnmc}\n", "layot"),
        ("s.yaml", "sites:\n- {name: a, data: lab, limit: 0}\n", "limit"),
        ("s.yaml", "sites:\n- {name: a, data: lab, content: slide}\n", "content"),
        ("s.yaml", "sites:\n- 3\n", "the entry"),
        ("s.yaml", "sites:\n- {name: a, data: x}\n- {name: a, data: y}\n", "Two sites are called 'a'"),
        ("s.csv", "name,data\n", "lists no site"),
        ("s.csv", "name\na\n", "data"),
    ],
)
def test_manifests_that_are_not_right(tmp_path: Path, name: str, text: str, words: str) -> None:
    if name.endswith(".yaml"):
        pytest.importorskip("yaml", reason="needs leukolens[train]")
    (tmp_path / name).write_text(text)
    with pytest.raises((DataError, UsageError), match=words) as error:
        read_sites(tmp_path / name)
    assert error.value.exit_code == 2


def test_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_sites(tmp_path / "none.yaml")


def test_somebody_must_say_what_means_no_leukaemia(folders: Path) -> None:
    with pytest.raises(DataError, match="Nobody says which labels of 'lab'"):
        open_site(SiteEntry(name="lab", data=folders / "lab"), CLASSES, ("Benign",))
    none = open_site(SiteEntry(name="lab", data=folders / "lab", negative=()), CLASSES, ("Benign",))
    assert {none.truth(item) for item in none.catalogue.items} == {"ALL"}


def test_one_label_cannot_mean_two_things(folders: Path) -> None:
    entry = SiteEntry(name="lab", data=folders / "lab", negative=("apml",), other_leukaemia=("apml",))
    with pytest.raises(DataError, match="cannot mean both"):
        open_site(entry, CLASSES, ("Benign",))


def test_the_bundles_own_labels_need_no_word(pictures: Path) -> None:
    site = open_site(SiteEntry(name="own", data=pictures), CLASSES, ("Benign",))
    assert site.catalogue.negative == ("Benign",)


# scale ----------------------------------------------------------------------------------------------------------------


def read(um_per_px: tuple[float, float] | None = None) -> SmearImage:
    return SmearImage(np.zeros((100, 100, 3), np.uint8), "", "PNG", um_per_px, ())


def test_whose_word_is_taken_for_the_scale() -> None:
    here, there, nowhere = Path("a"), Path("b"), Path("c")
    rescaling = Rescaling(SPEC, {there: Site("cell", um_per_px=0.2)}, target=0.4)
    assert rescaling.windows(here, read((0.1, 0.1)))[0].placing.scale == pytest.approx(0.25)
    assert rescaling.windows(there, read())[0].placing.ground == "border"
    assert rescaling.windows(nowhere, read()) == ()
    assert rescaling.sources() == {"file": 1, "published": 1, "not known": 1}
    told = describe_scale(rescaling, 3)
    assert "1 by its file" in told
    assert "The scale of 1 is not known" in told
    assert describe_scale(None, 3) == ""


def test_a_scale_needs_that_of_the_training() -> None:
    with pytest.raises(UsageError, match="--bundle-um-per-px"):
        Rescaling(SPEC, {})
    assert Rescaling(SPEC.model_copy(update={"um_per_px": 0.3}), {}).target == 0.3
    assert Rescaling(SPEC.model_copy(update={"um_per_px": 0.3}), {}, target=0.4).target == 0.4
    stretched = SPEC.model_copy(update={"preparation": Preparation(shape="stretch")})
    with pytest.raises(UsageError, match="no one scale"):
        Rescaling(stretched, {}, target=0.4)


@pytest.mark.parametrize("text", ["fine", "0", "-1", "nan", "1000", "inf"])
def test_scales_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--um-per-px"):
        parse_scale(text)
    assert parse_scale(None) == (False, None)
    assert parse_scale("auto") == (True, None)
    assert parse_scale("0.25") == (True, 0.25)


def told_of(images: int, *statuses: str) -> str:
    rows: Any = [SimpleNamespace(seen=SimpleNamespace(status=status)) for status in statuses]
    report: Any = SimpleNamespace(images=range(images), laboratories=rows)
    return lead(report)


def test_sentences_are_right_for_one_and_for_many() -> None:
    unknown = "cannot be told"
    assert told_of(1, unknown) == "1 image of 1 laboratory: whether it was seen in training cannot be told."
    assert told_of(9, "never seen") == "9 images of 1 laboratory: never seen."
    assert told_of(9, unknown, unknown) == "9 images of 2 laboratories: for 2 it cannot be told."
    several = told_of(9, "never seen", "seen in training", unknown)
    assert several == "9 images of 3 laboratories: 1 never seen, 1 seen in training, for 1 it cannot be told."
    row: Any = SimpleNamespace(images=1, counts={"ALL": 1, "none": 0}, subjects=1, site="", name="never seen")
    assert row_counts(row) == "1 image (1 ALL), 1 subject"
    row.images, row.counts, row.subjects, row.laboratories = 3, {"ALL": 2, "none": 1}, 2, 1
    assert row_counts(row) == "3 images (2 ALL, 1 without leukaemia), 2 subjects"
    assert row_name(row) == "never seen (1)"
    row.laboratories = 2
    assert row_name(row) == "never seen, together (2)"
    known, bare = (SimpleNamespace(truth="ALL", subject=subject) for subject in ("P1", ""))
    for images, sentence in (
        ([bare], "The subject of the image is not known."),
        ([known, bare], "Of 1 of the 2 images the subject is not known: it counts as independent."),
        ([known, bare, bare], "Of 2 of the 3 images the subject is not known: they count as independent."),
    ):
        shown: Any = images
        assert sentence in _notes(shown, 1)
