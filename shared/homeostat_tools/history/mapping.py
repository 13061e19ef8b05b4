"""Which column of a table says what."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from homeostat.adapters.cells import TimeUnit
from homeostat.adapters.errors import UnreadablePayload
from homeostat.codec.decode import first_error
from homeostat.events.base import MaybeName, Name, Subject


class Columns(BaseModel):
    """Names of the columns. A column that is called like its field need not be named; `time` must be there.

    Args:
        time: When the row was served.
        subject: `scope/model` of each row, where the table holds several models.
        version: That answered.
        role: `champion`, `canary` or `shadow`.
        request: Id of the request; rows without get one from their number.
        prediction: A number, a truth value, or the name of a class. A table without this column holds labels alone.
        score: Confidence in the prediction.
        label: What was true; empty where nobody knows.
        label_time: When that was known. Without this column labels are known `label_delay_seconds` after the row.
        latency_seconds: Of the answer.
        features: Monitored features; () takes every other column whose cells are all numbers or empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: str = "time"
    subject: str = "subject"
    version: str = "version"
    role: str = "role"
    request: str = "request"
    prediction: str = "prediction"
    score: str = "score"
    label: str = "label"
    label_time: str = "label_time"
    latency_seconds: str = "latency_seconds"
    features: tuple[str, ...] = ()


class TableMapping(BaseModel):
    """How a table of served rows is read.

    Args:
        subject: `scope/model` of all rows; None where a column says it.
        columns: Which column says what.
        version: Of rows without one.
        classes: Names of the classes, in the order of their indices: cells may hold names instead of indices.
        time_unit: Of times that are numbers: s, ms, us or ns since the epoch.
        label_delay_seconds: How long after its row a label was known, where no column says so; 0 puts it into the row.
        window_seconds: Rows of so many seconds go together: the resolution in which labels and rows are in order.
        family: Family that each model is registered with, ahead of its rows; None registers nothing.
        kind: Of such a model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Subject | None = None
    columns: Columns = Columns()
    version: Name = "history"
    classes: tuple[str, ...] = ()
    time_unit: TimeUnit = "s"
    label_delay_seconds: float = Field(default=0.0, ge=0.0, le=1e9)
    window_seconds: float = Field(default=60.0, ge=0.001, le=86_400.0)
    family: MaybeName | None = None
    kind: Literal["classifier", "regressor"] = "classifier"


def read_mapping(path: Path) -> TableMapping:
    """Read a mapping from a TOML file.

    Raises:
        UnreadablePayload: The file is no TOML, or says what no mapping has.
        OSError: It cannot be read.
    """
    return mapping_of(tables_of(path), str(path))


def tables_of(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UnreadablePayload: It is none.
        OSError: It cannot be read.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadablePayload(str(path), f"is no TOML: {error}") from None


def mapping_of(fields: dict[str, Any], where: str) -> TableMapping:
    """Make a mapping of fields as TOML has them.

    Raises:
        UnreadablePayload: A field that no mapping has, or a wrong value.
    """
    try:
        return TableMapping.model_validate(fields)
    except ValidationError as error:
        raise UnreadablePayload(where, first_error(error)) from None
