"""OpenTelemetry's protocol over HTTP, as its senders speak it."""

import gzip
import json
import unittest

from varved_process import VarvedTest

T0_NS = 1_700_000_000_000_000_000
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}},
                           {"key": "host.name", "value": {"stringValue": "h"}}]}


def metrics(*points, name="m", resource=RESOURCE):
    return json.dumps({"resourceMetrics": [{
        "resource": resource,
        "scopeMetrics": [{"metrics": [{"name": name, "gauge": {"dataPoints": list(points)}}]}],
    }]}).encode()


def point(value, at=T0_NS):
    return {"timeUnixNano": str(at), "asDouble": value}


class OtlpTest(VarvedTest):
    def post(self, server, body, headers, path="/v1/metrics"):
        return server.request("POST", path, body, headers)

    def value(self, server, query):
        _, answer = server.get_json("/api/v1/query", query=query, time=T0_NS / 1e9)
        return [r["value"][1] for r in answer["data"]["result"]]

    def test_json_plain_and_gzipped(self):
        server = self.start()
        status, headers, body = self.post(server, metrics(point(1.5)), JSON)
        self.assertEqual((status, body), (200, b"{}"))
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(self.value(server, 'm{job="shop"}'), ["1.5"])
        self.assertEqual(self.value(server, 'target_info{host_name="h",job="shop"}'), ["1"])
        zipped = gzip.compress(metrics(point(2), name="n"))
        status, _, _ = self.post(server, zipped, {**JSON, "Content-Encoding": "gzip"},
                                 "/api/v1/otlp/v1/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(self.value(server, "n"), ["2"])

    def test_partial_success_says_how_many(self):
        server = self.start()
        body = metrics(point(1), {"asDouble": 1}, point(1, at=T0_NS * 5), resource={})
        status, _, answer = self.post(server, body, JSON)
        self.assertEqual(status, 200)
        partial = json.loads(answer)["partialSuccess"]
        self.assertEqual(partial["rejectedDataPoints"], "2")
        self.assertIn("a data point without a time", partial["errorMessage"])
        self.assertIn("too_far_in_future", partial["errorMessage"])

    def delta(self, server, at_s, value, start_s=None):
        at = T0_NS + at_s * 1_000_000_000
        times = {"timeUnixNano": str(at), "startTimeUnixNano": str(T0_NS - 60 * 1_000_000_000)}
        fields = {"aggregationTemporality": 1}
        body = {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": [
            {"name": "hits", "sum": {**fields, "isMonotonic": True,
                                     "dataPoints": [{**times, "asInt": str(value)}]}},
            {"name": "size", "histogram": {**fields, "dataPoints": [
                {**times, "count": str(value), "sum": value, "explicitBounds": [1],
                 "bucketCounts": ["0", str(value)]}]}},
            {"name": "took", "exponentialHistogram": {**fields, "dataPoints": [
                {**times, "count": str(value), "sum": value, "scale": 1,
                 "positive": {"offset": at_s % 3, "bucketCounts": [str(value)]}}]}},
        ]}]}]}
        status, _, answer = self.post(server, json.dumps(body).encode(), JSON)
        self.assertEqual(status, 200)
        return json.loads(answer)

    def totals(self, server):
        return [self.value(server, q) for q in (
            "hits_total", 'size_bucket{le="+Inf"}', "size_sum", "histogram_count(took)",
            "histogram_sum(took)")]

    def test_deltas_add_up_across_resends_and_kills(self):
        server = self.start()
        self.assertEqual(self.delta(server, -30, 3), {})
        self.assertEqual(self.delta(server, -20, 4), {})
        self.assertEqual(self.totals(server), [["7"]] * 5)
        self.assertEqual(self.delta(server, -20, 4), {})  # the same again is not counted
        self.assertEqual(self.totals(server), [["7"]] * 5)
        server.kill()
        server = self.start()
        self.assertEqual(self.delta(server, -20, 4), {})
        self.assertEqual(self.delta(server, -10, 5), {})
        self.assertEqual(self.totals(server), [["12"]] * 5)
        partial = self.delta(server, -15, 1)["partialSuccess"]
        self.assertEqual(partial["rejectedDataPoints"], "3")
        self.assertIn("before the last one of its series", partial["errorMessage"])
        self.assertEqual(self.totals(server), [["12"]] * 5)
        self.assertEqual(self.value(server, "histogram_quantile(1, took) > bool 0"), ["1"])

    def test_an_empty_request_succeeds(self):
        server = self.start()
        self.assertEqual(self.post(server, b"", PROTOBUF)[::2], (200, b""))
        self.assertEqual(self.post(server, b"{}", JSON)[::2], (200, b"{}"))

    def test_refusals_say_why(self):
        server = self.start("--max-body-bytes", "10kB")
        status, headers, body = self.post(server, b"\x0a\x05ab", PROTOBUF)
        self.assertEqual((status, headers["Content-Type"]), (400, "application/x-protobuf"))
        self.assertIn(b"byte 1 of 4", body)
        status, _, body = self.post(server, b'{"resourceMetrics":5}', JSON)
        self.assertEqual((status, json.loads(body)["code"]), (400, 3))
        self.assertEqual(self.post(server, b"x", {"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(self.post(server, b"x", {**JSON, "Content-Encoding": "br"})[0], 415)
        self.assertEqual(self.post(server, b"x", {**JSON, "Content-Encoding": "gzip"})[0], 400)
        self.assertEqual(self.post(server, b"x", {**JSON, "Content-Encoding": "zstd"})[0], 400)
        bomb = gzip.compress(b" " * 1_000_000)
        self.assertEqual(self.post(server, bomb, {**JSON, "Content-Encoding": "gzip"})[0], 413)


if __name__ == "__main__":
    unittest.main()
