// /api/v1/admin/...: what changes the store.
#pragma once

#include "server/api/api_context.h"
#include "server/api/json_writer.h"
#include "server/http/message.h"

namespace varve::server {

// match[] (one or more), start, end: hides the samples at once, for ever.
Response HandleDeleteSeries(const ApiContext& context, const Request& request);
// Returns when retention and due merges have run, which drop what was deleted.
Response HandleCleanTombstones(const ApiContext& context, const Request& request);
// Returns when everything in memory is on disk as parts.
Response HandleFlush(const ApiContext& context, const Request& request);

// Returns when everything is merged that can be, with what that came to.
Response HandleCompact(const ApiContext& context, const Request& request);

// Makes a snapshot under the data directory's `snapshots` and answers its name.
Response HandleSnapshot(const ApiContext& context, const Request& request);
// Checks everything on disk; the answer lists what is wrong.
Response HandleVerify(const ApiContext& context, const Request& request);
void WriteVerifyReport(const VerifyReport& report, JsonWriter* json);
// Sets aside what is damaged; the answer lists what was found, what is lost and what is left.
Response HandleRepair(const ApiContext& context, const Request& request);
void WriteRepairReport(const RepairReport& report, JsonWriter* json);
// The parts on disk.
Response HandleParts(const ApiContext& context, const Request& request);
// at (default now): the parts that retention would drop then, and why; drops nothing.
Response HandleRetention(const ApiContext& context, const Request& request);

}  // namespace varve::server
