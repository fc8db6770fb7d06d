from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from data_sets import group_rows, write_rows

from leukolens.cli.main import main
from leukolens.data import fingerprint, open_catalogue, read_split

CLASSES = {label: [f"{n}.png" for n in range(10)] for label in ("blast", "normal")}


def test_check_prints_a_table_and_ends_with_0(tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(tree(CLASSES)), "--negative", "normal"]) == 0
    out, err = capsys.readouterr()
    assert "20" in out
    assert "normal" in out
    assert err == ""


def test_check_as_json_is_nothing_but_json(tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(CLASSES)
    (root / "blast" / "[bold]x.jpg").write_text("broken")
    assert main(["data", "check", str(root), "--json", "--out", str(tmp_path / "out")]) == 1
    out = capsys.readouterr().out
    result = json.loads(out)
    assert result["kind"] == "leukolens data check"
    assert result["unreadable"][0]["path"] == "blast/[bold]x.jpg"
    assert (tmp_path / "out" / "check.json").read_text() == out
    assert (tmp_path / "out" / "manifest.csv").is_file()


def test_check_names_what_is_broken(tree, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(CLASSES)
    (root / "blast" / "[bold]x.jpg").write_text("broken")
    (root / "normal" / "copy.png").write_bytes((root / "blast" / "1.png").read_bytes())
    for n in range(30):
        (root / "blast" / f"more{n}.jpg").touch()
    assert main(["data", "check", str(root)]) == 1
    out = capsys.readouterr().out
    assert "blast/[bold]x.jpg: " in out
    assert "blast/1.png, normal/copy.png: blast, normal" in out
    assert "and 21 more" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nowhere"],
        ["split", "nowhere", "--method", "blocks", "--out", "x.json"],
        ["get", "talegani"],
        ["chek"],
    ],
)
def test_wrong_use_ends_with_2_and_a_message(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["data", *arguments]) == 2
    assert "Error" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_unwritable_output_is_found_before_the_work(tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["data", "check", str(tree(CLASSES)), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["check"], ["split", "--method", "random-image"]])
