"""The photos that a visitor may try with one click, and their stored results.

A click on one runs no network: what `manage.py update_samples` once stored is kept for its owner
like any other result, so that it can be touched up, downloaded and found again.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import engine, limits, outcomes
from ..api.errors import request_id_of
from ..errors import NoSuchPath
from .kept import Owner, PageResultStore, address_of

RESULTS = Path(__file__).parent / "sample_results"
PHOTOS = settings.BASE_DIR / "static" / "img" / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """name: of its files. kind: what it shows the edges of. top: where the front page's view of it,
    which is 3 : 2, begins, as a share of the photo's height."""

    name: str
    kind: str | Promise
    title: str | Promise
    top: float = 0

    @property
    def photo(self) -> Path:
        return PHOTOS / f"{self.name}.jpg"

    @property
    def result(self) -> Path:
        """A Delta PNG."""
        return RESULTS / f"{self.name}.png"


SAMPLES = (
    Sample("astronaut", _("Hair"), _("An astronaut before a flag and a model of the shuttle")),
    Sample("chelsea", _("Fur"), _("A cat, close up")),
    Sample("coffee", _("Product"), _("A cup of coffee on a wooden table")),
    Sample("wineglass", _("Glass"), _("A glass of wine on a wooden table"), top=0.06),
)


def named(name: str) -> Sample:
    """Raises NoSuchPath for another name."""
    for sample in SAMPLES:
        if sample.name == name:
            return sample
    raise NoSuchPath(f"/removals: no sample is called {name[:40]}")


def stored_result(
    request: HttpRequest, owner: Owner, name: str, results: PageResultStore | None
) -> outcomes.Outcome:
    """The sample's result, kept for the owner like one of their own pictures."""
    sample = named(name)
    limits.admit_sample(owner.user, address_of(request))
    content, outcome = sample.result.read_bytes(), _outcomes()[name]
    if results is not None:
        results.open(delta=True, full=False)
        results.take(sample.photo.read_bytes())
        results.store(content)
        results.remember(outcome, None)
    options = engine.Options(output_format="delta_png")
    return outcomes.from_json(outcome, content, options, None, request_id_of(request))


@cache
def _outcomes() -> dict[str, dict[str, Any]]:
    """As outcomes.from_json reads them."""
    facts = json.loads((RESULTS / "facts.json").read_text(encoding="utf-8"))
    return {
        name: {
            "media_type": "image/png",
            "facts": of_one,
            "charged": "0.000",
            "calculated": None,
            "remaining": None,
        }
        for name, of_one in facts.items()
    }
