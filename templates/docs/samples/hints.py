import json

import requests

# In pixels of the upright photo, from its upper left corner.
hints = {
    "keep": [[100, 80]],
    "remove": [{"points": [[10, 20], [60, 25]], "radius": 5}],
}
with open("photo.jpg", "rb") as photo:
    response = requests.post(
        "https://your.site/api/v2/remove-background",
        auth=("API_ID", "API_SECRET"),
        files={"image": photo},
        data={"hints": json.dumps(hints), "test": "true"},
        timeout=180,
    )
if not response.ok:
    raise SystemExit(response.text)
with open("cut-out.png", "wb") as cut_out:
    cut_out.write(response.content)
