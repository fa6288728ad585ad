"""The documentation's text for parameters, formats and headers of the code's tables."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from billing import ledger
from removal import offers
from removal import recipes as recipe_table
from removal.api import reading, v1
from removal.api.removebg import parameters as removebg_parameters
from removal.api.schema.answers import OF_RESULTS
from removal.engine.options import OUTPUT_FORMATS
from removal.error_table import PARAMETER_CODES

# The words used in the code's tables, marked for translation.
WORDS = (
    gettext_noop("true or false"),
    gettext_noop("100 to 25000000"),
    gettext_noop("transparent"),
    gettext_noop("1 to 4 of px or %, CSS order"),
    gettext_noop("w h in px"),
    gettext_noop("none"),
    gettext_noop("1 to 100"),
    gettext_noop("points and strokes in JSON, or a PNG with labels"),
    gettext_noop("the shadow's own"),
    gettext_noop("a network that is offered"),
    gettext_noop("the first offered"),
    gettext_noop("any; person and anime have networks of their own"),
    gettext_noop("preview, small, regular, medium, hd, full, 4k, 50MP or auto"),
    gettext_noop("auto, png, jpg, webp or zip"),
    gettext_noop("rgba or alpha"),
    gettext_noop("none, auto, car, 3D, drop, contact or natural"),
    gettext_noop("1, 2 or 4 of up to 500px or 50%"),
    gettext_noop("3, 4, 6 or 8 hexadecimal digits, or a CSS colour name"),
    gettext_noop("'x1 y1 x2 y2', each in px or %"),
    gettext_noop("10% to 100%, or original"),
    gettext_noop("original, center, or one or two of 0% to 100%"),
)
RECIPE_TITLES = (
    gettext_noop("Amazon main image"),
    gettext_noop("Instagram square"),
    gettext_noop("Instagram story"),
    gettext_noop("Passport-like portrait"),
)
SOURCES: dict[str, tuple[str | Promise, str | Promise]] = {
    "image": (
        _("a file"),
        _(
            "A file part of a multipart body. Its name and content type do not matter: the format "
            "is detected from the bytes."
        ),
    ),
    "image.base64": (
        _("text, at most 1,048,576 characters"),
        _(
            "The picture in Base64. A data: prefix, white space, the URL-safe alphabet and missing "
            "padding are accepted."
        ),
    ),
    "image.url": (
        _("an http or https address"),
        _(
            "The server fetches the picture. The address must be public; redirects are followed, "
            "and size and time are limited."
        ),
    ),
}
PARAMETERS: dict[str, str | Promise] = {
    "recipe": _(
        "A preset of the parameters below, for a marketplace or a purpose; see the recipes. "
        "A parameter that you send yourself wins over it."
    ),
    "test": _(
        "Makes the request free. The result has a watermark, in colour and in alpha; sizes and "
        "headers are those of the real result."
    ),
    "max_pixels": _(
        "A larger picture is shrunk to this many pixels before it is processed, which lowers its "
        "price."
    ),
    "background.color": _(
        "Put behind the subject; the result is opaque then. In an address or a form body # is "
        "written %23."
    ),
    "result.crop_to_foreground": _(
        "Crops the result to the box around the subject. Ignored if no subject was found."
    ),
    "result.margin": _(
        "Room around the picture, or around the subject where it is cropped: one to four lengths "
        "as in CSS. Percentages refer to the width of the target or, without one, of the "
        "content, on all four sides."
    ),
    "result.target_size": _(
        "Width and height of the result. The content is scaled, up or down, to fit inside the "
        "margins; spare width is shared left and right."
    ),
    "result.vertical_alignment": _("Where spare height goes, with result.target_size."),
    "result.shadow": _(
        "Laid under the subject. drop: behind it, to the lower right. contact: on the ground where "
        "it stands. natural: the photo's own, where its background is even; else none, as "
        "X-Result-Shadow says. It needs room: see result.margin. mask and delta_png have none."
    ),
    "result.shadow_opacity": _(
        "In per cent of its darkest. Otherwise 40 for drop, 90 for contact and 100 for natural: as "
        "photographed."
    ),
    "output.format": _("See the formats below."),
    "output.jpeg_quality": _("Of JPEG, of WebP's colour and of the colour in a ZIP."),
    "model": _(
        "The network that finds the subject. A network may have a factor of its own on the price; "
        "X-Model says which one it was."
    ),
    "hints": _(
        "What is to be kept and what is to go, in pixels of the upright, full-size picture: "
        '{"keep": [[x, y]], "remove": [{"points": [[x, y], [x, y]], "radius": r}]}. A point marks '
        "an object; what is far from every hint stays as it is. At most 200 points and strokes, "
        "with 2,000 points together, and a radius of an eighth of the longer side. Or a PNG of the "
        "picture's size or shape, at most 393,216 bytes: white or green keeps, black or red "
        "removes, grey and transparent say nothing; as a file part, or as a data: URL in the text. "
        "Only in this call, and priced like any."
    ),
}
FORMATS: dict[str, str | Promise] = {
    "auto": _("PNG, or JPEG where background.color makes the result opaque."),
    "png": _("With transparency; without an alpha channel where background.color is given."),
    "jpeg": _("Opaque: white behind the subject unless background.color says otherwise."),
    "delta_png": _(
        "A fraction of a PNG's bytes, if you have the original. Ignores background.color and "
        "all of result.*."
    ),
    "webp": _("Colour at output.jpeg_quality, alpha without loss."),
    "mask": _("The alpha alone, as an 8-bit grey PNG. Ignores background.color."),
    "zip": _("color.jpg, black where the result is transparent, and alpha.png."),
}
HEADERS: dict[str, str | Promise] = {
    "Content-Disposition": _("A file name with the right extension."),
    "Cache-Control": _("Answers are private and must not be cached."),
    "X-Credits-Charged": _("The credits charged: three decimals, or 0."),
    "X-Credits-Calculated": _("For tests: the price of the real request."),
    "X-Credits-Remaining": _("The balance, without the credits reserved for other requests."),
    "X-Input-Orientation": _("The applied EXIF orientation, 1 to 8."),
    "X-Input-Size": _("Width and height of the upright picture, before any limit."),
    "X-Result-Size": _("Width and height of the result."),
    "X-Input-Foreground": _(
        "Top, left, width and height of the subject in the upright, full-size picture; four zeros "
        "if there is none."
    ),
    "X-Result-Foreground": _("The same in the result."),
    "X-Result-Shadow": _(
        "If a shadow was asked for: that of the result. none for natural where the background is "
        "not even, and in formats without shadows."
    ),
    "X-Model": _("The network that made the result."),
    "Idempotency-Replayed": _("This answer repeats an earlier one. See Idempotency-Key."),
    "X-Request-Id": _("In every answer, including errors: name it when you write to support."),
}
BATCH_CALLS: dict[str, str | Promise] = {
    "POST /api/v2/batches": _("Creates a batch."),
    "GET /api/v2/batches": _("Your 50 newest batches."),
    "GET /api/v2/batches/{batch_id}": _("Its progress, and the state of each picture."),
    "POST /api/v2/batches/{batch_id}/pictures": _(
        "Adds pictures to a batch created with keep_open=true."
    ),
    "POST /api/v2/batches/{batch_id}/close": _("Closes the batch to further pictures."),
    "POST /api/v2/batches/{batch_id}/cancel": _("Stops the batch; finished results stay."),
    "GET /api/v2/batches/{batch_id}/pictures/{number}": _("The result of one picture."),
    "GET /api/v2/batches/{batch_id}/results.zip": _("All finished results."),
    "DELETE /api/v2/batches/{batch_id}": _("Cancels it and deletes all its pictures at once."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a documentation table; `code` is the error for a refused parameter value."""

    name: str
    text: str
    allowed: str = ""
    default: str = ""
    code: int | None = None


