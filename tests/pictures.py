"""Small pictures that tests make or that the project ships."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parent.parent / "static" / "img" / "samples"


def encoded(image: Image.Image, image_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def portrait(width: int = 200, height: int = 240, image_format: str = "JPEG") -> bytes:
    """A photograph with a subject: the astronaut, small."""
    with Image.open(SAMPLES / "astronaut.jpg") as photo:
        return encoded(photo.convert("RGB").resize((width, height)), image_format)


def blank(
    width: int = 64, height: int = 48, colour: tuple[int, int, int] = (120, 130, 140)
) -> bytes:
    """A picture with nothing in it."""
    return encoded(Image.new("RGB", (width, height), colour))


def image_of(array: "np.ndarray[Any, np.dtype[np.uint8]]") -> Image.Image:
    return Image.fromarray(array)


def pixels(content: bytes) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def mode_and_size(content: bytes) -> tuple[str, tuple[int, int]]:
    with Image.open(io.BytesIO(content)) as image:
        return image.mode, image.size
