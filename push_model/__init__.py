"""Predict who buys a product: train with one handler, serve with the other.

Names are imported on first use (PEP 562), so that serving never pays for training.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from push_model._version import __version__
from push_model.errors import MissingDependencyError

if TYPE_CHECKING:
    from push_model.columns import FEATURES
    from push_model.serving.answer import Answer, Health
    from push_model.serving.health import health
    from push_model.serving.prediction import handler_predict, predict
    from push_model.training.fit import handler_fit

__all__ = [
    "FEATURES",
    "Answer",
    "Health",
    "__version__",
    "handler_fit",
    "handler_predict",
    "health",
    "predict",
]

_HOME = {
    "FEATURES": "push_model.columns",
    "Answer": "push_model.serving.answer",
    "Health": "push_model.serving.answer",
    "health": "push_model.serving.health",
    "handler_predict": "push_model.serving.prediction",
    "predict": "push_model.serving.prediction",
}


if not TYPE_CHECKING:  # else a type checker would accept any misspelt name

    def __getattr__(name: str) -> Any:
        if name == "handler_fit":
            return _import_handler_fit()
        if name in _HOME:
            return getattr(import_module(_HOME[name]), name)
        raise AttributeError(f"module 'push_model' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _import_handler_fit() -> Any:
    try:
        return import_module("push_model.training.fit").handler_fit
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"handler_fit needs {error.name!r}, which the serving-only install leaves out: "
            "clone the repository and install its requirements.txt."
        ) from error