def sources() -> list[Row]:
    return [
        Row(name, str(text), str(form))
        for name in reading.SOURCES
        for form, text in [SOURCES[name]]
    ]


def parameters() -> list[Row]:
    return [
        Row(
            row.name,
            str(PARAMETERS[row.name]),
            gettext(row.allowed),
            gettext(row.default),
            PARAMETER_CODES[row.name],
        )
        for row in reading.V2_PARAMETERS
    ]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A network on offer. factor: of the price. megapixel: credits for a picture of one."""

    name: str
    title: str
    factor: str
    megapixel: str


def models() -> list[ModelRow]:
    """The networks that this site offers; empty where there is no choice."""
    return [
        ModelRow(
            offer.name,
            offer.title,
            offer.factor_text,
            f"{ledger.price_of(1_000_000, offer.factor):.3f}",
        )
        for offer in offers.choice()
    ]


@dataclass(frozen=True, slots=True)
class RecipeRow:
    """A recipe for people: `size` in pixels, `fill` in per cent."""

    name: str
    title: str
    size: str
    fill: int
    background: str
    format: str
    source: str


def recipes() -> list[RecipeRow]:
    return [
        RecipeRow(
            row.name,
            gettext(row.title),
            f"{row.size[0]} × {row.size[1]}",
            row.fill,
            row.background,
            f"{row.format.upper()}, {row.quality}",
            f"{row.source} ({row.read})",
        )
        for row in recipe_table.ROWS
    ]


def formats() -> list[Row]:
    return [Row(name, str(FORMATS[name])) for name in OUTPUT_FORMATS]


def headers() -> list[Row]:
    return [Row(name, str(HEADERS[name])) for name in (*OF_RESULTS, "X-Request-Id")]


def batch_calls() -> list[Row]:
    return [Row(name, str(text)) for name, text in BATCH_CALLS.items()]


def older_names() -> dict[str, str]:
    """The parameters' names in version 1, by their names in version 2."""
    return v1.NAMES


def removebg() -> list[Row]:
    return [Row(row.name, "", gettext(row.allowed)) for row in removebg_parameters.PARAMETERS]
