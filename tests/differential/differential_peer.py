"""varved against Debian's prometheus 2.42: the same random data by remote write, the same queries.

The cases are such that version 2 must answer as version 3 (prometheus2.h says what is left out).
One difference remains, which is counted and let pass: version 2 refuses series whose labels become
equal without their names even if they never have a sample at the same time.

Prometheus is looked for in $VARVE_PEERS (./dev test --peer sees to it). $VARVE_DIFFERENTIAL_SEED
and $VARVE_DIFFERENTIAL_PEER_CASES choose other and more cases."""

import json
import math
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import remote_write as rw
from varved_process import VarvedTest

PEERS = os.environ.get("VARVE_PEERS", "")
PROMETHEUS = os.path.join(PEERS, "prometheus")
SEED = os.environ.get("VARVE_DIFFERENTIAL_SEED", "1")
CASES = int(os.environ.get("VARVE_DIFFERENTIAL_PEER_CASES", "600"))
CASES_PER_DATASET = 200


def double(bits):
    return struct.unpack("<d", struct.pack("<Q", int(bits, 16)))[0]


def body_of(data):
    return rw.body_v1(*((series["labels"], [(t, double(v)) for t, v in series["samples"]])
                        for series in data))


def about_equal(a, b):
    """As AboutEqual of comparison.h."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-7 * max(1.0, abs(a), abs(b))


def table(data):
    """{labels: {time: value}} of an answer."""
    if data["resultType"] == "scalar":
        return {(): {data["result"][0]: float(data["result"][1])}}
    return {tuple(sorted(item["metric"].items())):
            {t: float(v) for t, v in item.get("values", [item.get("value")])}
            for item in data["result"]}


def same_table(a, b):
    return a.keys() == b.keys() and all(
        a[labels].keys() == b[labels].keys() and
        all(about_equal(a[labels][t], b[labels][t]) for t in a[labels]) for labels in a)


class Prometheus:
    def __init__(self, test):
        directory = tempfile.mkdtemp(prefix="varve-differential-")
        test.addCleanup(shutil.rmtree, directory)
        config = os.path.join(directory, "prometheus.yml")
        with open(config, "w", encoding="utf-8"):
            pass
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(os.path.join(directory, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [PROMETHEUS, "--config.file", config, "--storage.tsdb.path",
                 os.path.join(directory, "data"), "--storage.tsdb.retention.time", "100y",
                 "--web.listen-address", f"127.0.0.1:{self.port}",
                 "--web.enable-remote-write-receiver"], stderr=log)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.terminate)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready"):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)  # a foreign program that says by nothing else that it is ready
        test.fail("prometheus did not get ready")


def ask(port, case):
    """The decoded answer, also of a failure."""
    parameters = {"query": case["query"]}
    if case["instant"]:
        parameters["time"] = case["start"] / 1000
    else:
        parameters |= {"start": case["start"] / 1000, "end": case["end"] / 1000,
                       "step": case["step"] / 1000}
    path = "query" if case["instant"] else "query_range"
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as failure:
        return json.load(failure)


class DifferentialPeerTest(VarvedTest):
    def setUp(self):
        if not PEERS or not os.path.exists(PROMETHEUS):
            print("SKIPPED: $VARVE_PEERS holds no prometheus; run ./dev test --peer",
                  file=sys.stderr)
            self.skipTest("no peer")
        super().setUp()
        self.let_pass = 0
        self.failing = 0

    def test_agrees(self):
        count = max(1, CASES // CASES_PER_DATASET)
        done = subprocess.run(
            [os.environ["DIFFERENTIAL_CASES"], SEED, str(count), str(CASES_PER_DATASET)],
            capture_output=True, check=True, text=True)
        for number, line in enumerate(done.stdout.splitlines()):
            self.compare_dataset(int(SEED) + number, json.loads(line))
        print(f"{count * CASES_PER_DATASET} queries, {self.failing} failed in both, "
              f"{self.let_pass} failed in version 2 alone", file=sys.stderr)

    def compare_dataset(self, seed, document):
        self.data_dir = tempfile.mkdtemp(prefix="varve-differential-")
        self.addCleanup(shutil.rmtree, self.data_dir)
        varved = self.start()
        prometheus = Prometheus(self)
        body = body_of(document["data"])
        status, _, text = varved.write(body)
        self.assertEqual(status, 204, text)
        request = urllib.request.Request(
            f"http://127.0.0.1:{prometheus.port}/api/v1/write", body,
            {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 204)
        for case in document["queries"]:
            with self.subTest(seed=seed, **case):
                self.compare(ask(varved.port, case), ask(prometheus.port, case))
        varved.close()

    def compare(self, ours, theirs):
        if theirs["status"] != "success":
            if ours["status"] == "success" and "same labelset" in theirs["error"]:
                self.let_pass += 1
                return
            self.failing += 1
            self.assertNotEqual(ours["status"], "success", theirs)
            return
        self.assertEqual(ours["status"], "success", ours)
        mine, other = table(ours["data"]), table(theirs["data"])
        self.assertTrue(same_table(mine, other), f"varved:\n{mine}\nprometheus:\n{other}")


if __name__ == "__main__":
    unittest.main()
