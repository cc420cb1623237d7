"""The former name of `fiqa.maps.explain`, which stays valid."""

from fiqa.maps.explain import compute_maps, explain

__all__ = ["compute_maps", "explain"]
