"""The tab stays small however many pictures go through it: counted, not timed."""

from collections.abc import Callable

from playwright.sync_api import FilePayload, Page, expect

from .test_remove import choose, downloaded, file, jpeg

COUNT_ADDRESSES = """
window.addresses = new Set();
const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
URL.createObjectURL = (blob) => {
  const address = make.call(URL, blob);
  addresses.add(address);
  return address;
};
URL.revokeObjectURL = (address) => {
  addresses.delete(address);
  revoke.call(URL, address);
};
"""
SIDE = 400
PIXEL_BYTES = SIDE * SIDE * 4


def held(page: Page) -> int:
    """Bytes of scripts' objects and arrays, once what is unreachable has been thrown away."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    session.detach()
    return int(usage["usedSize"] + usage["backingStorageSize"])


def work_through(page: Page, first: int, last: int, photo: bytes) -> None:
    choose(page, *(file(f"photo-{number}.jpg", photo) for number in range(first, last)))
    expect(page.locator("[data-state=done]")).to_have_count(last)


def test_fifty_pictures_leave_no_pixels_behind(
    page: Page, remember: Callable[[Page, FilePayload], None]
) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.add_init_script(COUNT_ADDRESSES)
    page.goto("/")
    photo = jpeg((SIDE, SIDE))
    remember(page, file("photo.jpg", photo))
    work_through(page, 0, 10, photo)
    downloaded(page, "photo-0.jpg")
    after_ten = held(page)
    work_through(page, 10, 50, photo)
    # forty cut-outs and as many originals would be 51 MB
    assert held(page) - after_ten < 4 * PIXEL_BYTES
    canvases = "[...document.querySelectorAll('canvas')].map((it) => it.width * it.height)"
    assert sum(page.evaluate(canvases)) <= 300 * 150, "none but the closed dialog's own"
    assert page.evaluate("addresses.size") <= 2 * 50 + 1, "two small previews a card, a download"
    page.get_by_role("button", name="Delete all").click()
    page.locator("#forget-dialog").get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("article")).to_have_count(0)
    assert page.evaluate("addresses.size") <= 1, "the download's alone"
