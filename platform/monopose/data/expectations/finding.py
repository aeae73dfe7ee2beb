"""What an expectation reports when data does not keep it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One suspicious thing about one clip, or about the data set when `clip_id` is empty.

    cause: a short, fixed name of the likely cause; reports group by it. error: the data can
    hardly be right as it is; warning: unusual, worth a look. what: the evidence, with numbers.
    """

    cause: str
    severity: Severity
    clip_id: str
    what: str
