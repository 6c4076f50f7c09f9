"""data-bridge: a PostgreSQL driver and ORM, written in Rust. Everything is in :mod:`data_bridge.postgres`."""

from importlib.metadata import version as _version

from . import _native

__all__ = ["__version__"]

__version__ = _version("data-bridge")

if _native.__version__ != __version__:
    raise ImportError(
        f"data_bridge {__version__} found a native module of version {_native.__version__}; reinstall with: "
        "pip install --force-reinstall data-bridge"
    )
