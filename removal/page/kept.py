"""Stores the page's pictures and results for their owner, for a limited time.

A row is created before its files are written and deleted before they are, so a file without a row
is always an orphan. Files have unguessable names and are served to their owner only.

    working -> done -> deleted: on request, with the account, or after expiry
          `-> failed: with its reason; the original is kept for another try
"""

import hashlib
import math
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User
from billing.models import Hold

from .. import engine, limits, outcomes, services, storage
from ..engine.reading import decode
from ..engine.writing import png
from ..errors import ClientGone, KeyInProgress, NoSuchPath, TooManyBytes, UnreadableImage
from ..models import KeptPicture
from ..outcomes import Outcome

State = KeptPicture.State
COOKIE = "visitor"
COOKIE_AGE = timedelta(days=14)
FOLDER = "page-pictures"
SIGNED_SECONDS = 60
# Browsers must never render an uploaded file as a page.
MEDIA_TYPES = {"original": "application/octet-stream", "touched-up": "image/png"}
KINDS = ("original", "result", "touched-up", "work")
PICTURE_ID = re.compile(r"[0-9a-f]{32}")
# Of a touched-up cut-out, a PNG, which may be larger than the photo was: for each pixel, beside
# what is not pixels, and in all.
PIXEL_BYTES, BESIDE_BYTES, MAX_TOUCHED_UP = 5, 1024 * 1024, 60 * 1024 * 1024


def kept_hours() -> int:
    """How long the page's pictures are kept, in whole hours; 0: not at all."""
    return math.ceil(settings.REMOVAL_PAGE_KEEP_SECONDS / 3600)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who may see a picture: the account, and this browser's visitor from before signing in."""

    user: User | None
    visitor: str
    share: str = ""  # whose share of the space it uses

    @property
    def pictures(self) -> QuerySet[KeptPicture]:
        mine = Q(pk=None)
        if self.user is not None:
            mine |= Q(user=self.user)
        if self.visitor:
            mine |= Q(visitor=self.visitor_mark)
        return KeptPicture.objects.filter(mine, expires_at__gt=timezone.now())

    @property
    def visitor_mark(self) -> str:
        """A digest of the cookie: a copy of the database does not reveal the cookie."""
        return hashlib.sha256(self.visitor.encode()).hexdigest()[:32] if self.visitor else ""

    def picture(self, picture_id: str) -> KeptPicture:
        """Raises NoSuchPath both for missing pictures and for those of other owners."""
        row = self.pictures.filter(picture_id=picture_id).first()
        if row is None:
            raise NoSuchPath(f"/removals/{picture_id}")
        return row


def owner_of(request: HttpRequest) -> Owner:
    visitor = request.COOKIES.get(COOKIE, "")
    user = request.user if request.user.is_authenticated else None
    return Owner(user, visitor if PICTURE_ID.fullmatch(visitor) else "", _share_of(request, user))


def address_of(request: HttpRequest) -> str:
    """The client's, behind proxies too: see pixian_site.proxies."""
    return str(request.META["REMOTE_ADDR"])


def _share_of(request: HttpRequest, user: User | None) -> str:
    """A keyed digest of the IP address, so that the address itself is not stored."""
    if user is not None:
        return services.account_key(user)
    address = limits.household(address_of(request))
    return salted_hmac("removal.page.share", address, algorithm="sha256").hexdigest()[:40]


def remember_visitor(response: HttpResponse, owner: Owner) -> None:
    """Set or renew the cookie that identifies a visitor's pictures."""
    response.set_cookie(
        COOKIE,
        owner.visitor or uuid.uuid4().hex,
        max_age=COOKIE_AGE,
        secure=settings.REQUIRE_HTTPS,
        httponly=True,
        samesite="Lax",
    )


