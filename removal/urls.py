"""Addresses of the pages around removing backgrounds."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("removals", views.removals, name="removals"),
]
