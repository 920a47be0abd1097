#!/usr/bin/env python3
"""Dashboard-like queries on varved, victoria-metrics and prometheus: the same real scrapes loaded
into each, every query asked of the three in turn, medians and ratios.

  bench/queries/run.py                      loads what is not loaded yet, then asks
  bench/queries/run.py --runs 21 --only 'topk'
  bench/queries/run.py --reload varve       loads one server anew

The data: 20 replicas of 40 minutes of scrapes, and before them 11 hours of the one original at one
scrape a minute (the same 40 minutes, laid end to end). It needs the shared scrapes (see
docs/HACKING.md) and says so when they are absent. Caches are off on all sides. Peers are Debian's
packages, unpacked under build/peers. Absolute times belong to the machine; the ratios are what
travels.
"""
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'bench/side_by_side'))

import asking
import capture
import packs
import servers
from queries import QUERIES

SHARED = os.environ.get('VARVE_SHARED', os.path.join(os.path.dirname(ROOT), 'shared'))
PERIOD_MS = 40 * 60 * 1000
HISTORY_COPIES = 17
HISTORY_EVERY = 12  # scrapes are 5 s apart
NAMES = ('varve', 'victoria-metrics', 'prometheus')


class Varve(servers.Varve):
    durability = 'none'

    def command(self):
        return super().command() + ['--query-cache', '0']


class VictoriaMetrics(servers.VictoriaMetrics):
    def command(self):
        return super().command() + ['-search.disableCache', '-search.maxQueueDuration=120s']


class Prometheus(servers.Prometheus):
    def command(self):
        return super().command() + ['--query.max-samples=500000000']


def make_server(name, arguments):
    directory = os.path.join(arguments.work, name)
    peers = os.path.join(ROOT, 'build/peers/usr/bin')
    if name == 'varve':
        return Varve(arguments.varved, directory)
    if name == 'victoria-metrics':
        return VictoriaMetrics(os.path.join(peers, name), directory)
    return Prometheus(os.path.join(peers, name), directory)


