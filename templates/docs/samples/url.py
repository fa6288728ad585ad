import requests

response = requests.post(
    "https://your.site/api/v2/remove-background",
    auth=("API_ID", "API_SECRET"),
    data={"image.url": "https://example.com/photo.jpg", "test": "true"},
    timeout=180,
)
if not response.ok:
    raise SystemExit(response.text)
with open("cut-out.png", "wb") as cut_out:
    cut_out.write(response.content)
