"""Clients from PyPI, unmodified: pixian-ai, removebg, removebg-cli, removebgplus, rembgpy."""

import zipfile
from decimal import Decimal

import pytest

from removal.engine.writing import delta_png
from tests import pictures

PRICE_OF_PHOTO = Decimal("0.052")  # 200 x 240
PRICE_OF_URL = Decimal("0.062")  # 600 x 400


def is_cut_out(path, size=(200, 240)):
    """Whether the file is a picture of this size with background taken away and subject left."""
    content = path.read_bytes()
    assert pictures.mode_and_size(content) == ("RGBA", size)
    alpha = pictures.pixels(content)[..., 3]
    return (alpha == 0).mean() > 0.1 and (alpha == 255).mean() > 0.1


def failure_of(python, script, **environment):
    """The last line that a script dies with."""
    return python(script, status=1, **environment).strip().splitlines()[-1]


# --- pixian-ai ---

PIXIAN = """
import base64, os
from pixian_ai import PixianAI
client = PixianAI(os.environ["API_ID"], os.environ["API_SECRET"])
photo = base64.b64encode(open("photo.jpg", "rb").read()).decode()
"""


def test_pixian_ai_sends_a_file(python, customer, tmp_path):
    python(PIXIAN + 'client.remove_background(image_path="photo.jpg").save("out.png")')
    assert is_cut_out(tmp_path / "out.png")
    assert customer.spent == PRICE_OF_PHOTO


def test_pixian_ai_sends_base64(python, customer, tmp_path):
    python(PIXIAN + 'client.remove_background(image_base64=photo).save("out.png")')
    assert is_cut_out(tmp_path / "out.png")
    assert customer.spent == PRICE_OF_PHOTO


def test_pixian_ai_sends_a_url(python, customer, tmp_path):
    python(PIXIAN + 'client.remove_background(image_url=os.environ["PHOTO_URL"]).save("out.png")')
    assert is_cut_out(tmp_path / "out.png", (600, 400))
    assert customer.spent == PRICE_OF_URL


def test_pixian_ai_sets_every_parameter(python, tmp_path):
    python(
        PIXIAN + "client.remove_background(image_path='photo.jpg', max_pixels=20000, "
        "background_color='#ff8000', result_crop_to_foreground=True, "
        "result_margin='10px 2.5% 10px 2.5%', result_target_size='300 200', "
        "result_vertical_alignment='bottom', output_format='jpeg', output_jpeg_quality=90"
        ").save('out.jpg')"
    )
    content = (tmp_path / "out.jpg").read_bytes()
    assert pictures.mode_and_size(content) == ("RGB", (300, 200))
    corner = pictures.pixels(content)[2, 2]
    assert abs(corner.astype(int) - (255, 128, 0)).max() <= 6


def test_pixian_ai_gets_a_delta_png(python, tmp_path):
    python(
        PIXIAN + "client.remove_background(image_path='photo.jpg', output_format='delta_png')"
        ".save('delta.png')\n"
        "client.remove_background(image_path='photo.jpg', output_format='png').save('out.png')"
    )
    photo = pictures.pixels((tmp_path / "photo.jpg").read_bytes())
    restored = delta_png.decode(pictures.pixels((tmp_path / "delta.png").read_bytes()), photo)
    whole = pictures.pixels((tmp_path / "out.png").read_bytes())
    seen = whole[..., 3] > 0
    assert (restored[..., 3] == whole[..., 3]).all()
    assert abs(restored[seen].astype(int) - whole[seen]).max() <= 2


def test_pixian_ai_raises_with_our_error(python, customer):
    error = failure_of(python, PIXIAN + "client.remove_background(image_base64='AAAA')")
    assert error.startswith("pixian_ai.client.PixianAIException:")
    assert '"code": 1006' in error
    assert customer.spent == 0
    wrong = failure_of(python, PIXIAN + "client.remove_background('photo.jpg')", API_SECRET="no")
    assert '"code": 1004' in wrong


# --- removebg ---

REMOVEBG = """
import base64, os
from removebg import RemoveBg
client = RemoveBg(os.environ["KEY"], "error.log")
"""


def test_removebg_sends_a_file(python, customer, tmp_path):
    python(REMOVEBG + 'client.remove_background_from_img_file("photo.jpg")')
    assert is_cut_out(tmp_path / "photo.jpg_no_bg.png")
    assert customer.spent == PRICE_OF_PHOTO


def test_removebg_sends_a_url(python, tmp_path):
    python(REMOVEBG + 'client.remove_background_from_img_url(os.environ["PHOTO_URL"], size="hd")')
    assert is_cut_out(tmp_path / "no-bg.png", (600, 400))


def test_removebg_sends_base64_and_a_colour(python, tmp_path):
    python(
        REMOVEBG + "photo = base64.b64encode(open('photo.jpg', 'rb').read())\n"
        "client.remove_background_from_base64_img(photo, '4k', 'out.png', bg_color='0000ff')"
    )
    content = (tmp_path / "out.png").read_bytes()
    assert pictures.mode_and_size(content) == ("RGB", (200, 240))
    corner = pictures.pixels(content)[0, 0]
    assert abs(corner.astype(int) - (0, 0, 255)).max() <= 1


def test_removebg_raises_where_the_key_is_wrong(python):
    script = REMOVEBG + 'client.remove_background_from_img_file("photo.jpg")'
    assert "403" in failure_of(python, script, KEY="pxnobody:nothing")


