"""A relay before the broker that can lose one direction: questions never arrive, or answers."""

from __future__ import annotations

import asyncio
import threading
from typing import Literal

Losing = Literal["", "questions", "answers"]


class BrokerRelay:
    """Runs on a thread of its own. While it loses a direction, bytes of it vanish and connections
    stay open, as behind a broken switch; what lost bytes is cut when the fault is over."""

    def __init__(self, target_port: int) -> None:
        self.target_port, self.port = target_port, 0
        self.lost = {"questions": 0, "answers": 0}  # bytes
        self._losing: Losing = ""
        self._torn: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def lose(self, direction: Losing) -> None:
        self._loop.call_soon_threadsafe(self._lose, direction)

    def _lose(self, direction: Losing) -> None:
        self._losing = direction
        if not direction:
            for writer in self._torn:
                writer.transport.abort()
            self._torn.clear()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, asks: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            answers, broker = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            client.transport.abort()
            return
        both = {client, broker}
        await asyncio.gather(
            self._carry("questions", asks, broker, both),
            self._carry("answers", answers, client, both),
        )

    async def _carry(
        self, direction: str, read: asyncio.StreamReader, write: asyncio.StreamWriter,
        both: set[asyncio.StreamWriter],
    ) -> None:  # fmt: skip
        try:
            while piece := await read.read(1 << 16):
                if self._losing == direction:
                    self.lost[direction] += len(piece)
                    self._torn |= both
                elif not write.is_closing():
                    write.write(piece)
                    await write.drain()
        except OSError:
            pass
        finally:
            for writer in both:
                writer.close()
