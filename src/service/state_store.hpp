// The service manager's file descriptor store, in which the state of a process outlives it: FDSTORE=1 to
// $NOTIFY_SOCKET on the way out, one descriptor more among LISTEN_FDS on the way in (sd_notify(3),
// sd_listen_fds(3)). Any supervisor that speaks this will do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "base/bytes.hpp"

namespace tickwire::service {

/// FDNAME: of the descriptor in the store, and among those that the next process is given.
inline constexpr const char* stored_state_name = "tickwire-state";

/// Whether a supervisor is there that may keep a descriptor. Whether it does, nobody says: systemd 252
/// tells neither the service nor in the answer.
bool has_state_store();

/// Puts the bytes into a sealed memfd and that into the store, and returns when the supervisor has it. The
/// error is one line.
tl::expected<void, std::string> store_state(base::Bytes bytes);

/// What a process before this one stored: mapped, and gone with this object.
class StoredState {
  public:
    /// Takes the descriptor, and tells the store to forget its copy before a byte is read: a state that
    /// brings the process down must not do it twice, and one that was used is old. The error is one line.
    static tl::expected<StoredState, std::string> open(int descriptor);
    StoredState(StoredState&& other) noexcept;
    StoredState& operator=(StoredState&&) = delete;
    ~StoredState();

    base::Bytes bytes() const noexcept { return bytes_; }

  private:
    explicit StoredState(base::Bytes bytes) noexcept : bytes_(bytes) {}
    base::Bytes bytes_;
};

}  // namespace tickwire::service
