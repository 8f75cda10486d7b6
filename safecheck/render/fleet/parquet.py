"""The table of a fleet as Parquet, for data frames; pyarrow is an extra."""

from __future__ import annotations

import io
from typing import get_type_hints

from safecheck.errors import UsageError, pip_install
from safecheck.text import printable
from safecheck.usecases.fleet import Fleet, Row


def document(fleet: Fleet) -> bytes:
    """The file, with a column for each field of a row.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        what = "Parquet is written by pyarrow, which is not installed"
        raise UsageError("SC-OUT-FORMAT", "--output parquet", what, pip_install("fleet")) from None
    kinds = {int: pyarrow.int64(), str: pyarrow.string(), bool: pyarrow.bool_()}
    types = {**get_type_hints(Row), "fix_may_free": bool}
    schema = pyarrow.schema([(name, kinds.get(type_, pyarrow.list_(kinds[str]))) for name, type_ in types.items()])
    rows = [{**row._asdict(), "fix_may_free": row.fix_may_free} for row in fleet.rows]
    content = io.BytesIO()
    plain = [{name: _value(value) for name, value in row.items()} for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(plain, schema), content)
    return content.getvalue()


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return [printable(str(part)) for part in value]
    return printable(value, 4096) if isinstance(value, str) else value
