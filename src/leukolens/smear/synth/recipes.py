"""What each kind of white cell looks like, in figures: diameters, share of the nucleus, chromatin, granules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from leukolens.smear.synth.canvas import AZURE, CHROMATIN, EOSIN, ORANGE

NucleusForm = Literal["round", "indented", "folded", "band", "lobed"]


@dataclass(frozen=True)
class Chromatin:
    """Depth and texture of the nucleus.

    Attributes
    ----------
    depth
        Amount of dye; 1 is a lymphoblast.
    grain
        Distance of clumps, um: small is fine.
    contrast
        How much darker or paler clumps are, share.
    flecks
        Share of dye missing in the pale gaps between clumps.
    membrane
        Extra dye along the border, share.
    """

    depth: float
    grain: float
    contrast: float
    flecks: float = 0.2
    membrane: float = 0.12


@dataclass(frozen=True)
class Granules:
    """Granules in the cytoplasm.

    Attributes
    ----------
    dye, amount
        What stains them, and how deeply.
    diameter
        In um.
    per_um2
        Number in a square micrometre.
    over_nucleus
        Whether they also lie over the nucleus.
    """

    dye: int
    amount: float
    diameter: float
    per_um2: float
    over_nucleus: bool = False


@dataclass(frozen=True)
class Recipe:
    """One kind of white cell.

    Attributes
    ----------
    diameter
        Mean, standard deviation, least and greatest, um.
    nucleus
        Form of the nucleus.
    share
        Least and greatest area of the nucleus over that of the cell.
    chromatin, granules
        See there.
    cytoplasm
        Amount of each dye, as (dye, amount).
    elongation, roughness
        Mean of the cell's long over short axis; waves of its outline.
    nucleoli
        Least and greatest number.
    lobes
        Least and greatest number, for "lobed".
    vacuoles
        Expected number.
    blebs
        Chance that the cytoplasm bulges out.
    """

    diameter: tuple[float, float, float, float]
    nucleus: NucleusForm
    share: tuple[float, float]
    chromatin: Chromatin
    cytoplasm: tuple[tuple[int, float], ...]
    granules: tuple[Granules, ...] = ()
    elongation: float = 1.06
    roughness: float = 0.02
    nucleoli: tuple[int, int] = (0, 0)
    lobes: tuple[int, int] = (1, 1)
    vacuoles: float = 0.0
    blebs: float = 0.0


RECIPES: Final[dict[str, Recipe]] = {
    "lymphoblast": Recipe(
        diameter=(11.8, 1.5, 10.0, 18.0),
        nucleus="round",
        share=(0.87, 0.95),
        chromatin=Chromatin(1.0, 0.62, 0.12, flecks=0.15, membrane=0.1),
        cytoplasm=((AZURE, 0.5), (CHROMATIN, 0.07)),
        elongation=1.1,
        roughness=0.032,
        nucleoli=(0, 2),
        vacuoles=0.3,
        blebs=0.25,
    ),
    "hematogone": Recipe(
        diameter=(9.0, 0.7, 7.6, 10.6),
        nucleus="round",
        share=(0.88, 0.96),
        chromatin=Chromatin(1.4, 0.6, 0.05, flecks=0.03, membrane=0.06),
        cytoplasm=((AZURE, 0.4),),
        elongation=1.06,
        roughness=0.018,
    ),
    "lymphocyte": Recipe(
        diameter=(9.3, 0.9, 7.5, 12.5),
        nucleus="indented",
        share=(0.68, 0.86),
        chromatin=Chromatin(1.3, 0.8, 0.14, flecks=0.12, membrane=0.12),
        cytoplasm=((AZURE, 0.4), (CHROMATIN, 0.04)),
        elongation=1.08,
    ),
    "neutrophil": Recipe(
        diameter=(13.0, 0.9, 11.0, 15.5),
        nucleus="lobed",
        share=(0.3, 0.4),
        chromatin=Chromatin(1.25, 0.75, 0.2, flecks=0.22),
        cytoplasm=((EOSIN, 0.45), (CHROMATIN, 0.05)),
        granules=(Granules(EOSIN, 0.55, 0.3, 5.0), Granules(CHROMATIN, 0.16, 0.28, 3.0)),
        lobes=(2, 5),
    ),
    "band neutrophil": Recipe(
        diameter=(13.3, 0.9, 11.0, 15.5),
        nucleus="band",
        share=(0.38, 0.48),
        chromatin=Chromatin(1.15, 0.7, 0.18, flecks=0.2),
        cytoplasm=((EOSIN, 0.45), (CHROMATIN, 0.05)),
        granules=(Granules(EOSIN, 0.55, 0.3, 5.0), Granules(CHROMATIN, 0.16, 0.28, 3.0)),
    ),
    "eosinophil": Recipe(
        diameter=(13.5, 0.8, 12.0, 16.0),
        nucleus="lobed",
        share=(0.28, 0.36),
        chromatin=Chromatin(1.2, 0.8, 0.16, flecks=0.18),
        cytoplasm=((ORANGE, 0.5), (AZURE, 0.05)),
        granules=(Granules(ORANGE, 0.6, 0.7, 2.4),),
        lobes=(2, 3),
    ),
    "basophil": Recipe(
        diameter=(12.0, 0.8, 10.0, 14.0),
        nucleus="lobed",
        share=(0.4, 0.5),
        chromatin=Chromatin(0.85, 1.0, 0.1, flecks=0.08),
        cytoplasm=((EOSIN, 0.25), (AZURE, 0.12)),
        granules=(Granules(CHROMATIN, 1.1, 0.85, 0.75, over_nucleus=True),),
        lobes=(2, 3),
    ),
    "monocyte": Recipe(
        diameter=(16.0, 1.3, 13.0, 20.0),
        nucleus="folded",
        share=(0.42, 0.55),
        chromatin=Chromatin(0.95, 0.7, 0.16, flecks=0.22),
        cytoplasm=((AZURE, 0.36), (CHROMATIN, 0.1)),
        granules=(Granules(CHROMATIN, 0.16, 0.28, 2.0),),
        elongation=1.14,
        roughness=0.04,
        vacuoles=2.5,
        blebs=0.35,
    ),
    "immature granulocyte": Recipe(
        diameter=(14.8, 1.2, 12.5, 18.0),
        nucleus="indented",
        share=(0.5, 0.64),
        chromatin=Chromatin(0.95, 0.55, 0.13, flecks=0.18),
        cytoplasm=((AZURE, 0.25), (EOSIN, 0.5), (CHROMATIN, 0.05)),
        granules=(Granules(CHROMATIN, 0.35, 0.38, 1.6, over_nucleus=True), Granules(EOSIN, 0.5, 0.3, 3.0)),
        elongation=1.1,
    ),
    "erythroblast": Recipe(
        diameter=(9.8, 1.1, 7.8, 13.0),
        nucleus="round",
        share=(0.32, 0.55),
        chromatin=Chromatin(1.6, 0.8, 0.1, flecks=0.06, membrane=0.04),
        cytoplasm=((AZURE, 0.38), (EOSIN, 0.3)),
        elongation=1.06,
    ),
    "plasma cell": Recipe(
        diameter=(15.0, 1.5, 12.0, 19.0),
        nucleus="round",
        share=(0.26, 0.36),
        chromatin=Chromatin(1.25, 1.0, 0.2, flecks=0.2),
        cytoplasm=((AZURE, 0.95),),
        elongation=1.25,
        roughness=0.035,
    ),
}
"""White cells with a nucleus. Diameters and forms after haematology atlases (Bain, Blood Cells; ICSH 2015)."""
