"""The programs as processes: command line, signals, exit codes, the lock on a directory."""

import json
import os
import subprocess
import tempfile
import unittest

import remote_write as rw
from varved_process import VARVE, VARVED, VarvedTest

T0 = 1_700_000_000_000


def run(*command):
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class ProcessTest(VarvedTest):
    def test_ready_line_names_address_and_data(self):
        server = self.start()
        self.assertRegex(server.ready_line,
                         r"^varved \S+ is ready on http://127\.0\.0\.1:\d+, data in ")
        self.assertIn(self.data_dir, server.ready_line)

    def test_sigterm_exits_0(self):
        self.assertEqual(self.start().stop(), 0)

    def test_second_instance_is_refused(self):
        server = self.start()
        code, out, errors = run(VARVED, "--data-dir", self.data_dir, "--listen", "127.0.0.1:0")
        self.assertEqual((code, out), (1, ""))
        self.assertIn(self.data_dir, errors)
        self.assertEqual(server.request("GET", "/-/ready")[0], 200)

    def test_port_in_use_is_refused(self):
        server = self.start()
        with tempfile.TemporaryDirectory() as other:
            address = "127.0.0.1:%d" % server.port
            code, _, errors = run(VARVED, "--data-dir", other, "--listen", address)
            self.assertEqual(code, 1)
            self.assertIn(address, errors)

    def test_command_line(self):
        code, out, _ = run(VARVED, "--help")
        self.assertEqual(code, 0)
        for flag in ("--data-dir", "--listen", "--otlp-grpc", "--durability", "--retention"):
            self.assertIn(flag, out)
        self.assertEqual(run(VARVED, "--version")[0], 0)
        code, _, errors = run(VARVED, "--durability", "maybe")
        self.assertEqual(code, 2)
        self.assertIn('--durability: "maybe"', errors)

    def test_yaml(self):
        path = os.path.join(self.data_dir, "varve.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("max_series: 7\nretention: 5d\n")
        server = self.start("--config", path)
        flags = server.get_json("/api/v1/status/flags")[1]["data"]
        self.assertEqual((flags["max-series"], flags["retention"]), ("7", "forever"))
        with open(path, "a", encoding="utf-8") as file:
            file.write("speling: 1\n")
        code, _, errors = run(VARVED, "--config", path)
        self.assertEqual(code, 2)
        self.assertIn(path + ':3: unknown key "speling"', errors)

    def test_tool(self):
        server = self.start()
        body = rw.body_v1(({"__name__": "m", "a": "b"}, [(T0, 1.5), (T0 + 15_000, 2)]))
        self.assertEqual(server.write(body)[0], 204)
        address = "http://127.0.0.1:%d" % server.port
        code, out, _ = run(VARVE, "query", "--server", address, "m", "--time", str(T0 / 1000))
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["data"]["result"][0]["value"][1], "1.5")
        code, _, errors = run(VARVE, "query", "--data-dir", self.data_dir, "m")
        self.assertEqual(code, 1)
        self.assertIn(self.data_dir, errors)
        self.assertEqual(server.stop(), 0)

        moment = str(T0 / 1000)
        code, out, errors = run(VARVE, "query", "--data-dir", self.data_dir, "m", "--time", moment)
        self.assertEqual((code, out.split()), (0, ["1700000000", "1.5", 'm{a="b"}']), errors)
        code, out, _ = run(VARVE, "query", "--data-dir", self.data_dir, "sum(m)", "--json",
                           "--start", moment, "--end", str(T0 / 1000 + 15), "--step", "15")
        self.assertEqual(json.loads(out)["data"]["result"], [
            {"metric": {}, "values": [[T0 / 1000, "1.5"], [T0 / 1000 + 15, "2"]]}])
        code, _, errors = run(VARVE, "query", "--data-dir", self.data_dir, "sum(")
        self.assertEqual(code, 1)
        self.assertIn("parse error", errors)
        code, out, _ = run(VARVE, "stats", "--data-dir", self.data_dir)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"head series +1\n")
        self.assertEqual(run(VARVE, "stats", "--data-dir", self.data_dir + "/none")[0], 1)


if __name__ == "__main__":
    unittest.main()
