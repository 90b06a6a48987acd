// A pool that has nothing left, for the tests of what happens then.
#pragma once

#include <vector>

#include "base/buffer_pool.hpp"

namespace tickwire::base::test {

/// All that the pool has left, to be given back before it ends.
inline std::vector<MutableBytes> exhaust(BufferPool& pool) {
    std::vector<MutableBytes> taken;
    for (std::size_t size = BufferPool::size_max; size >= BufferPool::size_min; size /= 2) {
        for (auto buffer = pool.take(size); !buffer.empty(); buffer = pool.take(size)) {
            taken.push_back(buffer);
        }
    }
    return taken;
}

}  // namespace tickwire::base::test
