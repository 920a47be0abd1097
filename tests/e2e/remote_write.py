"""Remote write bodies without a library: protocol buffers by hand, snappy as literals."""

import struct

# The value that says: this series ended here.
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def bytes_field(field, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def varint_field(field, value):
    return varint(field << 3) + varint(value)


def double_field(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def snappy(data):
    """The block format, uncompressed: https://github.com/google/snappy/blob/main/format_description.txt"""
    out = bytearray(varint(len(data)))
    for start in range(0, len(data), 65536):
        piece = data[start:start + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


def sample(timestamp_ms, value):
    return double_field(1, value) + varint_field(2, timestamp_ms)


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def packed_doubles(field, values):
    return bytes_field(field, b"".join(struct.pack("<d", value) for value in values))


def histogram(timestamp_ms, total, spans, buckets, count=None, schema=0, zero=(0, 0), negative=(),
              hint=0, bounds=(), start_ms=0):
    """`buckets` of `spans` are absolute counts: of the integer form if they are integers.
    `negative` is such a pair too, `zero` the threshold and the count."""
    is_float = any(isinstance(bucket, float) for bucket in buckets)
    spans_of, counts_of = negative if negative else ((), ())
    if count is None:
        count = sum(buckets) + sum(counts_of) + zero[1]

    def side(field, side_spans, counts):
        out = b"".join(bytes_field(field, varint_field(1, zigzag(offset)) + varint_field(2, length))
                       for offset, length in side_spans)
        if is_float:
            return out + packed_doubles(field + 2, counts)
        deltas = [b - a for a, b in zip([0, *counts], counts)]
        return out + bytes_field(field + 1, b"".join(varint(zigzag(delta)) for delta in deltas))

    out = double_field(2, count) if is_float else varint_field(1, count)
    out += double_field(3, total) + varint_field(4, zigzag(schema)) + double_field(5, zero[0])
    out += double_field(7, zero[1]) if is_float else varint_field(6, zero[1])
    out += side(8, spans_of, counts_of) + side(11, spans, buckets)
    out += varint_field(14, hint) + varint_field(15, timestamp_ms)
    out += packed_doubles(16, bounds) if bounds else b""
    return out + (varint_field(17, start_ms) if start_ms else b"")


def exemplar_v1(timestamp_ms, value, labels):
    return b"".join(bytes_field(1, bytes_field(1, name) + bytes_field(2, text))
                    for name, text in labels.items()) + \
        double_field(2, value) + varint_field(3, timestamp_ms)


def with_histograms(*histograms):
    """For series_v1's `extra`."""
    return b"".join(bytes_field(4, message) for message in histograms)


def with_exemplars(*exemplars):
    return b"".join(bytes_field(3, message) for message in exemplars)


def series_v1(labels, samples, extra=b""):
    out = b"".join(bytes_field(1, bytes_field(1, name) + bytes_field(2, value))
                   for name, value in sorted(labels.items()))
    out += b"".join(bytes_field(2, sample(*point)) for point in samples)
    return bytes_field(1, out + extra)


def body_v1(*series):
    """Each series is (labels, [(timestamp_ms, value), ...])."""
    return snappy(b"".join(series_v1(labels, samples) for labels, samples in series))


def body_v2(*series):
    """Each series is (labels, samples, (type, help, unit))."""
    symbols = [""]

    def ref(text):
        if text not in symbols:
            symbols.append(text)
        return symbols.index(text)

    messages = b""
    for labels, samples, (kind, help_text, unit) in series:
        refs = b"".join(varint(ref(text)) for pair in sorted(labels.items()) for text in pair)
        message = bytes_field(1, refs)
        message += b"".join(bytes_field(2, sample(*point)) for point in samples)
        message += bytes_field(5, varint_field(1, kind) + varint_field(3, ref(help_text)) +
                               varint_field(4, ref(unit)))
        messages += bytes_field(5, message)
    return snappy(b"".join(bytes_field(4, symbol) for symbol in symbols) + messages)


V2_HEADERS = {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
              "X-Prometheus-Remote-Write-Version": "2.0.0"}
