"""The clean PyTorch reference of the Video-FocalNet family. Importing this package imports torch."""

from dvfl.model.network import VideoFocalNet
from dvfl.model.variants import VARIANTS, Architecture, variant_name

__all__ = ["VARIANTS", "Architecture", "VideoFocalNet", "variant_name"]
