"""The parts of a running broker, as the handlers see them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .catalog import Catalog
from .codes import Code
from .groups import Groups
from .housekeeping import Housekeeping
from .metrics import Metrics
from .offsets import Offsets
from .transactions import Transactions

NODE = 1


@dataclass(frozen=True)
class Options:
    """How a broker runs. `auto_create`: partitions of a topic made on first use, 0 = none is."""

    auto_create: int = 0
    housekeeping_seconds: float = 5.0


class Broker:
    """Opens everything below `directory`. Raises CannotStart."""

    def __init__(self, directory: Path, options: Options) -> None:
        self.options = options
        self.host, self.port = "127.0.0.1", 0
        self.catalog = Catalog(directory)
        self.offsets = Offsets(directory / "offsets.journal")
        self.groups = Groups(directory / "groups.journal")
        self.transactions = Transactions(
            directory / "transactions.journal", self.catalog, self.offsets
        )
        self.housekeeping = Housekeeping(self.catalog, options.housekeeping_seconds)
        self.metrics = Metrics(self.catalog, self.groups)

    def start(self) -> None:
        self.groups.start()
        self.transactions.start()
        self.housekeeping.start()

    async def stop(self) -> None:
        """Ends all tasks and saves what makes the next start quick."""
        self.transactions.stop()
        self.groups.stop()
        await self.housekeeping.stop()
        self.offsets.close()
        self.catalog.close()

    def refuse(self, code: Code) -> int:
        """Counts a refusal; the number to answer."""
        self.metrics.errors.labels(code.name).inc()
        return int(code)


class Call(NamedTuple):
    """One request: decoded, with the class of its response and what its header says."""

    request: Any
    answer: Any
    version: int
    client_id: str
