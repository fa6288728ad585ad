"""Addresses under /api/. Each works with and without a trailing slash, never by a redirect."""

from django.urls import re_path

from . import schema_views, v1, views

urlpatterns = [
    re_path(
        r"^v2/remove-background/?$", views.RemoveBackground.as_view(), name="remove-background"
    ),
    re_path(r"^v2/account/?$", views.Account.as_view(), name="account"),
    re_path(r"^v1/remove-background/?$", v1.RemoveBackgroundV1.as_view()),
    re_path(r"^schema/?$", schema_views.SchemaView.as_view(), name="api_schema"),
    re_path(r"^explorer/?$", schema_views.explorer, name="api_explorer"),
    re_path(r"^docs\.md$", views.Reference.as_view(), name="api_text"),
    re_path(r"", views.no_such_path),
]
