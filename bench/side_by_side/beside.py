#!/usr/bin/env python3
"""What compaction costs those who write and ask meanwhile.

  bench/side_by_side/beside.py [--series 20000] [--seconds 20]

Measures how many samples a second varved takes at most; then sends half of that while a query is
asked again and again, twice: with nothing else going on, and with compactions of everything, one
after the other. Prints achieved rates, times of writes and of queries, and ratios."""
import argparse
import multiprocessing
import os
import shutil
import socket
import subprocess
import threading
import time

import packs
import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOW_MS = 1_700_000_000_000
HISTORY = 6


def generate(work, name, series, minutes, end_ms, seed):
    path = os.path.join(work, name + '.rwpack')
    subprocess.run(
        [
            os.path.join(ROOT, 'build/release/bin/bench_workload'),
            *('--out', path, '--series', str(series), '--minutes', str(minutes)),
            *('--end-ms', str(end_ms), '--seed', str(seed)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return packs.Pack(path)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def send_paced(pack, port, samples_per_second, seconds, results):
    """Sends records on a schedule; puts (samples sent, seconds, times of each) into results."""
    head = (
        f'POST /api/v1/write HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Encoding: snappy\r\n'
        'Content-Type: application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n'
        'Content-Length: %d\r\n\r\n'
    ).encode()
    view = memoryview(pack.bytes)
    connection = socket.create_connection(('127.0.0.1', port), 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    started = time.monotonic()
    sent = 0
    times = []
    for (at, length), (_, samples) in zip(pack.records, pack.index):
        due = started + sent / samples_per_second
        if due > started + seconds:
            break
        time.sleep(max(0, due - time.monotonic()))
        before = time.monotonic()
        status, text = packs.post(connection, head, view[at : at + length])
        if status >= 300:
            raise RuntimeError(f'HTTP {status}: {text[:300]!r}')
        times.append(time.monotonic() - before)
        sent += samples
    results.put((sent, time.monotonic() - started, times))


def ask(server, query, until, times):
    while time.monotonic() < until:
        before = time.monotonic()
        status, body = server.get('/api/v1/query_range', query)
        if status != 200:
            raise RuntimeError(f'HTTP {status}: {body[:300]!r}')
        times.append(time.monotonic() - before)
        time.sleep(0.02)


def compact(server, until, counts):
    while time.monotonic() < until:
        server.post('/api/v1/admin/compact')
        counts.append(1)


def phase(server, pack, rate, seconds, query, with_compaction):
    results = multiprocessing.Queue()
    until = time.monotonic() + seconds
    query_times = []
    compactions = []
    threads = [threading.Thread(target=ask, args=(server, query, until, query_times))]
    if with_compaction:
        threads.append(threading.Thread(target=compact, args=(server, until, compactions)))
    sender = multiprocessing.Process(
        target=send_paced, args=(pack, server.port, rate, seconds, results)
    )
    sender.start()
    for thread in threads:
        thread.start()
    sent, took, write_times = results.get()
    sender.join()
    for thread in threads:
        thread.join()
    name = 'compacting' if with_compaction else 'alone'
    print(
        f'{name:11} {sent / took / 1e6:6.3f} M samples/s of {rate / 1e6:.3f}; '
        f'writes p50 {percentile(write_times, 0.5) * 1e3:.2f} ms, '
        f'p99 {percentile(write_times, 0.99) * 1e3:.2f} ms; '
        f'queries p50 {percentile(query_times, 0.5) * 1e3:.1f} ms, '
        f'p99 {percentile(query_times, 0.99) * 1e3:.1f} ms ({len(query_times)}); '
        f'{len(compactions)} compactions'
    )
    return sent / took, percentile(query_times, 0.99)


class Varved(servers.Varve):
    def command(self):
        return super().command() + ['--query-cache', '0']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--series', type=int, default=20000)
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--work', default=os.path.join(ROOT, 'build', 'beside'))
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    os.makedirs(arguments.work)
    binary = os.path.join(ROOT, 'build/release/bin/varved')
    hour_ms = 3_600_000
    history = [
        generate(
            arguments.work, f'history{i}', arguments.series, 30, NOW_MS - (i + 1) * 3 * hour_ms, i
        )
        for i in reversed(range(HISTORY))
    ]
    live = [
        generate(arguments.work, f'live{i}', arguments.series, 120, NOW_MS + 2 * i * hour_ms, 9)
        for i in range(3)
    ]

    server = Varved(binary, os.path.join(arguments.work, 'fastest'))
    server.start()
    took = packs.send(live[0], '127.0.0.1', server.port, '/api/v1/write')
    fastest = live[0].samples / took
    print(f'at most     {fastest / 1e6:6.3f} M samples/s ({live[0].samples} samples)')
    server.stop()

    server = Varved(binary, os.path.join(arguments.work, 'beside'))
    server.start()
    for pack in history:
        packs.send(pack, '127.0.0.1', server.port, '/api/v1/write')
        server.flush_to_disk()
    names = server.get('/api/v1/label/__name__/values', {})[1]
    metric = names.decode().split('"data":["', 1)[1].split('"', 1)[0]
    end = NOW_MS / 1000 - 3 * 3600
    query = {
        'query': f'sum by (job) (rate({metric}[5m]))',
        'start': end - 1800,
        'end': end,
        'step': '15',
    }
    alone = phase(server, live[1], fastest / 2, arguments.seconds, query, False)
    beside = phase(server, live[2], fastest / 2, arguments.seconds, query, True)
    print(f'ingest x{beside[0] / alone[0]:.2f}, query p99 x{beside[1] / alone[1]:.2f}')
    server.stop()


if __name__ == '__main__':
    main()
