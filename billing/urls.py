"""URLs of the billing pages."""

from django.urls import path

from . import views

urlpatterns = [
    path("pricing", views.pricing, name="pricing"),
    path("billing/buy", views.buy, name="buy"),
    path("billing/thanks/<uuid:reference>", views.thanks, name="thanks"),
    path("billing/purchases", views.purchases, name="purchases"),
    path("billing/receipts/<uuid:reference>", views.receipt, name="receipt"),
    path("billing/stripe/webhook", views.stripe_webhook, name="stripe_webhook"),
    path("billing/stripe/webhook/", views.stripe_webhook, name="stripe_webhook_slash"),
]
