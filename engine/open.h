// Opening a database with its dependencies given: what Database::Open does with the operating
// system's, and tests with others.
#pragma once

#include <memory>
#include <string>

#include "storage/file_system.h"
#include "varve/database.h"

namespace varve::engine {

// `file_system` must outlive the database.
Result<std::unique_ptr<Database>> OpenDatabase(const Options& options, const std::string& path,
                                               FileSystem* file_system);

}  // namespace varve::engine
