"""Many rows at once, as fast as the database's driver takes them.

SQLAlchemy looks at every value of every row; here a value that comes again, as a time or a state does, is translated
once, and the driver gets the rows as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnDefault, Connection, Dialect, Table, insert


def insert_columns(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows that are given column by column, each of the same length, in one `executemany`.

    Columns that are left out have their default. Raises IntegrityError as any insert does.
    """
    count = len(next(iter(columns.values())))
    defaults = {
        column.name: [column.default.arg] * count
        for column in table.columns
        if column.name not in columns and isinstance(column.default, ColumnDefault)
    }
    given = {**columns, **defaults}
    statement = insert(table).compile(dialect=connection.dialect, column_keys=[*given])
    names: Sequence[str] = statement.positiontup or [*given]
    values = [_translated(table, name, given[name], connection.dialect) for name in names]
    rows = list(zip(*values, strict=True))
    sent = rows if statement.positional else [dict(zip(names, row, strict=True)) for row in rows]
    if rows:
        connection.exec_driver_sql(str(statement), sent)


def _translated(table: Table, name: str, column: Sequence[Any], dialect: Dialect) -> Sequence[Any]:
    """Return the values of a column as the driver takes them."""
    process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    if process is None:
        return column
    try:
        known = {value: process(value) for value in set(column)}
    except TypeError:  # a dictionary is no key of another
        return [process(value) for value in column]
    return [known[value] for value in column]
