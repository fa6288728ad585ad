"""The endpoints for the page's script: process pictures, and read and delete stored ones."""

from collections.abc import Callable
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.errors import AccountSuspended
from accounts.models import User

from .. import capacity, engine, limits, offers, outcomes, services
from ..api.errors import error_response, known_failure, request_id_of
from ..api.headers import Response, described, image_response, stored_response
from ..api.reading import read_source
from ..api.views import disconnected_of
from ..engine.hints import Scribble
from ..errors import NotAuthenticated, RemovalError, TooManyBytes
from ..models import KeptPicture, Removal
from . import kept, mending, samples, texts
from .kept import Owner, PageResultStore

State = KeptPicture.State
View = Callable[..., HttpResponseBase]
ANOTHER_FILE = (400, 413)  # statuses of what only another file can mend; as in picture.js


def for_people(view: View) -> View:
    """Errors become the API's JSON, with sentences for people."""

    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Exception as error:
            failure = known_failure(error, request_id_of(request))
            if failure is None:
                raise
            response = error_response(failure, texts.sentence_for(failure))
            del response["WWW-Authenticate"]  # browsers would show a password prompt
            return response

    return guarded


@require_http_methods(["GET", "POST", "DELETE"])
@for_people
def removals(request: HttpRequest) -> HttpResponseBase:
    """List all stored pictures, add one, or delete all."""
    owner = kept.owner_of(request)
    if request.method == "DELETE":
        owner.pictures.delete()
        return HttpResponse(status=204)
    if request.method == "POST":
        return _remove_background(request, owner)
    return JsonResponse({"pictures": as_dicts(owner)})


@require_GET
@for_people
def allowance(request: HttpRequest) -> HttpResponse:
    """The free pictures that are left of the current hour."""
    user = kept.owner_of(request).user
    left = asdict(limits.allowance(user, kept.address_of(request)))
    return JsonResponse({**left, "signedIn": user is not None})


@require_http_methods(["GET", "DELETE"])
@for_people
def removal(request: HttpRequest, picture_id: str) -> HttpResponse:
    """One picture's state; DELETE also stops its processing."""
    owner = kept.owner_of(request)
    if request.method == "DELETE":
        owner.pictures.filter(picture_id=picture_id).delete()
        return HttpResponse(status=204)
    return JsonResponse(_as_dict(owner.picture(picture_id)))


@require_GET
@for_people
def original(request: HttpRequest, picture_id: str) -> HttpResponseBase:
    return _handed_out(kept.owner_of(request).picture(picture_id), "original")


@require_http_methods(["GET", "PUT"])
@for_people
def result(request: HttpRequest, picture_id: str) -> HttpResponseBase:
    """The result as first sent; PUT stores a touched-up cut-out beside it."""
    owner = kept.owner_of(request)
    row = owner.picture(picture_id)
    if request.method == "PUT":
        claimant = capacity.Claimant(_concurrency_key(request, owner))
        shared = capacity.shared()
        with shared.admit(claimant), shared.slot(disconnected_of(request)):
            kept.touch_up(row, _body(request, kept.most_touched_up(row)))
        return HttpResponse(status=204)
    return _replayed(row)


@require_GET
@for_people
def touched_up(request: HttpRequest, picture_id: str) -> HttpResponseBase:
    return _handed_out(kept.owner_of(request).picture(picture_id), "touched-up")


@require_GET
@for_people
def work_copy(request: HttpRequest, picture_id: str) -> HttpResponse:
    """A small copy of picture and matte, for the dialog that touches up."""
    return _png(_mender(request, picture_id).work_copy())


@require_POST
@for_people
def matte(request: HttpRequest, picture_id: str) -> HttpResponse:
    """The small matte after scribbles, at once."""
    mender = _mender(request, picture_id)
    return _png(mender.matte(_scribbles(request)))


@require_POST
@for_people
def mended(request: HttpRequest, picture_id: str) -> HttpResponse:
    """What scribbles change of the cut-out. Stores nothing: PUT result does."""
    mender = _mender(request, picture_id)
    return _png(mender.cutout(_scribbles(request)))


def _mender(request: HttpRequest, picture_id: str) -> mending.Mender:
    owner = kept.owner_of(request)
    row = owner.picture(picture_id)
    return mending.Mender(row, _concurrency_key(request, owner), disconnected_of(request))


def _scribbles(request: HttpRequest) -> tuple[Scribble, ...]:
    return mending.read_scribbles(request.read(mending.MAX_BODY + 1))


def _png(content: bytes) -> HttpResponse:
    return HttpResponse(content, content_type="image/png")


def _handed_out(row: KeptPicture, kind: str) -> HttpResponseBase:
    """The file, or its signed URL in the bucket."""
    if address := kept.signed_address(row, kind):
        return HttpResponseRedirect(address)
    return _sent(row, kind, kept.MEDIA_TYPES[kind])


def _sent(row: KeptPicture, kind: str, media_type: str) -> HttpResponseBase:
    with kept.present(row, kind) as name:
        return stored_response(name, media_type, kind)


