// The files of a database directory that nothing changes: a snapshot's, or those of a closed one.
#pragma once

#include <string>
#include <vector>

#include "storage/file_system.h"
#include "varve/status.h"

namespace varve::engine {

inline constexpr const char* kStoreFolder = "store";
inline constexpr const char* kJournalFolder = "journal";

// Paths relative to `directory`, ascending; lock files are left out.
Result<std::vector<std::string>> DatabaseFiles(FileSystem* file_system,
                                               const std::string& directory);

// Fails with kAlreadyExists where something is in `directory`; else creates it.
Status RequireEmpty(FileSystem* file_system, const std::string& directory);

// A hard link, or a synced copy where the file systems differ.
Status LinkOrCopy(FileSystem* file_system, const std::string& from, const std::string& to);

// Writes and syncs a new file.
Status WriteDurably(FileSystem* file_system, const std::string& path, std::string_view contents);

// Removes a directory with the files and the folders in it, two levels deep at most. Best effort.
void RemoveTree(FileSystem* file_system, const std::string& directory);

}  // namespace varve::engine