# --- removebg-cli ---


def test_removebg_cli_writes_beside_the_photo_and_tells_the_charge(run, customer, tmp_path):
    said = run("removebg", "photo.jpg")
    assert is_cut_out(tmp_path / "photo-nobg.png")
    assert str(PRICE_OF_PHOTO) in said
    assert customer.spent == PRICE_OF_PHOTO


def test_removebg_cli_sends_a_url(run, customer, tmp_path):
    run("removebg", customer.photo_url)
    assert is_cut_out(tmp_path / "coffee-nobg.png", (600, 400))


def test_removebg_cli_crops_and_colours(run, tmp_path):
    run("removebg", "photo.jpg", "-c", "-b", "white", "-f", "jpg", "-s", "50MP", "-o", "out.jpg")
    content = (tmp_path / "out.jpg").read_bytes()
    mode, (width, height) = pictures.mode_and_size(content)
    assert mode == "RGB"
    assert width <= 200
    assert height <= 240
    assert pictures.pixels(content)[0, 0].min() >= 250


def test_removebg_cli_gets_a_zip(run, tmp_path):
    run("removebg", "photo.jpg", "-f", "zip", "--shadow")
    with zipfile.ZipFile(tmp_path / "photo-nobg.zip") as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]


@pytest.mark.parametrize("size", ["auto", "preview", "full"])
def test_removebg_cli_knows_every_size(run, tmp_path, size):
    run("removebg", "photo.jpg", "-s", size, "-f", "webp")
    content = (tmp_path / "photo-nobg.webp").read_bytes()
    assert pictures.mode_and_size(content) == ("RGBA", (200, 240))


def test_removebg_cli_shows_the_account(run, customer):
    assert f"{customer.credits_before}" in run("removebg", "--account")
    assert "API Key" in run("removebg", "--account", status=1, REMOVE_BG_API_KEY="pxno:thing")


def test_removebg_cli_tells_our_reason(run, customer):
    said = run("removebg", "photo.jpg", "-b", "nocolour", status=1)
    assert "400" in said
    assert "nocolour" in said
    assert customer.spent == 0


# --- removebgplus ---

PLUS = """
import base64, os
from removebgplus import RemoveBg
client = RemoveBg(os.environ["KEY"])
"""


def test_removebgplus_sends_a_file(python, customer, tmp_path):
    python(PLUS + 'client.remove_from_file("photo.jpg", "out.png")')
    assert is_cut_out(tmp_path / "out.png")
    assert customer.spent == PRICE_OF_PHOTO


def test_removebgplus_sends_a_url(python, tmp_path):
    python(PLUS + 'client.remove_from_url(os.environ["PHOTO_URL"], "out.png")')
    assert is_cut_out(tmp_path / "out.png", (600, 400))


def test_removebgplus_sends_base64(python, customer, tmp_path):
    """Under a name of its own, image_base64."""
    python(
        PLUS + "photo = base64.b64encode(open('photo.jpg', 'rb').read()).decode()\n"
        "client.remove_from_base64(photo, 'out.png')"
    )
    assert is_cut_out(tmp_path / "out.png")
    assert customer.spent == PRICE_OF_PHOTO


def test_removebgplus_raises_with_our_error(python):
    script = PLUS + 'client.remove_from_file("photo.jpg", "out.png")'
    error = failure_of(python, script, KEY="pxnobody:nothing")
    assert "403" in error
    assert "auth_failed" in error


# --- rembgpy ---

REMBGPY = """
import base64, os
from rembgpy import RemBg
client = RemBg(os.environ["KEY"], "error.log")
"""


def test_rembgpy_sends_a_url(python, customer, tmp_path):
    python(REMBGPY + 'client.remove_img(os.environ["PHOTO_URL"])')
    assert is_cut_out(tmp_path / "removed-bg.png", (600, 400))
    assert customer.spent == PRICE_OF_URL


def test_rembgpy_sends_base64_with_every_parameter(python, customer, tmp_path):
    python(
        REMBGPY + "photo = base64.b64encode(open('photo.jpg', 'rb').read())\n"
        "client.remove_b64(photo, size='4k', type='person', type_level='2', format='png', "
        "roi='0% 0% 100% 100%', crop='10px', scale='80%', position='center', shadow=True, "
        "bg='81d4fa', bg_type='color', nfn='out.png')"
    )
    content = (tmp_path / "out.png").read_bytes()
    assert pictures.mode_and_size(content)[0] == "RGB"
    assert tuple(pictures.pixels(content)[0, 0]) == (0x81, 0xD4, 0xFA)
    assert customer.spent == PRICE_OF_PHOTO


def test_rembgpy_lays_a_background_from_a_url(python, tmp_path):
    python(
        REMBGPY + "url = os.environ['PHOTO_URL']\n"
        "client.remove_img(url, bg=url, bg_type='url', channels='rgba', nfn='out.png')"
    )
    assert pictures.mode_and_size((tmp_path / "out.png").read_bytes()) == ("RGB", (600, 400))


def test_rembgpy_raises_without_credits(python, server):
    poor = server.manage("issue_api_key", "poor@example.com")
    script = REMBGPY + "client.remove_img(os.environ['PHOTO_URL'])"
    assert "402" in failure_of(python, script, KEY=poor)
