"""Addresses under /api/. Each works with and without a trailing slash, never by a redirect."""

from django.urls import re_path

from . import views

urlpatterns = [
    re_path(
        r"^v2/remove-background/?$", views.RemoveBackground.as_view(), name="remove-background"
    ),
    re_path(r"", views.no_such_path),
]
