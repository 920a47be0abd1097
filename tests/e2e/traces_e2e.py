"""Spans in as OpenTelemetry sends them, traces out as Tempo's and Jaeger's clients ask for them."""

import base64
import hashlib
import http.client
import json
import os
import random
import struct
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

from varved_process import VarvedTest

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
NOW_NS = time.time_ns() - 60_000_000_000


def shared_file(name):
    shared = os.environ.get("VARVE_SHARED") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")
    path = os.path.join(shared, "data", name)
    if not os.path.exists(path):
        message = f"SKIPPED: no {path}; set VARVE_SHARED to check against real traces"
        print(message, file=sys.stderr)
        raise unittest.SkipTest(message)
    return path


def attribute(key, value):
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {"key": key, "value": {kind[type(value)]: str(value) if type(value) is int else value}}


def span(trace, number, parent=0, name="op", start=0, ms=10, kind=1, error=False, **attributes):
    return {
        "traceId": f"{trace:032x}", "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "", "name": name, "kind": kind,
        "startTimeUnixNano": str(NOW_NS + start * 1_000_000),
        "endTimeUnixNano": str(NOW_NS + (start + ms) * 1_000_000),
        "attributes": [attribute(k.replace("__", "."), v) for k, v in attributes.items()],
        "status": {"code": 2, "message": "broken"} if error else {},
    }


def traces(**by_service):
    return json.dumps({"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", service),
                                    attribute("host.name", "h1")]},
        "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": spans}],
    } for service, spans in by_service.items()]}).encode()


def shop():
    get = span(1, 1, name="GET /", ms=50, kind=2, http__status=200, http__route="/")
    get["links"] = [{"traceId": f"{2:032x}", "spanId": f"{1:016x}"}]
    query = span(1, 3, 2, name="SELECT", start=2, ms=5, kind=3, error=True, db="pg", n=7, f=1.5)
    query["events"] = [{"timeUnixNano": str(NOW_NS + 3_000_000), "name": "retry",
                        "attributes": [attribute("attempt", 2)]}]
    listing = span(1, 2, 1, name="list", start=1, ms=30, kind=2)
    return traces(gateway=[get], catalog=[listing, query])


