"""Remote read as Prometheus' clients ask it."""

import unittest

import remote_read as rr
import remote_write as rw
from varved_process import VarvedTest

T0 = 1_700_000_000_000


class RemoteReadTest(VarvedTest):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        self.write(
            rw.series_v1({"__name__": "up", "job": "a"}, [(T0 + k * 1000, k) for k in range(300)]),
            rw.series_v1({"__name__": "up", "job": "b"}, [(T0, 1), (T0 + 1000, rw.STALE)]),
            rw.series_v1({"__name__": "h", "näme.x": "y"}, [], rw.with_histograms(
                rw.histogram(T0, 5, [(0, 2)], [1, 2]),
                rw.histogram(T0 + 1000, 5, [(0, 2)], [1.5, 2.0]))))

    def write(self, *series):
        self.assertEqual(self.server.write(rw.snappy(b"".join(series)))[0], 204)

    def read(self, *queries, accepted=()):
        status, headers, body = self.server.request(
            "POST", "/api/v1/read", rr.question(*queries, accepted=accepted), rr.HEADERS)
        self.assertEqual(status, 200, body)
        return headers, body

    def test_samples(self):
        headers, body = self.read((T0, T0 + 2000, [(rr.EQUAL, "__name__", "up")]),
                                  (T0, T0 + 2000, [(rr.MATCH, "__name__", "h|none")]))
        self.assertEqual(headers["Content-Encoding"], "snappy")
        self.assertEqual(headers["Content-Type"], "application/x-protobuf")
        ups, histograms = rr.samples_answer(body)
        self.assertEqual(ups[0], ({"__name__": "up", "job": "a"},
                                  [(T0, 0.0), (T0 + 1000, 1.0), (T0 + 2000, 2.0)], []))
        labels, samples, _ = ups[1]
        self.assertEqual(labels["job"], "b")
        self.assertTrue(samples[1][1] != samples[1][1])  # the stale marker is passed on
        labels, samples, both = histograms[0]
        self.assertEqual(labels, {"__name__": "h", "näme.x": "y"})
        self.assertEqual([h.get(1) for h in both], [3, None])  # integers stay integers
        self.assertEqual([h.get(2) for h in both], [None, 3.5])

    def test_chunks(self):
        wanted = [(T0, T0 + 1_000_000, [(rr.EQUAL, "__name__", "up")]),
                  (T0, T0 + 1_000_000, [(rr.EQUAL, "__name__", "h")])]
        headers, body = self.read(*wanted, accepted=(rr.CHUNKS, rr.SAMPLES))
        self.assertEqual(headers["Content-Type"],
                         "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
        frames = rr.chunks_answer(body)
        self.assertEqual([(index, labels.get("job")) for index, labels, _ in frames],
                         [(0, "a"), (0, "b"), (1, None)])
        bounds = [(low - T0, high - T0, kind) for low, high, kind, _ in frames[0][2]]
        self.assertEqual(bounds, [(0, 119_000, 1), (120_000, 239_000, 1), (240_000, 299_000, 1)])
        self.assertEqual([kind for _, _, kind, _ in frames[2][2]], [2, 3])

    def test_long_answers_are_streamed(self):
        for start in range(0, 200, 20):
            self.write(*(rw.series_v1({"__name__": "many", "i": str(i)},
                                      [(T0 + k * 1000, (i * k) ** 0.5) for k in range(1000)])
                         for i in range(start, start + 20)))
        headers, body = self.read((T0, T0 + 10_000_000, [(rr.EQUAL, "__name__", "many")]),
                                  accepted=(rr.CHUNKS,))
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        frames = rr.chunks_answer(body)
        self.assertEqual(len(frames), 200)
        names = [labels["i"] for _, labels, _ in frames]
        self.assertEqual(names, sorted(names))

    def test_errors(self):
        status, _, body = self.server.request("POST", "/api/v1/read", b"\xff", rr.HEADERS)
        self.assertEqual(status, 400)
        bad = rr.question((T0, T0, [(rr.MATCH, "a", "(")]))
        for accepted in ((), (rr.CHUNKS,)):
            bad = rr.question((T0, T0, [(rr.MATCH, "a", "(")]), accepted=accepted)
            self.assertEqual(self.server.request("POST", "/api/v1/read", bad, rr.HEADERS)[0], 400)
        self.assertEqual(self.server.request("GET", "/api/v1/read")[0], 405)


if __name__ == "__main__":
    unittest.main()
