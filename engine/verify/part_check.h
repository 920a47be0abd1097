// Checks one part from end to end: its files, every series, chunk and exemplar, its index both
// ways, and its catalog entry against all of them.
#pragma once

#include <memory>
#include <string>

#include "storage/kv/store.h"
#include "varve/database.h"

namespace varve::engine {

// Adds what it met, and a fault for everything that is wrong, to `report`. Goes on after a fault
// as far as what is left means something. Memory: the distinct label pairs, and a chunk group.
void CheckPart(const kv::Store& store, const std::shared_ptr<const kv::Part>& part,
               VerifyReport* report);

// "chunks".
std::string FamilyName(kv::Family family);

}  // namespace varve::engine
