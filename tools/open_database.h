// Opening a data directory for a command that only reads.
#pragma once

#include <memory>
#include <string>

#include "varve/database.h"
#include "varve/status.h"

namespace varve::tools {

// Never creates a database, and drops nothing for its age. Takes the directory's lock like a
// server, so it fails with kFailedPrecondition while one runs on it. The database's warnings and
// errors go to stderr.
Result<std::unique_ptr<Database>> OpenExisting(const std::string& data_dir);

}  // namespace varve::tools
