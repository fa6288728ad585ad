"""POST /api/v1/remove-background: the same service under camelCase names."""

import pytest
from django.test import Client

from removal.api.v1 import NAMES
from removal.engine import PARAMETERS
from tests import pictures

V1 = "/api/v1/remove-background"
pytestmark = pytest.mark.django_db


def test_camel_case_names_are_read(alice, portrait):
    response = alice.post(
        V1,
        image=portrait,
        maxPixels="12000",
        result__cropToForeground="true",
        result__targetSize="90 70",
        result__verticalAlignment="top",
        output__format="jpeg",
        output__jpegQuality="50",
    )
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert pictures.mode_and_size(response.content)[1] == (90, 70)
    assert response["X-Credits-Charged"] == "0.051"
    assert response["X-Result-Foreground"].startswith("0 ")


def test_snake_case_is_read_too_and_camel_case_wins(alice, portrait):
    plain = alice.post(V1, image=portrait, result__target_size="20 10")
    both = alice.post(V1, image=portrait, result__target_size="20 10", result__targetSize="30 40")
    empty = alice.post(V1, image=portrait, result__target_size="20 10", result__targetSize="")
    sizes = [answer["X-Result-Size"] for answer in (plain, both, empty)]
    assert sizes == ["20 10", "30 40", "20 10"]


@pytest.mark.parametrize("name", NAMES.values())
def test_a_refusal_names_the_parameter_as_it_was_sent(alice, portrait, name):
    response = alice.post(V1, image=portrait, **{name: "nonsense"})
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(f"{name}: 'nonsense'")


def test_v2_ignores_camel_case(alice, portrait):
    response = alice.post(image=portrait, result__targetSize="30 40")
    assert response["X-Result-Size"] == "200 240"


def test_every_answer_says_that_v1_is_deprecated(alice):
    for response in (alice.post(V1), Client().post(V1), Client().options(V1)):
        assert response["Deprecation"] == "@1686614400"
        address, _, rest = response["Link"].partition(";")
        assert 'rel="deprecation"' in rest
        page, _, place = address.removeprefix("<http://testserver").removesuffix(">").partition("#")
        docs = Client().get(page)
        assert docs.status_code == 200
        assert f'<h2 id="{place}">' in docs.content.decode()


def test_the_reference_as_text_names_this_site():
    text = Client().get("/api/docs.md").content
    assert b"## POST /api/v1/remove-background" in text
    assert b"http://testserver/api/v2/remove-background" in text


def test_the_table_names_parameters_that_exist():
    assert set(NAMES) <= {parameter.name for parameter in PARAMETERS}
