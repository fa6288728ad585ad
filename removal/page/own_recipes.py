"""Recipes that signed-in people save in their account, and the endpoint that the page calls."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User

from .. import engine
from ..errors import MalformedBody, NotAuthenticated, TooManyBytes
from ..models import OwnRecipe
from .workbench import for_people

MOST = 20  # of one account
LONGEST_NAME, LONGEST_VALUE = 40, 80  # characters
MOST_BYTES = 4096  # of a request
# What shapes a result, and nothing that belongs to one picture or request.
PARAMETERS = frozenset(
    row.name
    for row in engine.PARAMETERS
    if row.name.startswith(("background.", "result.", "output."))
)


@require_http_methods(["POST", "DELETE"])
@for_people
def own_recipes(request: HttpRequest) -> HttpResponse:
    """Save a recipe, in place of one with the same name, or delete one; answers with all."""
    user = request.user
    if not isinstance(user, User):
        raise NotAuthenticated(_("You are signed out. Sign in again to save recipes."))
    body = _body(request)
    name = _name(body.get("name"))
    if request.method == "DELETE":
        user.own_recipes.filter(name=name).delete()
    else:
        _save(user, name, _parameters(body.get("parameters")))
    return JsonResponse({"recipes": as_dicts(user)})


def as_dicts(user: User | None) -> list[dict[str, Any]]:
    """The account's recipes as JSON for the page; none for visitors."""
    rows = user.own_recipes.all() if user is not None else []
    return [{"name": row.name, "parameters": row.parameters} for row in rows]


def _save(user: User, name: str, parameters: Mapping[str, str]) -> None:
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # serialises concurrent additions
        if user.own_recipes.exclude(name=name).count() >= MOST:
            raise MalformedBody(
                _("You have %(count)d recipes of your own. Delete one first.") % {"count": MOST}
            )
        OwnRecipe.objects.update_or_create(
            user=user, name=name, defaults={"parameters": dict(parameters)}
        )


def _body(request: HttpRequest) -> Mapping[str, Any]:
    content = request.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooManyBytes.over(MOST_BYTES)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedBody("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise MalformedBody("The body must be a JSON object.")
    return body


def _name(text: Any) -> str:
    name = text.strip() if isinstance(text, str) else ""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise MalformedBody(
            _("Give the recipe a name of 1 to %(count)d characters.") % {"count": LONGEST_NAME}
        )
    return name


def _parameters(fields: Any) -> dict[str, str]:
    """Such as the engine takes. Raises MalformedBody, InvalidOption."""
    if not isinstance(fields, dict) or not set(fields) <= PARAMETERS:
        raise MalformedBody("The parameters must be an object of background, result and output.")
    if not all(isinstance(text, str) and len(text) <= LONGEST_VALUE for text in fields.values()):
        raise MalformedBody(f"Each parameter must be a text of up to {LONGEST_VALUE} characters.")
    engine.parse_options(fields)
    return fields
