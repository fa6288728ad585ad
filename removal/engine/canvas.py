"""The finished picture on its way from composing to encoding."""

from dataclasses import dataclass

from .arrays import Pixels


@dataclass(frozen=True, slots=True)
class Canvas:
    """8-bit sRGB pixels with straight alpha.

    `rgb` is uint8 (h, w, 3); `alpha` uint8 (h, w), or None where the picture is opaque;
    `resolution` is (x, y) in dots per inch, or None where the input named none.
    """

    rgb: Pixels
    alpha: Pixels | None = None
    resolution: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.rgb.shape[:2]
        return width, height
