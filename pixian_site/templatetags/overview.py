"""The staff's overview, for the admin's first page."""

from typing import Any

from django import template

from pixian_site import overview

register = template.Library()


@register.simple_tag(takes_context=True)
def staff_overview(context: template.Context) -> dict[str, Any] | None:
    """The figures; None for staff who may not see requests."""
    may_see = context["request"].user.has_perm("removal.view_removal")
    return overview.figures() if may_see else None
