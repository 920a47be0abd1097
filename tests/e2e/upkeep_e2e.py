"""What an operator does: compact, retention, snapshot, backup, restore, verify; by the server and
by the tool."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import durability_e2e as data
import remote_write as rw
from varved_process import VARVE, Server, VarvedTest


def varve(*arguments):
    done = subprocess.run([VARVE, *arguments], capture_output=True, text=True, timeout=120,
                          check=False)
    return done.returncode, done.stdout, done.stderr


class UpkeepTest(VarvedTest):
    def setUp(self):
        super().setUp()
        self.elsewhere = tempfile.mkdtemp(prefix="varve-e2e-")
        self.addCleanup(shutil.rmtree, self.elsewhere)

    def filled(self, *flags):
        server = self.start(*flags)
        for first in (0, 20):
            self.assertEqual(server.write(data.batch(first, 20))[0], 204)
            self.assertEqual(server.request("POST", "/api/v1/admin/flush")[0], 204)
        return server

    def url(self, server):
        return f"http://127.0.0.1:{server.port}"

    def test_compact(self):
        server = self.filled()
        status, _, body = server.request("POST", "/api/v1/admin/compact")
        self.assertEqual(status, 200)
        report = json.loads(body)["data"]
        self.assertEqual((report["partsBefore"], report["partsAfter"]), (2, 1))
        self.assertLess(report["bytesAfter"], report["bytesBefore"])
        self.assertEqual(data.values(server), data.EXPECTED)
        self.assertEqual(server.write(data.batch(0, 1))[0], 204)
        self.assertEqual(varve("compact", "--server", self.url(server))[0], 0)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(varve("compact", "--data-dir", self.data_dir)[0], 0)
        self.assertEqual(data.values(self.start()), data.EXPECTED)

    def test_retention_by_rule(self):
        # Nothing goes on its own while the test looks: what is asked is what would go later.
        server = self.start("--retention-rules", '{i=~"1."}=1d; {i="5"}=forever')
        now = int(time.time()) * 1000
        body = rw.body_v1(*(({"__name__": "m", "i": str(i)}, [(now - 60_000, i)])
                            for i in range(20)))
        self.assertEqual(server.write(body)[0], 204)
        self.assertEqual(server.request("POST", "/api/v1/admin/flush")[0], 204)

        def going(at):
            code, out, err = varve("retention", "--server", self.url(server), "--at", str(at))
            self.assertEqual(code, 0, err)
            return [(part["rule"], part["reason"], part["series"])
                    for part in json.loads(out)["data"]]

        self.assertEqual(going(now / 1000), [])
        self.assertEqual(going(now / 1000 + 86400), [('{i=~"1."}', "age", 10)])
        self.assertEqual(len(going(now / 1000 + 10_000 * 86400)), 1)
        code, _, err = varve("retention", "--server", self.url(server), "--at", "noon")
        self.assertNotEqual(code, 0)
        self.assertIn("noon", err)

    def test_what_is_out_of_retention_goes(self):
        server = self.filled("--retention-rules", '{i=~"1."}=1d; {i="5"}=forever')
        self.assertEqual(server.request("POST", "/api/v1/admin/compact")[0], 200)
        self.assertEqual(data.values(server),
                         {k: v for k, v in data.EXPECTED.items() if not 10 <= int(k) < 20})

    def test_downsampling(self):
        server = self.filled("--downsample", "{}=1m:1d:forever,1h:1d:forever")
        self.assertEqual(server.request("POST", "/api/v1/admin/compact")[0], 200)
        status, answer = server.get_json(
            "/api/v1/explain", query="max_over_time(m[1m])", start=data.T0 / 1000 - 20,
            end=data.T0 / 1000 + 100, step="60")
        self.assertEqual(status, 200)
        self.assertIn('"rollupRows"', json.dumps(answer))
        self.assertEqual(server.stop(), 0)
        with self.assertRaisesRegex(AssertionError, "5m:1d"):
            self.start("--downsample", "{}=5m:1d")
        with self.assertRaisesRegex(AssertionError, "does not divide a day"):
            self.start("--downsample", "{}=7m:1d:1y")

    def test_a_bad_rule_is_named(self):
        with self.assertRaisesRegex(AssertionError, "retention-rules"):
            self.start("--retention-rules", "{i=~\"(\"}=1d")
        with self.assertRaisesRegex(AssertionError, "1parsec"):
            self.start("--retention-rules", '{i="1"}=1parsec')

    def test_snapshot(self):
        server = self.filled()
        self.assertEqual(server.write(data.batch(0, 1))[0], 204)
        status, _, body = server.request("POST", "/api/v1/admin/tsdb/snapshot")
        self.assertEqual(status, 200)
        name = json.loads(body)["data"]["name"]
        snapshot = os.path.join(self.data_dir, "snapshots", name)
        self.assertEqual(varve("verify", "--data-dir", snapshot)[0], 0)
        copy = Server(snapshot, "--retention", "forever")
        self.addCleanup(copy.log.close)
        self.addCleanup(copy.close)
        self.assertEqual(data.values(copy), data.EXPECTED)

    def test_backup_and_restore(self):
        server = self.filled()
        backups = os.path.join(self.elsewhere, "backups")
        arguments = ("backup", "--data-dir", self.data_dir, "--to", backups)
        code, out, err = varve(*arguments, "--server", self.url(server))
        self.assertEqual(code, 0, err)
        self.assertEqual(os.listdir(os.path.join(self.data_dir, "snapshots")), [])
        self.assertEqual(server.stop(), 0)
        code, out, err = varve(*arguments, "--keep", "1")
        self.assertEqual(code, 0, err)
        self.assertEqual(len(varve("backups", backups)[1].splitlines()), 1)
        restored = os.path.join(self.elsewhere, "restored")
        code, out, err = varve("restore", "--from", backups, "--to", restored)
        self.assertEqual(code, 0, err)
        self.assertNotEqual(varve("restore", "--from", backups, "--to", restored)[0], 0)
        self.assertEqual(varve("verify", "--data-dir", restored)[0], 0)
        copy = Server(restored, "--retention", "forever")
        self.addCleanup(copy.log.close)
        self.addCleanup(copy.close)
        self.assertEqual(data.values(copy), data.EXPECTED)

    def test_verify_names_what_is_damaged(self):
        server = self.filled()
        self.assertEqual(server.request("POST", "/api/v1/admin/compact")[0], 200)
        status, answer = server.get_json("/api/v1/admin/parts")
        self.assertEqual((status, len(answer["data"])), (200, 1))
        self.assertEqual(answer["data"][0]["series"], 40)
        status, answer = server.get_json("/api/v1/status/tsdb", scope="all")
        self.assertEqual(answer["data"]["numSeries"], 40)
        self.assertEqual(answer["data"]["seriesCountByMetricName"], [{"name": "m", "value": 40}])
        self.assertEqual(server.get_json("/api/v1/status/tsdb", scope="some")[0], 400)
        code, out, _ = varve("verify", "--server", self.url(server))
        self.assertEqual((code, json.loads(out)["data"]["faults"]), (0, []))
        self.assertEqual(server.stop(), 0)
        self.assertEqual(varve("verify", "--data-dir", self.data_dir)[0], 0)
        store = os.path.join(self.data_dir, "store")
        table = sorted(name for name in os.listdir(store) if name.endswith(".sst"))[-1]
        with open(os.path.join(store, table), "r+b") as file:
            file.seek(100)
            byte = file.read(1)[0]
            file.seek(100)
            file.write(bytes([byte ^ 1]))
        code, out, _ = varve("verify", "--data-dir", self.data_dir, "--json")
        self.assertEqual(code, 1)
        faults = json.loads(out)["faults"]
        self.assertTrue(any(table in fault["what"] for fault in faults), faults)
        self.assertEqual(varve("verify", "--data-dir", self.elsewhere)[0], 2)
        code, out, err = varve("repair", "--data-dir", self.data_dir)
        self.assertIn(code, (0, 1), err)
        self.assertIn("1 parts and 0 other files replaced", out)
        self.assertTrue(out.endswith("sound\n"), out)
        self.assertTrue(os.listdir(os.path.join(self.data_dir, "quarantine")))
        self.assertEqual(varve("verify", "--data-dir", self.data_dir)[0], 0)
        self.assertEqual(varve("repair", "--data-dir", self.data_dir)[1], "sound\n")
        code, out, err = varve("inspect", "--data-dir", self.data_dir, "--limit", "3")
        self.assertEqual(code, 0, err)
        self.assertIn("series, each once", out)
        self.assertEqual(varve("inspect", "--data-dir", self.elsewhere)[0], 1)


if __name__ == "__main__":
    unittest.main()
