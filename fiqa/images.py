"""The former name of `fiqa.photos.images`, which stays valid."""

from fiqa.photos.images import DecodedPhoto, decode_photo

__all__ = ["DecodedPhoto", "decode_photo"]
