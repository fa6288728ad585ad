"""POST /api/v2/remove-background as real clients send it: bodies, parameters, headers, formats."""

import base64
import io
import json
import zipfile
from decimal import Decimal
from urllib.parse import urlencode

import numpy as np
import pytest
from PIL import Image

from removal.engine.writing import delta_png
from removal.models import Removal
from tests import pictures

pytestmark = pytest.mark.django_db


def test_a_photo_comes_back_as_a_cut_out_with_all_headers(alice, portrait):
    response = alice.post(image=portrait)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"] == 'inline; filename="cut-out.png"'
    assert response["X-Credits-Charged"] == "0.052"  # 0.05 + 0.05 x 0.048 megapixels
    assert response["X-Credits-Remaining"] == "9.948"
    assert response["X-Input-Orientation"] == "1"
    assert response["X-Input-Size"] == response["X-Result-Size"] == "200 240"
    assert response["X-Input-Foreground"] == response["X-Result-Foreground"]
    assert len(response["X-Request-Id"]) == 32
    assert "X-Credits-Calculated" not in response
    mode, size = pictures.mode_and_size(response.content)
    assert (mode, size) == ("RGBA", (200, 240))
    assert alice.credits == Decimal("9.948")


def test_the_foreground_header_tells_where_the_subject_is(alice, portrait):
    response = alice.post(image=portrait)
    alpha = pictures.pixels(response.content)[..., 3]
    rows, columns = np.nonzero(alpha >= 13)
    top, left = rows.min(), columns.min()
    box = f"{top} {left} {columns.max() - left + 1} {rows.max() - top + 1}"
    assert response["X-Result-Foreground"] == box


def test_every_kind_of_body_gives_the_same_result(alice, portrait):
    text = base64.b64encode(portrait).decode()
    fields = {"image.base64": text, "output.format": "mask"}
    answers = [
        alice.post(image=portrait, output__format="mask"),
        alice.post(image__base64=text, output__format="mask"),
        alice.send(urlencode(fields), "application/x-www-form-urlencoded"),
        alice.send(json.dumps(fields), "application/json"),
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "dress",
    [
        lambda text: f"data:image/jpeg;base64,{text}",
        lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
        lambda text: "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76)),
    ],
    ids=["data-url", "url-safe", "line-breaks"],
)
def test_base64_is_read_in_all_its_dresses(alice, portrait, dress):
    text = dress(base64.b64encode(portrait).decode())
    assert alice.post(image__base64=text, test="1").status_code == 200


def test_empty_fields_unknown_fields_and_any_accept_header_are_fine(alice, portrait):
    response = alice.client.post(
        "/api/v2/remove-background/?foo=bar",
        {"image": io.BytesIO(portrait), "image.url": "", "result.margin": "", "nonsense": "1"},
        HTTP_AUTHORIZATION=alice.authorization,
        HTTP_ACCEPT="image/webp",
    )
    assert response.status_code == 200


def test_background_and_auto_give_a_jpeg(alice, portrait):
    response = alice.post(image=portrait, background__color="#00FF00")
    assert response["Content-Type"] == "image/jpeg"
    image = pictures.pixels(response.content)
    assert image[2, 2, 1] > 240
    assert image[2, 2, 0] < 15


def test_png_and_webp_with_a_background_have_no_alpha(alice, portrait):
    for output_format in ("png", "webp"):
        response = alice.post(
            image=portrait, background__color="#112233", output__format=output_format
        )
        assert pictures.mode_and_size(response.content)[0] == "RGB"


def test_webp_keeps_alpha_exactly(alice, portrait):
    webp = alice.post(image=portrait, output__format="webp")
    png = alice.post(image=portrait, output__format="png")
    assert webp["Content-Type"] == "image/webp"
    found, expected = pictures.pixels(webp.content), pictures.pixels(png.content)
    assert (found[..., 3] == expected[..., 3]).all()


def test_mask_is_the_alpha_of_the_png(alice, portrait):
    mask = pictures.pixels(alice.post(image=portrait, output__format="mask").content)
    png = pictures.pixels(alice.post(image=portrait).content)
    assert mask.ndim == 2
    assert (mask == png[..., 3]).all()


