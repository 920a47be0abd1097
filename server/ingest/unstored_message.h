// Structural checks of the messages that remote write carries and Varve does not store yet.
#pragma once

#include "server/ingest/wire_reader.h"

namespace varve::server {

enum class RemoteWriteVersion { kV1, kV2 };

// Walks a whole histogram or exemplar message and fails the reader's shared error where a known
// field has the wrong wire type or is cut off.
void CheckHistogram(WireReader message);
void CheckExemplar(WireReader message, RemoteWriteVersion version);

}  // namespace varve::server
