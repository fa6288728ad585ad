import time

import requests

BATCHES = "https://your.site/api/v2/batches"
session = requests.Session()
session.auth = ("API_ID", "API_SECRET")


def batch_of(response: requests.Response) -> dict:
    if not response.ok:
        raise SystemExit(response.text)
    return response.json()


with open("photos.zip", "rb") as photos:
    sent = session.post(BATCHES, files={"zip": photos}, data={"test": "true"}, timeout=180)
batch = batch_of(sent)
address = f"{BATCHES}/{batch['id']}"

while batch["state"] not in ("done", "cancelled"):
    time.sleep(2)
    batch = batch_of(session.get(address, timeout=60))
    print(f"{batch['progress']:.0%} done, {batch['creditsCharged']} credits charged")

for item in batch["items"]:
    if item["state"] == "failed":
        print(item["name"], item["error"]["message"])

with session.get(f"{address}/results.zip", stream=True, timeout=60) as results:
    results.raise_for_status()
    with open("cut-outs.zip", "wb") as file:
        for chunk in results.iter_content(1 << 20):
            file.write(chunk)
