"""OpenTelemetry's SDK for Node.js as a sender, over gRPC, HTTP/protobuf and HTTP/JSON.

./dev test --e2e installs the SDK and names its folder in VARVE_OTEL_SDK; without it, skipped.
"""

import os
import re
import subprocess
import sys
import unittest

from varved_process import VarvedTest

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = sorted(f"sdk-{protocol}-{coding}" for protocol in ("grpc", "protobuf", "json")
               for coding in ("none", "gzip"))


class SdkTest(VarvedTest):
    def test_every_protocol_arrives(self):
        sdk = os.environ.get("VARVE_OTEL_SDK")
        if not sdk:
            message = "SKIPPED: no OpenTelemetry SDK; ./dev test --e2e installs it"
            print(message, file=sys.stderr)
            self.skipTest(message)
        server = self.start("--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0")
        http = re.search(r"OTLP on http://([^,]+)", server.ready_line).group(1)
        grpc = re.search(r"OTLP on grpc://([^,]+)", server.ready_line).group(1)
        sent = subprocess.run(["node", os.path.join(HERE, "otel_sdk", "send.js"), http, grpc],
                              cwd=sdk, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, check=False)
        self.assertEqual((sent.returncode, sent.stdout), (0, b""))
        query = ('{ span.list = "x" && span.int = 7 && event:name = "happened" } > '
                 '{ status = error && statusMessage = "broken" }')
        found = server.get_json("/api/search", q=query)[1]["traces"]
        self.assertEqual(sorted(t["rootServiceName"] for t in found), NAMES)
        self.assertEqual(server.get_json("/jaeger/api/services")[1]["data"], NAMES)
        for metric, value in (("sdk_hits_total", "3"), ("sdk_latency_milliseconds_count", "1")):
            result = server.get_json("/api/v1/query", query=metric)[1]["data"]["result"]
            self.assertEqual(sorted(r["metric"]["job"] for r in result), NAMES)
            self.assertEqual({r["value"][1] for r in result}, {value})


if __name__ == "__main__":
    unittest.main()
