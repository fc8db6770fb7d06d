"""``leukolens verify-site``: a laboratory verifies leukolens on its own known cases, step by step, blind."""

# No `from __future__ import annotations` here: Typer makes the options of the annotations at run time.
from pathlib import Path
from typing import Annotated

import typer

from leukolens.cli.console import new_app
from leukolens.finding import RESEARCH_USE, CheckFailedError

app = new_app()

Folder = Annotated[Path, typer.Argument(help="The folder of the verification, from 'plan'.", metavar="DIR")]
By = Annotated[str, typer.Option(help="Who does this step; it goes into the audit trail.", metavar="NAME")]
Images = Annotated[
    Path | None, typer.Option(help="Folder that the paths of the list are relative to.", metavar="FOLDER")
]
Bundle = Annotated[str | None, typer.Option(help="Name of a shipped model, or a bundle's folder.", metavar="NAME|DIR")]


@app.command(epilog=RESEARCH_USE)
def plan(
    out: Annotated[Path, typer.Option(help="Folder for the verification.", metavar="DIR")],
    laboratory: Annotated[str, typer.Option(help="Name of the laboratory.")],
    by: By,
    bundle: Bundle = None,
    leukaemia: Annotated[int, typer.Option(help="Planned cases of leukaemia.", min=0)] = 40,
    no_leukaemia: Annotated[int, typer.Option(help="Planned cases without leukaemia.", min=0)] = 40,
    sensitivity: Annotated[float, typer.Option(help="Its interval must reach this.", min=0, max=1)] = 0.85,
    specificity: Annotated[float, typer.Option(help="Its interval must reach this.", min=0, max=1)] = 0.85,
    no_answer: Annotated[float, typer.Option(help="Share of cases without an answer at most.", min=0, max=1)] = 0.1,
    kappa: Annotated[float, typer.Option(help="Kappa with each reader must reach this.", min=-1, max=1)] = 0.6,
    threshold: Annotated[float, typer.Option(help="p_all from which a case is called leukaemia.")] = 0.5,
    use: Annotated[str, typer.Option(help="What leukolens is to be used for here.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write a plan anew that is not sealed yet.")] = False,
) -> None:
    """Write plan.yaml with the acceptance criteria, and say what that number of cases can show.

    Change the file by hand as you need; it is sealed when the cases are added.
    """
    from leukolens.cli.verify_site_run import PlanRequest, make_plan

    make_plan(
        PlanRequest(
            out=out,
            laboratory=laboratory,
            by=by,
            bundle=bundle,
            leukaemia=leukaemia,
            no_leukaemia=no_leukaemia,
            sensitivity=sensitivity,
            specificity=specificity,
            no_answer=no_answer,
            kappa=kappa,
            threshold=threshold,
            use=use,
            overwrite=overwrite,
        )
    )


@app.command(epilog=RESEARCH_USE)
def status(folder: Folder) -> None:
    """Check everything in the folder, and say what is done, what the plan can show, and what comes next."""
    from leukolens.cli.verify_site_run import show_status

    show_status(folder)


@app.command(epilog=RESEARCH_USE)
def cases(
    folder: Folder,
    table: Annotated[
        Path,
        typer.Argument(help="CSV with case, images; if wanted capture, repeat_of, day, patient.", metavar="CASES.csv"),
    ],
    by: By,
    truth: Annotated[
        Path | None, typer.Option(help="File with the truth; only its hash is taken now.", metavar="TRUTH.csv")
    ] = None,
    truth_sha256: Annotated[
        str | None, typer.Option("--truth-sha256", help="That hash, where the file is kept by somebody else.")
    ] = None,
    images: Images = None,
) -> None:
    """Add the cases, promise the truth, and seal the plan."""
    from leukolens.cli.verify_site_run import add_cases

    add_cases(folder, table, truth, truth_sha256, images, by)


@app.command(epilog=RESEARCH_USE)
def commit(
    folder: Folder,
    by: By,
    reason: Annotated[str, typer.Option(help="Why the truth has to be promised again; the report tells it.")],
    truth: Annotated[Path | None, typer.Option(help="The corrected file; only its hash is taken.")] = None,
    truth_sha256: Annotated[str | None, typer.Option("--truth-sha256", help="Or that hash.")] = None,
) -> None:
    """Promise the truth again, where the file had to be corrected before unblinding."""
    from leukolens.cli.verify_site_run import commit_again

    commit_again(folder, truth, truth_sha256, reason, by)


@app.command(epilog=RESEARCH_USE)
def run(
    folder: Folder,
    by: By,
    bundle: Bundle = None,
    images: Images = None,
    engine: Annotated[str, typer.Option(help="auto, openvino or onnxruntime; always in 32-bit floats.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Cores to use; those there are, at most 16.", min=1)] = None,
    again: Annotated[bool, typer.Option(help="Screen the same pictures a second time.")] = True,
    again_threads: Annotated[
        int | None, typer.Option(help="Cores to use the second time, if not as many.", min=1)
    ] = None,
    other_engine: Annotated[bool, typer.Option("--other-engine", help="Screen them by the other engine too.")] = False,
) -> int:
    """Screen all cases, and the same pictures again. After a stop it goes on where it was.

    Exit code 1 when some pictures could not be read: they count as no answer.
    """
    from leukolens.cli.verify_site_run import screen_cases

    return screen_cases(
        folder, bundle, images, engine, threads, by, again=again, again_threads=again_threads, with_other=other_engine
    )


@app.command(epilog=RESEARCH_USE)
def readings(
    folder: Folder,
    tables: Annotated[
        list[Path],
        typer.Argument(help="CSV with reader, case, answer; if wanted reading, date.", metavar="READINGS.csv"),
    ],
    by: By,
) -> None:
    """Add readers' answers, before unblinding."""
    from leukolens.cli.verify_site_run import add_readings

    add_readings(folder, tables, by)


@app.command(epilog=RESEARCH_USE)
def unblind(
    folder: Folder,
    truth: Annotated[Path, typer.Option(help="The file that was promised.", metavar="TRUTH.csv")],
    by: By,
    without_readings: Annotated[
        bool, typer.Option("--without-readings", help="Though the plan asks for agreement with readers.")
    ] = False,
) -> None:
    """Open the truth, if it is the file that was promised."""
    from leukolens.cli.verify_site_run import open_truth

    open_truth(folder, truth, by, without_readings=without_readings)


@app.command(epilog=RESEARCH_USE)
def report(
    folder: Folder,
    by: By,
    images: Images = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap over cases.", min=0)] = 88,
) -> None:
    """Compare with the plan and write report.html, site.json, figures.csv and case-results.csv.

    Exit code 4 when a criterion is not met or not shown; the files are written all the same.
    """
    from leukolens.cli.verify_site_run import write_report

    unmet = write_report(folder, images, seed, by)
    if unmet:
        raise CheckFailedError(
            "The plan is not fulfilled",
            expected="every criterion met",
            found=", ".join(unmet),
        )
