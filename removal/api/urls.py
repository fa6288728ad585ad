"""URLs under /api/. Each works with and without a trailing slash, without redirects."""

from django.urls import re_path

from . import batches, v1, views
from .schema import views as schema_views

ID = r"(?P<batch_id>[0-9a-f]{32})"
urlpatterns = [
    re_path(
        r"^v2/remove-background/?$", views.RemoveBackground.as_view(), name="remove-background"
    ),
    re_path(r"^v2/account/?$", views.Account.as_view(), name="account"),
    re_path(r"^v2/batches/?$", batches.Batches.as_view(), name="batches"),
    re_path(rf"^v2/batches/{ID}/?$", batches.OneBatch.as_view(), name="batch"),
    re_path(rf"^v2/batches/{ID}/pictures/?$", batches.BatchPictures.as_view()),
    re_path(rf"^v2/batches/{ID}/pictures/(?P<number>\d{{1,6}})/?$", batches.BatchResult.as_view()),
    re_path(rf"^v2/batches/{ID}/results\.zip$", batches.BatchArchive.as_view()),
    re_path(rf"^v2/batches/{ID}/close/?$", batches.CloseBatch.as_view()),
    re_path(rf"^v2/batches/{ID}/cancel/?$", batches.CancelBatch.as_view()),
    re_path(r"^v1/remove-background/?$", v1.RemoveBackgroundV1.as_view()),
    re_path(r"^schema/?$", schema_views.SchemaView.as_view(), name="api_schema"),
    re_path(r"^explorer/?$", schema_views.explorer, name="api_explorer"),
    re_path(r"^docs\.md$", views.Reference.as_view(), name="api_text"),
    re_path(r"", views.no_such_path),
]
