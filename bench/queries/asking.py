"""Asks a server for a range query and takes the time and the CPU time that it needed."""
import glob
import http.client
import json
import time
import urllib.parse


def thread_cpu_seconds(pid):
    """By thread, from the scheduler, which counts in nanoseconds."""
    seconds = {}
    for path in glob.glob(f'/proc/{pid}/task/*/schedstat'):
        try:
            with open(path) as file:
                seconds[path] = int(file.read().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):  # the thread has just ended
            pass
    return seconds


def ask(server, parameters):
    """(seconds, the server's CPU seconds, body) of one range query over a kept connection."""
    if getattr(server, 'connection', None) is None:
        server.connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=300)
        server.connection.connect()
    target = '/api/v1/query_range?' + urllib.parse.urlencode(parameters)
    cpu_before = thread_cpu_seconds(server.process.pid)
    started = time.perf_counter()
    server.connection.request('GET', target)
    answer = server.connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - started
    cpu_after = thread_cpu_seconds(server.process.pid)
    if answer.status != 200:
        raise RuntimeError(f'{server.name}: HTTP {answer.status}: {body[:300]!r}')
    cpu = sum(after - cpu_before.get(path, 0) for path, after in cpu_after.items())
    return seconds, cpu, body


def to_series(body):
    """{labels: {seconds: value}} of a matrix in JSON."""
    answer = {}
    for series in json.loads(body)['data']['result']:
        labels = tuple(sorted(series['metric'].items()))
        answer[labels] = {at: float(value) for at, value in series['values']}
    return answer


def points_per_step(answer):
    counts = {}
    for points in answer.values():
        for at in points:
            counts[at] = counts.get(at, 0) + 1
    return counts
