"""Mends a stored cut-out by the scribbles that a person draws on the page.

It is free where the picture has been paid for, or was small and free itself. The engine's processes
do it like all other work: in a slot, within a time limit, cancelled when the client leaves.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from django.conf import settings

from .. import capacity, engine, execution, limits, offers
from ..engine import hints
from ..engine.hints import Scribble
from ..engine.mending import Mending, Step
from ..errors import NoSuchPath, PaymentRequired, TooManyBytes
from ..models import KeptPicture
from . import kept

MAX_BODY = hints.MAX_TEXT  # bytes


def is_mendable(full: bool, charged: Decimal) -> bool:
    """Not one in full size that cost nothing, as nothing was found or it is a test, where pictures
    cost something: mended it would be the product."""
    has_price = settings.CREDITS_BASE or settings.CREDITS_PER_MEGAPIXEL
    return not full or charged > 0 or not has_price


class Mender:
    """Mends one stored picture. who: the account or address that the requests count for."""

    def __init__(self, row: KeptPicture, who: str, disconnected: Callable[[], bool]) -> None:
        """Raises NoSuchPath for a picture that has no cut-out yet."""
        if row.state != KeptPicture.State.DONE:
            raise NoSuchPath(f"/removals/{row.picture_id}")
        self._row = row
        self._who = who
        self._disconnected = disconnected
        self._deadline = time.monotonic() + settings.REMOVAL_DEADLINE_SECONDS

    def work_copy(self) -> bytes:
        """The picture and its matte, small: PNG, RGBA."""
        with self._admitted():
            return self._work_copy()

    def matte(self, scribbles: tuple[Scribble, ...]) -> bytes:
        """The matte after the scribbles, small: PNG, grey."""
        with self._admitted():
            return self._run("preview", self._work_copy(), b"", scribbles)

    def cutout(self, scribbles: tuple[Scribble, ...]) -> bytes:
        """What changes of the cut-out, as a PNG or Delta PNG that says where it lies.

        Raises PaymentRequired where it is not `is_mendable`.
        """
        if not is_mendable(self._row.full, Decimal(self._row.outcome["charged"])):
            raise PaymentRequired("Only a full-size cut-out that was paid for can be mended.")
        with self._admitted():
            return self._run("finish", *self._files(), scribbles)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        """Raises SlowDown."""
        with capacity.shared().admit(capacity.Claimant(self._who)):
            yield

    def _work_copy(self) -> bytes:
        known = kept.work_copy(self._row)
        if known is None:
            known = self._run("prepare", *self._files())
            kept.store_work_copy(self._row, known)
        return known

    def _files(self) -> tuple[bytes, bytes]:
        return kept.read(self._row, "original"), kept.cutout(self._row)

    def _run(
        self, step: Step, picture: bytes, cutout: bytes, scribbles: tuple[Scribble, ...] = ()
    ) -> bytes:
        """Raises HourUsedUp where this hour's work is used up."""
        row, header = self._row, engine.inspect(picture)
        limits.admit_mending(self._who, header.pixels)
        job = execution.Job(
            data=picture,
            header=header,
            options=self._options(),
            deadline=self._deadline,
            disconnected=self._disconnected,
            mending=Mending(step, kept.result_size(row), scribbles, touched_up=row.touched_up),
            beside=cutout,
        )
        return execution.run(job).content

    def _options(self) -> engine.Options:
        """Those that the cut-out was made with, as far as they count here."""
        row = self._row
        pixels = engine.MAX_PIXELS if row.full else settings.REMOVAL_ANONYMOUS_MAX_PIXELS
        delta = row.delta and not row.touched_up
        return engine.Options(
            output_format="delta_png" if delta else "png",
            max_pixels=pixels,
            model=offers.still(row.outcome.get("model", "")),
        )


def read_scribbles(body: bytes) -> tuple[Scribble, ...]:
    """Raises InvalidOption, and TooManyBytes where there are more than MAX_BODY."""
    if len(body) > MAX_BODY:
        raise TooManyBytes.over(MAX_BODY)
    return hints.parse_scribbles(hints.NAME, body.decode(errors="replace"))
