"""Packs: files of ready-made remote-write 1.0 bodies (u32 little-endian length, then the body), and
a sender for them.

Beside NAME.rwpack stands NAME.rwpack.idx: for each record (u16 shard, u16 samples). A series stays
in its shard, so that its samples keep their order when the shards are dealt out to connections.
"""
import mmap
import os
import socket
import struct
import time


class Pack:
    def __init__(self, path):
        self.path = path
        size = os.path.getsize(path)
        with open(path, 'rb') as file:
            self.bytes = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        self.records = []
        at = 0
        while at + 4 <= size:
            length = struct.unpack_from('<I', self.bytes, at)[0]
            self.records.append((at + 4, length))
            at += 4 + length
        with open(path + '.idx', 'rb') as file:
            self.index = list(struct.iter_unpack('<HH', file.read()))
        self.samples = sum(samples for _, samples in self.index)

    def touch(self):
        """Brings the file into the page cache."""
        for at in range(0, len(self.bytes), 4096):
            self.bytes[at]


def post(connection, head, body):
    connection.sendmsg([head % len(body)])
    connection.sendall(body)
    answer = b''
    while b'\r\n\r\n' not in answer:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError('closed by the server')
        answer += more
    headers, _, rest = answer.partition(b'\r\n\r\n')
    status = int(headers[9:12])
    lower = headers.lower()
    at = lower.find(b'\r\ncontent-length:')
    if at >= 0:
        wanted = int(lower[at + 17 :].split(b'\r\n', 1)[0])
        while len(rest) < wanted:
            rest += connection.recv(65536)
    return status, rest


def _send_shards(pack, host, port, path, connection_number, connection_count):
    head = (
        f'POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Encoding: snappy\r\n'
        'Content-Type: application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n'
        'Content-Length: %d\r\n\r\n'
    ).encode()
    view = memoryview(pack.bytes)
    connection = None
    for (at, length), (shard, _) in zip(pack.records, pack.index):
        if shard % connection_count != connection_number:
            continue
        for _ in range(600):
            try:
                if connection is None:
                    connection = socket.create_connection((host, port), 120)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                status, text = post(connection, head, view[at : at + length])
            except OSError as error:  # victoria-metrics ends connections after two minutes
                connection, status, text = None, 503, str(error)
            if status != 429 and status < 500:
                break
            time.sleep(0.05)
        if status >= 300:
            raise RuntimeError(f'HTTP {status}: {text[:300]!r}')


def send(pack, host, port, path, connection_count=2):
    """Sends the pack over so many connections, a process each; returns the wall time in seconds."""
    pack.touch()
    started = time.monotonic()
    children = []
    for number in range(connection_count):
        pid = os.fork()
        if pid == 0:
            try:
                _send_shards(pack, host, port, path, number, connection_count)
                os._exit(0)
            except BaseException as error:  # the child must not run the parent's code
                os.write(2, f'connection {number}: {error!r}\n'.encode())
                os._exit(1)
        children.append(pid)
    failed = [pid for pid in children if os.waitpid(pid, 0)[1] != 0]
    if failed:
        raise RuntimeError('sending failed')
    return time.monotonic() - started
