"""``python -m leukolens.smear.synth FOLDER``: write the rendered fields of the demonstration."""

from __future__ import annotations

import sys
from pathlib import Path

from leukolens.smear.synth.demo import write_demo_fields


def main() -> int:
    """Write the fields into the folder that the command line names; 2 where it names none."""
    if len(sys.argv) != 2:
        sys.stderr.write("expected one argument, the folder to write into: python -m leukolens.smear.synth FOLDER\n")
        return 2
    for path in write_demo_fields(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