class TracesTest(VarvedTest):
    def post(self, server, body, headers=JSON):
        status, _, answer = server.request("POST", "/v1/traces", body, headers)
        self.assertEqual(status, 200, answer)
        return answer

    def search(self, server, query, **parameters):
        status, answer = server.get_json("/api/search", q=query, **parameters)
        self.assertEqual(status, 200, answer)
        return answer["traces"]

    def ids(self, server, query, **parameters):
        return [t["traceID"] for t in self.search(server, query, limit=1_000_000, **parameters)]

    def test_trace_by_id_as_tempo_gives_it(self):
        server = self.start()
        self.assertEqual(self.post(server, shop()), b"{}")
        for path in ("/api/traces/1", f"/api/traces/{1:032x}"):
            status, answer = server.get_json(path)
            self.assertEqual(status, 200)
            names = {s["name"] for b in answer["batches"] for ss in b["scopeSpans"]
                     for s in ss["spans"]}
            self.assertEqual(names, {"GET /", "list", "SELECT"})
        status, answer = server.get_json("/api/v2/traces/1")
        self.assertEqual(answer["status"], "COMPLETE")
        spans = {s["name"]: s for b in answer["trace"]["resourceSpans"]
                 for ss in b["scopeSpans"] for s in ss["spans"]}
        get = spans["GET /"]
        self.assertEqual(get["kind"], "SPAN_KIND_SERVER")
        self.assertEqual(base64.b64decode(get["traceId"]).hex(), f"{1:032x}")
        self.assertEqual(base64.b64decode(get["links"][0]["spanId"]).hex(), f"{1:016x}")
        self.assertEqual(spans["SELECT"]["status"],
                         {"message": "broken", "code": "STATUS_CODE_ERROR"})
        self.assertEqual(spans["SELECT"]["events"][0]["attributes"][0]["value"],
                         {"intValue": "2"})
        status, headers, body = server.request("GET", "/api/traces/1", None,
                                               {"Accept": "application/protobuf"})
        self.assertEqual((status, headers["Content-Type"]), (200, "application/protobuf"))
        self.assertIn(b"SELECT", body)
        # What came out goes in again and is the same trace.
        self.post(server, body, PROTOBUF)
        self.assertEqual(server.request("GET", "/api/traces/1", None,
                                        {"Accept": "application/protobuf"})[2], body)
        self.assertEqual(server.request("GET", "/api/traces/3")[0], 404)
        self.assertEqual(server.request("GET", "/api/v2/traces/3")[0], 404)
        self.assertEqual(server.request("GET", "/api/traces/xyz")[0], 400)

    def test_search_as_tempo_answers_it(self):
        server = self.start()
        self.post(server, shop())
        self.post(server, traces(gateway=[span(2, 1, name="POST /", start=5000, ms=1, kind=2)]))
        found = self.search(server, "{ status = error && span.n > 5 } | select(span.f, kind)")
        self.assertEqual(len(found), 1)
        trace = found[0]
        self.assertEqual(trace["traceID"], f"{1:032x}")
        self.assertEqual((trace["rootServiceName"], trace["rootTraceName"]), ("gateway", "GET /"))
        self.assertEqual(trace["startTimeUnixNano"], str(NOW_NS))
        self.assertEqual(trace["durationMs"], 50)
        self.assertEqual(trace["spanSet"], trace["spanSets"][0])
        self.assertEqual(trace["spanSets"][0]["matched"], 1)
        self.assertEqual(trace["serviceStats"]["catalog"], {"spanCount": 2, "errorCount": 1})
        shown = {a["key"]: a["value"] for a in trace["spanSets"][0]["spans"][0]["attributes"]}
        self.assertEqual(shown, {"status": {"stringValue": "error"}, "n": {"intValue": "7"},
                                 "f": {"doubleValue": 1.5}, "kind": {"stringValue": "client"}})
        status, headers, body = server.request("GET", "/api/search?q=%7B%7D", None,
                                               {"Accept": "application/protobuf"})
        self.assertEqual((status, headers["Content-Type"]), (200, "application/protobuf"))
        self.assertIn(b"\x0a\x20" + f"{2:032x}".encode(), body)
        self.assertEqual(self.ids(server, "{}"), [f"{2:032x}", f"{1:032x}"])
        self.assertEqual([t["traceID"] for t in self.search(server, "{}", limit=1)], [f"{2:032x}"])
        start = NOW_NS // 1_000_000_000
        self.assertEqual(self.ids(server, "{}", start=start - 1, end=start + 1), [f"{1:032x}"])
        for tags, expected in (("service.name=catalog", 1), ("http.status=200 name=GET", 1),
                               ("http.route=/nowhere", 0), ('db="pg" error=true', 1)):
            status, answer = server.get_json("/api/search", tags=tags)
            self.assertEqual((status, len(answer["traces"])), (200, expected), tags)
        status, answer = server.get_json("/api/search", minDuration="40ms", maxDuration="60ms")
        self.assertEqual([t["traceID"] for t in answer["traces"]], [f"{1:032x}"])
        for bad in ({"q": "{ foo }"}, {"q": "{}", "limit": "x"}, {"q": "{} | rate()"},
                    {"q": "{}", "start": "9", "end": "3"}, {"tags": "a=1 a=2"},
                    {"tags": "a=1", "q": "{}"}, {"start": "3", "end": "3"},
                    {"minDuration": "soon"}):
            query = urllib.parse.urlencode(bad)
            self.assertEqual(server.request("GET", "/api/search?" + query)[0], 400, bad)

    def test_tags_values_metrics_and_what_grafana_probes(self):
        server = self.start()
        self.post(server, shop())
        status, answer = server.get_json("/api/search/tags")
        self.assertLessEqual({"http.status", "service.name", "db"}, set(answer["tagNames"]))
        status, answer = server.get_json("/api/v2/search/tags")
        scopes = {s["name"]: s["tags"] for s in answer["scopes"]}
        self.assertIn("host.name", scopes["resource"])
        self.assertIn("attempt", scopes["event"])
        self.assertIn("status", scopes["intrinsic"])
        scopes = server.get_json("/api/v2/search/tags", scope="span")[1]["scopes"]
        self.assertEqual([s["name"] for s in scopes], ["span"])
        values = server.get_json("/api/v2/search/tag/resource.service.name/values")[1]["tagValues"]
        self.assertEqual([v["value"] for v in values], ["catalog", "gateway"])
        values = server.get_json("/api/v2/search/tag/status/values")[1]["tagValues"]
        self.assertIn({"type": "keyword", "value": "error"}, values)
        values = server.get_json("/api/v2/search/tag/name/values",
                                 q='{ resource.service.name = "gateway" }')[1]["tagValues"]
        self.assertEqual([v["value"] for v in values], ["GET /"])
        self.assertEqual(server.get_json("/api/search/tag/http.status/values")[1]["tagValues"],
                         ["200"])
        start = NOW_NS // 1_000_000_000
        status, answer = server.get_json("/api/metrics/query_range", start=start - 60,
                                         end=start + 60, step="60s",
                                         q="{} | count_over_time() by (resource.service.name)")
        self.assertEqual(status, 200)
        by_service = {s["labels"][0]["value"]["stringValue"]: sum(p["value"] for p in s["samples"])
                      for s in answer["series"]}
        self.assertEqual(by_service, {"catalog": 2, "gateway": 1})
        status, answer = server.get_json("/api/metrics/query", start=start - 60, end=start + 60,
                                         q="{} | max_over_time(duration)")
        self.assertEqual(answer["series"][0]["value"], 0.05)
        self.assertEqual(server.request("GET", "/api/echo")[2], b"echo")
        self.assertEqual(server.request("GET", "/ready")[0], 200)
        self.assertIn("version", server.get_json("/api/status/buildinfo")[1])

    def test_jaeger_both_ways(self):
        server = self.start()
        self.post(server, shop())
        self.assertEqual(server.get_json("/jaeger/api/services")[1]["data"], ["catalog", "gateway"])
        self.assertEqual(server.get_json("/jaeger/api/services/catalog/operations")[1]["data"],
                         ["SELECT", "list"])
        answer = server.get_json("/jaeger/api/operations", service="catalog", spanKind="client")[1]
        self.assertEqual(answer["data"], [{"name": "SELECT", "spanKind": "client"}])
        status, answer = server.get_json("/jaeger/api/traces", service="catalog",
                                         tags='{"n":"7","error":"true"}', limit=5)
        self.assertEqual((status, answer["total"]), (200, 1))
        trace = answer["data"][0]
        self.assertEqual(trace["traceID"], f"{1:016x}")
        spans = {s["operationName"]: s for s in trace["spans"]}
        query = spans["SELECT"]
        tags = {t["key"]: (t["type"], t["value"]) for t in query["tags"]}
        self.assertEqual(tags["n"], ("int64", 7))
        self.assertEqual(tags["span.kind"], ("string", "client"))
        self.assertEqual(tags["error"], ("bool", True))
        self.assertEqual(query["references"],
                         [{"refType": "CHILD_OF", "traceID": f"{1:016x}", "spanID": f"{2:016x}"}])
        self.assertEqual(spans["GET /"]["references"][0]["refType"], "FOLLOWS_FROM")
        self.assertEqual(query["duration"], 5000)
        self.assertEqual(query["logs"][0]["fields"][0],
                         {"key": "event", "type": "string", "value": "retry"})
        process = trace["processes"][query["processID"]]
        self.assertEqual(process["serviceName"], "catalog")
        for nothing in ({"operation": "nope"}, {"tag": "n:8"}, {"minDuration": "1s"},
                        {"start": 1, "end": 2}):
            answer = server.get_json("/jaeger/api/traces", service="catalog", **nothing)[1]
            self.assertEqual(answer["data"], [], nothing)
        status, answer = server.get_json("/jaeger/api/traces/1")
        self.assertEqual(len(answer["data"][0]["spans"]), 3)
        self.assertEqual(server.request("GET", "/jaeger/api/traces/2")[0], 404)
        self.assertEqual(server.request("GET", "/jaeger/api/traces")[0], 400)

        self.assertEqual(server.get_json("/jaeger/api/v3/services")[1],
                         {"services": ["catalog", "gateway"]})
        window = {"query.startTimeMin": "2020-01-01T00:00:00Z",
                  "query.startTimeMax": "2100-01-01T00:00:00.000000001Z"}
        status, answer = server.get_json("/jaeger/api/v3/traces",
                                         **{"query.serviceName": "gateway", **window})
        self.assertEqual(status, 200)
        first = answer["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        self.assertEqual((first["traceId"], first["kind"]), (f"{1:032x}", 2))
        status, answer = server.get_json("/jaeger/api/v3/traces/1")
        self.assertEqual(status, 200)
        summary = server.get_json("/jaeger/api/v3/trace-summaries", **window)[1]["summaries"][0]
        self.assertEqual((summary["spanCount"], summary["errorSpanCount"],
                          summary["orphanSpanCount"]), (3, 1, 0))
        self.assertEqual(server.request("GET", "/jaeger/api/v3/traces")[0], 400)

    def test_what_was_sent_twice_is_there_once_and_survives(self):
        server = self.start("--durability", "sync")
        for _ in range(3):
            self.post(server, shop())
        twin = span(1, 3, 2, name="other", start=2)  # of the same id: another span
        self.post(server, traces(catalog=[twin]))

        def check(server):
            found = self.search(server, "{}", spss=0)
            self.assertEqual([t["spanSets"][0]["matched"] for t in found], [4])

        check(server)
        server.kill()
        server = self.start("--durability", "sync")
        check(server)
        for step in ("flush", "compact"):
            self.assertLess(server.request("POST", "/api/v1/admin/" + step)[0], 300)
            check(server)
            self.post(server, shop())
            check(server)

    def test_a_trace_of_100_000_spans(self):
        server = self.start()
        for begin in range(0, 100_000, 10_000):
            self.post(server, traces(big=[
                span(7, i + 1, parent=i // 8, name=f"n{i % 10}", start=i % 1000, n=i)
                for i in range(begin, begin + 10_000)]))
        for step in (None, "flush", "compact"):
            if step:
                server.request("POST", "/api/v1/admin/" + step)
            found = self.search(server, "{ span.n = 99999 } | select(nestedSetParent)")
            self.assertEqual(found[0]["serviceStats"], {"big": {"spanCount": 100_000}})
            status, answer = server.get_json("/api/traces/7")
            count = sum(len(ss["spans"]) for b in answer["batches"] for ss in b["scopeSpans"])
            self.assertEqual((status, count), (200, 100_000))

    def last(self, server, query):
        """The newest value of every series."""
        _, answer = server.get_json("/api/v1/query", query=query)
        return {tuple(sorted(r["metric"].items())): float(r["value"][1])
                for r in answer["data"]["result"]}

    def test_span_metrics_go_on_over_kill_9(self):
        server = self.start()
        self.post(server, shop())
        for _ in range(3):
            server.kill()
            server = self.start()
            self.post(server, shop())  # again: not counted
        late = span(9, 1)
        late["startTimeUnixNano"] = str(NOW_NS - 2 * 3600 * 10**9)
        self.post(server, traces(gateway=[span(8, 1, name="GET /", kind=2), late]))
        server.request("POST", "/api/v1/admin/flush")
        calls = self.last(server, "sum by (service, span_name) (traces_spanmetrics_calls_total)")
        self.assertEqual(calls, {
            (("service", "gateway"), ("span_name", "GET /")): 2,
            (("service", "catalog"), ("span_name", "list")): 1,
            (("service", "catalog"), ("span_name", "SELECT")): 1})
        errors = self.last(
            server, 'traces_spanmetrics_calls_total{status_code="STATUS_CODE_ERROR"}')
        self.assertEqual(list(errors.values()), [1])
        count = self.last(server, "sum(histogram_count(traces_spanmetrics_latency))")
        self.assertEqual(list(count.values()), [4])
        _, _, metrics = server.request("GET", "/metrics")
        self.assertIn(b"varve_span_metrics_late_spans_total 1", metrics)
        _, answer = server.get_json("/api/v1/query_exemplars", query="traces_spanmetrics_latency",
                                    start=NOW_NS / 1e9 - 60, end=NOW_NS / 1e9 + 600)
        self.assertIn(f"{1:032x}", json.dumps(answer))

    def test_calls_between_services(self):
        server = self.start()
        for i in range(3):
            self.post(server, traces(
                shop=[span(20 + i, 1, name="call", kind=3)],
                cart=[span(20 + i, 2, 1, name="get", kind=2, error=i == 0)]))
            self.post(server, traces(cart=[span(20 + i, 3, 2, kind=3, db__system="redis")]))
        server.request("POST", "/api/v1/admin/flush")
        answer = server.get_json("/jaeger/api/dependencies")[1]
        self.assertEqual(answer["data"], [
            {"parent": "cart", "child": "redis", "callCount": 3},
            {"parent": "shop", "child": "cart", "callCount": 3}])
        answer = server.get_json("/jaeger/api/v3/dependencies", endTs=1, lookback=1)[1]
        self.assertEqual(answer, {"dependencies": []})
        failed = self.last(server, 'traces_service_graph_request_failed_total{server="cart"}')
        self.assertEqual(list(failed.values()), [1])

    def test_kills_under_load_lose_and_double_nothing(self):
        """Senders that try again until they are answered, kill -9 and flushes in between."""
        bodies, calls_per_body = [], 20
        for i in range(600):
            own = [span(1 + i * calls_per_body + k, 1, name="call", start=i, kind=3)
                   for k in range(calls_per_body)]
            # The other ends of the calls of the body before.
            other = [span(1 + (i - 1) * calls_per_body + k, 2, 1, name="get", start=i, kind=2)
                     for k in range(calls_per_body)] if i else []
            bodies.append(traces(shop=own, cart=other))
        flags = ("--durability", "sync")
        server = self.start(*flags)
        current, at, lock = [server], iter(bodies), threading.Lock()

        def send():
            while True:
                with lock:
                    body = next(at, None)
                if body is None:
                    return
                while True:
                    try:
                        if current[0].request("POST", "/v1/traces", body, JSON)[0] == 200:
                            break
                    except OSError:
                        time.sleep(0.01)
                    except http.client.HTTPException:
                        pass

        def flush(of):
            try:
                of.request("POST", "/api/v1/admin/flush")
            except (OSError, http.client.HTTPException):
                pass

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        random_ = random.Random(3)
        kills = 0
        while any(thread.is_alive() for thread in threads):
            time.sleep(random_.uniform(0.01, 0.1))
            if random_.random() < 0.5:
                threading.Thread(target=flush, args=(current[0],)).start()
                time.sleep(random_.uniform(0, 0.03))
            current[0].kill()
            kills += 1
            current[0] = self.start(*flags)
        for thread in threads:
            thread.join()
        server = current[0]
        self.assertGreater(kills, 0)
        server.request("POST", "/api/v1/admin/flush")
        calls = self.last(server, "sum by (service) (traces_spanmetrics_calls_total)")
        count = len(bodies) * calls_per_body
        self.assertEqual(calls, {(("service", "shop"),): count,
                                 (("service", "cart"),): count - calls_per_body})
        found = self.search(server, "{}", limit=1_000_000, spss=1)
        self.assertEqual(sum(t["spanSets"][0]["matched"] for t in found),
                         2 * count - calls_per_body)
        edges = server.get_json("/jaeger/api/dependencies")[1]["data"]
        self.assertEqual(edges, [
            {"parent": "shop", "child": "cart", "callCount": count - calls_per_body}])

    def check_span_metrics(self, server, answers):
        """Against what is known of the real traces; ends that nobody answers take 10 s."""
        deadline = time.time() + 60
        expected = {k.replace("ext:", ""): v["calls"]
                    for k, v in answers["service_graph"]["edges"].items()}
        while True:
            server.request("POST", "/api/v1/admin/flush")
            edges = {}
            for labels, value in self.last(server, "traces_service_graph_request_total").items():
                labels = dict(labels)
                edges[f'{labels["client"]} -> {labels["server"]}'] = value
            if edges == expected or time.time() > deadline:
                break
            time.sleep(1)
        self.assertEqual(edges, expected)
        of_services = ('sum by (service) (traces_spanmetrics_calls_total{span_kind=~'
                       '"SPAN_KIND_(SERVER|CONSUMER)"%s})')
        for field, matcher in (("calls", ""), ("errors", ',status_code="STATUS_CODE_ERROR"')):
            rows = {k: v[field] for k, v in answers["red_by_service"]["rows"].items() if v[field]}
            counted = {dict(k)["service"]: v
                       for k, v in self.last(server, of_services % matcher).items()}
            self.assertEqual(counted, rows)

    def check_answers(self, server, answers):
        extra = {"has_links": "{ link:spanID != nil }",
                 "traces_without_root_span": "{ trace:rootName = nil }",
                 "traces_with_orphan_spans": "{ nestedSetParent = 0 }"}
        for name, answer in answers["queries"].items():
            query = extra.get(name, answer["traceql"])
            found = self.search(server, query, limit=1_000_000, spss=1)
            ids = sorted(t["traceID"] for t in found)
            starts = [int(t["startTimeUnixNano"]) for t in found]
            self.assertEqual(hashlib.sha256("\n".join(ids).encode()).hexdigest(),
                             answer["sha256_of_sorted_ids"], name)
            self.assertEqual(starts, sorted(starts, reverse=True), name)
            if "spans" in answer:
                matched = sum(s["matched"] for t in found for s in t["spanSets"])
                self.assertEqual(matched, answer["spans"], name)

    def check_jaeger(self, server, answers):
        """What of the known answers Jaeger's API can ask for."""
        questions = {
            "payment_errors": {"service": "payment", "tag": "error:true"},
            "resource_version_7_2_1": {"service": "pricing", "tag": "service.version:7.2.1"},
            "slow_product_route": {"service": "gateway", "minDuration": "250.000001ms",
                                   "tags": json.dumps({"http.route": "/product/:sku",
                                                       "span.kind": "server"})},
        }
        for name, question in questions.items():
            answer = server.get_json("/jaeger/api/traces", start=1, end=2**63 // 1000,
                                     limit=100_000, **question)[1]
            ids = sorted(t["traceID"].rjust(32, "0") for t in answer["data"])
            self.assertEqual(hashlib.sha256("\n".join(ids).encode()).hexdigest(),
                             answers["queries"][name]["sha256_of_sorted_ids"], name)
        for trace in answers["traces_by_id"]:
            answer = server.get_json("/jaeger/api/traces/" + trace["trace_id"])[1]
            found = answer["data"][0]
            ids = sorted(s["spanID"] for s in found["spans"])
            self.assertEqual(hashlib.sha256("\n".join(ids).encode()).hexdigest(),
                             trace["span_ids_sha256"])
            services = {p["serviceName"] for p in found["processes"].values()}
            self.assertEqual(sorted(services), trace["services"])

    def test_real_traces_have_the_known_answers(self):
        with open(shared_file("traces.answers.json"), encoding="utf-8") as file:
            answers = json.load(file)
        pack = subprocess.run(["zstd", "-dcq", shared_file("traces.otlppack.zst")], check=True,
                              stdout=subprocess.PIPE).stdout
        flags = ("--trace-retention", "forever", "--span-metrics-slack", "10000d")
        server = self.start(*flags)
        at = 0
        while at < len(pack):
            (size,) = struct.unpack_from("<I", pack, at)
            self.post(server, pack[at + 4:at + 4 + size], PROTOBUF)
            at += 4 + size
        self.check_answers(server, answers)
        server.kill()
        server = self.start(*flags)
        self.check_span_metrics(server, answers)
        for step in ("flush", "compact"):
            server.request("POST", "/api/v1/admin/" + step)
            self.check_answers(server, answers)
        self.check_jaeger(server, answers)
        for trace in answers["traces_by_id"]:
            status, answer = server.get_json("/api/v2/traces/" + trace["trace_id"])
            spans = [s for b in answer["trace"]["resourceSpans"] for ss in b["scopeSpans"]
                     for s in ss["spans"]]
            self.assertEqual(len(spans), trace["spans"])
            ids = sorted(base64.b64decode(s["spanId"]).hex() for s in spans)
            self.assertEqual(hashlib.sha256("\n".join(ids).encode()).hexdigest(),
                             trace["span_ids_sha256"])


if __name__ == "__main__":
    unittest.main()
