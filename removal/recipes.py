"""Recipes: presets of the API's parameters for shops, social media and portraits.

A recipe sets background, share of the frame, size, format and quality together. It is nothing but
parameters of the contract: whoever sends it could send those instead. The page, the API, its
documentation and both command lines read this one table; only the standard library is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One preset. `source` names the pages that its rules were read on, and `read` the month.

    title: for people, to be translated.
    size: width and height in pixels.
    fill: per cent of the frame's width and height that the subject has room in; it touches that
    room's sides in at least one direction.
    stands: on the lower edge, instead of in the middle.
    """

    name: str
    title: str
    size: tuple[int, int]
    fill: int
    source: str
    read: str
    background: str = "#FFFFFF"
    format: str = "jpeg"
    quality: int = 90
    stands: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """The recipe in the contract's names."""
        width, height = self.size
        return {
            "background.color": self.background,
            "result.crop_to_foreground": "true",
            "result.margin": self._margin,
            "result.target_size": f"{width} {height}",
            "result.vertical_alignment": "bottom" if self.stands else "middle",
            "output.format": self.format,
            "output.jpeg_quality": str(self.quality),
        }

    @property
    def _margin(self) -> str:
        """Half of what the subject leaves free, on each side; all in per cent of the width, as the
        contract's margins are."""
        width, height = self.size
        spare = Decimal(100 - self.fill)
        side = _percent(spare / 2)
        above = _percent(spare / (1 if self.stands else 2) * height / width)
        if self.stands:
            return f"{above} {side} 0"
        return side if above == side else f"{above} {side}"


def _percent(value: Decimal) -> str:
    text = f"{value.quantize(THOUSANDTH):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


ROWS = (
    # Main image: pure white, the product at least 85 % of the frame, zoom from 1,000 px on the
    # longest side, square and JPEG preferred.
    Recipe(
        "amazon",
        "Amazon main image",
        (2000, 2000),
        85,
        "Mercatus Lab, Amazon product image requirements (after Seller Central)",
        "2026-11",
    ),
    # At least 500 px on the longest side, 1600 x 1600 recommended; no borders, texts, watermarks.
    Recipe(
        "ebay",
        "eBay",
        (1600, 1600),
        85,
        "eBay, Picture policy; Pixora, eBay photo requirements guide",
        "2026-11",
    ),
    # 2,000 px and more, 4:3; thumbnails are cut to the square in the middle, which 75 % of the
    # width is as broad as.
    Recipe(
        "etsy",
        "Etsy",
        (2700, 2025),
        75,
        "Hauld, The Etsy listing photo checklist; Etsyshop.ai, Etsy's new thumbnail image format",
        "2026-11",
    ),
    # Square product images of 2048 x 2048 px.
    Recipe(
        "shopify",
        "Shopify",
        (2048, 2048),
        85,
        "Shopify.dev, Manage media for products",
        "2026-11",
    ),
    # 1080 px wide, JPEG.
    Recipe(
        "instagram_square",
        "Instagram square",
        (1080, 1080),
        85,
        "Picovert, Instagram image size guide",
        "2026-11",
    ),
    # 9:16; the app covers 250 px above and below, which 72 % of the height keeps clear of.
    Recipe(
        "instagram_story",
        "Instagram story",
        (1080, 1920),
        72,
        "Picovert, Instagram image size guide",
        "2026-11",
    ),
    # 35 x 45 mm, here at 600 dots per inch; plain cream or light grey; head and shoulders. What
    # the head measures is for whoever takes the photo.
    Recipe(
        "passport",
        "Passport-like portrait",
        (827, 1063),
        88,
        "Turks and Caicos Islands Government, Passport photo requirements",
        "2026-11",
        background="#EDEDED",
        quality=95,
        stands=True,
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({row.name: row for row in ROWS})
NAMES = tuple(RECIPES)


def expanded(fields: Mapping[str, str], name: str) -> dict[str, str]:
    """`fields` with what the recipe sets; a parameter that is given wins over the recipe.

    Raises KeyError for a name that no recipe has.
    """
    given = {key: text for key, text in fields.items() if text.strip()}
    return RECIPES[name].parameters | given
