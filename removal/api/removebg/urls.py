"""URLs under /v1.0/, for clients of remove.bg."""

from django.urls import re_path

from . import views as removebg

urlpatterns = [
    re_path(r"^removebg/?$", removebg.RemoveBg.as_view()),
    re_path(r"^account/?$", removebg.Account.as_view()),
    re_path(r"", removebg.no_such_path),
]
