"""The native module. Users import :mod:`data_bridge.postgres`, never this."""

__all__ = ["__version__"]

__version__: str
