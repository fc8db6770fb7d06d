"""The model card (Mitchell et al. 2019, doi 10.1145/3287560.3287596) of a bundle, from what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leukolens.engine.spec import BundleSpec, Provenance
from leukolens.finding import CLASS_NOTE, CLASSES, RESEARCH_USE
from leukolens.report.figures import figure_rows


def model_card(spec: BundleSpec) -> str:
    """Return ``MODEL_CARD.md`` of a bundle with a field network."""
    network = spec.networks["field"]
    provenance = spec.provenance
    recipe = provenance.recipe
    labels = ", ".join(network.labels)
    negative = ", ".join(network.negative_labels) or "none stated: the bundle gives no p_all"
    note = CLASS_NOTE if set(network.labels) == set(CLASSES) else ""
    limit = f"{network.novelty.limit:.3f}" if network.novelty else "none"
    return f"""# Model card: {spec.name} {spec.version}

**{RESEARCH_USE}**

## What it is

A field network ({network.architecture}, {network.preparation.width} x {network.preparation.height} px, float32) that
says which class a field of a stained smear shows: {labels}. Classes that mean no leukaemia: {negative}. {note}

It gives, beside the probabilities, a class map whose mean plus a bias is the class's logit, and the distance of the
picture to those that it learned from. Pictures farther than {limit} are outside its domain: no label is given for them.

## What it learned from

- Data: SHA-256 of the list of all pictures `{provenance.data_sha256}`, of the training pictures alone
  `{provenance.training_images_sha256}`.
- Split: {provenance.split_kind or provenance.split_method}; kept together: {provenance.grouping}; SHA-256
  `{provenance.split_sha256}`.
- Recipe: `{recipe.get("name", "")}`, {recipe.get("epochs", "?")} epochs at most, seed {provenance.seed}.
- Start: {_start(provenance)}.
- Terms of the data: {provenance.terms or "not stated"}

## Figures

On the sides of the split that were held out; in brackets the 95 % interval where it was computed.

{_figures(provenance.figures)}

Temperature {network.calibration.temperature:g}, fitted on {network.calibration.source}. Prediction sets aim to hold the
true class in {_coverage(spec)} of pictures like those; for pictures from elsewhere nothing is promised.

## What it must not be used for

Diagnosis, and anything on pictures from a laboratory other than the one that it learned from: a field network learns
lamp, stain and camera with the cells. It does not see single cells.

## To cite

{_citations(provenance.citations)}

## Code

leukolens {provenance.code_version}; weights under {spec.licence}.
"""


def _start(provenance: Provenance) -> str:
    weights = str(provenance.recipe.get("network", {}).get("weights", ""))
    start = provenance.start
    if start is None:
        named = {"imagenet": "ImageNet weights", "none": "no weights, all were drawn at random", "": "not stated"}
        return named.get(weights, f"the weights of a run `{weights}`, of which nothing more is known")
    if "package" in start:
        return f"ImageNet weights of the package {start['package']} {start['version']}"
    data = start.get("data_sha256")
    seen = f", trained by the recipe `{start.get('recipe')}` on the data `{data}`" if data else ""
    return f"the weights `{start.get('sha256')}` (SHA-256) of a run `{weights}`{seen}; its data have terms of their own"


def _coverage(spec: BundleSpec) -> str:
    conformal = spec.networks["field"].conformal
    return "no stated share" if conformal is None else f"{1 - conformal.alpha:.0%}"


def _figures(figures: dict[str, Any]) -> str:
    return "\n".join(f"- {row.name}: {row.value}" for row in figure_rows(figures)) or "None measured."


def _citations(citations: Sequence[str]) -> str:
    return "\n".join(f"- {citation}" for citation in citations) or "None stated."
