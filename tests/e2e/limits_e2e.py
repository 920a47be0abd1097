"""Queries that ask for too much: each ends with its limit's name, and together they leave nothing
behind."""

import os
import threading
import unittest

import remote_write as rw
from varved_process import VARVED, VarvedTest

T0 = 1_700_000_000_000
T = T0 / 1000
SERIES = 4_000
PAGE = os.sysconf("SC_PAGE_SIZE")


class LimitsTest(VarvedTest):
    def start_with_data(self, *flags):
        server = self.start("--durability", "none", *flags)
        for begin in range(0, SERIES, 1000):
            body = rw.body_v1(*(
                ({"__name__": "wide", "i": str(i), "text": "x" * 200},
                 [(T0 + k * 15_000, i + k) for k in range(40)])
                for i in range(begin, begin + 1000)))
            self.assertEqual(server.write(body)[0], 204)
        return server

    def resident(self, server):
        with open(f"/proc/{server.process.pid}/statm") as file:
            return int(file.read().split()[1]) * PAGE

    # AddressSanitizer keeps freed memory on purpose: then only the answers are looked at.
    def has_own_heap(self):
        with open(VARVED, "rb") as file:
            return b"__asan_init" in file.read()

    def ask(self, server, query, step=1):
        return server.get_json("/api/v1/query_range", query=query, start=T, end=T + 600, step=step)

    def assert_refused(self, answer, words):
        status, body = answer
        self.assertEqual((status, body["errorType"]), (422, "execution"), body)
        self.assertIn(words, body["error"])

    def test_names_of_limits(self):
        server = self.start_with_data("--query-max-samples", "100000", "--query-memory", "64MiB")
        self.assert_refused(self.ask(server, "wide"), "(limit: 100000 samples)")
        self.assert_refused(self.ask(server, "rate(wide[5m]) + rate(wide[5m])"),
                            "(limit: 100000 samples)")
        self.assertEqual(self.ask(server, "sum(wide)")[0], 200)

    def test_memory_of_selecting(self):
        server = self.start_with_data("--query-memory", "512KiB")
        self.assert_refused(self.ask(server, "count(wide)", step=60), "(limit: 524288 bytes)")
        self.assertEqual(self.ask(server, 'wide{i=~"1."}', step=60)[0], 200)

    def test_many_leave_no_memory(self):
        self.ask_too_much_often("96MiB", "(limit: 100663296 bytes)")

    def test_many_smaller_ones_leave_no_memory(self):
        self.ask_too_much_often("48MiB", "(limit: 50331648 bytes)")

    def ask_too_much_often(self, limit, words):
        server = self.start_with_data("--query-memory", limit, "--query-cache", "0")
        for _ in range(5):
            self.assert_refused(self.ask(server, "wide", step=0.25), words)
        before = self.resident(server)
        failures = []

        def many():
            for _ in range(10):
                status, _ = self.ask(server, "wide", step=0.25)
                if status != 422:
                    failures.append(status)

        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        if self.has_own_heap():
            return
        # Four at once hold up to 384 MiB; what stays is the allocator's scatter.
        self.assertLess(self.resident(server) - before, 64 << 20)


if __name__ == "__main__":
    unittest.main()
