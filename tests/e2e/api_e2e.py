"""The query API beside queries: histograms in results, exemplars, federation, deletion, plans."""

import time
import unittest

import remote_write as rw
from varved_process import VarvedTest

T0 = 1_700_000_000_000
T = T0 / 1000


class ApiTest(VarvedTest):
    def setUp(self):
        super().setUp()
        self.server = self.start("--exemplar-retention", "forever")

    def write(self, *series):
        status, _, text = self.server.write(rw.snappy(b"".join(series)))
        self.assertEqual(status, 204, text)

    def data(self, path, **parameters):
        status, answer = self.server.get_json("/api/v1" + path, **parameters)
        self.assertEqual((status, answer["status"]), (200, "success"), answer)
        return answer["data"]

    def test_histograms_in_results(self):
        self.write(
            rw.series_v1({"__name__": "h"}, [], rw.with_histograms(
                rw.histogram(T0, 18.5, [(0, 2), (1, 1)], [1, 0, 4], zero=(0.001, 2),
                             negative=([(1, 1)], [3])),
                rw.histogram(T0 + 15_000, 20, [(0, 1)], [7]))),
            rw.series_v1({"__name__": "custom"}, [], rw.with_histograms(
                rw.histogram(T0, 6, [(0, 3)], [1.0, 2.5, 0.5], schema=-53, bounds=[0.5, 1]))))
        result = self.data("/query", query="h", time=T)["result"]
        self.assertEqual(result, [{"metric": {"__name__": "h"}, "histogram": [T, {
            "count": "10", "sum": "18.5", "buckets": [
                [1, "-2", "-1", "3"], [3, "-0.001", "0.001", "2"], [0, "0.5", "1", "1"],
                [0, "4", "8", "4"]]}]}])
        result = self.data("/query", query="custom", time=T)["result"]
        self.assertEqual(result[0]["histogram"][1]["buckets"], [
            [3, "-Inf", "0.5", "1"], [0, "0.5", "1", "2.5"], [0, "1", "+Inf", "0.5"]])
        result = self.data("/query_range", query="h", start=T, end=T + 15, step=15)["result"]
        self.assertEqual([point[0] for point in result[0]["histograms"]], [T, T + 15])
        self.assertNotIn("values", result[0])

    def test_bad_histograms_are_refused_alone(self):
        status, headers, text = self.server.write(rw.snappy(rw.series_v1(
            {"__name__": "h"}, [(T0, 1)], rw.with_histograms(
                rw.histogram(T0 + 1, 1, [(0, 1)], [3], schema=77),
                rw.histogram(T0 + 2, 1, [(0, 1)], [3], count=4),
                rw.histogram(T0 + 3, 1, [(0, 1)], [3])))))
        self.assertEqual(status, 400)
        self.assertIn(b"2 of 3 histograms were refused; the others are stored\n", text)
        self.assertIn(b"invalid_histogram: 2 histograms; first: ", text)
        self.assertEqual(self.data("/query", query="histogram_count(h)", time=T + 1)["result"][0]
                         ["value"][1], "3")

    def test_exemplars(self):
        self.write(rw.series_v1({"__name__": "m", "job": "x"}, [(T0, 1)], rw.with_exemplars(
            rw.exemplar_v1(T0 + 479, 6, {"trace_id": "abc"}),
            rw.exemplar_v1(T0 + 100_000, 7, {"trace_id": "late"}))))
        wanted = [{"seriesLabels": {"__name__": "m", "job": "x"}, "exemplars": [
            {"labels": {"trace_id": "abc"}, "value": "6", "timestamp": T + 0.479}]}]
        self.assertEqual(self.data("/query_exemplars", query='rate(m{job="x"}[5m]) + none',
                                   start=T, end=T + 10), wanted)
        self.assertEqual(self.data("/query_exemplars", query="1", start=T, end=T + 10), [])
        self.assertEqual(self.data("/query_exemplars", query="other", start=T, end=T + 10), [])
        status, answer = self.server.get_json("/api/v1/query_exemplars", query="m(", start=T)
        self.assertEqual((status, answer["errorType"]), (400, "bad_data"))

    def test_deletion(self):
        self.write(*(rw.series_v1({"__name__": name}, [(T0 + k * 1000, k) for k in range(10)])
                     for name in ("a", "b")))
        path = "/api/v1/admin/tsdb/delete_series"
        self.assertEqual(self.server.request("GET", path + "?match[]=a")[0], 405)
        self.assertEqual(self.server.request("POST", path)[0], 400)
        query = f"?match[]=a&start={T + 2}&end={T + 5}"
        self.assertEqual(self.server.request("POST", path + query)[0], 204)
        for name, count in (("a", "6"), ("b", "10")):
            result = self.data("/query", query=f"count_over_time({name}[1m])", time=T + 10)
            self.assertEqual(result["result"][0]["value"][1], count)
        self.assertEqual(self.server.request("PUT", path + "?match[]=a")[0], 204)
        self.assertEqual(self.data("/query", query="a", time=T + 10)["result"], [])
        self.assertEqual(self.server.request("PUT", "/api/v1/admin/tsdb/clean_tombstones")[0], 204)
        self.assertEqual(self.data("/query", query="a", time=T + 10)["result"], [])

    def test_federation(self):
        now = int(time.time() * 1000)
        self.write(rw.series_v1({"__name__": "fresh", "a": "b"},
                                [(now - 20_000, 1), (now - 10_000, 2e6)]),
                   rw.series_v1({"__name__": "stale"}, [(now - 10_000, rw.STALE)]),
                   rw.series_v1({"__name__": "old"}, [(now - 600_000, 1)]))
        status, headers, body = self.server.request(
            "GET", "/federate?match[]={__name__=~%22.%2B%22}")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertEqual(body.decode(), "# TYPE fresh untyped\n"
                         f'fresh{{a="b",instance=""}} 2e+06 {now - 10_000}\n')

    def test_plans(self):
        self.write(rw.series_v1({"__name__": "m"}, [(T0, 1)]))
        data = self.data("/explain", query="sum(m) + 1", time=T)
        self.assertIn("plan", data)
        self.assertIn("totalQueryableSamples", data["stats"]["samples"])
        self.assertIn("plan", self.data("/explain", query="sum(m)", start=T, end=T + 60, step=15))
        status, answer = self.server.get_json("/api/v1/explain", query="sum(", time=T)
        self.assertEqual((status, answer["errorType"]), (400, "bad_data"))

    def test_trees(self):
        self.assertEqual(self.data("/parse_query", query="1")["type"], "numberLiteral")
        status, answer = self.server.get_json("/api/v1/parse_query", query="sum(")
        self.assertEqual(status, 400)
        self.assertTrue(answer["error"].startswith('invalid parameter "query": '))

    def test_query_parameters(self):
        self.write(rw.series_v1({"__name__": "m"}, [(T0 + k * 1000, k) for k in range(60)]))
        data = self.data("/query_range", query="m", start=T, end=T + 30, step=15, stats="all")
        self.assertEqual(set(data["stats"]["timings"]), {
            "evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime",
            "execQueueTime", "execTotalTime"})
        self.assertNotIn("stats", self.data("/query", query="m", time=T))
        result = self.data("/query", query="m", time=T + 90, lookback_delta="10s")["result"]
        self.assertEqual(result, [])
        status, answer = self.server.get_json("/api/v1/query", query="m", lookback_delta="x")
        self.assertEqual((status, answer["error"]), (
            400, 'error parsing lookback delta duration: cannot parse "x" to a valid duration'))

    def test_status(self):
        config = self.data("/status/config")["yaml"]
        self.assertIn('retention: "forever"\n', config)
        self.assertEqual(self.data("/status/walreplay")["current"], 0)
        self.assertIn("storageRetention", self.data("/status/runtimeinfo"))
        self.assertTrue(self.data("/features")["api"]["remote_read"])
        for path, wanted in (("/rules", {"groups": []}), ("/alerts", {"alerts": []}),
                             ("/scrape_pools", {"scrapePools": []}), ("/targets/metadata", []),
                             ("/notifications", [])):
            self.assertEqual(self.data(path), wanted)


if __name__ == "__main__":
    unittest.main()
