"""ONNX models by ONNX Runtime.

The model is loaded by path: only so may it keep its weights in files beside it, and ONNX Runtime then refuses those
that lie outside the model's folder. Custom operator libraries are never loaded.
"""

from moorage_runtime.engines.onnx.loading import load
from moorage_runtime.engines.onnx.session import OnnxEngine

__all__ = ["OnnxEngine", "load"]
