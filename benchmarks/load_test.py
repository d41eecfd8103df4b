"""Measure the load that the example API bears, and the web server's share of an answer.

    python benchmarks/load_test.py --seconds 5

The API and, beside it, a bare ASGI app that answers a constant, under uvicorn with one worker and
with two. Clients are processes of their own with one keep-alive connection each, and send the next
request when they have the last answer. They share the machine with the server: on few cores the
figures are a lower bound.
"""

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from trained_store import fit_trees, invent_frame, save_champion

from push_model.columns import FEATURES

HERE = Path(__file__).parent
API = HERE.parent / "examples" / "api"
APPS = {"example API": ("app:app", API), "bare ASGI": ("load_test:answer_constant", HERE)}
START_WITHIN_S = 60.0
WARM_UP_S = 1.0


async def answer_constant(scope, receive, send) -> None:  # noqa: ANN001 - ASGI's own shape
    """Answer a constant: read the body, look at nothing."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    head = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"{}"})


def main() -> None:
    """Train, then print requests a second and latencies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    frame = invent_frame(np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as store:
        save_champion(fit_trees(frame), frame, store)
        print(f"{'':<38}{'requests/s':>12}{'users/s':>10}{'p50 ms':>9}{'p99 ms':>9}")
        for workers in (1, 2):
            for name in APPS:
                with serve(name, store, workers=workers) as port:
                    for n_users in (1, 100):
                        body = to_json(frame.tail(n_users))
                        seconds = hammer(port, body, options.connections, options.seconds)
                        rate = len(seconds) / options.seconds
                        p50, p99 = np.percentile(seconds, [50, 99]) * 1e3
                        title = f"{name}, {workers} worker(s), {n_users} user(s)"
                        figures = f"{rate:12,.0f}{rate * n_users:10,.0f}{p50:9.2f}{p99:9.2f}"
                        print(title.ljust(38) + figures, flush=True)


@contextmanager
def serve(name: str, store: str, *, workers: int) -> Iterator[int]:
    """Run an app of `APPS` on a free port while the context lasts."""
    app, folder = APPS[name]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--app-dir", str(folder)]
    command += ["--port", str(port), "--workers", str(workers), "--log-level", "error"]
    environment = os.environ | {"PUSH_MODELS_DIR": store, "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(command, env=environment)
    try:
        give_up_at = time.monotonic() + START_WITHIN_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if server.poll() is not None or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(START_WITHIN_S)


def hammer(port: int, body: bytes, connections: int, seconds: float) -> np.ndarray:
    """Give the latency of each request of all connections, in seconds."""
    with multiprocessing.get_context("spawn").Pool(connections) as clients:
        asked = [(port, body, seconds)] * connections
        return np.concatenate(clients.starmap(ask_for, asked, chunksize=1))


def ask_for(port: int, body: bytes, seconds: float) -> list[float]:
    """Send one request after the other on one connection; time them, after a warm-up."""
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    latencies = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        warm_at = time.perf_counter() + WARM_UP_S
        start = time.perf_counter()
        while start < warm_at + seconds:
            connection.sendall(request)
            read_answer(connection)
            end = time.perf_counter()
            if start >= warm_at:
                latencies.append(end - start)
            start = end
    return latencies


def read_answer(connection: socket.socket) -> None:
    """Read one answer, whole; anything but 200 ends the run."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    missing = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(65_536))


def to_json(rows) -> bytes:  # noqa: ANN001 - a DataFrame
    """Write a request as the API team sends it: NaN as null."""
    records = rows[list(FEATURES)].astype(object).where(rows[list(FEATURES)].notna(), None)
    users = dict(zip(map(str, rows.index), records.to_dict("records"), strict=True))
    return json.dumps(users).encode()


if __name__ == "__main__":
    main()
