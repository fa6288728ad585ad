"""Addresses of the pages around removing backgrounds."""

from django.urls import path

from . import crawlers, dashboard, pages, views, workbench
from .docs import pages as docs

urlpatterns = [
    path("", views.home, name="home"),
    path("removals", workbench.removals, name="removals"),
    path("removals/<slug:picture_id>", workbench.removal, name="removal"),
    path("removals/<slug:picture_id>/original", workbench.original, name="removal_original"),
    path("removals/<slug:picture_id>/result", workbench.result, name="removal_result"),
    path("removals/<slug:picture_id>/touched-up", workbench.touched_up, name="removal_touched_up"),
    *(path(name, pages.page, {"name": name}, name=name) for name in pages.PAGES),
    *(path(page.path, docs.page, {"page": page}, name=page.name) for page in docs.PAGES),
    path("robots.txt", crawlers.robots, name="robots"),
    path("sitemap.xml", crawlers.sitemap, name="sitemap"),
    path("dashboard", dashboard.overview, name="dashboard"),
    path("dashboard/requests", dashboard.usage, name="usage"),
    path("dashboard/requests.csv", dashboard.usage_csv, name="usage_csv"),
    path("dashboard/my-data.json", dashboard.export, name="export"),
    path("dashboard/low-balance", dashboard.low_balance, name="low_balance"),
    path("dashboard/keys", dashboard.api_keys, name="api_keys"),
    path("dashboard/keys/<slug:public_id>", dashboard.api_key, name="api_key"),
    path("dashboard/keys/<slug:public_id>/rotate", dashboard.rotate_key, name="rotate_key"),
    path("dashboard/keys/<slug:public_id>/revoke", dashboard.revoke_key, name="revoke_key"),
]
