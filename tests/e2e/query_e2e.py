"""The Prometheus API as Grafana and promtool ask it."""

import gzip
import json
import unittest

import remote_write as rw
from varved_process import VarvedTest

T0 = 1_700_000_000_000
T = T0 / 1000


class QueryTest(VarvedTest):
    def setUp(self):
        super().setUp()
        self.server = self.start()
        body = rw.body_v1(
            *(({"__name__": "up", "job": job, "http.code": "200"},
               [(T0 + k * 15_000, k) for k in range(20)]) for job in ("a", "b")),
            ({"__name__": "extreme"}, [(T0, 2.0 ** 60), (T0 + 15_000, float("nan"))]))
        self.assertEqual(self.server.write(body)[0], 204)

    def error(self, path, **parameters):
        status, answer = self.server.get_json(path, **parameters)
        self.assertEqual(answer["status"], "error")
        return status, answer["errorType"], answer["error"]

    def test_instant_results(self):
        def result(query, **more):
            status, answer = self.server.get_json("/api/v1/query", query=query, time=T, **more)
            self.assertEqual((status, answer["status"]), (200, "success"))
            return answer["data"]
        self.assertEqual(result('up{job="a"}'), {"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "http.code": "200", "job": "a"}, "value": [T, "0"]}]})
        self.assertEqual(result("1.5"), {"resultType": "scalar", "result": [T, "1.5"]})
        self.assertEqual(result('"text"'), {"resultType": "string", "result": [T, "text"]})
        self.assertEqual(result("extreme")["result"][0]["value"][1], "1152921504606847000")
        self.assertEqual(result("up[1m]")["resultType"], "matrix")
        self.assertEqual(result("none")["result"], [])
        self.assertEqual(len(result("up", limit=1)["result"]), 1)
        self.assertIn("totalQueryableSamples", result("up", stats="all")["stats"]["samples"])

    def test_limit_warns(self):
        _, answer = self.server.get_json("/api/v1/query", query="up", time=T, limit=1)
        self.assertEqual(answer["warnings"], ["results truncated due to limit"])

    def test_post_forms_and_times(self):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for moment in ("1700000015", "1700000015.000", "2023-11-14T22:13:35Z",
                       "2023-11-15T00:13:35%2B02:00"):
            status, _, body = self.server.request(
                "POST", "/api/v1/query", "query=sum(up)&time=" + moment, headers)
            self.assertEqual(status, 200, body)
            self.assertEqual(json.loads(body)["data"]["result"][0]["value"], [T + 15, "2"])

    def test_range(self):
        _, answer = self.server.get_json("/api/v1/query_range", query="sum(up)", start=T,
                                         end=T + 60, step="30s")
        self.assertEqual(answer["data"], {"resultType": "matrix", "result": [
            {"metric": {}, "values": [[T, "0"], [T + 30, "4"], [T + 60, "8"]]}]})

    def test_errors_in_prometheus_words(self):
        query, range_ = "/api/v1/query", "/api/v1/query_range"
        status, kind, text = self.error(query, query="sum(")
        self.assertEqual((status, kind), (400, "bad_data"))
        self.assertRegex(text, r'^invalid parameter "query": 1:\d+: parse error: ')
        self.assertEqual(self.error(query, query="up", time="noon"), (
            400, "bad_data", 'invalid parameter "time": cannot parse "noon" to a valid timestamp'))
        self.assertEqual(self.error(range_, query="up", start=T, end=T - 1, step=1), (
            400, "bad_data",
            'invalid parameter "end": end timestamp must not be before start time'))
        self.assertEqual(self.error(range_, query="up", start=T, end=T + 1, step=0)[0], 400)
        self.assertEqual(self.error(range_, query="up", start=0, end=11_001, step=1)[2],
                         "exceeded maximum resolution of 11,000 points per timeseries. Try "
                         "decreasing the query resolution (?step=XX)")
        status, _ = self.server.get_json(range_, query="up", start=0, end=11_000, step=1)
        self.assertEqual(status, 200)
        status, kind, _ = self.error(query, query='up * on() up', time=T)
        self.assertEqual((status, kind), (422, "execution"))

    def test_series_labels_and_values(self):
        get = self.server.get_json
        self.assertEqual(get("/api/v1/labels")[1]["data"], ["__name__", "http.code", "job"])
        self.assertEqual(get("/api/v1/label/job/values")[1]["data"], ["a", "b"])
        self.assertEqual(get("/api/v1/label/U__http_2e_code/values")[1]["data"], ["200"])
        self.assertEqual(get("/api/v1/label/http.code/values")[1]["data"], ["200"])
        self.assertEqual(get("/api/v1/series", match=['up{job="b"}', "extreme"])[1]["data"], [
            {"__name__": "extreme"}, {"__name__": "up", "http.code": "200", "job": "b"}])
        self.assertEqual(self.error("/api/v1/series")[:2], (400, "bad_data"))
        self.assertEqual(self.error("/api/v1/series", match="{}")[0], 400)
        self.assertEqual(get("/api/v1/labels", match="extreme")[1]["data"], ["__name__"])
        limited = get("/api/v1/label/job/values", limit=1)[1]
        self.assertEqual((limited["data"], limited["warnings"]),
                         (["a"], ["results truncated due to limit"]))

    def test_what_grafana_probes(self):
        for path in ("status/buildinfo", "status/runtimeinfo", "status/flags", "status/tsdb",
                     "rules", "alerts", "targets", "alertmanagers", "metadata",
                     "query_exemplars?query=up&start=0&end=1"):
            status, answer = self.server.get_json("/api/v1/" + path)
            self.assertEqual((path, status, answer["status"]), (path, 200, "success"))

        def data(path, **parameters):
            return self.server.get_json("/api/v1/" + path, **parameters)[1]["data"]
        self.assertEqual(data("status/tsdb")["headStats"]["numSeries"], 3)
        self.assertEqual(data("status/flags")["retention"], "forever")
        self.assertEqual(data("format_query", query="sum  (up)"), "sum(up)")
        self.assertEqual(self.server.get_json("/api/v1/nothing"), (
            404, {"status": "error", "errorType": "not_found", "error": "no such path"}))

    def test_probes_metrics_and_methods(self):
        self.assertEqual(self.server.request("GET", "/-/healthy")[0], 200)
        self.assertEqual(self.server.request("GET", "/-/ready")[0], 200)
        _, headers, body = self.server.request("GET", "/metrics")
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertIn(b"\nvarve_samples_appended_total 42\n", body)
        status, headers, _ = self.server.request("GET", "/api/v1/admin/flush")
        self.assertEqual((status, headers["Allow"]), (405, "POST"))
        self.assertEqual(self.server.request("GET", "/api/v1/write")[0], 405)

    def test_head_and_gzip(self):
        path = "/api/v1/query_range?query=up&start=%d&end=%d&step=1" % (T, T + 1000)
        _, plain_headers, plain = self.server.request("GET", path)
        self.assertNotIn("Content-Encoding", plain_headers)
        _, headers, packed = self.server.request("GET", path, headers={"Accept-Encoding": "gzip"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed), plain)
        status, headers, body = self.server.request("HEAD", path)
        self.assertEqual((status, headers["Content-Length"], body), (200, str(len(plain)), b""))


if __name__ == "__main__":
    unittest.main()
