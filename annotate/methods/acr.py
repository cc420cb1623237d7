"""Absolute category rating: one picture, a grade (ITU-T P.910)."""

from annotate.methods.method import Method

METHOD = Method("acr", "Rate single pictures (ACR)", roles=lambda _protocol: ("picture",))
