"""URLs of the page and of the documentation."""

from django.urls import path

from .docs import pages as docs
from .page import own_recipes, views, workbench

urlpatterns = [
    path("", views.home, name="home"),
    path("removals", workbench.removals, name="removals"),
    path("removals/allowance", workbench.allowance, name="allowance"),
    path("removals/<slug:picture_id>", workbench.removal, name="removal"),
    path("removals/<slug:picture_id>/original", workbench.original, name="removal_original"),
    path("removals/<slug:picture_id>/result", workbench.result, name="removal_result"),
    path("removals/<slug:picture_id>/touched-up", workbench.touched_up, name="removal_touched_up"),
    path("removals/<slug:picture_id>/work-copy", workbench.work_copy, name="removal_work_copy"),
    path("removals/<slug:picture_id>/matte", workbench.matte, name="removal_matte"),
    path("removals/<slug:picture_id>/mended", workbench.mended, name="removal_mended"),
    path("recipes", own_recipes.own_recipes, name="own_recipes"),
    *(path(page.path, docs.page, {"page": page}, name=page.name) for page in docs.PAGES),
]
