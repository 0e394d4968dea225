"""The data sets that ``dvfl data prepare`` knows."""

from __future__ import annotations

from dvfl.suggestions import unknown
from dvfl_training.data.sources.folder import FOLDER
from dvfl_training.data.sources.hmdb51 import HMDB51
from dvfl_training.data.sources.kinetics400 import KINETICS400
from dvfl_training.data.sources.listing import DataSource
from dvfl_training.data.sources.ssv2 import SSV2
from dvfl_training.data.sources.ucf import UCF50, UCF101
from dvfl_training.errors import DataError

SOURCES = {source.name: source for source in (UCF101, UCF50, HMDB51, SSV2, KINETICS400, FOLDER)}


def source_named(name: str) -> DataSource:
    """The data set of that name.

    Raises:
        DataError: there is none; the message suggests one.
    """
    if name not in SOURCES:
        raise DataError(unknown("data set", name, SOURCES))
    return SOURCES[name]
