"""Starts varved on a free loopback port, speaks HTTP to it, and ends it by its own process id."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse

VARVED = os.environ["VARVED"]
VARVE = os.environ["VARVE"]


class Server:
    def __init__(self, data_dir, *flags):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [VARVED, "--data-dir", data_dir, "--listen", "127.0.0.1:0", *flags],
            stdout=subprocess.PIPE, stderr=self.log)
        self.ready_line = self.process.stdout.readline().decode()
        match = re.search(r"http://127\.0\.0\.1:(\d+)", self.ready_line)
        if match is None:
            self.process.wait()
            raise AssertionError("varved did not start: " + self.errors())
        self.port = int(match.group(1))

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode()

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def get_json(self, path, **parameters):
        """Status and decoded answer; a parameter may be a list."""
        names = {"match": "match[]"}
        query = urllib.parse.urlencode(
            {names.get(name, name): value for name, value in parameters.items()}, doseq=True)
        status, _, body = self.request("GET", path + ("?" + query if query else ""))
        return status, json.loads(body)

    def write(self, body, headers=None):
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                   **(headers or {})}
        return self.request("POST", "/api/v1/write", body, headers)

    def kill(self):
        """As kill -9 does."""
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def stop(self):
        """As a service manager does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.close()
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class VarvedTest(unittest.TestCase):
    def setUp(self):
        self.data_dir = tempfile.mkdtemp(prefix="varve-e2e-")
        self.addCleanup(shutil.rmtree, self.data_dir)

    def start(self, *flags):
        server = Server(self.data_dir, "--retention", "forever", *flags)
        self.addCleanup(server.close)
        self.addCleanup(server.log.close)
        return server