def test_zip_holds_colour_and_alpha(alice, portrait):
    response = alice.post(image=portrait, output__format="zip")
    assert response["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]
        alpha = pictures.pixels(archive.read("alpha.png"))
        colour = pictures.pixels(archive.read("color.jpg"))
    assert colour.shape == (240, 200, 3)
    assert alpha.shape == (240, 200)


def test_delta_rebuilds_the_png_pixel_for_pixel(alice):
    photo = pictures.portrait(image_format="PNG")
    png = pictures.pixels(alice.post(image=photo).content)
    answer = alice.post(image=photo, output__format="delta_png")
    assert answer["X-Result-Size"] == "200 240"
    rebuilt = delta_png.decode(pictures.pixels(answer.content), pictures.pixels(photo))
    assert (rebuilt == png).all()


def test_delta_ignores_geometry_and_background(alice, portrait):
    plain = alice.post(image=portrait, output__format="delta_png")
    dressed = alice.post(
        image=portrait,
        output__format="delta_png",
        background__color="#FFFFFF",
        result__crop_to_foreground="true",
        result__margin="20%",
        result__target_size="10 10",
    )
    assert dressed.content == plain.content


@pytest.mark.parametrize("crop", ["true", "false"])
@pytest.mark.parametrize("margin", ["", "10px", "5% 3px 0 1%"])
@pytest.mark.parametrize("target", ["", "90 70", "300 500"])
@pytest.mark.parametrize("alignment", ["", "top", "bottom"])
def test_crop_margin_target_and_alignment_in_every_combination(
    alice, portrait, crop, margin, target, alignment
):
    response = alice.post(
        image=portrait,
        output__format="mask",
        result__crop_to_foreground=crop,
        result__margin=margin,
        result__target_size=target,
        result__vertical_alignment=alignment,
    )
    assert response.status_code == 200, response.content
    size = tuple(int(side) for side in response["X-Result-Size"].split())
    assert pictures.mode_and_size(response.content) == ("L", size)
    if target:
        assert size == tuple(int(side) for side in target.split())
    alpha = pictures.pixels(response.content)
    top, left, width, height = (int(n) for n in response["X-Result-Foreground"].split())
    outside = alpha.copy()  # scaling up spreads an edge by up to 3 pixels
    outside[max(top - 3, 0) : top + height + 3, max(left - 3, 0) : left + width + 3] = 0
    assert (outside < 13).all()


def test_exif_orientation_is_applied_once_and_told(alice):
    upright = Image.open(io.BytesIO(pictures.portrait()))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    turned = pictures.encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)
    response = alice.post(image=turned)
    assert response["X-Input-Orientation"] == "6"
    assert response["X-Input-Size"] == response["X-Result-Size"] == "200 240"


def test_max_pixels_shrinks_and_is_the_price(alice, portrait):
    response = alice.post(image=portrait, max_pixels="12000")
    assert response["X-Result-Size"] == "100 120"
    assert response["X-Input-Size"] == "200 240"
    assert response["X-Credits-Charged"] == "0.051"
    top, left, width, height = (int(n) for n in response["X-Input-Foreground"].split())
    assert left + width <= 200
    assert top + height <= 240
    assert height > 120


def test_a_test_is_free_marked_and_names_its_price(bob, portrait):
    response = bob.post(image=portrait, test="True")
    assert response.status_code == 200
    assert response["X-Credits-Charged"] == "0"
    assert response["X-Credits-Calculated"] == "0.052"
    alpha = pictures.pixels(response.content)[..., 3]
    assert (alpha[:20] == 128).any()  # strokes stand outside the subject too


@pytest.mark.parametrize("body", [{"test": "false"}, {}])
def test_test_in_the_query_counts_too(alice, portrait, body):
    response = alice.post("/api/v2/remove-background?test=true", image=portrait, **body)
    assert response["X-Credits-Charged"] == "0"
    assert "X-Credits-Calculated" in response


def test_true_anywhere_in_the_query_is_a_test(alice, portrait):
    response = alice.post("/api/v2/remove-background?test=true&test=false", image=portrait)

    assert response["X-Credits-Charged"] == "0"


def test_parameters_that_come_as_files_are_read(alice, portrait):
    fields = {"test": b"true", "max_pixels": b"10000", "output.format": b"mask"}

    response = alice.post(image=portrait, **fields)

    assert response["X-Credits-Charged"] == "0"
    assert response["X-Result-Size"] == "91 109"
    assert pictures.mode_and_size(response.content)[0] == "L"


def test_whole_numbers_of_json_may_have_a_point(alice, portrait):
    picture = base64.b64encode(portrait).decode()
    body = {"image.base64": picture, "test": True, "max_pixels": 1e4}

    response = alice.send(json.dumps(body), "application/json")

    assert response["X-Result-Size"] == "91 109"


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 100_000])
def test_json_that_is_nested_without_end_is_refused(alice, body):
    response = alice.send(body, "application/json")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == 1120


def test_nothing_found_is_empty_and_free(alice):
    response = alice.post(image=pictures.blank())
    assert response.status_code == 200
    assert response["X-Credits-Charged"] == "0"
    assert response["X-Input-Foreground"] == response["X-Result-Foreground"] == "0 0 0 0"
    assert not pictures.pixels(response.content).any()
    assert alice.credits == Decimal(10)


def test_each_request_leaves_a_row_without_the_picture(alice, portrait):
    response = alice.post(image=portrait, output__format="mask")
    row = Removal.objects.get(request_id=response["X-Request-Id"])
    assert (row.user, row.api_key, row.via, row.status) == (alice.user, alice.key, "api", 200)
    assert (row.input_width, row.input_height, row.output_format) == (200, 240, "mask")
    assert row.credits_charged == Decimal("0.052")


def test_the_charge_is_final_once_the_answer_has_left(alice, portrait):
    alice.post(image=portrait)  # the test client closes the answer as a server does
    assert alice.user.credit_account.holds.get().state == "delivered"


def test_a_result_is_kept_by_no_cache_on_its_way(alice, portrait):
    assert alice.post(image=portrait)["Cache-Control"] == "private, no-store"
