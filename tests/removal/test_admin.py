"""Staff look a request up by what its sender can name, also one that failed."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import User
from accounts.services import issue_api_key
from removal.models import Removal

CHANGELIST = "admin:removal_removal_changelist"


@pytest.fixture
def support(client, db):
    staff = User.objects.create_user("staff@example.com", is_staff=True)
    staff.groups.add(Group.objects.get(name="Support"))
    client.force_login(staff)
    return client


@pytest.fixture
def failed(db):
    user = User.objects.create_user("alice@example.com")
    Removal.objects.create(request_id="another", via="page", status=200)
    return Removal.objects.create(
        request_id="a1b2c3",
        via="api",
        user=user,
        api_key=issue_api_key(user)[0],
        status=402,
        error_code=1011,
        error_message="Not enough credits.",
    )


@pytest.mark.parametrize("named", ["request_id", "user.email", "api_key.public_id"])
def test_a_failed_request_is_found(support, failed, named):
    value = failed
    for name in named.split("."):
        value = getattr(value, name)
    page = support.get(reverse(CHANGELIST), {"q": value}).content.decode()
    assert "Not enough credits." in page
    assert "another" not in page


def test_requests_are_only_read(support, failed):
    address = reverse("admin:removal_removal_change", args=[failed.pk])
    assert support.get(address).status_code == 200
    assert support.post(address, {"status": 200}).status_code == 403
    delete = reverse("admin:removal_removal_delete", args=[failed.pk])
    assert support.post(delete, {"post": "yes"}).status_code == 403
