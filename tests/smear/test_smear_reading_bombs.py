"""Small files that claim or unpack to gigabytes: refused, or read for what they show, in memory that is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BOMBS = """
import resource, struct, sys, zlib
from leukolens.finding import ImageError, ImageTooLargeError
from leukolens.smear.reading import read_image
from reading_samples import chunk, field, grey, patched, png, save, tiff
import numpy as np

packer = zlib.compressobj(1)
zeros = b"".join(packer.compress(bytes(2**20)) for _ in range(192)) + packer.flush()
deep = tiff(grey().astype(np.uint16), compression="zlib", rowsperstrip=40)
plain = tiff(grey(), compression="zlib", rowsperstrip=40)
end = len(deep) + len(deep) % 2
huge_png = png(field(), 2, 8)
huge_png = huge_png[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)) + huge_png[33:]
webp = bytearray(save(np.dstack((field(), grey())), "WEBP"))
webp[24:30] = b"\\xff\\x3f\\0\\xff\\x3f\\0"
jpeg = bytearray(save(field(), "JPEG"))
frame = jpeg.index(b"\\xff\\xc0")
jpeg[frame + 5 : frame + 9] = b"\\xff\\xdc\\xff\\xdc"
bmp = bytearray(save(field(), "BMP"))
bmp[18:26] = struct.pack("<ii", 40_000, 40_000)
bombs = {
    "header of a PNG": (huge_png, ImageTooLargeError),
    "header of a JPEG": (bytes(jpeg), ImageTooLargeError),
    "canvas of a WebP": (bytes(webp), ImageTooLargeError),
    "header of a BMP": (bytes(bmp), ImageTooLargeError),
    "negative height of a BMP": (bytes(bmp[:22]) + struct.pack("<i", -40_000) + bytes(bmp[26:]), ImageTooLargeError),
    "header of a TIFF": (patched(patched(tiff(grey()), 256, 10**6), 257, 10**6), ImageTooLargeError),
    "pixels of a PNG": (png(field(), 2, 8, packed=zeros), None),
    "text of a PNG": (png(field(), 2, 8, before=chunk(b"zTXt", b"a\\0\\0" + zeros)), None),
    "profile of a PNG": (png(field(), 2, 8, before=chunk(b"iCCP", b"a\\0\\0" + zeros)), None),
    "pixels of a deep PNG": (png(np.dstack([field()] * 1), 6, 16, packed=zeros), None),
    "strip of a TIFF": (patched(patched(deep, 273, end), 279, len(zeros)).ljust(end, b"\\0") + zeros, None),
    "strip of an 8-bit TIFF": (
        patched(patched(plain, 273, 4000), 279, len(zeros)).ljust(4000, b"\\0") + zeros,
        None,
    ),
    "tile of a TIFF": (patched(patched(tiff(grey(), tile=(16, 16)), 322, 2**20), 323, 2**20), ImageError),
    "offsets of a TIFF": (patched(tiff(grey(), rowsperstrip=4), 273, 8, count=2**31) + bytes(2**24), ImageError),
    "strips of a TIFF": (patched(patched(tiff(grey()), 257, 10**6), 278, 1), ImageError),
}
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
for name, (data, expected) in bombs.items():
    try:
        found, shape = None, read_image(data).pixels.shape
        assert shape == (40, 56, 3), (name, shape)
    except ImageError as error:
        found, text = type(error), str(error)
        assert "MemoryError" not in text, (name, text)
    assert found is expected, (name, found, expected)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((peak - base) * (1 if sys.platform == "darwin" else 1024) // 2**20)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on a process' memory")
def test_bombs_take_no_memory():
    here = Path(__file__).parent
    found = subprocess.run(
        [sys.executable, "-c", BOMBS, str(4 * 2**30)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1] / "src"), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    assert int(found.stdout) < 64, "MiB beyond what the test itself takes"
