"""What was acknowledged is there: after a restart, after kill -9, after a flush."""

import unittest

import remote_write as rw
from varved_process import VarvedTest

T0 = 1_700_000_000_000


def values(server, query="m", start=T0, end=T0 + 60_000):
    """{series label i: [value text, ...]} of a range query at the samples' own times."""
    status, answer = server.get_json("/api/v1/query_range", query=query, start=start / 1000,
                                     end=end / 1000, step="15")
    assert status == 200, answer
    return {item["metric"]["i"]: [value for _, value in item["values"]]
            for item in answer["data"]["result"]}


def batch(first, count):
    return rw.body_v1(*(({"__name__": "m", "i": str(i)},
                         [(T0 + k * 15_000, i + k / 4) for k in range(5)])
                        for i in range(first, first + count)))


def text(value):
    return repr(value)[:-2] if value == int(value) else repr(value)


EXPECTED = {str(i): [text(i + k / 4) for k in range(5)] for i in range(40)}


class DurabilityTest(VarvedTest):
    def write(self, server, first, count):
        status, _, body = server.write(batch(first, count))
        self.assertEqual((status, body), (204, b""))

    def test_restart(self):
        server = self.start()
        self.write(server, 0, 40)
        self.assertEqual(values(server), EXPECTED)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(values(self.start()), EXPECTED)

    def test_kill(self):
        server = self.start()
        self.write(server, 0, 40)
        server.kill()
        self.assertEqual(values(self.start()), EXPECTED)

    def test_kill_after_flush_and_more(self):
        server = self.start()
        self.write(server, 0, 20)
        self.assertEqual(server.request("POST", "/api/v1/admin/flush")[0], 204)
        self.assertEqual(values(server), {k: v for k, v in EXPECTED.items() if int(k) < 20})
        self.write(server, 20, 20)
        server.kill()
        server = self.start()
        self.assertEqual(values(server), EXPECTED)
        self.assertEqual(server.request("POST", "/api/v1/admin/flush")[0], 204)
        self.assertEqual(values(server), EXPECTED)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(values(self.start()), EXPECTED)

    def test_metadata_survives(self):
        server = self.start()
        body = rw.body_v2(({"__name__": "m", "i": "0"}, [(T0, 1)], (1, "What it is.", "s")))
        self.assertEqual(server.write(body, rw.V2_HEADERS)[0], 204)
        expected = {"m": [{"type": "counter", "help": "What it is.", "unit": "s"}]}
        self.assertEqual(server.get_json("/api/v1/metadata")[1]["data"], expected)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.start().get_json("/api/v1/metadata")[1]["data"], expected)

    def test_every_durability(self):
        for first, mode in ((0, "interval"), (20, "none")):
            server = self.start("--durability", mode)
            self.write(server, first, 20)
            server.kill()
        self.assertEqual(values(self.start()), EXPECTED)


if __name__ == "__main__":
    unittest.main()
