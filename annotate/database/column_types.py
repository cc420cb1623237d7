"""How values that are no plain numbers and texts are stored in a column."""

import enum
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Enum, SmallInteger, TypeDecorator

from annotate.design.items import ItemKind
from annotate.design.stored_protocol import StoredProtocol, UnreadableProtocol, read_stored


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, in databases that know time zones and in those that do not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody can tell where they were read."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ItemKindType(TypeDecorator[ItemKind]):
    """An `ItemKind` by its number, as the statistics take it."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: ItemKind | None, _dialect: Dialect) -> int | None:
        """Store the number."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> ItemKind | None:
        """Give the member back."""
        return None if value is None else ItemKind(value)


class ReasonsType(TypeDecorator[tuple[str, ...]]):
    """Short words as JSON, NULL where there are none."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, _dialect: Dialect) -> list[str] | None:
        """Store a list."""
        return list(value) if value else None

    def process_result_value(self, value: list[str] | None, _dialect: Dialect) -> tuple[str, ...]:
        """Give the words back."""
        return tuple(value or ())


class StudyProtocolType(TypeDecorator[StoredProtocol]):
    """A `StudyProtocol` as JSON, of whatever version it was written by; read when the row is.

    One that cannot be read comes as an `UnreadableProtocol`, so that the rows beside it can.
    """

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: StoredProtocol | None, _dialect: Dialect) -> Any:
        """Store plain data."""
        return None if value is None else value.to_json()

    def process_result_value(self, value: Any, _dialect: Dialect) -> StoredProtocol:
        """Give the protocol back."""
        return read_stored(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], StoredProtocol]:
        """Return what reads a cell, also one that holds no JSON."""
        read = super().result_processor(dialect, coltype)

        def process(cell: Any) -> StoredProtocol:
            """Return the protocol of a cell."""
            try:
                found = read(cell) if read else None
            except ValueError:
                return UnreadableProtocol(str(cell), "It is no JSON.")
            return read_stored(None) if found is None else found

        return process


def stored_by_value(kind: type[enum.StrEnum]) -> Enum:
    """Store an enumeration by value, as text: a new member needs no change of type."""
    return Enum(kind, native_enum=False, length=16, values_callable=lambda members: [each.value for each in members])
