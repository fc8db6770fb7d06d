"""Published layouts on rendered trees: recognised, labelled, with subjects and laboratories; broken ones refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from leukolens.cli.main import main
from leukolens.data import fingerprint, make_split, open_catalogue
from leukolens.data.external.all_idb import read_centroids
from leukolens.data.external.cnmc import subject_of
from leukolens.data.external.leukemia_attri import patient_of, read_cells
from leukolens.data.external.raabin import smear_of
from leukolens.data.layouts import LAYOUTS
from leukolens.finding import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.data import Catalogue


def facts(catalogue: Catalogue) -> dict[str, tuple[str, str | None]]:
    return {item.path: (item.label, item.patient) for item in catalogue.items}


# C-NMC ----------------------------------------------------------------------------------------------------------------

CNMC = {
    "C-NMC_training_data/fold_0/all": ["UID_11_1_1_all.bmp", "UID_11_2_1_all.bmp"],
    "C-NMC_training_data/fold_0/hem": ["UID_H10_1_1_hem.bmp"],
    "C-NMC_training_data/fold_1/hem": ["UID_h10_2_1_hem.bmp", "UID_H3_1_1_hem.bmp"],
    "C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data": ["1.bmp", "2.bmp"],
    "C-NMC_test_final_phase_data/C-NMC_test_final_phase_data": ["1.bmp"],
}
PRELIM = "Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,1.bmp,1\nUID_H49_31_1_hem.bmp,2.bmp,0\n"


@pytest.fixture
def cnmc(tree) -> Path:
    root = tree(CNMC)
    (root / "C-NMC_test_prelim_phase_data" / "C-NMC_test_prelim_phase_data_labels.csv").write_text(PRELIM)
    return root


def test_cnmc_as_tcia_publishes_it(cnmc: Path) -> None:
    catalogue = open_catalogue(cnmc)
    assert (catalogue.layout, catalogue.classes, catalogue.negative) == ("cnmc", ("normal", "ALL"), ("normal",))
    found = facts(catalogue)
    assert len(found) == 7
    assert found["C-NMC_training_data/fold_0/all/UID_11_2_1_all.bmp"] == ("ALL", "11")
    # One subject is written in both ways.
    assert found["C-NMC_training_data/fold_1/hem/UID_h10_2_1_hem.bmp"] == ("normal", "H10")
    inner = "C-NMC_test_prelim_phase_data/C-NMC_test_prelim_phase_data"
    assert found[f"{inner}/1.bmp"] == ("ALL", "57")
    assert found[f"{inner}/2.bmp"] == ("normal", "H49")
    assert any("without published labels" in note for note in catalogue.notes)
    (laboratory,) = {item.laboratory for item in catalogue.items}
    assert laboratory is not None
    assert catalogue.sites[laboratory].content == "cell"


@pytest.mark.parametrize("below", ["C-NMC_training_data", "C-NMC_training_data/fold_0", "C-NMC_test_prelim_phase_data"])
def test_parts_of_cnmc(cnmc: Path, below: str) -> None:
    catalogue = open_catalogue(cnmc / below)
    assert catalogue.layout == "cnmc"
    assert all(item.patient for item in catalogue.items)


def test_cnmc_split_by_subject(cnmc: Path) -> None:
    split = make_split(fingerprint(open_catalogue(cnmc)), method="patient", folds=2, seed=1)
    groups = {item.path.rpartition("/")[2]: item.group for item in split.items}
    assert groups["UID_H10_1_1_hem.bmp"] == groups["UID_h10_2_1_hem.bmp"] != groups["UID_H3_1_1_hem.bmp"]


def test_cnmc_final_phase_alone_has_no_labels(cnmc: Path) -> None:
    with pytest.raises(DataError, match="does not have the layout 'cnmc'"):
        open_catalogue(cnmc / "C-NMC_test_final_phase_data", layout="cnmc")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("UID_57_29_1_all.bmp,1.bmp,0", "row 2"),
        ("57,1.bmp,1", "row 2"),
        ("UID_57_29_1_all.bmp,9.bmp,1", "9.bmp"),
        ("UID_57_29_1_all.bmp", "row 2"),
    ],
)
def test_cnmc_table_that_contradicts_itself(cnmc: Path, row: str, words: str) -> None:
    table = cnmc / "C-NMC_test_prelim_phase_data" / "C-NMC_test_prelim_phase_data_labels.csv"
    table.write_text(f"Patient_ID,new_names,labels\n{row}\n")
    with pytest.raises(DataError, match=words):
        open_catalogue(cnmc)


def test_cnmc_cell_in_the_wrong_folder(tree) -> None:
    root = tree({"all": ["UID_1_1_1_all.bmp", "UID_H2_1_1_hem.bmp"], "hem": ["UID_H3_1_1_hem.bmp"]})
    with pytest.raises(DataError, match="UID_H2_1_1_hem"):
        open_catalogue(root)


def test_cnmc_strange_names_are_told(tree) -> None:
    catalogue = open_catalogue(tree({"all": ["UID_1_1_1_all.bmp", "other.bmp"], "hem": ["UID_H3_1_1_hem.bmp"]}))
    assert len(catalogue) == 2
    assert any("other.bmp" in note for note in catalogue.notes)


def test_folders_all_and_hem_of_somebody_else(tree) -> None:
    assert open_catalogue(tree({"all": ["1.png"], "hem": ["1.png"]})).layout == "class folders"


def test_subjects() -> None:
    assert subject_of("UID_H10_1_1_hem.bmp") == ("H10", "hem")
    assert subject_of("UID_11_1_1_all.bmp") == ("11", "all")
    assert subject_of("UID_11_1_all.bmp") is None


# ALL-IDB --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def all_idb1(tree) -> Path:
    root = tree({"ALL_IDB1/im": ["Im001_1.jpg", "Im002_1.jpg", "Im040_0.jpg"], "ALL_IDB1/xyc": []})
    (root / "ALL_IDB1/xyc/Im001_1.xyc").write_text("446\t164\n168\t442\n\n")
    (root / "ALL_IDB1/xyc/Im040_0.xyc").write_text("")
    return root


@pytest.mark.parametrize("below", ["", "ALL_IDB1", "ALL_IDB1/im"])
def test_all_idb1(all_idb1: Path, below: str) -> None:
    catalogue = open_catalogue(all_idb1 / below)
    assert (catalogue.layout, catalogue.classes, catalogue.negative) == ("all-idb1", ("healthy", "ALL"), ("healthy",))
    assert catalogue.counts() == {"healthy": 1, "ALL": 2}
    assert {item.patient for item in catalogue.items} == {None}
    assert next(iter(catalogue.sites.values())).content == "field"
    assert any("no patients" in note for note in catalogue.notes)


def test_all_idb1_label_against_its_centroids(all_idb1: Path) -> None:
    assert not any("disagree" in note for note in open_catalogue(all_idb1).notes)
    (all_idb1 / "ALL_IDB1/xyc/Im040_0.xyc").write_text("3 4")
    assert any("Im040_0.jpg" in note for note in open_catalogue(all_idb1).notes)
    (all_idb1 / "ALL_IDB1/xyc/Im001_1.xyc").write_text("3 4 5")
    with pytest.raises(DataError, match="holds no centroids"):
        open_catalogue(all_idb1)


def test_centroids(tmp_path: Path) -> None:
    file = tmp_path / "Im001_1.xyc"
    file.write_text("446 164\r\n168\t442\n")
    assert read_centroids(file) == [(446, 164), (168, 442)]
    for text in ("1 x", "1.5 2", "-1 2", "1"):
        file.write_text(text)
        with pytest.raises(DataError, match="holds no centroids"):
            read_centroids(file)


def test_all_idb2(tree) -> None:
    catalogue = open_catalogue(tree({"ALL_IDB2/img": ["Im001_1.tif", "Im131_0.tif"]}))
    assert (catalogue.layout, catalogue.negative) == ("all-idb2", ("normal cell",))
    assert [item.label for item in catalogue.items] == ["lymphoblast", "normal cell"]
    assert next(iter(catalogue.sites.values())).content == "cell"


def test_both_all_idb_in_one_folder_are_not_mixed(all_idb1: Path, tree) -> None:
    tree({"ALL_IDB2/img": ["Im001_1.tif"]}, all_idb1)
    with pytest.raises(DataError, match="all-idb1 or all-idb2") as error:
        open_catalogue(all_idb1)
    assert "--layout" in str(error.value)
    assert open_catalogue(all_idb1, layout="all-idb2").layout == "all-idb2"
    assert open_catalogue(all_idb1, layout="all-idb1").layout == "all-idb1"


# BCCD, PBC ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "BCCD/"])
def test_bccd(tree, prefix: str) -> None:
    root = tree({f"{prefix}JPEGImages": ["BloodImage_00000.jpg", "BloodImage_00001.jpg"], f"{prefix}Annotations": []})
    for number in (0, 7):
        (root / f"{prefix}Annotations/BloodImage_0000{number}.xml").write_text("<annotation/>")
    catalogue = open_catalogue(root)
    assert (catalogue.layout, catalogue.classes, catalogue.negative) == ("bccd", ("normal",), ("normal",))
    assert len(catalogue) == 2
    told = " ".join(catalogue.notes)
    assert "BloodImage_00001.jpg" in told
    assert "BloodImage_00007.xml" in told


def test_bccd_that_is_none(tree) -> None:
    root = tree({"images": ["BloodImage_00000.jpg"]})
    assert open_catalogue(root).layout == "class folders"
    with pytest.raises(DataError, match="JPEGImages") as error:
        open_catalogue(root, layout="bccd")
    assert "the folders images" in str(error.value)


def test_pbc(tree) -> None:
    root = tree(
        {
            "PBC_dataset_normal_DIB/basophil": ["BA_123456.jpg"],
            "PBC_dataset_normal_DIB/ig": ["PMY_1.jpg", "IG_2.jpg", "stray.jpg"],
            "PBC_dataset_normal_DIB/neutrophil": ["SNE_1.jpg", "NEUTROPHIL_2.jpg"],
        }
    )
    catalogue = open_catalogue(root)
    assert catalogue.layout == "pbc"
    assert catalogue.counts() == {"basophil": 1, "ig": 2, "neutrophil": 2}
    assert catalogue.negative == catalogue.classes
    told = " ".join(catalogue.notes)
    assert "stray.jpg" in told
    assert "platelet" in told


def test_folders_of_cells_with_other_names_are_no_pbc(tree) -> None:
    assert open_catalogue(tree({"basophil": ["1.jpg"], "monocyte": ["2.jpg"]})).layout == "class folders"


# LeukemiaAttri --------------------------------------------------------------------------------------------------------


def coco(names: list[str], boxes: list[tuple[int, int]]) -> str:
    return json.dumps(
        {
            "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
            "categories": [{"id": 1, "name": "Lymphoblast"}, {"id": 2, "name": "Neutrophil"}],
            "annotations": [{"image_id": image, "category_id": kind, "bbox": [0, 0, 5, 5]} for image, kind in boxes],
        }
    )


@pytest.fixture
def attri(tree) -> Path:
    root = tree(
        {
            "H_100X_C1/Images/train": ["38_2_1000_ALL.png", "15_20_1000_AML.png"],
            "H_100X_C1/Images/test": ["8_18_1000_ALL.png"],
            "H_100X_C1/json_labels": [],
            "L_40x_C2/images/train": ["8_45_12_400_ALL.png", "notes.png"],
        }
    )
    text = coco(["38_2_1000_ALL.png", "15_20_1000_AML.png"], [(0, 1), (0, 1), (0, 2)])
    (root / "H_100X_C1/json_labels/train.json").write_text(text)
    (root / "H_100X_C1/json_labels/test.json").write_text(coco(["8_99_1000_ALL.png"], []))
    return root


def test_leukemia_attri(attri: Path) -> None:
    catalogue = open_catalogue(attri)
    assert catalogue.layout == "leukemia-attri"
    assert (catalogue.classes, catalogue.negative, catalogue.other_leukaemia) == (("ALL", "AML"), (), ("AML",))
    where = {item.path: (item.patient, item.laboratory) for item in catalogue.items}
    # One patient under two microscopes is one patient.
    assert where["H_100X_C1/Images/test/8_18_1000_ALL.png"] == ("8", "LeukemiaAttri H_100X_C1")
    assert where["L_40x_C2/images/train/8_45_12_400_ALL.png"] == ("8", "LeukemiaAttri L_40X_C2")
    assert catalogue.sites["LeukemiaAttri L_40X_C2"].objective == 40
    told = " ".join(catalogue.notes)
    for word in ("notes.png", "8_18_1000_ALL.png", "8_99_1000_ALL.png", "no COCO annotations"):
        assert word in told


def test_one_folder_of_leukemia_attri(attri: Path) -> None:
    assert {item.laboratory for item in open_catalogue(attri / "H_100X_C1").items} == {"LeukemiaAttri H_100X_C1"}


def test_cells_of_leukemia_attri(attri: Path) -> None:
    cells = read_cells(attri, attri / "H_100X_C1")
    assert cells is not None
    assert cells["38_2_1000_ALL.png"] == {"Lymphoblast": 2, "Neutrophil": 1}
    assert cells["15_20_1000_AML.png"] == {}
    assert read_cells(attri, attri / "L_40x_C2") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", coco(["38_2_1000_ALL.png"], [(5, 1)])])
def test_damaged_annotations_of_leukemia_attri(attri: Path, text: str) -> None:
    (attri / "H_100X_C1/json_labels/train.json").write_text(text)
    with pytest.raises(DataError, match=r"COCO in train\.json"):
        open_catalogue(attri)


def test_patients_of_leukemia_attri() -> None:
    assert patient_of("23_40_1000_APML.png") == ("23", "APML")
    assert patient_of("23_45_12_400_APML.png") == ("23", "APML")
    assert patient_of("23_40_1000_none.png") is None


# Raabin ---------------------------------------------------------------------------------------------------------------


def test_raabin_wbc(tree) -> None:
    catalogue = open_catalogue(
        tree(
            {
                "Train/Basophil": ["95-8-27-1_154_1.jpg", "95-8-27-1_155_2.jpg"],
                "Test-A/Neutrophil": ["20190531_114409_2.jpg"],
                "TestB/Lymphocyte": ["95-8-6-1_61_2.jpg"],
                "TestB/Burst": ["95-8-6-1_62_2.jpg"],
            }
        ),
        layout="raabin-wbc",
    )
    assert catalogue.counts() == {"Basophil": 2, "Lymphocyte": 1, "Neutrophil": 1}
    assert catalogue.negative == catalogue.classes
    assert len({item.laboratory for item in catalogue.items}) == 2
    patients = {item.path: item.patient for item in catalogue.items}
    assert patients["Train/Basophil/95-8-27-1_155_2.jpg"] == "95-8-27-1"
    assert patients["Test-A/Neutrophil/20190531_114409_2.jpg"] is None
    told = " ".join(catalogue.notes)
    assert "1 of 4 names tell no smear" in told
    assert "Burst" in told


def test_raabin_wbc_is_recognised(tree) -> None:
    root = tree({"Train/Basophil": ["95-8-27-1_154_1.jpg"], "TestA/Basophil": ["20190531_114409_2.jpg"]})
    assert open_catalogue(root).layout == "raabin-wbc"


def test_train_and_test_with_classes_of_cells_are_still_refused(tree) -> None:
    with pytest.raises(DataError, match="is divided into"):
        open_catalogue(tree({"train/neutrophil": ["a.jpg"], "test/neutrophil": ["b.jpg"]}))


def test_raabin_leukaemia(tree) -> None:
    catalogue = open_catalogue(
        tree(
            {
                "First microscope/ALL L1": ["1.jpg"],
                "First microscope/AML": ["2.jpg"],
                "second_microscope/Normal": ["3.jpg"],
                "second_microscope/things": ["4.jpg"],
            }
        )
    )
    assert catalogue.layout == "raabin-leukaemia"
    assert (catalogue.negative, catalogue.other_leukaemia) == (("normal",), ("AML",))
    laboratories = {item.laboratory for item in catalogue.items}
    assert laboratories == {"Raabin leukaemia, first microscope", "Raabin leukaemia, second microscope"}
    assert any("could not be confirmed" in note for note in catalogue.notes)


def test_smears() -> None:
    assert smear_of("95-8-27-1_154_1.jpg") == "95-8-27-1"
    assert smear_of("20190531_114409_2.jpg") is None


# all of them ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_tree_without_the_layout_asked_for(tree, name: str) -> None:
    root = tree({"": ["x.png"]})
    with pytest.raises(DataError) as error:
        open_catalogue(root, layout=name)
    assert "Expected" in str(error.value)


def test_unknown_layout_and_options_that_exclude_each_other(tree) -> None:
    root = tree({"a": ["x.png"], "b": ["y.png"]})
    with pytest.raises(UsageError, match="Did you mean 'cnmc'"):
        open_catalogue(root, layout="cnm")
    with pytest.raises(UsageError, match="exclude each other"):
        open_catalogue(root, layout="cnmc", label="x")
    (root / "t.csv").write_text("path,label\na/x.png,u\n")
    with pytest.raises(UsageError, match="exclude each other"):
        open_catalogue(root, labels=root / "t.csv", layout="cnmc")


def test_one_label_for_all(tree) -> None:
    catalogue = open_catalogue(tree({"a": ["x.png"], "b": ["y.png"]}), label="normal", negative=["normal"])
    assert (catalogue.layout, catalogue.counts(), catalogue.negative) == ("one class", {"normal": 2}, ("normal",))
    with pytest.raises(DataError, match="No image"):
        open_catalogue(tree({"empty": []}) / "empty", label="normal")


def test_other_leukaemia_is_checked_like_negative(tree) -> None:
    root = tree({"APML": ["x.png"], "normal": ["y.png"]})
    assert open_catalogue(root, other_leukaemia=["APML"]).other_leukaemia == ("APML",)
    with pytest.raises(DataError, match="Did you mean 'APML'"):
        open_catalogue(root, other_leukaemia=["APL"])


def test_command_line_takes_a_layout(cnmc: Path, tmp_path: Path, capsys) -> None:
    assert main(["data", "check", str(cnmc), "--layout", "cnmc", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["layout"], told["patients"]) == ("cnmc", 5)
    assert list(told["laboratories"].values()) == [7]
    words = ["data", "split", str(cnmc), "--method", "patient", "--folds", "2", "--out", str(tmp_path / "split.json")]
    assert main(words) == 0
    assert main(["data", "check", str(cnmc), "--layout", "pbc"]) == 2
    assert "does not have the layout 'pbc'" in capsys.readouterr().err


@pytest.mark.real
def test_real_folders(real_data: Path) -> None:
    cnmc = open_catalogue(real_data / "cnmc")
    assert (cnmc.layout, len(cnmc), len({item.patient for item in cnmc.items})) == ("cnmc", 60, 27)
    pbc = open_catalogue(real_data / "pbc")
    assert (pbc.layout, len(pbc), len(pbc.classes)) == ("pbc", 17_092, 8)
    assert {item.laboratory for item in open_catalogue(real_data / "taleqani").items} == {"Taleqani Hospital, Tehran"}
