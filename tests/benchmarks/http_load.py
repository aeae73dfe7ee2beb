"""A load generator: N keep-alive connections that ask again as soon as they are answered.

`python tests/benchmarks/http_load.py PORT BODY_FILE CLIENTS REQUESTS` prints one JSON line. It
runs in a process of its own, parses no more of an answer than its length and status, and stops
after REQUESTS answers or 120 seconds.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

LIMIT_S = 120.0
_HEAD = b"POST /v1/lift HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


class Client(asyncio.Protocol):
    """One connection; `latencies_s` is shared by all."""

    def __init__(self, request: bytes, left: list[int], latencies_s: list[float]) -> None:
        self.request = request
        self.left = left
        self.latencies_s = latencies_s
        self.received = bytearray()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        if self.left[0] <= 0:
            self.transport.close()
            return
        self.left[0] -= 1
        self.sent_s = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head_end = self.received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self.received[:head_end]).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(self.received) < head_end + 4 + length:
            return
        if not head.startswith(b"http/1.1 200"):
            self.done.set_exception(RuntimeError(bytes(self.received[:500]).decode()))
            self.transport.close()
            return
        self.latencies_s.append(time.perf_counter() - self.sent_s)
        self.received.clear()
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None and self.left[0] <= 0:
            self.done.set_result(None)
            return
        self.done.set_exception(error or ConnectionError("the server closed the connection"))


async def load(port: int, body: bytes, clients: int, requests: int) -> dict[str, float]:
    """Requests a second and latencies of `requests` answers."""
    request = _HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    left, latencies_s = [requests], list[float]()
    loop = asyncio.get_running_loop()
    begin_s = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: Client(request, left, latencies_s), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.wait_for(asyncio.gather(*(client.done for _, client in pairs)), LIMIT_S)
    seconds = time.perf_counter() - begin_s
    latencies_s.sort()
    return {
        "requests": len(latencies_s),
        "requests_per_s": len(latencies_s) / seconds,
        "p50_ms": 1000 * latencies_s[len(latencies_s) // 2],
        "p99_ms": 1000 * latencies_s[int(len(latencies_s) * 0.99)],
    }


if __name__ == "__main__":
    port, body_file, clients, requests = sys.argv[1:]
    payload = Path(body_file).read_bytes()
    print(json.dumps(asyncio.run(load(int(port), payload, int(clients), int(requests)))))