class PageResultStore:
    """Keeps one picture of the page (a services.ResultStore)."""

    def __init__(self, owner: Owner, picture_id: str, name: str, request_id: str) -> None:
        self._owner = owner
        self._picture_id = picture_id
        self._name = name[-255:]
        self._request_id = request_id
        self._row: KeptPicture | None = None

    def open(self, delta: bool, full: bool, model: str = "") -> None:
        """Claim the picture's id; raises KeyInProgress if it is taken. `model`: the network asked
        for, which another try asks for again."""
        earlier = KeptPicture.objects.filter(picture_id=self._picture_id).first()
        if earlier is not None:
            self._take_over(earlier)
        now = timezone.now()
        try:
            self._row = KeptPicture.objects.create(
                picture_id=self._picture_id,
                token=uuid.uuid4().hex,
                user=self._owner.user,
                share=self._owner.share,
                visitor="" if self._owner.user else self._owner.visitor_mark,
                name=self._name,
                request_id=self._request_id,
                created_at=now,
                expires_at=now + timedelta(seconds=settings.REMOVAL_PAGE_KEEP_SECONDS),
                delta=delta,
                full=full,
                outcome={"model": model},
            )
        except IntegrityError:
            raise KeyInProgress from None

    def _take_over(self, earlier: KeptPicture) -> None:
        """Drop an earlier attempt. If it still runs, it ends without result or charge; so nobody
        has to wait for one whose process has died."""
        mine = self._owner.pictures.filter(pk=earlier.pk).exclude(state=State.DONE)
        if not mine.update(state=State.FAILED):
            raise KeyInProgress
        earlier.delete()

    def is_wanted(self) -> bool:
        """Whether to finish the result although the client has disconnected."""
        return self._row is not None and KeptPicture.objects.filter(pk=self._row.pk).exists()

    def take(self, data: bytes) -> None:
        """Store the original; if there is no space, nothing of this picture is stored."""
        assert self._row is not None
        if not _make_room(len(data), self._row.share):
            self._row.delete()
            self._row = None
            return
        _save(self._row, "original", data)

    def store(self, content: bytes) -> None:
        if self._row is not None:
            _save(self._row, "result", content)

    def remember(self, outcome: dict[str, Any], hold: Hold | None) -> None:
        """Raises ClientGone if the owner has deleted the picture meanwhile."""
        if self._row is None:
            return
        mine = KeptPicture.objects.filter(pk=self._row.pk, state=State.WORKING)
        if not mine.update(state=State.DONE, outcome=outcome, hold=hold):
            raise ClientGone

    def give_up(self) -> None:
        if self._row is not None and not self.is_wanted():
            _delete_files(self._row.token)

    def fail(self, message: str, is_hopeless: bool = False) -> None:
        """Record the failure if the original is stored, so that the owner can try again; nothing is
        kept of a file that would fail again."""
        if self._row is None:
            return
        rows = KeptPicture.objects.filter(pk=self._row.pk, state=State.WORKING)
        (rows if is_hopeless else rows.filter(size=0)).delete()
        rows.update(state=State.FAILED, error_message=message[:500])


def result_store_of(
    owner: Owner, picture_id: str, name: str, request_id: str
) -> PageResultStore | None:
    """The result store for the owner's picture; None if it is not to be stored."""
    keeps = settings.REMOVAL_PAGE_KEEP_SECONDS > 0 and (owner.user or owner.visitor)
    if not keeps or not PICTURE_ID.fullmatch(picture_id):
        return None
    return PageResultStore(owner, picture_id, name, request_id)


def is_alive(row: KeptPicture) -> bool:
    """Whether a working row can still finish; if not, its process has died."""
    lease = settings.REMOVAL_DEADLINE_SECONDS + settings.IMAGE_URL_SECONDS
    age = timezone.now() - row.created_at
    return row.state == State.WORKING and age < timedelta(seconds=lease)


def outcome_of(row: KeptPicture) -> Outcome:
    """The outcome as first sent, without the result's bytes."""
    options = engine.Options(output_format="delta_png" if row.delta else "png")
    return outcomes.from_json(row.outcome, b"", options, row.hold, row.request_id)


def read(row: KeptPicture, kind: str) -> bytes:
    with present(row, kind) as name:
        return storage.get(name)


@contextmanager
def present(row: KeptPicture, kind: str) -> Iterator[str]:
    """The file's name in the storage; raises NoSuchPath if the block finds it lost."""
    try:
        yield _name(row.token, kind)
    except FileNotFoundError:
        raise NoSuchPath(f"/removals/{row.picture_id}/{kind}") from None


def signed_address(row: KeptPicture, kind: str) -> str:
    """A signed URL of the file in the bucket; "" if the site serves the file."""
    return storage.signed_address(_name(row.token, kind), SIGNED_SECONDS, MEDIA_TYPES[kind])


