"""Clients that are slow, rude or no HTTP clients at all."""

import os
import socket
import unittest

import remote_write as rw
from varved_process import VarvedTest


class TransportTest(VarvedTest):
    def connect(self, server):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.addCleanup(client.close)
        return client

    def exchange(self, server, data):
        """Everything that comes back until the server closes."""
        client = self.connect(server)
        client.sendall(data)
        answer = b""
        while True:
            try:
                piece = client.recv(65536)
            except ConnectionResetError:
                return answer
            if not piece:
                return answer
            answer += piece

    def assert_alive(self, server):
        self.assertEqual(server.request("GET", "/-/healthy")[0], 200)

    def test_garbage(self):
        server = self.start()
        for data in (b"\x16\x03\x01\x00\xa5\x01\x00", b"\0" * 5000,
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     os.urandom(20_000) + b"\r\n\r\n"):
            answer = self.exchange(server, data)
            self.assertIn(answer[:12], (b"HTTP/1.1 400", b"HTTP/1.1 505", b"HTTP/1.1 431"))
        self.assert_alive(server)

    def test_slow_header_and_body(self):
        server = self.start("--header-timeout", "200ms", "--body-timeout", "200ms",
                            "--idle-timeout", "200ms")
        self.assertEqual(self.exchange(server, b"GET /-/heal")[:12], b"HTTP/1.1 408")
        slow_body = b"POST /api/v1/write HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"
        self.assertEqual(self.exchange(server, slow_body)[:12], b"HTTP/1.1 408")
        self.assertEqual(self.exchange(server, b""), b"")
        self.assert_alive(server)

    def test_large_header(self):
        server = self.start()
        self.assertEqual(self.exchange(server, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)[:12],
                         b"HTTP/1.1 431")

    def test_body_length_is_refused_before_it_arrives(self):
        server = self.start()
        self.assertEqual(self.exchange(server, b"POST /api/v1/write HTTP/1.1\r\n"
                                               b"Content-Length: 99999999999\r\n\r\n")[:12],
                         b"HTTP/1.1 413")

    def test_connection_limit(self):
        server = self.start("--max-connections", "3")
        held = [self.connect(server) for _ in range(3)]
        for client in held:  # answered, so surely counted
            client.sendall(b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(client.recv(12), b"HTTP/1.1 200")
        self.assertEqual(self.exchange(server, b"")[:12], b"HTTP/1.1 503")

    def test_pipelined_and_chunked_writes(self):
        server = self.start()
        body = rw.body_v1(({"__name__": "m"}, [(1_700_000_000_000, 1)]))
        head = (b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n")
        plain = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        size = b"%x" % len(body)
        chunked = (head + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + body +
                   b"\r\n0\r\n\r\n")
        last = b"GET /-/ready HTTP/1.0\r\n\r\n"
        answer = self.exchange(server, plain + chunked + plain + last)
        self.assertEqual(answer.count(b"HTTP/1.1 204"), 3)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 1)

    def test_clients_that_leave(self):
        server = self.start()
        for data in (b"", b"GE", b"POST /api/v1/write HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc",
                     b"GET /api/v1/query?query=1 HTTP/1.1\r\n\r\n"):
            client = self.connect(server)
            client.sendall(data)
            client.close()
        self.assert_alive(server)


if __name__ == "__main__":
    unittest.main()
