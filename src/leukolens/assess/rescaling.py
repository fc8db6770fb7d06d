"""The images of an evaluation at the scale of the training: whose word is taken for which file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from leukolens.assess.wording import counted
from leukolens.data.catalogue import Site
from leukolens.finding import UsageError
from leukolens.smear.scale import PixelScale, Window, choose_scale, windows_at_scale

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leukolens.data import Catalogue
    from leukolens.engine.spec import FieldNetworkSpec
    from leukolens.smear.reading import SmearImage

AUTO: Final = "auto"


class Rescaling:
    """Chooses the windows of each file and remembers how its scale was known. May be used from several threads.

    Parameters
    ----------
    spec
        Of the bundle's field network.
    sites
        What is published of the place that each file comes from.
    said
        Micrometres a pixel of every image, by the user; None: the file's word, then the owners'.
    target
        Micrometres of a prepared pixel in training, by the user; None: what the bundle says.

    Raises
    ------
    UsageError
        Neither the bundle nor the user says at which scale it was trained, or it stretches its pictures.
    """

    def __init__(
        self,
        spec: FieldNetworkSpec,
        sites: Mapping[Path, Site],
        *,
        said: float | None = None,
        target: float | None = None,
    ) -> None:
        if spec.preparation.shape == "stretch":
            raise UsageError("A bundle that stretches its pictures has no one scale", todo="leave --um-per-px out")
        chosen = target or spec.um_per_px
        if chosen is None:
            raise UsageError(
                "The bundle does not say at which scale it was trained",
                expected="micrometres of a prepared pixel",
                todo="say it with --bundle-um-per-px, or leave --um-per-px out",
            )
        self.target = chosen
        self._preparation = spec.preparation
        self._sites = sites
        self._said = said
        self._scales: dict[Path, PixelScale] = {}

    def windows(self, path: Path, image: SmearImage) -> tuple[Window, ...]:
        """Return the windows of a file that are judged; none where its scale is not known: it is judged as it is."""
        site = self._sites.get(path, Site())
        scale = choose_scale(said=self._said, stated=image.um_per_px, published=site.um_per_px)
        self._scales[path] = scale
        if scale.um_per_px is None:
            return ()
        height, width = image.pixels.shape[:2]
        return windows_at_scale(width, height, scale.um_per_px, self.target, self._preparation, site.content)

    def sources(self) -> dict[str, int]:
        """Return by whose word the scale of how many files was known; "not known" among them."""
        return dict(Counter(scale.source for scale in self._scales.values()))

    def scale(self, path: Path) -> PixelScale:
        """Return how the scale of a file that was looked at is known."""
        return self._scales.get(path, PixelScale(None, "not known"))


def parse_scale(text: str | None, option: str = "--um-per-px") -> tuple[bool, float | None]:
    """Read an option that is "auto" or a number of micrometres.

    Returns
    -------
    asked : bool
        Whether pictures are to be brought to scale.
    said : float or None
        The number, where one was given.

    Raises
    ------
    UsageError
        Neither, or a number that no microscope has.
    """
    if text is None:
        return False, None
    if text == AUTO:
        return True, None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value <= 100:
        raise UsageError(option, expected=f"{AUTO!r}, or micrometres a pixel from 0.001 to 100", found=repr(text))
    return True, value


def sites_of(catalogue: Catalogue) -> dict[Path, Site]:
    """Return what is published of the laboratory of each file of a data set."""
    return {
        catalogue.locate(item): catalogue.sites[item.laboratory]
        for item in catalogue.items
        if item.laboratory is not None and item.laboratory in catalogue.sites
    }


def describe_scale(rescaling: Rescaling | None, images: int) -> str:
    """Return in a sentence what was brought to scale; empty where nothing was asked for."""
    if rescaling is None:
        return ""
    sources = rescaling.sources()
    unknown = sources.pop("not known", 0)
    done = ", ".join(
        f"{n} by what is {name}" if name != "file" else f"{n} by {'its file' if n == 1 else 'their files'}"
        for name, n in sources.items()
    )
    sentence = f"Brought to {rescaling.target:.3g} µm per px: {done or 'none'} of {counted(images, 'image')}."
    left = (
        f" The scale of {unknown} is not known: judged as {'it is' if unknown == 1 else 'they are'}." if unknown else ""
    )
    return sentence + left
