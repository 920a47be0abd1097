// The messages of remote read's answers
// (https://github.com/prometheus/prometheus/blob/main/prompb/types.proto and remote.proto).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "server/remote_read/proto_writer.h"
#include "server/remote_read/series_chunks.h"
#include "varve/database.h"

namespace varve::server {

// prometheus.TimeSeries: labels, samples and histograms, for an answer of the kind SAMPLES.
void WriteTimeSeries(const SeriesSamples& series, ProtoWriter* message);

// One frame of a streamed answer: varint length, CRC-32C and a prometheus.ChunkedReadResponse of
// one series, for clients read no more than one from a frame.
void AppendFrame(const Labels& labels, std::span<const EncodedChunk> chunks, size_t query_index,
                 std::string* out);

}  // namespace varve::server
