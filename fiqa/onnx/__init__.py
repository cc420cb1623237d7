"""Checkpoints as ONNX: written with torch, run without it.

    fiqa export lite --format onnx --output lite-onnx

    from fiqa.onnx import load_onnx

    print(load_onnx("lite-onnx").score("portrait.jpg").score)

`files` says what is in such a folder, `runtime` scores with it and knows no torch, `export` writes it, `quantisation`
makes the copy in 8 bits. Imports `metric` and `degradation`, which `runtime` does not.
"""

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["OnnxPredictor", "export_onnx", "load_onnx"]

if TYPE_CHECKING:
    from fiqa.onnx.export import export_onnx
    from fiqa.onnx.runtime import OnnxPredictor, load_onnx
else:  # each is imported when it is first used
    __getattr__, __dir__, _ = lazy_loader.attach(
        __name__, submod_attrs={"export": ["export_onnx"], "runtime": ["OnnxPredictor", "load_onnx"]}
    )
