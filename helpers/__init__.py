"""Pixelwise: what the notebooks and assignments import. Each module stands on its own;
importing `helpers` itself loads nothing else."""

__version__ = "0.1.0"
