"""Remote write as senders meet it: answers, partial refusals, pressure."""

import time
import unittest

import remote_write as rw
from varved_process import VarvedTest

T0 = 1_700_000_000_000
ONE = rw.body_v1(({"__name__": "m"}, [(T0, 1)]))


class IngestTest(VarvedTest):
    def count(self, server, query="count({__name__=~'.+'})"):
        _, answer = server.get_json("/api/v1/query", query=query, time=T0 / 1000)
        result = answer["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    def test_v1_and_v2_succeed(self):
        server = self.start()
        status, headers, body = server.write(ONE)
        self.assertEqual((status, body), (204, b""))
        self.assertNotIn("X-Prometheus-Remote-Write-Samples-Written", headers)
        v2 = rw.body_v2(({"__name__": "n", "a": "b"}, [(T0, 1), (T0 + 1, 2)], (1, "", "")))
        status, headers, _ = server.write(v2, rw.V2_HEADERS)
        self.assertEqual(status, 204)
        self.assertEqual(headers["X-Prometheus-Remote-Write-Samples-Written"], "2")
        self.assertEqual(headers["X-Prometheus-Remote-Write-Histograms-Written"], "0")
        self.assertEqual(headers["X-Prometheus-Remote-Write-Exemplars-Written"], "0")
        self.assertEqual(self.count(server), 2)

    def test_undecodable_is_400_with_the_place(self):
        server = self.start()
        status, _, body = server.write(b"\xff\xff\xff")
        self.assertEqual(status, 400)
        status, _, body = server.write(rw.snappy(b"\x0a\x05\x0a\x7fabc"))
        self.assertEqual(status, 400)
        self.assertRegex(body.decode(), r"^byte \d+ of 7 .*expected the length of a label")
        status, headers, _ = server.write(rw.snappy(b"\x22\x01x"), rw.V2_HEADERS)
        self.assertEqual(status, 400)
        self.assertEqual(headers["X-Prometheus-Remote-Write-Samples-Written"], "0")

    def test_wrong_type_and_encoding_are_415(self):
        server = self.start()
        for headers in ({"Content-Type": "application/json"}, {"Content-Encoding": "gzip"},
                        {"Content-Type": "application/x-protobuf;proto=some.Other"}):
            status, _, body = server.write(ONE, headers)
            self.assertEqual(status, 415)
            value = list(headers.values())[0].split("proto=")[-1]
            self.assertIn(value, body.decode())

    def test_too_large_is_413(self):
        server = self.start("--max-body-bytes", "10kB")
        self.assertEqual(server.write(b"x" * 10_001)[0], 413)
        # Small as sent, large as it says of itself.
        self.assertEqual(server.write(rw.varint(20_000) + b"x" * 2000)[0], 413)
        self.assertEqual(server.write(ONE)[0], 204)

    def test_bad_samples_are_refused_alone(self):
        server = self.start("--max-series", "3")
        future = int(time.time() * 1000) + 3 * 3_600_000
        body = rw.snappy(
            rw.series_v1({"__name__": "good"}, [(T0, 1)]) +
            rw.series_v1({"__name__": "late"}, [(future, 1), (T0, 2)]) +
            rw.series_v1({}, [(T0, 1)]) +
            rw.series_v1({"__name__": b"\xff"}, [(T0, 1)]) +
            rw.series_v1({"__name__": "third"}, [(T0, 1)]) +
            rw.series_v1({"__name__": "over"}, [(T0, 1)]))
        status, _, text = server.write(body)
        text = text.decode()
        self.assertEqual(status, 400)
        for reason in ("too_far_in_future: 1 samples", "no_labels: 1 samples",
                       "invalid_label_value: 1 samples", "series_limit: 1 samples"):
            self.assertIn(reason, text)
        self.assertRegex(text, r"^4 of 7 samples were refused; the others are stored\n")
        self.assertEqual(self.count(server), 3)
        _, _, metrics = server.request("GET", "/metrics")
        self.assertIn(b'varve_samples_rejected_total{reason="series_limit"} 1\n', metrics)

    def test_bad_exemplars_are_named_and_the_rest_kept(self):
        server = self.start()
        label = rw.bytes_field(1, rw.bytes_field(1, "a") + rw.bytes_field(2, "b"))
        exemplar = rw.bytes_field(3, label + label + rw.varint_field(3, T0))
        body = rw.snappy(rw.series_v1({"__name__": "h"}, [(T0, 1)], exemplar))
        status, _, text = server.write(body)
        self.assertEqual(status, 400)
        self.assertIn(b"1 of 1 exemplars were refused; the others are stored\n", text)
        self.assertIn(b"invalid_exemplar: 1 exemplars; first: ", text)
        self.assertEqual(self.count(server), 1)

    def test_full_disk_is_507_and_queries_go_on(self):
        server = self.start()
        self.assertEqual(server.write(ONE)[0], 204)
        self.assertEqual(server.stop(), 0)
        server = self.start("--free-disk-floor", "1000000TiB")
        status, headers, body = server.write(ONE)
        self.assertEqual(status, 507)
        self.assertIn(b"free disk", body)
        self.assertGreater(int(headers["Retry-After"]), 0)
        self.assertEqual(self.count(server), 1)

    def test_full_memory_is_429(self):
        server = self.start("--head-memory", "1B")
        statuses = []
        for i in range(200):
            body = rw.body_v1(*(({"__name__": "m", "i": str(k)}, [(T0 + i, i * 0.1)])
                                for k in range(200)))
            status, headers, _ = server.write(body)
            statuses.append(status)
            if status == 429:
                self.assertGreater(int(headers["Retry-After"]), 0)
                break
        self.assertIn(429, statuses)
        self.assertLessEqual(set(statuses), {204, 429})


if __name__ == "__main__":
    unittest.main()
