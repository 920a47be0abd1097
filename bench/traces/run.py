#!/usr/bin/env python3
"""Spans into varved over OTLP/HTTP, and questions about them: processor time, disk, memory, times.

A pack is a file of records, each a length (4 bytes, little-endian) and an OTLP TracesData message;
with .zst at its end it is compressed. An answers file is JSON: {"queries": {name: {"traceql": ...,
"sha256_of_sorted_ids": ..., "traces": ...}}}; questions that are no TraceQL are left out.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

CONNECTIONS = 2


def read_pack(path, merge):
    """Request bodies: so many records each, which one after the other are one message."""
    data = (subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
            if path.endswith(".zst") else open(path, "rb").read())
    bodies, at, records = [], 0, []
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        records.append(data[at + 4:at + 4 + size])
        at += 4 + size
        if len(records) == merge:
            bodies.append(b"".join(records))
            records = []
    if records:
        bodies.append(b"".join(records))
    return bodies


class Server:
    def __init__(self, program, directory):
        self.directory = directory
        self.process = subprocess.Popen(
            [program, "--data-dir", directory, "--listen", "127.0.0.1:0",
             "--trace-retention", "forever", "--span-metrics-slack", "10000d"],
            stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        self.port = int(line.split("http://127.0.0.1:")[1].split(",")[0])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def post(self, path):
        connection = self.connect()
        connection.request("POST", path)
        response = connection.getresponse()
        response.read()
        assert response.status < 300, response.status

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
        return 0

    def disk_bytes(self):
        return sum(os.path.getsize(os.path.join(root, name))
                   for root, _, names in os.walk(self.directory) for name in names)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def send(server, bodies):
    def work(own):
        connection = server.connect()
        for body in own:
            connection.request("POST", "/v1/traces", body,
                               {"Content-Type": "application/x-protobuf"})
            response = connection.getresponse()
            answer = response.read()
            assert response.status == 200 and answer == b"", (response.status, answer)

    threads = [threading.Thread(target=work, args=(bodies[i::CONNECTIONS],))
               for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def timed_get(connection, path, headers=None):
    started = time.perf_counter()
    connection.request("GET", path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    ms = (time.perf_counter() - started) * 1000
    assert response.status == 200, (path, response.status, body[:200])
    return ms, body


def quantiles(times):
    times = sorted(times)
    at = lambda q: times[min(len(times) - 1, int(len(times) * q))]
    return f"p50 {at(.5):.1f} p95 {at(.95):.1f} p99 {at(.99):.1f} max {times[-1]:.1f} ms"


def ask(server, queries, rounds):
    connection, times, wrong = server.connect(), [], []
    for _ in range(rounds):
        for name, answer in queries.items():
            query = urllib.parse.urlencode({"q": answer["traceql"], "limit": 1000000, "spss": 1})
            ms, body = timed_get(connection, "/api/search?" + query)
            times.append(ms)
            ids = sorted(t["traceID"] for t in json.loads(body)["traces"])
            digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()
            if digest != answer["sha256_of_sorted_ids"]:
                wrong.append(name)
    print(f"  searches: {quantiles(times)}; wrong answers: {len(wrong)} of {len(times)}")


def by_id(server, count):
    connection = server.connect()
    _, body = timed_get(connection, "/api/search?limit=1000000&spss=1")
    ids = [t["traceID"] for t in json.loads(body)["traces"]]
    random.Random(1).shuffle(ids)
    times = [timed_get(connection, "/api/traces/" + i, {"Accept": "application/protobuf"})[0]
             for i in ids[:count]]
    print(f"  traces by id: {quantiles(times)}; {len(times)} of {len(ids)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--varved", default="build/release/bin/varved")
    parser.add_argument("--pack", required=True)
    parser.add_argument("--answers")
    parser.add_argument("--merge", type=int, default=16, help="records per request")
    parser.add_argument("--rounds", type=int, default=3, help="of all questions")
    options = parser.parse_args()
    bodies = read_pack(options.pack, options.merge)
    queries = {}
    if options.answers:
        with open(options.answers, encoding="utf-8") as file:
            queries = {k: v for k, v in json.load(file)["queries"].items()
                       if not v["traceql"].startswith("(")}
    directory = tempfile.mkdtemp(prefix="varve-bench-")
    server = Server(options.varved, directory)
    try:
        before = server.cpu_s()
        started = time.perf_counter()
        send(server, bodies)
        server.post("/api/v1/admin/flush")
        seconds, cpu_s = time.perf_counter() - started, server.cpu_s() - before
        connection = server.connect()
        spans = int(json.loads(timed_get(connection, "/api/search?limit=1000000&spss=1")[1])
                    ["metrics"]["inspectedSpans"])
        disk = server.disk_bytes() / spans
        print(f"ingest: {spans} spans, {sum(map(len, bodies)) / spans:.0f} bytes each; "
              f"{cpu_s:.2f} CPU-s, {seconds:.1f} s: {spans / cpu_s:,.0f} spans per CPU-s; "
              f"peak {server.peak_mb():.0f} MiB")
        for state in ("flush", "compaction"):
            if state == "compaction":
                before = server.cpu_s()
                server.post("/api/v1/admin/compact")
                disk = server.disk_bytes() / spans
                print(f"compaction: {server.cpu_s() - before:.2f} CPU-s")
            print(f"after {state}: {disk:.1f} bytes per span")
            if queries:
                ask(server, queries, options.rounds)
            by_id(server, 1000)
        print(f"peak {server.peak_mb():.0f} MiB")
    finally:
        server.stop()
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
