#include "uring/backend.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/check.hpp"
#include "uring/clock.hpp"
#include "uring/implementation.hpp"
#include "uring/setup_error.hpp"

namespace tickwire::uring {
namespace {

constexpr unsigned close_submission_max = 4;  // cancels of a receive, a send and a connect; close

}  // namespace

Backend::Backend(std::unique_ptr<Implementation> implementation) noexcept
    : implementation_(std::move(implementation)) {}

Backend::~Backend() = default;

tl::expected<std::unique_ptr<Backend>, SetupError> Backend::create(const Options& options, Events& events) {
    auto implementation = std::make_unique<Implementation>(options, events);
    if (const int error = implementation->open(); error != 0) {
        return tl::unexpected(explain_setup_error(error));
    }
    return std::unique_ptr<Backend>(new Backend(std::move(implementation)));
}

base::Time Backend::now() noexcept {
    return monotonic_now();
}

void Backend::listen(std::uint32_t listener, int descriptor) noexcept {
    implementation_->acceptors.add(listener, descriptor);
}

void Backend::stop_listening() noexcept {
    implementation_->acceptors.stop();
}

void Backend::adopt(Channel channel, int descriptor) noexcept {
    base::check(descriptor >= 0, "Backend::adopt: a descriptor");
    implementation_->take_channel(channel, descriptor);
}

void Backend::connect(Channel channel, const void* address, std::uint32_t size) noexcept {
    const auto* const socket_address = static_cast<const sockaddr*>(address);
    const int descriptor = socket(socket_address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && socket_address->sa_family != AF_UNIX) {
        const int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    // Without a descriptor (EMFILE) the operation fails like any other: no path of its own.
    implementation_->take_channel(channel, descriptor).is_connecting = true;
    io_uring_sqe* const submission = implementation_->ring.take_submission();
    io_uring_prep_connect(submission, descriptor, socket_address, size);
    implementation_->launch(submission, OperationKind::connect, channel);
    submit();  // the kernel copies the address when it takes the submission
}

void Backend::receive_once(Channel channel) noexcept {
    ChannelState& state = implementation_->open_channel(channel);
    base::check(state.receiving == Receiving::nothing, "Backend::receive_once: no receive is armed");
    state.receiving = Receiving::once;
    implementation_->arm_receive(channel);
}

void Backend::receive_many(Channel channel) noexcept {
    ChannelState& state = implementation_->open_channel(channel);
    base::check(state.receiving == Receiving::nothing, "Backend::receive_many: no receive is armed");
    state.receiving = Receiving::many;
    implementation_->arm_receive(channel);
}

void Backend::set_send_buffer(Channel channel, std::uint32_t size) noexcept {
    const int value = static_cast<int>(size);
    // Where it fails (a socket that is gone) the next send tells.
    ::setsockopt(implementation_->open_channel(channel).descriptor, SOL_SOCKET, SO_SNDBUF, &value,
                 sizeof value);
}

void Backend::send(Channel channel, base::Bytes bytes) noexcept {
    ChannelState& state = implementation_->open_channel(channel);
    base::check(!state.is_sending && bytes.size() <= 0x7fffffff, "Backend::send: one at a time");
    state.is_sending = true;
    state.send_size = static_cast<std::uint32_t>(bytes.size());
    io_uring_sqe* const submission = implementation_->ring.take_submission();
    // MSG_WAITALL: the kernel goes on after a short send by itself. A stream must never be cut.
    io_uring_prep_send(submission, state.descriptor, bytes.data(), bytes.size(),
                       MSG_WAITALL | MSG_NOSIGNAL);
    implementation_->launch(submission, OperationKind::send, channel);
    ++implementation_->counters.sends;
}

// Not by the ring: the kernel hands IORING_OP_SHUTDOWN to a worker thread. Only endings come this way.
void Backend::finish_sending(Channel channel) noexcept {
    ChannelState& state = implementation_->open_channel(channel);
    base::check(!state.is_sending, "Backend::finish_sending: nothing is being sent");
    ::shutdown(state.descriptor, SHUT_WR);  // ENOTCONN: the peer was faster, and its end will be told
}

void Backend::close(Channel channel) noexcept {
    ChannelState& state = implementation_->open_channel(channel);
    if (state.is_parked) {
        implementation_->parked.remove(channel);
    }
    state.receiving = Receiving::nothing;
    state.phase = Phase::closing;
    // All in one enter, in this order. Closing alone would not do: what is in flight holds the file, no FIN
    // is sent, and it goes on receiving.
    implementation_->ring.reserve_submissions(close_submission_max);
    if (state.is_receive_armed) {
        implementation_->cancel(channel, OperationKind::receive);
    }
    if (state.is_sending) {
        implementation_->cancel(channel, OperationKind::send);
    }
    if (state.is_connecting) {
        implementation_->cancel(channel, OperationKind::connect);
    }
    io_uring_sqe* const submission = implementation_->ring.take_submission();
    io_uring_prep_close(submission, state.descriptor);
    implementation_->launch(submission, OperationKind::close, channel);
}

int Backend::release(Channel channel) noexcept {
    ChannelState& state = implementation_->open_channel(channel);
    base::check(state.in_flight == 0 && state.receiving == Receiving::nothing,
                "Backend::release: nothing is in flight");
    state.phase = Phase::unused;
    state.generation = (state.generation + 1) & generation_mask;
    return state.descriptor;
}

void Backend::submit() noexcept {
    implementation_->ring.submit();
}

base::Time Backend::wait(base::Time deadline, WaitFor wait_for) noexcept {
    return implementation_->wait(deadline, wait_for);
}

void Backend::wake() noexcept {
    // Many wakes before the shard looks are one: the first writes, the rest see that it did.
    if (!implementation_->is_woken.exchange(true)) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(implementation_->wake_descriptor, &one, sizeof one);
    }
}

const Counters& Backend::counters() const noexcept {
    return implementation_->counters;
}

}  // namespace tickwire::uring
