#include "service/state_store.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace tickwire::service {
namespace {

/// Whoever maps it can rely on it: nobody changes or shortens it under the reader.
constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
/// systemd answers at once; who does not know BARRIER closes its end, which is an answer too.
constexpr std::chrono::milliseconds barrier_timeout{300};

class Descriptor {
  public:
    explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    int get() const noexcept { return descriptor_; }

  private:
    int descriptor_;
};

tl::unexpected<std::string> failed(std::string_view what, int error = errno) {
    return tl::unexpected(std::string(what) + ": " + std::strerror(error));
}

bool write_all(int descriptor, base::Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

bool has_state_store() {
    // From systemd 254 on FDSTORE is how many descriptors the store takes; before, nothing is said.
    const char* const room = std::getenv("FDSTORE");
    return std::getenv("NOTIFY_SOCKET") != nullptr && (room == nullptr || std::string_view(room) != "0");
}

tl::expected<void, std::string> store_state(base::Bytes bytes) {
    const Descriptor file(::memfd_create(stored_state_name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (file.get() < 0) {
        return failed("memfd_create");
    }
    if (!write_all(file.get(), bytes)) {
        return failed("writing the state");
    }
    if (::fcntl(file.get(), F_ADD_SEALS, seals) != 0) {
        return failed("sealing the state");
    }
    // FDPOLL: a memfd has nothing to poll for.
    const std::string message = std::string("FDSTORE=1\nFDPOLL=0\nFDNAME=") + stored_state_name;
    const int descriptor = file.get();
    if (const int sent = ::sd_pid_notify_with_fds(0, 0, message.c_str(), &descriptor, 1); sent <= 0) {
        return failed("the service manager", -sent);
    }
    static_cast<void>(::sd_notify_barrier(
        0, static_cast<std::uint64_t>(std::chrono::microseconds(barrier_timeout).count())));
    return {};
}

tl::expected<StoredState, std::string> StoredState::open(int descriptor) {
    const Descriptor file(descriptor);
    ::sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", stored_state_name);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return failed("it cannot be looked at");
    }
    const int held = ::fcntl(file.get(), F_GET_SEALS);
    if (held < 0 || (held & seals) != seals) {
        return tl::unexpected(std::string("it is not a sealed memory file"));
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) {
        return tl::unexpected(std::string("it is empty"));
    }
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (mapped == MAP_FAILED) {
        return failed("it cannot be mapped");
    }
    return StoredState(base::Bytes(static_cast<const std::uint8_t*>(mapped), size));
}

StoredState::StoredState(StoredState&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

StoredState::~StoredState() {
    if (!bytes_.empty()) {
        ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
    }
}

}  // namespace tickwire::service
