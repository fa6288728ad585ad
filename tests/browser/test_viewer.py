"""The viewer: one result whole, its original, options of its own, the subject moved by hand."""

import io
import re
import shlex
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from removal.engine import Box, parse_options
from removal.engine.geometry import layout
from tests.pictures import encoded

from .test_options import pick, ready
from .test_remove import ASTRONAUT, COFFEE, card, choose, downloaded, file

SPLIT = "(it) => it.style.getPropertyValue('--split')"


def viewer(page: Page) -> Locator:
    return page.get_by_role("dialog", name=re.compile(r"\.(jpg|png)$"))


def button(page: Page, name: str) -> Locator:
    return viewer(page).get_by_role("button", name=name, exact=True)


def saved(page: Page) -> Image.Image:
    with page.expect_download() as waiting:
        button(page, "Download").click()
    picture = Image.open(waiting.value.path())
    picture.load()
    return picture


def subject_box(picture: Image.Image) -> tuple[int, int, int, int]:
    """Of the opaque pixels: left, top, right, bottom."""
    box = picture.getchannel("A").point(lambda alpha: 255 * (alpha >= 13)).getbbox()
    assert box is not None
    return box


def test_a_click_shows_the_whole_result_its_original_and_the_next_one(home: Page) -> None:
    choose(home, COFFEE, ASTRONAUT)
    ready(home, "coffee.jpg")
    ready(home, "astronaut.jpg")
    slider = card(home, "coffee.jpg").get_by_role("slider")
    expect(slider).to_have_value("0")
    box = slider.bounding_box()
    assert box is not None
    home.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    expect(viewer(home)).to_have_accessible_name("coffee.jpg")
    expect(slider).to_have_value("0")
    result = viewer(home).locator(".compare")
    expect(button(home, "Original")).to_be_enabled()
    home.keyboard.down("o")
    assert result.evaluate(SPLIT) == "100%"
    home.keyboard.up("o")
    assert result.evaluate(SPLIT) == "0%"
    view = viewer(home).locator("[data-role=view]").bounding_box()
    assert view is not None
    home.mouse.move(view["x"] + view["width"] / 2, view["y"] + view["height"] / 2)
    home.mouse.down()
    expect(button(home, "Original")).to_have_attribute("aria-pressed", "true")
    home.mouse.up()
    assert result.evaluate(SPLIT) == "0%"
    home.keyboard.press("1")
    expect(viewer(home).locator(".zoom-value")).to_have_text("100 %")
    home.keyboard.press("ArrowRight")
    expect(viewer(home)).to_have_accessible_name("astronaut.jpg")
    expect(button(home, "Next picture")).to_be_disabled()
    expect(viewer(home).get_by_role("status")).to_have_text("astronaut.jpg, 2 of 2")
    home.keyboard.press("Escape")
    expect(viewer(home)).to_be_hidden()
    expect(card(home, "astronaut.jpg").get_by_role("button", name="View large")).to_be_focused()
    slider.press("Enter")
    expect(viewer(home)).to_have_accessible_name("coffee.jpg")


def test_options_of_one_picture_leave_the_others_and_survive_a_reload(home: Page) -> None:
    choose(home, COFFEE, ASTRONAUT)
    ready(home, "astronaut.jpg")
    pick(home, "White")
    card(home, "coffee.jpg").get_by_role("button", name="View large").click()
    viewer(home).get_by_role("combobox", name="Recipe").select_option("instagram_square")
    viewer(home).get_by_text("Black", exact=True).click()
    assert saved(home).size == (1080, 1080)
    home.keyboard.press("Escape")
    home.reload()
    expect(card(home, "coffee.jpg").locator(".card-size")).to_contain_text("own options")
    mine = downloaded(home, "coffee.jpg")[1]
    assert mine.size == (1080, 1080)
    assert max(mine.getpixel((5, 5))) <= 3
    other = downloaded(home, "astronaut.jpg")[1]
    assert (other.size, other.getpixel((350, 5))) == ((512, 512), (255, 255, 255))
    card(home, "coffee.jpg").get_by_role("button", name="View large").click()
    form = viewer(home).locator("form")
    form.get_by_label("Margin").fill("60%")
    expect(form.get_by_role("alert")).to_contain_text("no room")
    button(home, "Same as the others").click()
    assert saved(home).size == (600, 400)
    blue = file("blue.png", encoded(Image.new("RGB", (60, 40), (10, 20, 200))), "image/png")
    form.locator("[name=picture]").set_input_files(blue)
    expect(form.get_by_label("Picture", exact=True)).to_be_checked()
    home.keyboard.press("Escape")
    home.reload()
    expect(card(home, "coffee.jpg").locator(".card-size")).to_contain_text("own options")
    corners = [
        downloaded(home, name)[1].getpixel((3, 3)) for name in ("coffee.jpg", "astronaut.jpg")
    ]
    assert np.abs(np.subtract(corners[0], (10, 20, 200))).max() <= 3
    assert corners[1] == (255, 255, 255)


