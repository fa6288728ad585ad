"""Addresses of signing up, logging in and what belongs to it."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("close/", views.close, name="account_close"),
    path("", include("allauth.urls")),
]
