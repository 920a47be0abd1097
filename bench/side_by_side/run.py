#!/usr/bin/env python3
"""Side by side: the same remote-write bodies into varved, victoria-metrics and prometheus on this
machine, and ratios.

  bench/side_by_side/run.py                    all scenarios; real scrapes where they are at hand
  bench/side_by_side/run.py --scenario small   ~8,000 series; large: 150,000; wide: Kubernetes-like
  bench/side_by_side/run.py --scenario size    bytes on disk after flush and full compaction
  bench/side_by_side/run.py --servers varve,victoria-metrics --json out.json

Peers come from Debian's packages, unpacked under build/peers (never installed). Absolute numbers
belong to the machine; the ratios are what travels.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import packs
import servers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, 'build', 'peers')
SHARED = os.environ.get('VARVE_SHARED', os.path.join(os.path.dirname(ROOT), 'shared'))


def fetch_peers():
    wanted = {'prometheus': 'prometheus', 'victoria-metrics': 'victoria-metrics'}
    for package, binary in wanted.items():
        if not os.path.exists(os.path.join(PEERS, 'usr/bin', binary)):
            os.makedirs(PEERS, exist_ok=True)
            subprocess.run(
                ['apt-get', 'download', package], cwd=PEERS, check=True, stdout=subprocess.DEVNULL
            )
            archive = next(
                name
                for name in os.listdir(PEERS)
                if name.startswith(package + '_') and name.endswith('.deb')
            )
            subprocess.run(['dpkg-deb', '-x', archive, '.'], cwd=PEERS, check=True)


SCENARIOS = {
    # name: (pack.py arguments, generator arguments)
    'small': (['--minutes', '25'], ['--series', '8000', '--minutes', '25']),
    'large': (['--minutes', '10', '--replicas', '20'], ['--series', '150000', '--minutes', '10']),
    'wide': (None, ['--series', '150000', '--minutes', '10', '--labels', 'kubernetes']),
    'size': (['--minutes', '25'], ['--series', '8000', '--minutes', '25']),
    'query': (['--minutes', '31', '--replicas', '20'], ['--series', '150000', '--minutes', '31']),
}


def make_pack(scenario, work):
    path = os.path.join(work, scenario + '.rwpack')
    if os.path.exists(path + '.idx'):
        return path
    shared_arguments, generator_arguments = SCENARIOS[scenario]
    capture = os.path.join(SHARED, 'data/scrapes.tar.zst')
    if shared_arguments is not None and os.path.exists(capture):
        folder = os.path.join(work, 'scrapes')
        if not os.path.isdir(folder):
            os.makedirs(folder)
            subprocess.run(
                f"zstd -dc --long=27 '{capture}' | tar -x -C '{folder}'", shell=True, check=True
            )
        subprocess.run(
            [
                '/usr/bin/python3',
                os.path.join(SHARED, 'tools/metrics/pack.py'),
                '--capture',
                folder,
                path,
                '--time-shift',
                'now',
                *shared_arguments,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    else:
        if shared_arguments is not None:
            print(
                f'note: no shared scrapes at {SHARED}; {scenario} uses a generated workload',
                file=sys.stderr,
            )
        generator = os.path.join(ROOT, 'build/release/bin/bench_workload')
        subprocess.run([generator, *generator_arguments, '--out', path], check=True)
    return path


def make_server(name, work):
    directory = os.path.join(work, name)
    shutil.rmtree(directory, ignore_errors=True)
    if name == 'varve':
        return servers.Varve(os.path.join(ROOT, 'build/release/bin/varved'), directory)
    if name == 'victoria-metrics':
        return servers.VictoriaMetrics(os.path.join(PEERS, 'usr/bin/victoria-metrics'), directory)
    return servers.Prometheus(os.path.join(PEERS, 'usr/bin/prometheus'), directory)


def measure_ingest(server, pack, connections):
    row = {'empty_open_s': server.start()}
    time.sleep(1)
    idle_resident = server.resident_bytes()
    row['empty_disk_bytes'] = servers.disk_bytes(server.directory)
    idle_cpu = server.cpu_seconds()
    row['wall_s'] = packs.send(pack, '127.0.0.1', server.port, server.write_path, connections)
    row['acknowledged_cpu_s'] = server.cpu_seconds() - idle_cpu
    resident = server.resident_bytes()
    server.settle()
    row['cpu_s'] = server.cpu_seconds() - idle_cpu
    row['samples_per_cpu_s'] = pack.samples / row['cpu_s']
    row['resident_growth_bytes'] = max(resident, server.resident_bytes()) - idle_resident
    row['disk_bytes'] = servers.disk_bytes(server.directory)
    server.flush()
    status, body = server.get(
        '/api/v1/query', {'query': 'count({__name__=~".+"})', 'time': str(last_time(pack))}
    )
    row['series'] = (
        int(float(json.loads(body)['data']['result'][0]['value'][1])) if status == 200 else None
    )
    return row


def last_time(pack):
    """The newest sample's time in seconds, from the pack's last record."""
    at, length = pack.records[-1]
    body = snappy_block(bytes(pack.bytes[at : at + length]))
    newest = 0
    for field, series in protobuf_fields(body):
        if field == 1:
            for inner, sample in protobuf_fields(series):
                if inner == 2:
                    newest = max(newest, dict(protobuf_fields(sample)).get(2, 0))
    return newest / 1000


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def protobuf_fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 1:
            value, at = data[at : at + 8], at + 8
        else:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield tag >> 3, value


def snappy_block(data):
    """Decompresses snappy's block format (github.com/google/snappy, format_description.txt)."""
    _, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at : at + extra], 'little')
                at += extra
            out += data[at : at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            size = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at : at + size], 'little')
            at += size
        for _ in range(length):
            out.append(out[-offset])
    return bytes(out)