def test_a_moved_subject_is_the_same_from_the_api(home: Page) -> None:
    buffer = io.BytesIO()
    Image.open(ASTRONAUT).resize((200, 200)).save(buffer, "PNG")
    photo = file("astronaut.png", buffer.getvalue(), "image/png")
    choose(home, photo)
    ready(home, "astronaut.png")
    card(home, "astronaut.png").get_by_role("button", name="View large").click()
    form = viewer(home).locator("form")
    form.get_by_label("Crop to the subject").check()
    form.get_by_label("Size").select_option("1000 1000")
    form.get_by_label("Margin").fill("20%")
    before = subject_box(saved(home))
    button(home, "Move the subject").click()
    canvas = viewer(home).locator(".compare").bounding_box()
    assert canvas is not None
    scale = canvas["width"] / 1000
    x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    home.mouse.move(x, y)
    home.mouse.down()
    home.mouse.move(x + 60 * scale, y - 90 * scale, steps=4)
    home.mouse.up()
    viewer(home).locator("[data-role=view]").focus()
    home.keyboard.press("ArrowLeft")  # by one per cent of the frame
    after = subject_box(saved(home))
    moved = [now - then for now, then in zip(after, before, strict=True)]
    assert np.abs(np.subtract(moved, (50, -90, 50, -90))).max() <= 2
    button(home, "Show as code").click()
    program = home.locator("[data-code=curl]").inner_text()
    words = shlex.split(program)
    fields = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "-F")
    assert "result.margin" in fields
    del fields["image"]
    token = home.locator("[name=csrfmiddlewaretoken]").first.input_value()
    answer = home.request.post(
        "/removals", headers={"X-CSRFToken": token}, multipart={**fields, "image": photo}
    )
    assert answer.ok, answer.text()
    there = Image.open(io.BytesIO(answer.body()))
    assert (there.size, subject_box(there)) == ((1000, 1000), after)


def frame(draw: np.random.Generator) -> dict[str, Any]:
    """A picture with a subject, its options, and where the subject is to go."""
    return {
        "size": draw.integers(1, 400, 2).tolist(),
        "box": draw.uniform(0, 0.99, 4).tolist(),
        "crop": bool(draw.integers(2)),
        "marginText": str(draw.choice(["0", "10%", "7px 3% 0 20px", "12.5%"])),
        "targetText": str(draw.choice(["", "300 300", "200 417", "97 61"])),
        "alignment": str(draw.choice(["top", "middle", "bottom"])),
        "to": draw.integers(-50, 700, 2).tolist(),
    }


MOVE = """async (cases) => {
  const { moved, subjectOf } = await import("/static/js/placement.js");
  const { completed } = await import("/static/js/own-options.js");
  return cases.map((given) => {
    const [width, height] = given.size;
    const [a, b, c, d] = given.box;
    const [left, top] = [Math.floor(a * width), Math.floor(b * height)];
    const foreground = {
      left, top,
      width: Math.max(1, Math.floor(c * (width - left))),
      height: Math.max(1, Math.floor(d * (height - top))),
    };
    const picture = { size: given.size, foreground };
    const rest = { background: { kind: "none" }, format: "png", maxPixels: 5e7 };
    const options = completed({ ...given, ...rest });
    try {
      const before = subjectOf(options, picture);
      const now = moved(given.to, options, picture);
      const { crop, marginText, alignment } = now;
      return { foreground, before, after: subjectOf(now, picture), crop, marginText, alignment };
    } catch (error) {
      if (error.key) return null;
      throw error;
    }
  });
}"""


def test_moving_keeps_frame_and_size_and_is_what_the_engine_does(shared_page: Page) -> None:
    draw = np.random.default_rng(1)
    cases = [frame(draw) for _ in range(500)]
    for given_, found in zip(cases, shared_page.evaluate(MOVE, cases), strict=True):
        if found is None:  # such a frame is refused
            continue
        before, after = found["before"], found["after"]
        (width, height), wanted = before["canvas"], given_["to"]
        assert after["canvas"] == [width, height]
        assert abs(after["width"] - before["width"]) <= 1
        assert abs(after["height"] - before["height"]) <= 1
        for start, side, length, point in (
            ("left", "width", width, wanted[0]),
            ("top", "height", height, wanted[1]),
        ):
            there = min(max(point, 0), length - before[side])
            assert abs(after[start] - there) <= (1 if given_["crop"] else 2), "at the edge"
        fields = {
            "result.crop_to_foreground": "true",
            "result.margin": found["marginText"],
            "result.target_size": given_["targetText"],
            "result.vertical_alignment": found["alignment"],
        }
        options = parse_options({name: text for name, text in fields.items() if text})
        box = found["foreground"]
        foreground = Box(box["top"], box["left"], box["width"], box["height"])
        placed = layout(tuple(given_["size"]), foreground, options)
        drawn = placed.drawn
        assert [drawn.left, drawn.top] == [after["left"], after["top"]]
        assert [drawn.width, drawn.height] == [after["width"], after["height"]]