def as_dicts(owner: Owner) -> list[dict[str, Any]]:
    """The stored pictures as JSON for the page."""
    return [_as_dict(row) for row in owner.pictures if row.size or kept.is_alive(row)]


def _as_dict(row: KeptPicture) -> dict[str, Any]:
    state, message = row.state, row.error_message
    charged = row.outcome.get("charged", "0.000")
    if state == State.WORKING and not kept.is_alive(row):
        state = State.FAILED
        message = _("The server was stopped while it processed this picture. Try again.")
    return {
        "id": row.picture_id,
        "name": row.name,
        "state": state,
        "delta": row.delta,
        "full": row.full,
        "touchedUp": row.touched_up,
        "model": offers.still(row.outcome.get("model", "")),
        "charged": charged,
        "mendable": mending.is_mendable(row.full, Decimal(charged)),
        "inputSize": row.outcome.get("facts", {}).get("input_size"),
        "message": message,
    }


def _remove_background(request: HttpRequest, owner: Owner) -> HttpResponseBase:
    """Process one picture: free and small, or in full size for credits."""
    picture_id = request.POST.get("picture", "")
    results = kept.result_store_of(owner, picture_id, _name_of(request), request_id_of(request))
    earlier = results and owner.pictures.filter(picture_id=picture_id, state=State.DONE).first()
    if earlier:  # the response was lost; it is not charged twice
        return _replayed(earlier)
    if sample := request.POST.get("sample"):
        return _answer(samples.stored_result(request, owner, sample, results), results, full=False)
    caller = _caller(request, owner, results)
    try:
        with services.admitted(caller) as work:
            outcome = work.remove_background(_order(request, caller, results))
    except RemovalError as error:
        if results is not None:
            results.fail(texts.sentence_for(error), is_hopeless=error.status in ANOTHER_FILE)
        raise
    return _answer(outcome, results, full=caller.pays)


def _answer(outcome: outcomes.Outcome, results: PageResultStore | None, full: bool) -> HttpResponse:
    is_kept = results is not None and results.is_wanted()
    return _told(image_response(outcome), outcome, is_kept, full)


def _told(response: Response, outcome: outcomes.Outcome, is_kept: bool, full: bool) -> Response:
    """With what only the page's script asks for."""
    response["X-Kept"] = str(int(is_kept))
    response["X-Mendable"] = str(int(mending.is_mendable(full, outcome.credits_charged)))
    return response


def _caller(request: HttpRequest, owner: Owner, results: PageResultStore | None) -> services.Caller:
    has_left = disconnected_of(request)
    return services.Caller(
        request_id=request_id_of(request),
        via=Removal.Via.PAGE,
        concurrency_key=_concurrency_key(request, owner),
        user=owner.user,
        pays=_pays(request, owner.user),
        # Finish the result even if the page is reloaded.
        disconnected=lambda: has_left() and not (results is not None and results.is_wanted()),
    )


def _concurrency_key(request: HttpRequest, owner: Owner) -> str:
    if owner.user is not None:
        return services.account_key(owner.user)
    return limits.household(kept.address_of(request))


def _pays(request: HttpRequest, user: User | None) -> bool:
    if request.POST.get("resolution") != "full":
        return False
    if user is None:  # signed out since the page was opened
        raise NotAuthenticated(_("You are signed out. Sign in again for full resolution."))
    if user.is_suspended:
        raise AccountSuspended
    return True


def _order(
    request: HttpRequest, caller: services.Caller, results: PageResultStore | None
) -> services.Order:
    """Read after admission, so that a 429 does not count against the hour's free pictures."""
    fields = {name: str(value) for name, value in request.POST.items()}
    if not caller.pays:
        factor = offers.chosen(fields.get("model", "").strip().lower()).factor
        limits.admit_free_picture(caller.user, kept.address_of(request), factor)
    source = read_source(fields, request.FILES.getlist("image"))
    options = engine.parse_options(fields)
    if not caller.pays:
        free = min(options.max_pixels, settings.REMOVAL_ANONYMOUS_MAX_PIXELS)
        options = replace(options, max_pixels=free)
    if results is not None:
        is_delta = options.output_format == "delta_png"
        results.open(delta=is_delta, full=caller.pays, model=options.model)
    return services.Order(source, options, results=results)


def _replayed(row: KeptPicture) -> HttpResponseBase:
    outcome = kept.outcome_of(row)
    response = described(_sent(row, "result", outcome.result.media_type), outcome)
    services.mark_delivered(outcome)  # it can be fetched again
    return _told(response, outcome, is_kept=True, full=row.full)


def _name_of(request: HttpRequest) -> str:
    upload = request.FILES.get("image")
    name = request.POST.get("name", "") or (upload.name if upload else "") or "photo"
    return "".join(letter for letter in name if letter.isprintable())


def _body(request: HttpRequest, limit: int) -> bytes:
    """Out of the server's file, only now that it is needed: many would not fit into memory."""
    content = request.read(limit + 1)
    if len(content) > limit:
        raise TooManyBytes.over(limit)
    return bytes(content)
