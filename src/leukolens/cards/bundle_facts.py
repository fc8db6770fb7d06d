"""What ``bundle.json`` knows: the model, how it was trained, and its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from leukolens.cards.facts import in_words, table_of
from leukolens.cards.software import add_software_facts
from leukolens.engine.spec import SPEC_FILE
from leukolens.finding import CLASS_NOTE, CLASSES
from leukolens.report.figures import figure_rows

if TYPE_CHECKING:
    from leukolens.cards.facts import FactBook, File
    from leukolens.engine.spec import BundleSpec, FieldNetworkSpec, Provenance

KINDS: Final = {
    "random-image": "LEAKY random split by image: images of one slide stand on both sides",
    "patient": "split by patient",
    "blocks": "split in blocks of neighbouring files",
}
"""What a split method is called; one that is not here is called by its name."""
_PROBE: Final = ("network", "probe", "batch_size")
"""What decides a head that is fitted at once; the rest of its recipe rests."""
_RECIPE: Final = ("network", "optimiser", "epochs", "batch_size", "label_smoothing", "average", "precision")


def add_bundle_facts(book: FactBook, spec: BundleSpec, content: bytes) -> None:
    """Add everything that a bundle says of itself.

    Parameters
    ----------
    book
        Gets facts named ``model.``, ``training.``, ``figures.`` and ``openings``.
    spec
        What ``bundle.json`` says.
    content
        Its bytes.
    """
    file = book.file(SPEC_FILE, content)
    add_software_facts(book)
    _add_identity(book, file, spec)
    _add_network(book, file, spec.networks["field"])
    _add_statistics(book, file, spec.networks["field"])
    _add_training(book, file, spec.provenance)
    _add_recipe(book, file, spec.provenance)
    _add_figures(book, file, spec.provenance)


def _add_identity(book: FactBook, file: File, spec: BundleSpec) -> None:
    book.add(
        "model.identity",
        f"{spec.name} {spec.version}, made on {spec.created:%Y-%m-%d}.",
        file.at("name"),
        file.at("version"),
        file.at("created"),
    )
    book.add("model.task", spec.description, file.at("description"))
    if spec.licence:
        book.add("model.licence", f"Licence of the weights: {spec.licence}.", file.at("licence"))
        book.add(
            "model.available",
            f"The bundle holds the whole model (ONNX, preparation, calibration) under {spec.licence}; any ONNX runtime "
            "runs it.",
            file.at("licence"),
            file.at("networks", "field", "file"),
        )
    for number, citation in enumerate(spec.provenance.citations):
        book.add("model.citations", citation, file.at("provenance", "citations", number))


def _add_network(book: FactBook, file: File, network: FieldNetworkSpec) -> None:
    place = ("networks", "field")
    preparation = network.preparation
    book.add(
        "model.type",
        f"Deep learning: a field network of the architecture {network.architecture}, which judges a whole field of "
        f"view of {preparation.width} x {preparation.height} px in 32-bit floats.",
        file.at(*place, "architecture"),
        file.at(*place, "preparation"),
    )
    note = f" {CLASS_NOTE}" if set(network.labels) == set(CLASSES) else ""
    book.add(
        "model.labels",
        f"It says which class a field of a stained smear shows: {', '.join(network.labels)}.{note}",
        file.at(*place, "labels"),
    )
    negative = ", ".join(network.negative_labels)
    book.add(
        "model.negative",
        f"Classes that mean no leukaemia: "
        f"{negative or 'none stated, so that the bundle gives no probability of leukaemia'}.",
        file.at(*place, "negative_labels"),
    )
    book.add(
        "model.output",
        "For each picture a probability of each class, a class map whose mean plus a bias is the class's logit, and "
        "the distance of the picture to those that it learned from"
        + ("; the probability of leukaemia is 1 minus that of the classes that mean none." if negative else "."),
        file.at(*place, "labels"),
        file.at(*place, "negative_labels"),
    )
    book.add(
        "model.preparation",
        f"The only input is the picture, as pixels. It is prepared by: "
        f"{in_words(preparation.model_dump(mode='json'))}.",
        file.at(*place, "preparation"),
    )


def _add_statistics(book: FactBook, file: File, network: FieldNetworkSpec) -> None:
    place, calibration = ("networks", "field"), network.calibration
    fitted = f", fitted on {calibration.source or f'{calibration.n} pictures'}" if calibration.n else ", not fitted"
    book.add(
        "model.calibration",
        f"Probabilities are the softmax of the logits over a temperature of {calibration.temperature:g}{fitted}.",
        file.at(*place, "calibration"),
    )
    if network.conformal is not None:
        book.add(
            "model.conformal",
            f"Prediction sets ({network.conformal.method}) aim to hold the true class in "
            f"{1 - network.conformal.alpha:.0%} of pictures like those of the calibration "
            f"({network.conformal.source or 'source not stated'}); for pictures from elsewhere nothing is promised.",
            file.at(*place, "conformal"),
        )
    if network.novelty is not None:
        book.add(
            "model.domain",
            f"A picture farther than {network.novelty.limit:.3f} from those that it learned from is outside its domain "
            "and gets no label.",
            file.at(*place, "novelty", "limit"),
        )


def _add_training(book: FactBook, file: File, provenance: Provenance) -> None:
    place = "provenance"
    if provenance.data_sha256:
        book.add(
            "training.data",
            f"One data set; SHA-256 of the list of all its pictures {provenance.data_sha256}, of the training pictures "
            f"alone {provenance.training_images_sha256 or 'not recorded'}.",
            file.at(place, "data_sha256"),
            file.at(place, "training_images_sha256"),
        )
    book.add(
        "training.terms", f"Terms of the data: {provenance.terms}" if provenance.terms else "", file.at(place, "terms")
    )
    if provenance.split_method:
        kept = f" Kept together: {provenance.grouping}." if provenance.grouping else ""
        book.add(
            "training.split",
            f"{_split_words(provenance)}{kept} SHA-256 of the split {provenance.split_sha256 or 'not recorded'}.",
            file.at(place, "split_method"),
            file.at(place, "grouping"),
            file.at(place, "split_sha256"),
        )
    if provenance.code_version:
        packages = ", ".join(f"{name} {version}" for name, version in provenance.packages.items())
        book.add(
            "training.packages",
            f"leukolens {provenance.code_version}" + (f" with {packages}." if packages else "."),
            file.at(place, "code_version"),
            file.at(place, "packages"),
        )


def _add_recipe(book: FactBook, file: File, provenance: Provenance) -> None:
    recipe, place = provenance.recipe, ("provenance", "recipe")
    if not recipe:
        return
    probe = recipe.get("probe")
    told = {key: recipe[key] for key in (_PROBE if probe else _RECIPE) if key in recipe}
    seed = "" if provenance.seed is None else f", seed {provenance.seed}"
    book.add(
        "training.recipe", f"Recipe {recipe.get('name', 'without a name')}{seed}: {in_words(told)}.", file.at(*place)
    )
    if description := str(recipe.get("description", "")).strip():
        book.add("training.rationale", f"The recipe says of itself: {description}", file.at(*place, "description"))
    if probe:
        _add_probe(book, file, recipe)
    elif "augmentation" in recipe:
        book.add(
            "training.augmentation",
            f"Training pictures are varied: {in_words(recipe['augmentation'])}.",
            file.at(*place, "augmentation"),
        )
    if "select" in recipe and not probe:
        book.add(
            "training.selection",
            f"The run ends with the weights of the {recipe['select']} epoch"
            + (
                ", as the validation side has it."
                if recipe["select"] == "best"
                else ", which no held-out picture chose."
            ),
            file.at(*place, "select"),
        )
    if "balance" in recipe:
        book.add("training.balance", _balance(recipe["balance"]), file.at(*place, "balance"))
    average = None if probe else recipe.get("average")
    book.add(
        "training.ensemble",
        "One network, no ensemble"
        + (f"; its weights are the moving average of those of training (decay {average:g})." if average else "."),
        file.at(*place, *(["average"] if "average" in recipe and not probe else [])),
    )
    book.add("training.start", f"Training began with {_start(provenance)}.", *_start_sources(file, provenance))


def _add_probe(book: FactBook, file: File, recipe: dict[str, Any]) -> None:
    place = ("provenance", "recipe")
    passes = int(recipe["probe"].get("passes", 0))
    varied = (
        f"and {passes} times varied: {in_words(recipe.get('augmentation', {}))}." if passes else "and never varied."
    )
    book.add("training.augmentation", f"Training pictures are seen as they are, {varied}", file.at(*place, "probe"))
    book.add(
        "training.selection",
        "The backbone keeps its start weights; the head alone is fitted to its features, by logistic regression solved "
        "to its end. No held-out picture chose it.",
        file.at(*place, "probe"),
    )


def _balance(balance: Any) -> str:  # noqa: ANN401 - JSON; older recipes say true and false
    if balance in (False, None, "none"):
        return "No method against class imbalance was used: neither weights of classes nor sampling."
    how = (
        "classes weigh by the inverse of their frequency"
        if balance in (True, "weights")
        else "each is drawn equally often"
    )
    return f"Against class imbalance, {how}; the temperature was fitted afterwards on the validation side."


def _start_sources(file: File, provenance: Provenance) -> tuple[Any, ...]:
    weights = "weights" in provenance.recipe.get("network", {})
    said = [file.at("provenance", "recipe", "network", "weights")] if weights else []
    return (*said, *([file.at("provenance", "start")] if provenance.start is not None else []))


def _start(provenance: Provenance) -> str:
    weights = str(provenance.recipe.get("network", {}).get("weights", ""))
    start = provenance.start
    if start is None:
        named = {
            "imagenet": "ImageNet weights",
            "none": "no weights: all were drawn at random",
            "": "what is not stated",
        }
        return named.get(weights, f"the weights of a run {weights}, of which nothing more is known")
    if "package" in start:
        return f"ImageNet weights of the package {start['package']} {start['version']}"
    data = start.get("data_sha256")
    seen = f", trained by the recipe {start.get('recipe')} on the data {data}" if data else ""
    return f"the weights {start.get('sha256')} (SHA-256) of a run {weights}{seen}; its data have terms of their own"


def _add_figures(book: FactBook, file: File, provenance: Provenance) -> None:
    kind = kind_of_split(provenance.split_method) if provenance.split_method else "Kind of split not recorded"
    rows = figure_rows(provenance.figures)
    if rows:
        book.add(
            "figures.held-out",
            f"On the sides of the split that were held out, with 95 % intervals where they were computed. {kind}.",
            file.at("provenance", "figures"),
            file.at("provenance", "split_method"),
            table=table_of(("figure", "value"), rows),
        )
    counts = [f"{side} {own['n']}" for side, own in provenance.figures.items() if isinstance(own, dict) and "n" in own]
    if counts:
        book.add("figures.counts", f"Held-out pictures: {', '.join(counts)}.", file.at("provenance", "figures"))
    if provenance.test_openings is not None:
        said = str(provenance.test_openings.get("sentence", ""))
        book.add("openings", f"At export: {said}" if said else "", file.at("provenance", "test_openings", "sentence"))


def _split_words(provenance: Provenance) -> str:
    return provenance.split_kind or f"{kind_of_split(provenance.split_method)}."


def kind_of_split(method: str) -> str:
    """Return what a split method is called, in capitals where images that show the same thing stand on both sides."""
    kind = KINDS.get(method, f"split by the method {method}")
    return kind[0].upper() + kind[1:]
