"""How much of the room for kept pictures one of them takes."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from removal import limits
from removal.models import KeptPicture
from tests import pictures

pytestmark = pytest.mark.django_db(transaction=True)


def test_touching_up_again_and_again_takes_the_room_of_one(settings, tmp_path):
    """Else one visitor could have nothing of anybody's kept any more."""
    settings.MEDIA_ROOT = tmp_path
    limits.forget_visitors()
    visitor, picture, photo = Client(), uuid4().hex, pictures.portrait()
    visitor.get("/")
    result = visitor.post(
        "/removals", {"image": SimpleUploadedFile("me.jpg", photo), "picture": picture}
    ).content
    for _ in range(3):
        assert visitor.put(f"/removals/{picture}/result", result).status_code == 204
    files = [path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()]
    assert KeptPicture.objects.get().size == sum(files) == len(photo) + 2 * len(result)
