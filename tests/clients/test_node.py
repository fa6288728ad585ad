"""Clients from npm, unmodified: remove.bg, removebg-wrapper."""

import json
from decimal import Decimal

from tests import pictures

PRICE_OF_PHOTO = Decimal("0.052")  # 200 x 240

REMOVE_BG = """
const client = require("remove.bg");
const { readFileSync } = require("fs");
const apiKey = process.env.KEY;
const tell = (promise) => promise.then(
  (result) => console.log(JSON.stringify(result)),
  (errors) => { console.log(JSON.stringify(errors)); process.exit(1); });
"""


def is_cut_out(path, size=(200, 240)):
    content = path.read_bytes()
    assert pictures.mode_and_size(content) == ("RGBA", size)
    alpha = pictures.pixels(content)[..., 3]
    return (alpha == 0).mean() > 0.1 and (alpha == 255).mean() > 0.1


def test_remove_bg_sends_a_file_and_reads_our_headers(node, customer, tmp_path):
    told = json.loads(
        node(
            REMOVE_BG + "tell(client.removeBackgroundFromImageFile("
            "{apiKey, path: 'photo.jpg', size: 'auto', outputFile: 'out.png'}))"
        )
    )
    assert is_cut_out(tmp_path / "out.png")
    assert (told["resultWidth"], told["resultHeight"]) == ("200", "240")
    assert Decimal(told["creditsCharged"]) == customer.spent == PRICE_OF_PHOTO
    assert told["detectedType"] == "other"
    assert int(told["rateLimit"]) >= int(told["rateLimitRemaining"]) >= 0
    assert int(told["rateLimitReset"]) > 0


def test_remove_bg_sends_base64_with_parameters(node, customer, tmp_path):
    node(
        REMOVE_BG + "tell(client.removeBackgroundFromImageBase64({apiKey, "
        "base64img: readFileSync('photo.jpg').toString('base64'), size: 'full', type: 'person', "
        "crop: true, crop_margin: '10px', scale: '50%', position: 'center', bg_color: 'fff', "
        "roi: '0% 0% 100% 100%', channels: 'rgba', add_shadow: false, outputFile: 'out.png'}))"
    )
    content = (tmp_path / "out.png").read_bytes()
    assert pictures.mode_and_size(content)[0] == "RGB"
    assert tuple(pictures.pixels(content)[0, 0]) == (255, 255, 255)
    assert customer.spent == PRICE_OF_PHOTO


def test_remove_bg_sends_a_url(node, tmp_path):
    node(
        REMOVE_BG + "tell(client.removeBackgroundFromImageUrl("
        "{apiKey, url: process.env.PHOTO_URL, size: 'hd', outputFile: 'out.png'}))"
    )
    assert is_cut_out(tmp_path / "out.png", (600, 400))


def test_remove_bg_rejects_with_our_errors(node, customer):
    script = REMOVE_BG + "tell(client.removeBackgroundFromImageFile({apiKey, path: 'photo.jpg', "
    (error,) = json.loads(node(script + "size: 'huge'}))", status=1))
    assert error["code"] == "invalid_size"
    assert "huge" in error["title"] + error["detail"]
    (error,) = json.loads(node(script + "}))", status=1, KEY="pxnobody:nothing"))
    assert error["code"] == "auth_failed"
    assert customer.spent == 0


def test_removebg_wrapper_sends_a_file(node, customer, tmp_path):
    node("require('removebg-wrapper').rbFromImageFile('photo.jpg', process.env.KEY)")
    assert is_cut_out(tmp_path / "output.png")
    assert customer.spent == PRICE_OF_PHOTO


def test_removebg_wrapper_sends_a_url(node, tmp_path):
    node("require('removebg-wrapper').rbFromImageUrl(process.env.PHOTO_URL, process.env.KEY)")
    assert is_cut_out(tmp_path / "output-2.png", (600, 400))


def test_removebg_wrapper_prints_our_error(node):
    said = node("require('removebg-wrapper').rbFromImageFile('photo.jpg', 'pxnobody:nothing')")
    assert "403" in said
    assert "auth_failed" in said
