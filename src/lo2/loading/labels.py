"""``--labels``: which sequences or runs are anomalies, from a CSV file."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lo2.errors import InputError, InputNotFoundError
from lo2.loading.sources.files import LogFile

_TRUE = frozenset("1 true t yes y anomaly anomalous abnormal bad fail failed failure faulty error".split())
_FALSE = frozenset(
    ["0", "false", "f", "no", "n", "normal", "good", "ok", "pass", "passed", "correct", "success", "healthy", "benign"]
)
_KEYS, _VALUES = ("seq_id", "run"), ("label", "anomaly")


@dataclass(frozen=True)
class Labels:
    """True for anomalies, by what ``key`` says: ``seq_id`` or ``run``."""

    key: str
    values: Mapping[str, bool] = field(repr=False)

    def label_of(self, log: LogFile) -> bool | None:
        """Label of a log's sequence, None where the file has none; a run cut by keys is found by its key alone, too."""
        if self.key == "seq_id":
            return self.values.get(log.seq_id)
        found = self.values.get(log.run)
        return self.values.get(log.run.partition(".")[2]) if found is None else found


def read_labels(path: str | Path) -> Labels:
    """Labels of a CSV file with the columns ``seq_id`` or ``run``, and ``label``.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If a column is missing, or a label is not understood or contradicts an earlier one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels.csv"
    ...     _ = path.write_text("run,label\\nr1,normal\\nr2,anomaly\\n")
    ...     read_labels(path).values
    {'r1': False, 'r2': True}
    """
    shape = "Expected a CSV with the columns seq_id or run, and label (normal or anomaly, true or false, 1 or 0)"
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            rows = csv.DictReader(handle)
            columns = rows.fieldnames or ()
            key = next((name for name in _KEYS if name in columns), None)
            value = next((name for name in _VALUES if name in columns), None)
            if key is None or value is None:
                raise InputError(f"--labels {path}: its columns are {', '.join(columns) or 'none'}. {shape}")
            values: dict[str, bool] = {}
            for row in rows:
                name, label = row[key] or "", _parse_anomaly_label(row[value], f"--labels {path}, line {rows.line_num}")
                if values.setdefault(name, label) != label:
                    raise InputError(f"--labels {path}, line {rows.line_num}: {name!r} has another label above")
    except FileNotFoundError as error:
        raise InputNotFoundError(f"--labels {path} does not exist. {shape}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"--labels {path} cannot be read ({error}). {shape}") from error
    if not values:
        raise InputError(f"--labels {path} holds no row. {shape}")
    return Labels(key, values)


def _parse_anomaly_label(text: str | None, where: str) -> bool:
    word = (text or "").strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InputError(f"{where}: {text!r} is no label. Expected normal or anomaly, true or false, 1 or 0")
