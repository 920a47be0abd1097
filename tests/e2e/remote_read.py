"""Remote read without a library: questions, and answers of both kinds taken apart."""

import struct

from remote_write import bytes_field, snappy, varint, varint_field

EQUAL, NOT_EQUAL, MATCH, NOT_MATCH = range(4)
SAMPLES, CHUNKS = range(2)
HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}


def question(*queries, accepted=()):
    """Each query is (start_ms, end_ms, [(kind, name, value), ...])."""
    out = b""
    for start_ms, end_ms, matchers in queries:
        query = varint_field(1, start_ms) + varint_field(2, end_ms)
        for kind, name, value in matchers:
            query += bytes_field(3, varint_field(1, kind) + bytes_field(2, name) +
                                 bytes_field(3, value))
        out += bytes_field(1, query)
    return snappy(out + b"".join(varint_field(2, kind) for kind in accepted))


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(message):
    """(field number, value) of a message; of length-delimited ones the bytes."""
    at = 0
    while at < len(message):
        tag, at = read_varint(message, at)
        if tag & 7 == 0:
            value, at = read_varint(message, at)
        elif tag & 7 == 1:
            value, at = struct.unpack("<d", message[at:at + 8])[0], at + 8
        else:
            size, at = read_varint(message, at)
            value, at = message[at:at + size], at + size
        yield tag >> 3, value


def labels_of(message):
    pairs = [dict(fields(value)) for field, value in fields(message) if field == 1]
    return {pair[1].decode(): pair[2].decode() for pair in pairs}


def unsnappy(data):
    size, at = read_varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag, at = data[at], at + 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length, at = int.from_bytes(data[at:at + extra], "little"), at + extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset, at = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at], at + 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + wide], "little")
            at += wide
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def samples_answer(body):
    """Per query [(labels, [(timestamp_ms, value)], [histogram fields])]."""
    results = []
    for _, result in fields(unsnappy(body)):
        series = []
        for _, message in fields(result):
            samples = [dict(fields(value)) for field, value in fields(message) if field == 2]
            histograms = [dict(fields(value)) for field, value in fields(message) if field == 4]
            series.append((labels_of(message), [(s[2], s[1]) for s in samples], histograms))
        results.append(series)
    return results


_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def crc32c(data):
    total = 0xFFFFFFFF
    for byte in data:
        total = total >> 8 ^ _TABLE[(total ^ byte) & 0xFF]
    return total ^ 0xFFFFFFFF


def chunks_answer(body):
    """[(query index, labels, [(min_ms, max_ms, type, data)])], a tuple per frame."""
    at, out = 0, []
    while at < len(body):
        size, at = read_varint(body, at)
        checksum, message = body[at:at + 4], body[at + 4:at + 4 + size]
        at += 4 + size
        assert len(message) == size and checksum == struct.pack(">I", crc32c(message))
        frame = dict(fields(message))
        chunks = [dict(fields(value)) for field, value in fields(frame[1]) if field == 2]
        out.append((frame.get(2, 0), labels_of(frame[1]),
                    [(chunk[1], chunk[2], chunk[3], chunk[4]) for chunk in chunks]))
    return out
