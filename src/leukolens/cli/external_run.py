"""The steps of ``leukolens external``: all that can fail early first, then the images, then the files."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leukolens.assess.external import Report, external_report
from leukolens.assess.external_files import AboutBundle, claim_external, external_json, images_csv, write_external
from leukolens.assess.external_sites import Opened, SiteEntry, check_names, open_site, read_sites
from leukolens.assess.looks import record_sites
from leukolens.assess.rescaling import Rescaling, describe_scale, parse_scale
from leukolens.assess.run_groups import load_split
from leukolens.cli.external_tell import tell
from leukolens.cli.progress import counting
from leukolens.cli.shown_command import last_part, shown_command
from leukolens.data import catalogue_sha256, fingerprint
from leukolens.data.grouping import check_patients
from leukolens.data.run_manifest import run_manifest
from leukolens.finding import UsageError
from leukolens.screen import Screener, load

if TYPE_CHECKING:
    from pathlib import Path

    from leukolens.data import Split


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    bundle: str
    data: tuple[Path, ...]
    sites: Path | None
    out: Path | None
    layout: str | None
    label: str | None
    negative: tuple[str, ...] | None
    other_leukaemia: tuple[str, ...] | None
    laboratory: str | None
    limit: int | None
    um_per_px: str | None
    bundle_um_per_px: float | None
    split: Path | None
    engine: str
    threads: int | None
    reason: str | None
    as_json: bool
    overwrite: bool


def run(request: Request) -> int:
    """Judge every site, write everything where there is a place for it, and print the figures.

    Returns
    -------
    int
        Exit code: 0, or 1 where some images could not be read.

    Raises
    ------
    LeukolensError
        What cannot go on, most of it before the first image is judged.
    """
    entries = _entries(request)
    if request.out is not None:
        claim_external(request.out, overwrite=request.overwrite)
    screener = load(request.bundle, engine=request.engine, threads=request.threads, only="field")
    spec = screener.bundle.field
    if not spec.negative_labels:
        raise UsageError(
            "The bundle does not say which of its labels mean no leukaemia",
            expected="a bundle with negative_labels",
            todo="export it with --negative",
        )
    split = _split(request.split, screener.bundle.spec.provenance.split_sha256)
    sites = [open_site(entry, spec.labels, spec.negative_labels) for entry in entries]
    rescalings = _rescalings(request, screener, sites)
    sites = _hash(sites)
    with counting("Judging", sum(len(site.chosen) for site in sites)) as advance:
        report = external_report(screener, sites, rescalings, split=split, progress=advance)
    about = _looked_at(request, screener, sites, report, _about(request, screener, sites, rescalings, report))
    _finish(request, report, about, _manifest(request, screener, sites, about, split))
    return 1 if report.unread else 0


def _entries(request: Request) -> list[SiteEntry]:
    listed = [] if request.sites is None else read_sites(request.sites)
    given = [
        SiteEntry(
            name=path.resolve().name,
            data=path,
            layout=request.layout,
            label=request.label,
            negative=request.negative,
            other_leukaemia=request.other_leukaemia,
            laboratory=request.laboratory,
        )
        for path in request.data
    ]
    if not listed and not given:
        raise UsageError("There is no site to judge", expected="DATA, or a manifest with --sites")
    if not given and (unused := _for_data(request)):
        raise UsageError(f"{unused} holds for DATA, and none is given", todo="say it in the manifest, site by site")
    entries = check_names([*given, *listed])
    return [
        entry.model_copy(
            update={"limit": entry.limit or request.limit, "um_per_px": entry.um_per_px or request.um_per_px}
        )
        for entry in entries
    ]


def _split(file: Path | None, wanted: str) -> Split | None:
    """Read the split that the bundle was trained by; another one would tell nothing."""
    if file is None:
        return None
    split = load_split(file)
    if split.sha256 != wanted:
        raise UsageError(
            "The split is not the one that the bundle was trained by",
            expected=f"SHA-256 {wanted[:12]}..." if wanted else "a bundle that names its split",
            found=f"{split.sha256[:12]}...",
            todo="leave --split out, or give the bundle's own",
        )
    return split


def _for_data(request: Request) -> str:
    options = {
        "--layout": request.layout,
        "--label": request.label,
        "--negative": request.negative,
        "--other-leukaemia": request.other_leukaemia,
        "--laboratory": request.laboratory,
    }
    return next((name for name, value in options.items() if value), "")


def _rescalings(request: Request, screener: Screener, sites: list[Opened]) -> dict[str, Rescaling]:
    rescalings = {}
    for site in sites:
        asked, said = parse_scale(site.entry.um_per_px, f"um_per_px of {site.entry.name!r}")
        if asked:
            published = {site.catalogue.locate(item): site.published(item) for item in site.catalogue.items}
            rescalings[site.entry.name] = Rescaling(
                screener.bundle.field, published, said=said, target=request.bundle_um_per_px
            )
    return rescalings


def _hash(sites: list[Opened]) -> list[Opened]:
    hashed, before = [], 0
    with counting("Hashing", sum(len(site.catalogue) for site in sites)) as advance:
        for site in sites:
            base = before
            step = None if advance is None else (lambda done, base=base, advance=advance: advance(base + done))
            catalogue = fingerprint(site.catalogue, progress=step)
            check_patients(catalogue)
            hashed.append(replace(site, catalogue=catalogue))
            before += len(site.catalogue)
    return hashed


def _about(
    request: Request, screener: Screener, sites: list[Opened], rescalings: dict[str, Rescaling], report: Report
) -> AboutBundle:
    bundle, session = screener.bundle, screener.session
    counts = {site.entry.name: sum(image.site == site.entry.name for image in report.images) for site in sites}
    return AboutBundle(
        bundle=bundle.spec.name,
        version=bundle.spec.version,
        sha256=bundle.sha256,
        engine=f"{session.engine} {session.engine_version}",
        precision=session.precision,
        labels=bundle.field.labels,
        command=command_line(request),
        scales={name: describe_scale(rescalings.get(name), count) for name, count in counts.items()},
        data={site.entry.name: site.catalogue.notes for site in sites},
    )


def _looked_at(
    request: Request, screener: Screener, sites: list[Opened], report: Report, about: AboutBundle
) -> AboutBundle:
    """Write the looks into the logs of the manifest and of the result."""
    looks = record_sites(
        screener.bundle,
        {site.entry.name: (len(site.chosen), catalogue_sha256(site.catalogue)) for site in sites},
        {"images.csv": images_csv(report, about.labels).encode()},
        command=about.command,
        manifest=request.sites,
        out=request.out,
        reason=request.reason,
    )
    return replace(about, looks=looks)


def _manifest(
    request: Request, screener: Screener, sites: list[Opened], about: AboutBundle, split: Split | None
) -> dict[str, Any]:
    described = [
        {
            "name": site.entry.name,
            **site.entry.model_dump(mode="json", exclude={"name", "data", "labels"}, exclude_none=True),
            "data": site.entry.data.resolve().name,
            "layout": site.catalogue.layout,
            "data_sha256": catalogue_sha256(site.catalogue),
            "images": len(site.catalogue),
            "judged": len(site.chosen),
            "negative": list(site.catalogue.negative or ()),
            "other_leukaemia": list(site.catalogue.other_leukaemia),
        }
        for site in sites
    ]
    configuration = {
        "command_line": about.command,
        "bundle": {"name": about.bundle, "version": about.version, "sha256": about.sha256},
        "engine": about.engine,
        "precision": about.precision,
        "sites": described,
        "bundle_um_per_px": request.bundle_um_per_px or screener.bundle.field.um_per_px,
        "split_sha256": None if split is None else split.sha256,
    }
    return run_manifest("external", configuration, None, None)


def _finish(request: Request, report: Report, about: AboutBundle, manifest: dict[str, Any]) -> None:
    files: list[str] = []
    if request.out is not None:
        files = write_external(request.out, report, about, manifest)
    if request.as_json:
        sys.stdout.write(json.dumps(external_json(report, about), indent=2) + "\n")
    else:
        tell(report, about, request.out, files)


def command_line(request: Request) -> str:
    """Return the command with the names of files only, so that it can be shown to others."""
    options: list[tuple[str, object]] = [
        ("--sites", request.sites and request.sites.name),
        ("--layout", request.layout),
        ("--label", request.label),
        *(("--negative", one) for one in request.negative or ()),
        *(("--other-leukaemia", one) for one in request.other_leukaemia or ()),
        ("--laboratory", request.laboratory),
        ("--limit", request.limit),
        ("--um-per-px", request.um_per_px),
        ("--bundle-um-per-px", request.bundle_um_per_px),
        ("--split", request.split and request.split.name),
        ("--reason", request.reason),
        ("--out", request.out and request.out.resolve().name),
    ]
    data = [path.resolve().name for path in request.data]
    return shown_command(["external", last_part(request.bundle), *data], options)
