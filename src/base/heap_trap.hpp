// Proves that the data path does not allocate: while a trap is armed on this thread, operator new and
// malloc stop the process. Compiled in with -Dheap_trap=true; otherwise both functions are empty.
#pragma once

namespace tickwire::base {

void arm_heap_trap() noexcept;
void disarm_heap_trap() noexcept;

/// Armed for a scope: receive -> tick -> send.
class HeapTrap {
  public:
    HeapTrap() noexcept { arm_heap_trap(); }
    ~HeapTrap() { disarm_heap_trap(); }
    HeapTrap(const HeapTrap&) = delete;
    HeapTrap& operator=(const HeapTrap&) = delete;
};

/// Lifts the trap for a scope that may allocate: joins, control JSON, TLS, closing.
class HeapAllowed {
  public:
    HeapAllowed() noexcept;
    ~HeapAllowed();
    HeapAllowed(const HeapAllowed&) = delete;
    HeapAllowed& operator=(const HeapAllowed&) = delete;

  private:
    int depth_held_;
};

}  // namespace tickwire::base
