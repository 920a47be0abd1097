// Gives back to the system what the allocator keeps after a peak.
#pragma once

namespace varve {

// Returns all free memory of the process' heaps to the system. Takes milliseconds when there is
// much; does nothing where the allocator is not glibc's.
void TrimHeap();

}  // namespace varve
