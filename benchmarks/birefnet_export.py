"""Exports BiRefNet with random weights, as its public ONNX files were: `SOURCE OUTPUT`.

SOURCE is a checkout of https://github.com/ZhengPeng7/BiRefNet. Its notebook of the export is
followed: opset 17, 1024 x 1024, each deformable convolution unrolled by
deform-conv2d-onnx-exporter. Runs in the environment of birefnet-requirements.txt, without ours.
"""

import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import deform_conv2d_onnx_exporter
import torch
from torch.onnx._internal.torchscript_exporter._type_utils import JitScalarType

SIDE = 1024
SWIN_TINY = 6  # in the list of backbones in config.py: that of BiRefNet-lite
SPREAD = 0.02  # of the weights that decide on offsets and masks: of their own they begin at 0


def main() -> None:
    source, output = Path(sys.argv[1]), Path(sys.argv[2])
    warnings.filterwarnings("ignore")
    torch.manual_seed(1)
    network = _network(source)
    deform_conv2d_onnx_exporter.get_tensor_dim_size = _dim_size
    deform_conv2d_onnx_exporter.JitScalarType = JitScalarType  # has moved since its time
    deform_conv2d_onnx_exporter.register_deform_conv2d_onnx_op()
    torch.onnx.export(
        network,
        (torch.randn(1, 3, SIDE, SIDE),),
        output,
        opset_version=17,
        input_names=["input_image"],
        output_names=["output_image"],
        dynamo=False,
    )


def _network(source: Path) -> Any:
    """BiRefNet-lite, as it is used: not training."""
    sys.path.insert(0, str(source))
    _put("config", _config(source))
    _put("dataset", {"class_labels_TR_sorted": []})  # both are for training alone
    _put("kornia", {})
    _put("kornia.filters", {"laplacian": None})
    from models.birefnet import BiRefNet

    network = BiRefNet(bb_pretrained=False).eval()
    for name, weights in network.named_parameters():
        if "offset_conv" in name or "modulator_conv" in name:
            torch.nn.init.normal_(weights, std=SPREAD)
    return network


def _config(source: Path) -> dict[str, Any]:
    text = (source / "config.py").read_text()
    chosen, count = re.subn(r"(self\.bb = \[[^\]]*\])\[\d+\]", rf"\1[{SWIN_TINY}]", text)
    if count != 1:
        raise SystemExit(f"{source}/config.py does not choose a backbone as it did.")
    names: dict[str, Any] = {"__name__": "config"}
    exec(compile(chosen, "config.py", "exec"), names)
    return names


def _put(name: str, names: dict[str, Any]) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(names)
    sys.modules[name] = module


def _dim_size(tensor: Any, axis: int) -> int:
    """Where the exporter has lost a size, the strides still tell it."""
    size = torch.onnx.symbolic_helper._get_tensor_dim_size(tensor, axis)
    if size is not None:
        return int(size)
    strides = tensor.type().strides()
    return int({0: 1, 2: strides[1] // strides[2], 3: strides[2]}[axis])


if __name__ == "__main__":
    main()
