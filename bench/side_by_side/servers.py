"""The servers under comparison: how each is started, asked and measured. Everything listens on
loopback and is ended by its process id."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

PAGE_BYTES = os.sysconf('SC_PAGE_SIZE')
TICKS_PER_SECOND = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def disk_bytes(path):
    """Allocated bytes below a directory, as du counts them (hard links once)."""
    seen = set()
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                status = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                total += status.st_blocks * 512
    return total


def apparent_bytes(path):
    """Bytes of the files below a directory."""
    return sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(path)
        for name in names
    )


class Server:
    name = ''
    write_path = '/api/v1/write'
    query_parameters = {}

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.port = 0
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts the server and returns the seconds until it answers a query."""
        os.makedirs(self.directory, exist_ok=True)
        self.port = free_port()
        self.log = open(self.directory.rstrip('/') + '.log', 'ab')
        started = time.monotonic()
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log)
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(
                    f'{self.name} ended with {self.process.returncode}; see {self.log.name}'
                )
            try:
                if self.get('/api/v1/query', {'query': '1'})[0] == 200:
                    return time.monotonic() - started
            except OSError:
                pass
            time.sleep(0.002)

    def get(self, path, parameters, timeout=120):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            connection.request('GET', path + '?' + urllib.parse.urlencode(parameters))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def cpu_seconds(self):
        with open(f'/proc/{self.process.pid}/stat') as file:
            fields = file.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def resident_bytes(self):
        with open(f'/proc/{self.process.pid}/statm') as file:
            return int(file.read().split()[1]) * PAGE_BYTES

    def settle(self, quiet_seconds=2.0, limit_seconds=60.0):
        """Waits until the server's background work rests."""
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(quiet_seconds)
            if self.cpu_seconds() - before < 0.05 * quiet_seconds:
                return

    def flush(self):
        """Makes everything written visible to queries."""

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Varve(Server):
    name = 'varve'
    durability = 'sync'

    def command(self):
        return [
            self.binary,
            '--data-dir',
            self.directory,
            '--listen',
            f'127.0.0.1:{self.port}',
            '--otlp-grpc',
            'off',
            '--retention',
            'forever',
            '--durability',
            self.durability,
        ]

    def flush_to_disk(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=600)
        connection.request('POST', '/api/v1/admin/flush')
        assert connection.getresponse().status < 300
        connection.close()


    def post(self, path):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=600)
        try:
            connection.request('POST', path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            return json.loads(body)['data']
        finally:
            connection.close()

    def metric(self, name):
        _, body = self.get('/metrics', {})
        for line in body.decode().splitlines():
            if line.startswith(name + ' '):
                return float(line.split()[1])
        raise KeyError(name)

    def compact(self):
        report = self.post('/api/v1/admin/compact')
        report['journalBytes'] = self.metric('varve_journal_written_bytes_total')
        return report

    def bytes_written(self):
        """What the process had written to the disk."""
        with open(f'/proc/{self.process.pid}/io') as file:
            fields = dict(line.split(': ') for line in file)
        return int(fields['write_bytes'])

    def series_count(self):
        return self.post('/api/v1/admin/verify')['series']

    def bytes_by_kind(self):
        """Of samples and of the index, as `verify` counts the parts' families."""
        families = self.post('/api/v1/admin/verify')['familyBytes']
        return {
            'data_bytes': families.get('chunks', 0) + families.get('time_columns', 0),
            'index_bytes': families.get('series', 0) + families.get('postings', 0),
        }


class VictoriaMetrics(Server):
    name = 'victoria-metrics'
    query_parameters = {'nocache': '1'}

    def command(self):
        return [
            self.binary,
            f'-storageDataPath={self.directory}',
            f'-httpListenAddr=127.0.0.1:{self.port}',
            '-retentionPeriod=100y',
            '-search.latencyOffset=0s',
            '-search.maxSeries=1000000',
            '-search.maxUniqueTimeseries=1000000',
        ]

    def flush(self):
        self.get('/internal/force_flush', {})


class Prometheus(Server):
    name = 'prometheus'

    def command(self):
        config = self.directory + '.yml'
        with open(config, 'w') as file:
            file.write('global: {scrape_interval: 1h}\n')
        return [
            self.binary,
            f'--config.file={config}',
            f'--storage.tsdb.path={self.directory}',
            f'--web.listen-address=127.0.0.1:{self.port}',
            '--web.enable-remote-write-receiver',
            '--storage.tsdb.retention.time=100y',
        ]


def query_milliseconds(server, expression, start, end, step, runs):
    """Wall times of a range query in ms, ascending, and how many series and points it answered."""
    times = []
    body = b'{}'
    parameters = {
        'query': expression,
        'start': start,
        'end': end,
        'step': step,
        **server.query_parameters,
    }
    for _ in range(runs):
        started = time.perf_counter()
        status, body = server.get('/api/v1/query_range', parameters)
        times.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise RuntimeError(f'{server.name}: HTTP {status}: {body[:300]!r}')
    result = json.loads(body)['data']['result']
    return sorted(times), len(result), sum(len(series['values']) for series in result)
