"""manage.py update_samples: cut the front page's samples out anew, with the network in use."""

import io
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from PIL import Image

from removal import engine
from removal.page.samples import PHOTOS, RESULTS, SAMPLES, Sample

VIEW = (510, 340)  # pixels of the front page's slider
QUALITY, SPEED = 46, 2


class Command(BaseCommand):
    help = "Cut the front page's samples out anew, with the network in use."

    def handle(self, **options: Any) -> None:
        facts = {}
        for sample in SAMPLES:
            photo = sample.photo.read_bytes()
            delta = engine.remove_background(photo, engine.Options(output_format="delta_png"))
            whole = engine.remove_background(photo, engine.Options(output_format="png"))
            sample.result.write_bytes(delta.content)
            facts[sample.name] = asdict(delta.facts)
            self._save(sample, "before", photo, "RGB")
            self._save(sample, "after", whole.content, "RGBA")
        (RESULTS / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    def _save(self, sample: Sample, which: str, content: bytes, mode: str) -> None:
        """A small AVIF of the part of 3 : 2 that the slider shows."""
        picture = Image.open(io.BytesIO(content)).convert(mode)
        width, height = picture.size
        top, shown = round(sample.top * height), round(width * VIEW[1] / VIEW[0])
        part = picture.crop((0, top, width, min(height, top + shown)))
        small = part.resize(VIEW, Image.Resampling.LANCZOS)
        small.save(PHOTOS / f"{sample.name}-{which}.avif", quality=QUALITY, speed=SPEED)
