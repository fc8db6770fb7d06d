"""Where the figures of each epoch go beside ``curves.csv``: TensorBoard, MLflow."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger

from leukolens.finding import UsageError, nearest
from leukolens.finding.output import put_file

KINDS: Final = ("csv", "tensorboard", "mlflow")
LOGS: Final = "logs"
EXPERIMENT: Final = "leukolens"
_EXTRA: Final = {"tensorboard": "train", "mlflow": "tracking"}


@dataclass(frozen=True)
class Logs:
    """Where figures go.

    Attributes
    ----------
    kinds
        Of "tensorboard" and "mlflow"; the CSV is always written.
    mlflow_uri
        MLflow's store; a database in the run's folder if not given. MLflow keeps no new runs in plain files any more.
    """

    kinds: tuple[str, ...] = ()
    mlflow_uri: str | None = None


def choose_logs(kinds: str, mlflow_uri: str | None = None) -> Logs:
    """Read a list such as ``csv,tensorboard``.

    Raises
    ------
    UsageError
        For an unknown name, or one whose package is not installed.
    """
    chosen = tuple(dict.fromkeys(kind.strip() for kind in kinds.split(",") if kind.strip()))
    for kind in chosen:
        if kind not in KINDS:
            raise UsageError(f"--log {kind}", todo=nearest(kind, KINDS))
        if kind in _EXTRA and find_spec(kind) is None:
            extra = _EXTRA[kind]
            raise UsageError(
                f"'--log {kind}' needs leukolens[{extra}]: {kind} is not installed",
                todo=f"run: pip install 'leukolens[{extra}]', or in a clone: pip install '.[{extra}]'",
            )
    if mlflow_uri is not None and "mlflow" not in chosen:
        raise UsageError("--mlflow-uri", expected="--log mlflow beside it")
    return Logs(tuple(kind for kind in chosen if kind != "csv"), mlflow_uri)


def build_loggers(logs: Logs, folder: Path, *, first: bool = True, resumed: bool = False) -> list[Logger]:
    """Build Lightning's loggers for one run; a resumed run goes on in the same place.

    Parameters
    ----------
    logs
        Which.
    folder
        The run's folder.
    first
        Whether this is the first of the processes, which alone writes.
    resumed
        Whether the run goes on. If not, what an earlier one in this folder logged is left as it is.

    Raises
    ------
    UsageError
        If MLflow's store cannot be opened.
    """
    loggers: list[Logger] = []
    if "tensorboard" in logs.kinds:
        loggers.append(TensorBoardLogger(folder / LOGS, name="tensorboard", version="", default_hp_metric=False))
    if "mlflow" in logs.kinds:
        loggers.append(_mlflow(folder, logs.mlflow_uri, first=first, resumed=resumed))
    return loggers


def _mlflow(folder: Path, uri: str | None, *, first: bool, resumed: bool) -> MLFlowLogger:
    # What is trained on patients' pictures tells nobody that it is.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for talker in ("mlflow.store.db.utils", "alembic", "lightning.pytorch.loggers.mlflow"):
        logging.getLogger(talker).setLevel(logging.ERROR)
    (folder / LOGS).mkdir(parents=True, exist_ok=True)
    uri = uri or f"sqlite:///{(folder / LOGS / 'mlflow.db').resolve()}"
    kept = folder / LOGS / "mlflow-run.json"
    before = json.loads(kept.read_text("utf-8")) if resumed and kept.exists() else {}
    local = (folder / LOGS / "mlflow-artifacts").resolve().as_uri() if uri.startswith("sqlite") else None
    try:
        logger = MLFlowLogger(
            experiment_name=EXPERIMENT,
            run_name=folder.resolve().name,
            tracking_uri=uri,
            run_id=before.get("run") if before.get("uri") == uri else None,
            artifact_location=local,
        )
        run = logger.run_id if first else None
    except Exception as error:  # whatever the store's driver raises
        raise UsageError(
            f"MLflow's store {uri!r} cannot be opened",
            found=f"{type(error).__name__}: {str(error).partition(chr(10))[0][:160]}",
            todo="see --mlflow-uri",
        ) from error
    if first:
        put_file(kept, json.dumps({"uri": uri, "run": run}).encode(), todo="choose another --out")
    return logger
