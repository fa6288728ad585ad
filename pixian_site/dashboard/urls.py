"""URLs of the dashboard, below `/dashboard`."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.overview, name="dashboard"),
    path("/requests", views.usage, name="usage"),
    path("/requests.csv", views.usage_csv, name="usage_csv"),
    path("/my-data.json", views.export, name="export"),
    path("/low-balance", views.low_balance, name="low_balance"),
    path("/keys", views.api_keys, name="api_keys"),
    path("/keys/<slug:public_id>", views.api_key, name="api_key"),
    path("/keys/<slug:public_id>/rotate", views.rotate_key, name="rotate_key"),
    path("/keys/<slug:public_id>/webhooks", views.webhook_secret, name="webhook_secret"),
    path("/keys/<slug:public_id>/revoke", views.revoke_key, name="revoke_key"),
]
