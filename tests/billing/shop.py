"""Buying, for tests: what a buyer's browser and Stripe's deliveries do."""

from django.urls import reverse

from billing.models import Account, PackPrice, Purchase
from tests.fake_stripe import signed

PRICE, CREDITS = 1000, 100


def buy(client, currency):
    price = PackPrice.objects.get(currency=currency)
    return client.post(reverse("buy"), {"price": price.pk})


def deliver(client, event, **how):
    body, signature = signed(event, **how)
    return post(client, body, signature)


def post(client, body, signature):
    return client.post(
        reverse("stripe_webhook"),
        body,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )


def balance(user):
    account = Account.objects.filter(user=user).first()
    return account.balance if account else 0


def paid_purchase(shop, stripe):
    deliver(shop, stripe.pay(stripe.session))
    return Purchase.objects.get()
