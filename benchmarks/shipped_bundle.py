"""Three checks of the shipped bundle on real pictures: twins, engines against PyTorch, other laboratories.

    python benchmarks/shipped_bundle.py DATA --run RUN --out docs/results

DATA holds ``taleqani``, ``taleqani_native`` and the folders of other laboratories; RUN is the run that the bundle was exported from.
Writes ``shipped-bundle.json`` and ``shipped-bundle.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import leukolens
from leukolens.data.catalogue import catalogue_sha256, fingerprint
from leukolens.data.layouts import open_catalogue
from leukolens.data.run_manifest import run_manifest
from leukolens.engine.session import open_session
from leukolens.screen import Screener
from leukolens.train.predict import predict, softmax
from leukolens.train.recipe import Recipe
from leukolens.train.run_files import trained_network

LABORATORIES = {
    "normal blood, BCCD": "bccd/images/*",
    "normal blood, bionet": "normal_fields/bionet/*",
    "normal blood, chula": "normal_fields/chula_wbc/**/*.jpg",
    "almost no white cells, IML": "normal_fields/iml_malaria/*",
    "ALL, another laboratory": "other_all/fields/*",
    "promyelocytic leukaemia": "other_leukaemia/apml_fields/*",
    "no smear (H&E, fluorescence)": "not_smear/*/*",
}
PARITY_IMAGES = 200


def main() -> None:
    """Run the three checks and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    arguments = parser.parse_args()
    screener = leukolens.load()
    catalogue = fingerprint(open_catalogue(arguments.data / "taleqani"))
    result = {
        "bundle": {"name": screener.bundle.spec.name, "version": screener.bundle.spec.version, "sha256": screener.bundle.sha256},
        "twins": twins(screener, arguments.data),
        "engines": engines(screener, arguments.run, [catalogue.locate(item) for item in catalogue.items]),
        "laboratories": {name: laboratory(screener, arguments.data, glob) for name, glob in LABORATORIES.items()},
        "manifest": run_manifest(
            "benchmarks/shipped_bundle.py",
            {"parity_images": PARITY_IMAGES, "laboratories": LABORATORIES},
            catalogue_sha256(catalogue),
            None,
        ),
    }  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "shipped-bundle.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    (arguments.out / "shipped-bundle.md").write_text(table(result), "utf-8")
    print(table(result))


def twins(screener: Screener, data: Path) -> list[dict[str, Any]]:
    """Compare each camera picture with its 224 px twin."""
    found = []
    with (data / "taleqani_native" / "index.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        native = screener.screen(data / "taleqani_native" / row["file"])
        twin = screener.screen(next((data / "taleqani" / "Original").rglob(row["is_the_original_of"])))
        if native.field is None or twin.field is None:
            raise SystemExit(f"{row['file']}: {native.reason or twin.reason}")
        differences = [abs(p - twin.field.probabilities[label]) for label, p in native.field.probabilities.items()]
        found.append(
            {
                "camera": row["file"],
                "size": f"{row['width']} x {row['height']}",
                "twin": row["is_the_original_of"],
                "label of the data": row["class"],
                "camera label": native.label,
                "twin label": twin.label,
                "largest difference": max(differences),
            }
        )
    return found


def engines(screener: Screener, run: Path, paths: list[Path]) -> dict[str, Any]:
    """Compare each engine with PyTorch on evenly spaced real pictures, prepared as in screening."""
    spec = screener.bundle.field
    recipe = Recipe.model_validate(screener.bundle.spec.provenance.recipe)
    network = trained_network(run, recipe, len(spec.labels))
    chosen = [paths[int(place)] for place in np.linspace(0, len(paths) - 1, PARITY_IMAGES)]
    images = np.stack([screener.field_outputs(path)[0].pixels for path in chosen])
    expected = softmax(predict(network, images).logits)
    found = {}
    for engine in ("openvino", "onnxruntime"):
        session = open_session(screener.bundle.read_network("field"), engine)
        logits = session.run(images)["logits"]
        found[f"{session.engine} {session.engine_version} {session.precision}"] = float(
            np.abs(softmax(logits) - expected).max()
        )
    return {"images": len(images), "largest difference of a probability": found}


def laboratory(screener: Screener, data: Path, glob: str) -> dict[str, Any]:
    """Screen the pictures of another laboratory and count what is said."""
    paths = sorted(path for path in data.glob(glob) if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".bmp", ".tif"})
    findings = list(screener.screen_many(paths))
    given = [finding.p_all for finding in findings if finding.p_all is not None]
    return {
        "images": len(findings),
        "no label given": sum(finding.label is None for finding in findings),
        "review": sum(finding.decision == "review" for finding in findings),
        "conclusions": dict(Counter(str(finding.conclusion) for finding in findings)),
        "reported as lymphoblasts": sum(f.decision == "report" and f.conclusion == "lymphoblasts" for f in findings),
        "median p_all": float(np.median(given)) if given else None,
    }


def table(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    bundle = result["bundle"]
    lines = [
        "# The shipped bundle on real pictures",
        "",
        f"Bundle {bundle['name']} {bundle['version']}, SHA-256 of bundle.json `{bundle['sha256'][:16]}...`.",
        "",
        "## Camera pictures against their 224 px twins (target: same label, within 0.05)",
        "",
        "| camera's picture | size | label of the data | camera label | twin label | largest difference |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['camera']} | {row['size']} | {row['label of the data']} | {row['camera label']} | {row['twin label']} "
            f"| {row['largest difference']:.4f} |"
            for row in result["twins"]
        ),
        "",
        f"## Engines against PyTorch on {result['engines']['images']} real pictures (target: 1e-4)",
        "",
        *(f"- {name}: {value:.2g}" for name, value in result["engines"]["largest difference of a probability"].items()),
        "",
        "## Other laboratories: what the model says where it was not trained",
        "",
        "`p_all` of a field network means nothing there; what counts is how often it keeps quiet.",
        "",
        "| pictures | images | no label given | sent to review | reported as lymphoblasts | median p_all |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {row['images']} | {row['no label given']} | {row['review']} | {row['reported as lymphoblasts']} | "
            f"{'-' if row['median p_all'] is None else format(row['median p_all'], '.2f')} |"
            for name, row in result["laboratories"].items()
        ),
        "",
        "`python benchmarks/shipped_bundle.py DATA --run RUN --out docs/results`",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
