"""What can go wrong in the engine.

EngineError
├── UnreadableImage   the bytes are no picture that we read
├── TooManyPixels     the picture is larger than we take
├── InvalidOption     a parameter has a value outside what is allowed
│   ├── RegionOutside   the region reaches beyond the picture
│   └── RegionEmpty     there is no pixel in the region
├── UnreadableBackground  the bytes of the background are no picture that we read
├── DeltaWouldShrink  a delta of a shrunk picture could not be applied to the original
├── ResultTooLarge    the options ask for a canvas larger, or thinner, than we make
├── Cancelled         the caller no longer wants the result
└── ModelUnavailable  the network's weights or device are missing (the operator's to mend)

`str(error)` is a sentence for the person who sent the request: what was wrong, what is allowed.
`code` never changes: by it processes of different versions understand each other.
"""

from typing import ClassVar


class EngineError(Exception):
    """Base of all; `message` may be shown to anyone."""

    code: ClassVar[str] = "failed"

    @property
    def message(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled as its finished message, because the constructor's arguments are not kept."""
        return Exception.__new__, (type(self), *self.args), vars(self)


class UnreadableImage(EngineError):
    code = "unreadable_image"

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or "The image could not be read. Send a complete JPEG, PNG, GIF, BMP, TIFF, WebP, "
            "HEIC or AVIF file."
        )


class TooManyPixels(EngineError):
    code = "too_many_pixels"

    def __init__(self, pixels: int, limit: int) -> None:
        super().__init__(
            f"The image has {pixels:,} pixels (width x height); at most {limit:,} are allowed."
        )
        self.pixels, self.limit = pixels, limit


class InvalidOption(EngineError):
    code = "invalid_option"

    def __init__(self, parameter: str, value: str, allowed: str) -> None:
        shown = value if len(value) <= 80 else value[:77] + "..."
        super().__init__(f"{parameter}: {shown!r} is not valid. Allowed: {allowed}.")
        self.parameter, self.value, self.allowed = parameter, value, allowed


class RegionOutside(InvalidOption):
    code = "region_outside"


class RegionEmpty(InvalidOption):
    code = "region_empty"


class UnreadableBackground(EngineError):
    code = "unreadable_background"


class DeltaWouldShrink(EngineError):
    code = "delta_would_shrink"

    def __init__(self, pixels: int, limit: int) -> None:
        super().__init__(
            f"output.format=delta_png needs the result at the input's size, but the image has "
            f"{pixels:,} pixels and max_pixels is {limit:,}. Shrink the image before you send it, "
            "raise max_pixels (25,000,000 at most), or ask for output.format=png."
        )
        self.pixels, self.limit = pixels, limit


class ResultTooLarge(EngineError):
    code = "result_too_large"

    def __init__(self, size: tuple[int, int], allowed: str) -> None:
        super().__init__(
            f"The result would be {size[0]} x {size[1]} pixels; allowed: {allowed}. "
            "Change result.target_size or result.margin, or choose another output.format."
        )
        self.size = size


class Cancelled(EngineError):
    code = "cancelled"

    def __init__(self, message: str = "The request was cancelled.") -> None:
        super().__init__(message)


class ModelUnavailable(EngineError):
    """Said at start-up to the operator; names the command or setting that mends it."""

    code = "model_unavailable"
