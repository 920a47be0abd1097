"""Debian's promtool and prometheus as clients: what they read through Varve is what Varve says.

They are looked for in $VARVE_PEERS (./dev test --peer sees to it)."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import remote_read as rr
import remote_write as rw
from varved_process import VarvedTest

PEERS = os.environ.get("VARVE_PEERS", "")
T0 = 1_700_000_000_000
T = T0 / 1000


def peer(name):
    path = os.path.join(PEERS, name)
    return path if PEERS and os.path.exists(path) else None


class PeerTest(VarvedTest):
    def setUp(self):
        if peer("prometheus") is None or peer("promtool") is None:
            print("SKIPPED: $VARVE_PEERS holds no prometheus and promtool; run ./dev test --peer",
                  file=sys.stderr)
            self.skipTest("no peers")
        super().setUp()
        self.server = self.start()
        self.body = rw.snappy(
            b"".join(rw.series_v1({"__name__": "requests", "job": job},
                                  [(T0 + k * 15_000, k * k * scale) for k in range(100)])
                     for job, scale in (("a", 1), ("b", 2.5))) +
            rw.series_v1({"__name__": "ended"}, [(T0, 1), (T0 + 15_000, rw.STALE)]) +
            rw.series_v1({"__name__": "latency"}, [], rw.with_histograms(*(
                rw.histogram(T0 + k * 15_000, k * 1.5, [(0, 2), (1, 1)], [k, 2 * k, 3 * k],
                             zero=(0.001, k), negative=([(0, 1)], [k])) for k in range(100)))) +
            rw.series_v1({"__name__": "weights"}, [], rw.with_histograms(*(
                rw.histogram(T0 + k * 15_000, k * 1.5, [(0, 2)], [k * 0.5, k + 0.25])
                for k in range(100)))))
        status, _, text = self.server.write(self.body)
        self.assertEqual(status, 204, text)


class PromtoolTest(PeerTest):
    def promtool(self, *arguments):
        done = subprocess.run([peer("promtool"), "query", *arguments], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def url(self):
        return f"http://127.0.0.1:{self.server.port}"

    def test_instant(self):
        out = self.promtool("instant", "--time", str(T + 30), self.url(), "sum by (job) (requests)")
        self.assertEqual(sorted(out.split("\n")), sorted([
            "", '{job="a"} => 4 @[1700000030]', '{job="b"} => 10 @[1700000030]']))

    def test_range(self):
        out = self.promtool("range", "--start", str(T), "--end", str(T + 60), "--step", "30s",
                            self.url(), 'requests{job="a"}')
        self.assertEqual(out.strip(), 'requests{job="a"} =>\n0 @[1700000000]\n4 @[1700000030]\n'
                         "16 @[1700000060]")

    def test_series_and_labels(self):
        out = self.promtool("series", "--match", "requests", "--start", str(T), "--end",
                            str(T + 60), self.url())
        self.assertEqual(sorted(out.strip().split("\n")), [
            '{__name__="requests", job="a"}', '{__name__="requests", job="b"}'])
        out = self.promtool("labels", "--start", str(T), "--end", str(T + 60), self.url(), "job")
        self.assertEqual(out.split(), ["a", "b"])


class RemoteReadTest(PeerTest):
    def start_prometheus(self, config=""):
        directory = tempfile.mkdtemp(prefix="varve-peer-")
        self.addCleanup(shutil.rmtree, directory)
        with open(os.path.join(directory, "prometheus.yml"), "w", encoding="utf-8") as out:
            out.write(config)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with open(os.path.join(directory, "log"), "wb") as log:
            process = subprocess.Popen(
                [peer("prometheus"), "--config.file", os.path.join(directory, "prometheus.yml"),
                 "--storage.tsdb.path", os.path.join(directory, "data"),
                 "--storage.tsdb.retention.time", "100y",
                 "--web.listen-address", f"127.0.0.1:{port}", "--web.enable-remote-write-receiver",
                 "--enable-feature=native-histograms"], stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready"):
                    return f"http://127.0.0.1:{port}"
            except (urllib.error.URLError, ConnectionError):
                self.assertIsNone(process.poll())
                time.sleep(0.1)  # a foreign program that says by nothing else that it is ready
        self.fail("prometheus did not get ready")
        return None

    @staticmethod
    def ask(url, **parameters):
        with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}") as answer:
            return json.load(answer)

    def test_prometheus_reads_through_varve(self):
        prometheus = self.start_prometheus(
            f"remote_read:\n  - url: http://127.0.0.1:{self.server.port}/api/v1/read\n"
            "    read_recent: true\n")
        # Off the samples' times: since version 3 the left end of a range is open.
        span = {"start": T + 7, "end": T + 1807, "step": 60}
        for query in ("requests", "sum(rate(requests[5m]))", 'requests{job!="a"} offset 5m',
                      'count_over_time({__name__=~"req.*"}[10m])'):
            with self.subTest(query):
                theirs = self.ask(prometheus + "/api/v1/query_range", query=query, **span)
                _, ours = self.server.get_json("/api/v1/query_range", query=query, **span)
                self.assertEqual(theirs["data"], ours["data"])
                self.assertTrue(ours["data"]["result"])
        ended = self.ask(prometheus + "/api/v1/query", query="ended", time=T + 20)
        self.assertEqual(ended["data"]["result"], [])  # the stale marker went through
        series = self.ask(prometheus + "/api/v1/series", **{
            "match[]": "requests", "start": T, "end": T + 60})
        self.assertEqual([item["job"] for item in series["data"]], ["a", "b"])

    # Version 2.42 reads no histograms from afar, but it answers with them.
    def test_varve_streams_the_chunks_that_prometheus_does(self):
        prometheus = self.start_prometheus()
        request = urllib.request.Request(prometheus + "/api/v1/write", self.body, rr.HEADERS)
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 204)
        question = rr.question((T0, T0 + 10_000_000, [(rr.MATCH, "__name__", ".+")]),
                               accepted=(rr.CHUNKS,))
        request = urllib.request.Request(prometheus + "/api/v1/read", question, rr.HEADERS)
        with urllib.request.urlopen(request) as answer:
            theirs = rr.chunks_answer(answer.read())
        _, _, body = self.server.request("POST", "/api/v1/read", question, rr.HEADERS)
        ours = rr.chunks_answer(body)
        self.assertEqual([labels for _, labels, _ in ours], [labels for _, labels, _ in theirs])
        for mine, other in zip(ours, theirs):
            self.assertEqual(mine, other)


if __name__ == "__main__":
    unittest.main()