def measure_restart(server, row):
    server.kill()
    row['reopen_after_kill_s'] = server.start()
    started = time.monotonic()
    server.stop()
    row['clean_stop_s'] = time.monotonic() - started
    row['reopen_after_stop_s'] = server.start()


def largest_metric(server):
    _, body = server.get('/api/v1/status/tsdb', {})
    entries = json.loads(body)['data']['seriesCountByMetricName']
    counters = [
        entry for entry in entries if entry['name'].endswith(('_total', '_bucket', '_count'))
    ]
    return (counters or entries)[0]['name']


def measure_queries(server, metric, end, runs):
    grouped = f'sum by (job) (rate({metric}[5m]))'
    _, body = server.get('/api/v1/query', {'query': metric, 'time': str(end)})
    labels = json.loads(body)['data']['result'][0]['metric']
    matchers = ','.join(
        f'{name}={json.dumps(value)}' for name, value in labels.items() if name != '__name__'
    )
    single = f'rate({metric}{{{matchers}}}[5m])'
    rows = {}
    for name, expression in (('one_series', single), ('all_series', grouped)):
        times, series, points = servers.query_milliseconds(
            server, expression, end - 1800, end, 15, runs
        )
        rows[name] = {
            'expression': expression,
            'median_ms': statistics.median(times),
            'min_ms': times[0],
            'series': series,
            'points': points,
        }
    _, body = server.get('/api/v1/query', {'query': f'count({metric})', 'time': str(end)})
    rows['series_of_metric'] = int(float(json.loads(body)['data']['result'][0]['value'][1]))
    return rows


def measure_size(server, pack, row):
    """Bytes after a flush and a full compaction: of samples, of the index, of everything."""
    server.flush()
    if server.name == 'varve':
        server.flush_to_disk()
        row['compaction'] = server.compact()
        written = server.bytes_written()
        row['write_amplification'] = written / (
            row['compaction']['journalBytes'] + row['compaction']['bytesAfter']
        )
        row.update(server.bytes_by_kind())
        row['data_bytes_per_sample'] = row['data_bytes'] / pack.samples
        row['index_bytes_per_series'] = row['index_bytes'] / server.series_count()
    row['directory_bytes_per_sample'] = servers.apparent_bytes(server.directory) / pack.samples


def print_ratios(scenario, rows):
    print(f'\n== {scenario}')
    for name, row in rows.items():
        print(
            f'{name:18}',
            json.dumps(
                {
                    key: round(value, 4) if isinstance(value, float) else value
                    for key, value in row.items()
                }
            ),
        )
    ours = rows.get('varve')
    for name, row in rows.items():
        if ours is None or name == 'varve' or 'samples_per_cpu_s' not in row:
            continue
        print(
            f'varve / {name}: samples per CPU-second '
            f'x{ours["samples_per_cpu_s"] / row["samples_per_cpu_s"]:.2f}, '
            f'resident growth x{ours["resident_growth_bytes"] / row["resident_growth_bytes"]:.2f}, '
            f'disk x{ours["disk_bytes"] / row["disk_bytes"]:.2f}'
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--scenario', default='small,large,wide,query', help='comma separated')
    parser.add_argument(
        '--servers', default='varve,victoria-metrics,prometheus', help='comma separated'
    )
    parser.add_argument('--connections', type=int, default=2)
    parser.add_argument('--runs', type=int, default=11, help='of each query')
    parser.add_argument('--work', default=os.path.join(ROOT, 'build/side_by_side'))
    parser.add_argument('--json', help='write all figures here')
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    names = arguments.servers.split(',')
    if names != ['varve']:
        fetch_peers()
    figures = {}
    for scenario in arguments.scenario.split(','):
        pack = packs.Pack(make_pack(scenario, arguments.work))
        figures[scenario] = {}
        for name in names:
            server = make_server(name, arguments.work)
            try:
                row = measure_ingest(server, pack, arguments.connections)
                if scenario == 'query':
                    metric = figures[scenario].setdefault('metric', {'name': None})
                    metric['name'] = metric['name'] or largest_metric(server)
                    row['queries'] = measure_queries(
                        server, metric['name'], last_time(pack), arguments.runs
                    )
                    if name == 'varve':
                        server.flush_to_disk()
                        row['queries_flushed'] = measure_queries(
                            server, metric['name'], last_time(pack), arguments.runs
                        )
                        row['disk_bytes_flushed'] = servers.disk_bytes(server.directory)
                elif scenario == 'size':
                    measure_size(server, pack, row)
                elif name != 'prometheus':
                    measure_restart(server, row)
                figures[scenario][name] = row
            finally:
                server.remove()
        figures[scenario].pop('metric', None)
        print_ratios(scenario, figures[scenario])
    if arguments.json:
        with open(arguments.json, 'w') as file:
            json.dump(figures, file, indent=1)


if __name__ == '__main__':
    sys.exit(main())
