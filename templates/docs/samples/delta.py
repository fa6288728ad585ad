import io

import numpy as np
import requests
from PIL import Image, ImageOps


def restore(delta: bytes, photo: bytes) -> Image.Image:
    """The cut-out from its Delta PNG and the photo that was sent."""
    pixels = np.array(Image.open(io.BytesIO(delta)))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
    original = np.asarray(upright.convert("RGBA"))
    foreground = (pixels[..., 3] == 0) & (pixels[..., 0] == 255)
    pixels[foreground] = original[foreground]
    return Image.fromarray(pixels)


if __name__ == "__main__":
    with open("photo.jpg", "rb") as file:
        photo = file.read()
    response = requests.post(
        "https://your.site/api/v2/remove-background",
        auth=("API_ID", "API_SECRET"),
        files={"image": photo},
        data={"output.format": "delta_png", "test": "true"},
        timeout=180,
    )
    if not response.ok:
        raise SystemExit(response.text)
    restore(response.content, photo).save("cut-out.png")