def test_full_disk_is_found_before_the_work(
    tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    root, out = tree(CLASSES), tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr("leukolens.finding.output.os.fsync", full)
    monkeypatch.setattr("leukolens.data.check.check_data", lambda *_, **__: pytest.fail("the work began"))
    monkeypatch.setattr("leukolens.data.catalogue.fingerprint", lambda *_, **__: pytest.fail("the work began"))
    place = out / "split.json" if verb[0] == "split" else out
    assert main(["data", verb[0], str(root), *verb[1:], "--out", str(place)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(out.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder here that nobody can write to")
def test_split_into_a_folder_that_takes_no_file_is_refused_before_hashing(
    tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("leukolens.data.catalogue.fingerprint", lambda *_, **__: pytest.fail("the work began"))
    assert main(["data", "split", str(tree(CLASSES)), "--method", "random-image", "--out", "/proc/s.json"]) == 2
    assert "'/proc' cannot be written to" in capsys.readouterr().err


def test_check_that_breaks_off_leaves_the_former_files(
    tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = tree(CLASSES), tmp_path / "out"
    assert main(["data", "check", str(root), "--out", str(out)]) == 0
    former = {path.name: path.read_bytes() for path in out.iterdir()}
    (root / "normal" / "0.png").unlink()

    def half(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:9])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half)
    assert main(["data", "check", str(root), "--out", str(out)]) == 2
    assert "manifest.csv" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == former


def test_split_writes_a_file_that_fits(tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = tree(CLASSES), tmp_path / "split.json"
    command = ["data", "split", str(root), "--method", "random-image", "--validation", "0.2", "--out", str(out)]
    assert main(command) == 0
    text = capsys.readouterr().out
    split = read_split(out, open_catalogue(root))
    assert "Leaky" in text
    assert split.sha256 in text
    assert len(split.folds) == 5
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--seed", "1"]) == 0
    assert read_split(out, open_catalogue(root)).seed == 1


def test_split_by_the_users_own_patients(tree, tmp_path: Path) -> None:
    root = tree(CLASSES)
    rows = [f"{label}/{n}.png;{label};{label}{n // 3}" for label in CLASSES for n in range(10)]
    table, out = tmp_path / "own.csv", tmp_path / "split.json"
    table.write_text("bild;diagnose;wer\n" + "\n".join(rows))
    names = ["--labels", str(table), "--path-column", "bild", "--label-column", "diagnose", "--patient-column", "wer"]
    command = ["data", "split", str(root), *names, "--method", "patient", "--folds", "2", "--out", str(out)]
    assert main(command) == 0
    catalogue = open_catalogue(root, labels=table, path_column="bild", label_column="diagnose", patient_column="wer")
    split = read_split(out, catalogue)
    for fold in split.folds:
        assert {catalogue.items[i].patient for i in fold.train}.isdisjoint(
            catalogue.items[i].patient for i in fold.test
        )


def test_split_by_recovered_groups(tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = tree(CLASSES), tmp_path / "split.json"
    catalogue = fingerprint(open_catalogue(root))
    table = write_rows(tmp_path / "groups.csv", group_rows(catalogue, lambda label, at: f"{label}{at // 2}"))
    command = ["data", "split", str(root), "--groups", str(table), "--method", "grouped", "--out", str(out)]
    assert main(command) == 0
    split = read_split(out, catalogue)
    assert split.groups is not None
    assert split.groups.sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    assert "recovered session" in capsys.readouterr().out
    (root / "blast" / "0.png").unlink()
    assert main([*command, "--overwrite"]) == 2
    assert "does not know the same images" in capsys.readouterr().err


def test_split_by_laboratory(tree, tmp_path: Path) -> None:
    root, out, table = tree(CLASSES), tmp_path / "split.json", tmp_path / "own.csv"
    rows = [f"{label}/{n}.png,{label},{'xy'[n % 2]}" for label in CLASSES for n in range(10)]
    table.write_text("path,label,laboratory\n" + "\n".join(rows))
    command = ["data", "split", str(root), "--labels", str(table), "--method", "leave-one-laboratory-out"]
    assert main([*command, "--out", str(out)]) == 2
    assert main([*command, "--laboratory-column", "laboratory", "--out", str(out)]) == 0
    assert read_split(out, open_catalogue(root, labels=table)).parameters["laboratories"] == ("x", "y")


@pytest.mark.parametrize(
    "wrong", [["--method", "block"], ["--validation", "many"], ["--folds", "0"], ["--out", "none/split.json"]]
)
def test_split_with_wrong_options(tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["data", "split", str(tree(CLASSES)), "--method", "blocks", "--out", "split.json", *wrong]
    assert main(command) == 2
    assert not list(tmp_path.glob("*.json"))


def test_get_without_access_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert main(["data", "get", "taleqani", "--to", str(tmp_path / "here")]) == 2
    err = capsys.readouterr().err
    for word in ("10.34740/KAGGLE/DSV/2175623", str(tmp_path / "here"), "cite the authors", "No licence text"):
        assert word in err
    assert list(tmp_path.iterdir()) == []


def test_get_with_the_archive_fetched_by_hand_counts_the_images(
    tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Four images are not the 3,256 of the data set, and that is said.
    import zipfile

    root = tree({f"Original/{name}": ["1.png"] for name in ("Benign", "Early", "Pre", "Pro")}, tmp_path / "source")
    (tmp_path / "to").mkdir()
    with zipfile.ZipFile(tmp_path / "to" / "archive.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(root))
    assert main(["data", "get", "taleqani", "--to", str(tmp_path / "to")]) == 2
    assert "504 Benign, 985 Early Pre-B, 963 Pre-B, 804 Pro-B" in capsys.readouterr().err


def test_names_that_a_terminal_could_not_show_do_no_harm(tree) -> None:
    root = tree(CLASSES)
    (root / "blast" / "\x1b[31mred\n.jpg").write_text("broken")
    code = "import sys; from leukolens.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "data", "check", str(root)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert b"red" in done.stdout


def test_help_of_every_command_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "split", "get"):
        assert main(["data", command, "--help"]) == 0
        assert "For research use only, not a diagnosis." in capsys.readouterr().out
