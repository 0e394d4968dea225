"""Engines: one file each, behind one protocol, found through one table."""

from dvfl.engines.base import Engine
from dvfl.engines.registry import ENGINES, EngineRow, Selection, open_engine, select_engine

__all__ = ["ENGINES", "Engine", "EngineRow", "Selection", "open_engine", "select_engine"]