def touch_up(row: KeptPicture, content: bytes) -> None:
    """Store a touched-up cut-out beside the result: a PNG of the same size, encoded again, so
    that it holds nothing but pixels."""
    photo = decode.opened(content)
    header = photo.header
    size = list(result_size(row)) if row.state == State.DONE else None
    if header.format != "PNG" or list(header.size) != size:
        raise UnreadableImage("A touched-up cut-out is a PNG of the result's own size.")
    content = _written_anew(photo)
    if not _make_room(len(content), row.share):
        raise TooManyBytes("There is no space to store this at the moment.")
    storage.put(_name(row.token, "touched-up"), content)
    storage.discard(_name(row.token, "work"))  # of the earlier cut-out
    KeptPicture.objects.filter(pk=row.pk).update(touched_up=True, size=_size_of(row))


def most_touched_up(row: KeptPicture) -> int:
    """The bytes that a touched-up cut-out of the picture may have."""
    width, height = result_size(row) if row.state == State.DONE else (0, 0)
    return min(BESIDE_BYTES + PIXEL_BYTES * width * height, MAX_TOUCHED_UP)


def result_size(row: KeptPicture) -> tuple[int, int]:
    """(width, height) of a finished picture's cut-out."""
    width, height = row.outcome["facts"]["result_size"]
    return width, height


def cutout(row: KeptPicture) -> bytes:
    """The cut-out as it is now: the touched-up one, if there is one."""
    return read(row, "touched-up" if row.touched_up else "result")


def work_copy(row: KeptPicture) -> bytes | None:
    """The small copy that scribbles are answered from, if it is stored."""
    try:
        return storage.get(_name(row.token, "work"))
    except FileNotFoundError:
        return None


def store_work_copy(row: KeptPicture, content: bytes) -> None:
    """Without space it is not stored, and made anew each time."""
    if _make_room(len(content), row.share):
        storage.put(_name(row.token, "work"), content)
        KeptPicture.objects.filter(pk=row.pk).update(size=_size_of(row))


def _size_of(row: KeptPicture) -> int:
    """Measured, as files may have replaced earlier ones of any size."""
    return sum(storage.size_of(_name(row.token, kind)) for kind in KINDS)


def _written_anew(photo: decode.Photo) -> bytes:
    picture = decode.decode(photo, photo.header.pixels)
    alpha = picture.alpha
    rows = picture.rgb if alpha is None else png.interleave(picture.rgb, alpha)
    return png.encode(rows, resolution=picture.resolution)


def purge_kept(now: datetime | None = None) -> int:
    """Delete expired pictures; the number deleted."""
    expired = KeptPicture.objects.filter(expires_at__lte=now or timezone.now())
    return expired.delete()[1].get(KeptPicture._meta.label, 0)


def sweep(now: datetime | None = None) -> int:
    """Delete files without a row; the number deleted."""
    return storage.sweep(FOLDER, _owned_files, now)


def _owned_files() -> set[str]:
    tokens = KeptPicture.objects.values_list("token", flat=True)
    return {_name(token, kind) for token in tokens for kind in KINDS}


def delete_files(instance: KeptPicture, **signal: Any) -> None:
    """Delete a row's files with it; a file that remains is purged later."""
    transaction.on_commit(partial(_delete_files, instance.token), robust=True)


def _make_room(size: int, share: str) -> bool:
    """Whether there is space for `size` bytes. If not, the oldest pictures of the largest user are
    deleted for a smaller one, so that nobody can fill the space for all."""
    files = KeptPicture.objects.filter(size__gt=0)
    used = {owner: int(total) for owner, total in _shares(files)}
    while sum(used.values()) + size > settings.REMOVAL_PAGE_KEEP_BYTES:
        most = max(used, key=lambda owner: used[owner], default=share)
        if used.get(most, 0) <= used.get(share, 0) + size:
            return False
        oldest = files.filter(share=most).exclude(state=State.WORKING).order_by("pk").first()
        if oldest is None:
            return False
        used[most] -= oldest.size
        oldest.delete()
    return True


def _shares(files: QuerySet[KeptPicture]) -> Iterable[tuple[str, int]]:
    return files.order_by().values_list("share").annotate(Sum("size"))


def _save(row: KeptPicture, kind: str, content: bytes) -> None:
    storage.put(_name(row.token, kind), content)
    row.size += len(content)
    KeptPicture.objects.filter(pk=row.pk).update(size=row.size)


def _name(token: str, kind: str) -> str:
    return f"{FOLDER}/{token}-{kind}"


def _delete_files(token: str) -> None:
    storage.discard(*(_name(token, kind) for kind in KINDS))
