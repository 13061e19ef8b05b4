"""Tables of served rows become events: in the order of time, with labels when they were known, and with stable ids."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from homeostat.adapters import UnreadablePayload
from homeostat.events import Labels, ModelRegistered, Samples
from homeostat.events.columns import f8
from homeostat_tools.history import AdaptedEvent, TableMapping, Unreadable, read_folder, read_table

_HEADER = "time,version,request,price,size,prediction,score,label,label_time"
_ROWS = (
    "2026-01-01T00:00:00Z,v1,a,1.5,2,no,0.9,no,2026-01-01T01:00:00Z",
    "2026-01-01T00:00:10Z,v1,b,,3,yes,0.8,no,2026-01-03T00:00:00Z",
    "2026-01-01T02:00:00Z,v2,c,2.5,4,yes,0.7,,",
)
_MAPPING = TableMapping(subject="shop/ranker", classes=("no", "yes"), family="rankers")


def _table(folder: Path, *rows: str, header: str = _HEADER) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def _read(path: Path, mapping: TableMapping = _MAPPING) -> list[AdaptedEvent]:
    return list(read_table(path, mapping))


def test_rows_and_labels_come_in_the_order_of_time(tmp_path: Path) -> None:
    """A label comes when it was known, also between rows that were served before and after."""
    events = _read(_table(tmp_path, *reversed(_ROWS)))

    kinds = [type(event.data).__name__ for event in events]
    assert kinds == ["ModelRegistered", "Samples", "Labels", "Samples", "Labels"]
    assert [event.time for event in events] == sorted(event.time for event in events)
    registered, first, known, second, late = (event.data for event in events)
    assert isinstance(registered, ModelRegistered)
    assert (registered.champion, [feature.name for feature in registered.features]) == ("v1", ["price", "size"])
    assert isinstance(first, Samples)
    assert isinstance(second, Samples)
    assert (first.request, first.version, second.request, second.version) == (["a", "b"], "v1", ["c"], "v2")
    assert np.isnan(first.matrix()[0]).tolist() == [False, True]
    assert first.label == second.label == b""
    assert isinstance(known, Labels)
    assert isinstance(late, Labels)
    assert (known.request, f8(known.label).tolist(), f8(known.lag_seconds).tolist()) == (["a"], [0.0], [3600.0])
    assert [(one.version, f8(one.prediction).tolist()) for one in late.answers] == [("v1", [1.0])]


def test_labels_without_a_time_lie_in_their_rows(tmp_path: Path) -> None:
    """Unless the mapping says how late they are."""
    path = _table(tmp_path, "10,1,1", "20,0,1", header="time,prediction,label")

    at_once = _read(path, TableMapping(subject="s/m"))
    delayed = _read(path, TableMapping(subject="s/m", label_delay_seconds=600.0))

    assert [f8(event.data.label).tolist() for event in at_once if isinstance(event.data, Samples)] == [[1.0, 1.0]]
    assert [type(event.data).__name__ for event in delayed] == ["Samples", "Labels"]
    assert delayed[1].time == 620_000


def test_a_row_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    """And the others go on."""
    bad = ("soon,v1,x,1,1,no,1,,", "2026-01-01,v1,y,1,1,maybe,1,,", "2026-01-01,v 1,z,1,1,no,1,,")
    empty = "2026-01-01,v1,w,1,1,,1,,"
    early = "2026-01-02,v1,q,1,1,no,1,no,2026-01-01"
    told: list[Unreadable] = []

    events = list(read_table(_table(tmp_path, *bad, empty, early, *_ROWS), _MAPPING, told.append))

    assert [(one.place, one.field) for one in told] == [
        ("row 1", "time"),
        ("row 2", "prediction"),
        ("row 3", "version"),
        ("row 4", "prediction"),
        ("row 5", "label_time"),
    ]
    assert "'maybe' is no number, nor one of the classes no, yes" in told[1].reason
    assert isinstance(told[0].content, dict)
    assert told[0].content["request"] == "x"
    assert sum(event.data.n_rows for event in events if isinstance(event.data, Samples)) == 3


def test_what_was_said_twice_has_the_same_id(tmp_path: Path) -> None:
    """Reading again changes no id, and rows behind change none but the last windows'."""
    once = [event.id for event in _read(_table(tmp_path, *_ROWS))]
    again = [event.id for event in _read(_table(tmp_path, *_ROWS))]
    more = [event.id for event in _read(_table(tmp_path, *_ROWS, "2026-02-01T00:00:00Z,v2,d,1,1,no,1,,"))]

    assert once == again == more[:-1]
    assert len(set(more)) == len(more)


def test_a_canary_and_its_champion_share_a_label(tmp_path: Path) -> None:
    """One label with the answers of both: the second of two would be dropped as repeated."""
    header = "time,request,version,role,prediction,label,label_time"
    path = _table(tmp_path, "1,a,v1,champion,0,1,90", "2,a,v2,canary,1,1,90", header=header)

    events = _read(path, TableMapping(subject="s/m"))

    (labels,) = [event.data for event in events if isinstance(event.data, Labels)]
    assert labels.request == ["a"]
    assert [(one.role, one.version) for one in labels.answers] == [("canary", "v2"), ("champion", "v1")]
    assert f8(labels.lag_seconds).tolist() == [89.0]


def test_a_table_without_predictions_holds_labels(tmp_path: Path) -> None:
    """As a warehouse has them: intake joins them by their request."""
    path = _table(tmp_path, "100,a,1", "200,b,", "300,c,0", header="time,request,label")

    events = _read(path, TableMapping(subject="s/m"))

    assert [event.data.request for event in events if isinstance(event.data, Labels)] == [["a"], ["c"]]


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    """Times have types there, and missing numbers are null."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    csv = pytest.importorskip("pyarrow.csv")
    path = _table(tmp_path, *_ROWS)
    typed = csv.read_csv(path)
    assert pyarrow.types.is_timestamp(typed.schema.field("time").type)
    parquet.write_table(typed, tmp_path / "rows.parquet")

    assert [event.data for event in _read(tmp_path / "rows.parquet")] == [event.data for event in _read(path)]


@pytest.mark.parametrize(
    ("columns", "field"), [({"label": "truth"}, "columns.label"), ({"time": "when"}, "columns.time")]
)
def test_a_column_that_is_named_must_be_there(tmp_path: Path, columns: dict[str, str], field: str) -> None:
    """A typing error is no empty column."""
    mapping = TableMapping.model_validate({"subject": "s/m", "columns": columns})

    with pytest.raises(UnreadablePayload, match="it has time, version") as told:
        _read(_table(tmp_path, *_ROWS), mapping)

    assert told.value.field == field


def test_a_folder_is_one_history(tmp_path: Path) -> None:
    """Its tables are merged by time, its mapping lies in it."""
    (tmp_path / "history.toml").write_text('subject = "s/m"\ntime_unit = "ms"\n[columns]\ntime = "t"\n', "utf-8")
    (tmp_path / "late.csv").write_text("t,prediction\n900000,1\n", "utf-8")
    with gzip.open(tmp_path / "early.csv.gz", "wt") as file:
        file.write("t,prediction\n100000,0\n1700000,1\n")

    assert [event.time for event in read_folder(tmp_path)] == [100_000, 900_000, 1_700_000]


def test_a_folder_without_a_mapping_says_so(tmp_path: Path) -> None:
    """Rather than guess."""
    with pytest.raises(UnreadablePayload, match=r"history\.toml"):
        next(read_folder(tmp_path))