def make_pack(name, folder, work, *options):
    path = os.path.join(work, name + '.rwpack')
    if not os.path.exists(path + '.json'):
        packer = os.path.join(SHARED, 'tools/metrics/pack.py')
        command = ['/usr/bin/python3', packer, '--capture', folder, path, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def make_packs(work, every):
    """The history and the replicas, in the order in which they must be sent."""
    source = capture.unpack(
        os.path.join(SHARED, 'data/scrapes.tar.zst'), os.path.join(work, 'scrapes')
    )
    history = capture.rewrite(
        source, os.path.join(work, 'history'), HISTORY_EVERY, HISTORY_COPIES, PERIOD_MS
    )
    recent = capture.rewrite(source, os.path.join(work, f'recent-{every}'), every)
    return [
        make_pack('history', history, work),
        make_pack(f'recent-{every}', recent, work, '--minutes', '40', '--replicas', '20'),
    ]


def load(server, pack_paths):
    """Loads an empty server; a file beside its data says that it is done."""
    done = server.directory + '.loaded'
    if os.path.exists(done):
        server.start()
        return
    shutil.rmtree(server.directory, ignore_errors=True)
    server.start()
    for path, connections in zip(pack_paths, (1, 2)):
        # The history over one: prometheus refuses what lies an hour behind the newest sample.
        pack = packs.Pack(path)
        seconds = packs.send(pack, '127.0.0.1', server.port, server.write_path, connections)
        print(f'{server.name}: {os.path.basename(path)} in {seconds:.0f} s', file=sys.stderr)
    server.flush()
    server.settle()
    with open(done, 'w'):
        pass


def compare_with_prometheus(expression, ours, theirs):
    """What of two answers differs, in a word; '=' for nothing. topk may choose otherwise among
    equal series, so only how many it chose is compared."""
    if expression.startswith('topk'):
        same = asking.points_per_step(ours) == asking.points_per_step(theirs)
        return '= (counts)' if same else 'counts differ'
    if set(ours) != set(theirs):
        return f'{len(set(ours) ^ set(theirs))} series differ'
    differing = 0
    for labels, points in ours.items():
        other = theirs[labels]
        if set(points) != set(other):
            return 'steps differ'
        for at, value in points.items():
            equal = value == other[at] or (math.isnan(value) and math.isnan(other[at]))
            if not equal and not math.isclose(value, other[at], rel_tol=1e-9, abs_tol=1e-12):
                differing += 1
    return '=' if differing == 0 else f'{differing} values differ'


def measure(running, query, end, runs):
    """Medians of wall and CPU milliseconds by server; the answers of the first round."""
    name, expression, hours, step = query
    wall = {server.name: [] for server in running}
    cpu = {server.name: [] for server in running}
    answers = {}
    for run in range(runs + 1):
        for server in running:
            parameters = {
                'query': expression,
                'start': end - hours * 3600,
                'end': end,
                'step': step,
                **server.query_parameters,
            }
            seconds, cpu_seconds, body = asking.ask(server, parameters)
            if run == 0:  # warms up, and is looked at
                answers[server.name] = asking.to_series(body)
                continue
            wall[server.name].append(seconds * 1000)
            cpu[server.name].append(cpu_seconds * 1000)
    row = {'name': name, 'query': expression, 'hours': hours, 'step': step}
    row['series'] = len(answers[running[0].name])
    row['wall_ms'] = {name: statistics.median(times) for name, times in wall.items()}
    row['best_ms'] = {name: min(times) for name, times in wall.items()}
    row['cpu_ms'] = {name: statistics.median(times) for name, times in cpu.items()}
    if 'varve' in answers and 'prometheus' in answers:
        row['compared'] = compare_with_prometheus(
            expression, answers['varve'], answers['prometheus']
        )
    return row


def ratio(row, kind, peer):
    ours = row[kind].get('varve')
    theirs = row[kind].get(peer)
    return theirs / ours if ours and theirs else float('nan')


def print_row(row):
    peers = [name for name in NAMES[1:] if name in row['wall_ms']]
    print(
        f'| {row["name"]} | {row["hours"]} h / {row["step"]} s | {row["series"]} '
        f'| {row["wall_ms"]["varve"]:.2f} ms | '
        + ' | '.join(f'x{ratio(row, "wall_ms", peer):.1f}' for peer in peers)
        + ' | '
        + ' | '.join(f'x{ratio(row, "cpu_ms", peer):.1f}' for peer in peers)
        + f' | {row.get("compared", "")} |',
        flush=True,
    )


def print_head(names):
    peers = [name for name in NAMES[1:] if name in names]
    print(f'Seen at a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n')
    print(
        '| query | range / step | rows | varve | '
        + ' | '.join(f'{peer}' for peer in peers)
        + ' | '
        + ' | '.join(f'CPU, {peer}' for peer in peers)
        + ' | answers as prometheus |'
    )
    print('|---|---|---|---|' + '---|' * (2 * len(peers) + 1))


def print_summary(rows, names):
    for peer in NAMES[1:]:
        if peer not in names:
            continue
        for kind, word in (('wall_ms', 'wall'), ('cpu_ms', 'CPU')):
            ratios = [ratio(row, kind, peer) for row in rows]
            worst = min(rows, key=lambda row: ratio(row, kind, peer))
            print(
                f'\n{word}, {peer} / varve: median x{statistics.median(ratios):.1f}, least '
                f'x{min(ratios):.1f} ({worst["name"]}), {sum(r < 1 for r in ratios)} below 1'
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--servers', default=','.join(NAMES), help='comma separated')
    parser.add_argument('--runs', type=int, default=11, help='of each query')
    parser.add_argument('--every', type=int, default=3, help='keep every n-th 5 s scrape')
    parser.add_argument('--only', default='', help='queries whose name contains this')
    parser.add_argument('--reload', default='', help='servers to load anew, comma separated')
    parser.add_argument('--varved', default=os.path.join(ROOT, 'build/release/bin/varved'))
    parser.add_argument('--work', default=os.path.join(ROOT, 'build/queries'))
    parser.add_argument('--json', help='write all figures here')
    arguments = parser.parse_args()
    if not os.path.exists(os.path.join(SHARED, 'data/scrapes.tar.zst')):
        print(f'SKIPPED: no shared scrapes at {SHARED} (docs/HACKING.md)', file=sys.stderr)
        return 0
    os.makedirs(arguments.work, exist_ok=True)
    names = arguments.servers.split(',')
    peers = [name for name in names if name != 'varve']
    if peers:
        subprocess.run([os.path.join(ROOT, 'tools/dev/fetch_peers'), *peers], check=True)
    pack_paths = make_packs(arguments.work, arguments.every)
    with open(pack_paths[-1] + '.json') as file:
        end = json.load(file)['last_ms'] // 1000
    for name in filter(None, arguments.reload.split(',')):
        if os.path.exists(os.path.join(arguments.work, name + '.loaded')):
            os.remove(os.path.join(arguments.work, name + '.loaded'))
    running = []
    rows = []
    try:
        for name in names:
            running.append(make_server(name, arguments))
            load(running[-1], pack_paths)
        for server in running:
            server.settle()
        print_head(names)
        for query in QUERIES:
            if arguments.only in query[0]:
                rows.append(measure(running, query, end, arguments.runs))
                print_row(rows[-1])
        print_summary(rows, names)
    finally:
        for server in running:
            if server.process is not None and server.process.poll() is None:
                server.stop()
    if arguments.json:
        with open(arguments.json, 'w') as file:
            json.dump({'at': time.time(), 'rows': rows}, file, indent=1)
    return 0


if __name__ == '__main__':
    sys.exit(main())
