"""The engine as a guest in another program: what is that program's to set stays as it was."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from removal.engine import UnreadableImage
from removal.engine.reading.decode import decode, opened

from . import hostile, tiffs

SCRIPT = """
import io, warnings
import numpy as np
import pillow_heif
from PIL import AvifImagePlugin, Image, ImageFile, PngImagePlugin

MODULES = (Image, ImageFile, AvifImagePlugin, PngImagePlugin, pillow_heif.options, warnings)

def settings():
    return {
        (module.__name__, name): repr(value)
        for module in MODULES for name, value in vars(module).items()
        if isinstance(value, bool | int | str | dict | list | None) and not name.startswith("_")
    }

Image.init()
before = settings()
import removal.engine
assert settings() == before, "importing the engine changed a setting"

from removal.engine.reading import decode
image = Image.fromarray(np.arange(3072, dtype=np.uint8).reshape(32, 32, 3))
for name in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"):
    file = io.BytesIO()
    image.save(file, name)
    decode.decode(decode.opened(file.getvalue()), 512)
file = io.BytesIO()
pillow_heif.from_pillow(image).save(file)
decode.decode(decode.opened(file.getvalue()), 512)
assert settings() == before, "reading changed a setting"
"""


def test_neither_import_nor_work_changes_a_setting_of_the_libraries():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_the_hosts_own_limit_of_pixels_is_kept_and_named(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = hostile.saved(Image.new("RGB", (9, 9)), "PNG")

    with pytest.raises(UnreadableImage, match="Pillow's limit"):
        decode(opened(data), 81)


def test_bytes_of_a_tiff_are_not_taken_for_pixels_over_the_hosts_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    samples = np.arange(9 * 9 * 3).reshape(9, 9, 3)
    data = tiffs.write(samples, tiffs.Form(2, compression=tiffs.LZW))

    assert np.array_equal(decode(opened(data), 81).rgb, samples)
